//! Every input of docker/build-push-action, and the arguments of buildx that it
//! becomes.

use super::{NEW, PLAIN, input, push, step, theirs, workspace};
use crate::support::recorder::built_with;
use crate::support::run;

/// One row: inputs, and all that buildx is called with between `build` and the
/// context that is not ours.
struct Row {
    buildx: &'static str,
    env: &'static [(&'static str, &'static str)],
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
}

const fn row(
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Row {
    Row {
        buildx: NEW,
        env: PLAIN,
        inputs,
        arguments,
    }
}

const fn attested(
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Row {
    Row {
        buildx: NEW,
        env: &[],
        inputs,
        arguments,
    }
}

const fn with(
    buildx: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Row {
    Row {
        buildx,
        env: &[],
        inputs,
        arguments,
    }
}

const PROVENANCE: &str = "type=provenance,mode=max,builder-id=<run url>";

const TABLE: &[Row] = &[
    row(&[], &[]),
    // Lists with commas.
    row(
        &[("add-hosts", "a:10.0.0.1, b:10.0.0.2\nc:::1")],
        &[
            "--add-host",
            "a:10.0.0.1",
            "--add-host",
            "b:10.0.0.2",
            "--add-host",
            "c:::1",
        ],
    ),
    row(
        &[("allow", "network.host,security.insecure")],
        &["--allow", "network.host", "--allow", "security.insecure"],
    ),
    row(
        &[("no-cache-filters", "base,\n\"a,b\"\n\nlast")],
        &[
            "--no-cache-filter",
            "base",
            "--no-cache-filter",
            "a",
            "--no-cache-filter",
            "b",
            "--no-cache-filter",
            "last",
        ],
    ),
    row(
        &[("ssh", "default\nkey=./key,other=./key")],
        &[
            "--ssh",
            "default",
            "--ssh",
            "key=./key",
            "--ssh",
            "other=./key",
        ],
    ),
    // Lists of lines.
    row(
        &[(
            "build-args",
            "A=a,b\n\n  B = \"x\" \n# C=1\n\"D=1\n2\"\nE=a=b=\nF=\nG",
        )],
        &[
            "--build-arg",
            "A=a,b",
            "--build-arg",
            "B = \"x\"",
            "--build-arg",
            "# C=1",
            "--build-arg",
            "D=1\n2",
            "--build-arg",
            "E=a=b=",
            "--build-arg",
            "F=",
            "--build-arg",
            "G",
        ],
    ),
    row(
        &[("build-args", "J={\"a\":\"b\"}\nQ=\"a\"b")],
        &["--build-arg", "J={\"a\":\"b\"}", "--build-arg", "Q=\"a\"b"],
    ),
    row(
        &[(
            "build-contexts",
            "a=./sub\nb=docker-image://alpine:3.20@sha256:0,1\nc=https://e.org/r.git#main:x",
        )],
        &[
            "--build-context",
            "a=./sub",
            "--build-context",
            "b=docker-image://alpine:3.20@sha256:0,1",
            "--build-context",
            "c=https://e.org/r.git#main:x",
        ],
    ),
    row(
        &[("build-contexts", "src={{defaultContext}}:docs")],
        &[
            "--build-context",
            "src=https://github.com/o/r.git#6071f564087d49be48dc318b89fc22ff96cf6a17:docs",
        ],
    ),
    row(
        &[
            (
                "cache-from",
                "user/app:cache\ntype=gha,scope=a,token=t\n\"type=local,src=a\"",
            ),
            (
                "cache-to",
                "type=registry,ref=user/app:cache,mode=max\ntype=inline",
            ),
        ],
        &[
            "--cache-from",
            "user/app:cache",
            "--cache-from",
            "type=gha,scope=a",
            "--cache-from",
            "type=local,src=a",
            "--cache-to",
            "type=registry,ref=user/app:cache,mode=max",
            "--cache-to",
            "type=inline",
        ],
    ),
    row(
        &[("ulimit", "nofile=1024:2048\nnproc=3")],
        &["--ulimit", "nofile=1024:2048", "--ulimit", "nproc=3"],
    ),
    row(
        &[(
            "outputs",
            "type=local,dest=out\n\ntype=oci,\"dest=a,b.tar\"\n./plain",
        )],
        &[
            "--output",
            "type=local,dest=out",
            "--output",
            "type=oci,\"dest=a,b.tar\"",
            "--output",
            "./plain",
        ],
    ),
    // Single values and flags.
    row(
        &[
            ("cgroup-parent", "foo"),
            ("file", "Dockerfile.prod"),
            ("network", "none"),
            ("shm-size", "128m"),
            ("target", "production"),
        ],
        &[
            "--cgroup-parent",
            "foo",
            "--file",
            "Dockerfile.prod",
            "--shm-size",
            "128m",
            "--target",
            "production",
            "--network",
            "none",
        ],
    ),
    row(
        &[("no-cache", "True"), ("pull", "TRUE")],
        &["--no-cache", "--pull"],
    ),
    row(&[("load", "true")], &["--load"]),
    row(
        &[("call", "outline,format=json")],
        &["--call", "outline,format=json"],
    ),
    row(&[("call", "check"), ("load", "true")], &["--call", "check"]),
    // Secrets.
    row(
        &[(
            "secrets",
            "A=1\nB= two words \n\"C=l1\nl2\nsay \"\"hi\"\"\"\nD=a,b\nE=x==",
        )],
        &[
            "--secret",
            "id=A,src=<file: 1>",
            "--secret",
            "id=B,src=<file:  two words >",
            "--secret",
            "id=C,src=<file: l1\nl2\nsay \"hi\">",
            "--secret",
            "id=D,src=<file: a,b>",
            "--secret",
            "id=E,src=<file: x==>",
        ],
    ),
    row(
        &[("secrets", "EMPTY=\nnone\n=x\nA=1")],
        &["--secret", "id=A,src=<file: 1>"],
    ),
    row(
        &[
            ("secret-envs", "A=X,B=Y\nC=Z\nbroken"),
            ("file", "Dockerfile"),
        ],
        &[
            "--secret",
            "id=A,env=X",
            "--secret",
            "id=B,env=Y",
            "--secret",
            "id=C,env=Z",
            "--file",
            "Dockerfile",
        ],
    ),
    row(
        &[
            ("secret-files", "A=secret.txt\nB=./missing\nC=./key"),
            ("secrets", "S=1"),
        ],
        &[
            "--secret",
            "id=S,src=<file: 1>",
            "--secret",
            "id=A,src=secret.txt",
            "--secret",
            "id=C,src=./key",
        ],
    ),
    // Attestations.
    attested(&[], &["--attest", PROVENANCE]),
    attested(
        &[("outputs", "type=docker,dest=d.tar")],
        &["--output", "type=docker,dest=d.tar"],
    ),
    attested(
        &[("outputs", "./out\ntype=docker")],
        &[
            "--output",
            "./out",
            "--output",
            "type=docker",
            "--attest",
            PROVENANCE,
        ],
    ),
    attested(
        &[("load", "true"), ("provenance", "true")],
        &["--attest", "type=provenance,builder-id=<run url>", "--load"],
    ),
    attested(
        &[("provenance", "f")],
        &[
            "--attest",
            "type=provenance,disabled=true,builder-id=<run url>",
        ],
    ),
    attested(
        &[("provenance", "False")],
        &["--attest", "type=provenance,disabled=true"],
    ),
    attested(
        &[("provenance", "mode=min,\"builder-id=https://e.org/a,b\"")],
        &[
            "--attest",
            "type=provenance,mode=min,builder-id=https://e.org/a,b",
        ],
    ),
    attested(
        &[("sbom", "generator=docker/scout-sbom-indexer:latest")],
        &[
            "--attest",
            PROVENANCE,
            "--attest",
            "type=sbom,generator=docker/scout-sbom-indexer:latest",
        ],
    ),
    attested(
        &[(
            "attests",
            "type=sbom,true\ntype=provenance,false\ntype=custom,\"a=b,c\",1",
        )],
        &[
            "--attest",
            "type=sbom,true",
            "--attest",
            "type=provenance,false,builder-id=<run url>",
            "--attest",
            "type=custom,a=b,c,disabled=false",
        ],
    ),
    attested(
        &[
            ("attests", "type=provenance,mode=max\ntype=sbom"),
            ("provenance", "false"),
            ("sbom", "false"),
        ],
        &[
            "--attest",
            "type=provenance,disabled=true",
            "--attest",
            "type=sbom,disabled=true",
        ],
    ),
    // Versions of buildx.
    with(
        "v0.14.9",
        &[("attests", "type=sbom")],
        &["--attest", PROVENANCE, "--attest", "type=sbom"],
    ),
    with(
        "v0.9.1",
        &[("sbom", "true"), ("build-contexts", "a=b")],
        &["--build-context", "a=b"],
    ),
    with(
        "v0.7.1",
        &[("sbom", "true"), ("build-contexts", "a=b")],
        &[],
    ),
    with(
        "1a1ec9a",
        &[("sbom", "false")],
        &[
            "--attest",
            PROVENANCE,
            "--attest",
            "type=sbom,disabled=true",
        ],
    ),
];

#[test]
fn inputs_and_the_arguments_they_become() {
    let mut wrong = Vec::new();
    for row in TABLE {
        let place = workspace(row.buildx);
        let mut command = step(&place, &push(false));
        command.env("INPUT_PUSH", "false").env("INPUT_CONTEXT", ".");
        command.envs(row.env.iter().copied());
        for (name, value) in row.inputs {
            input(&mut command, name, value);
        }
        let printed = run(&mut command);
        assert!(printed.success, "{:?}\n{}", row.inputs, printed.out);
        let mut expected = vec!["build"];
        expected.extend(row.arguments);
        expected.push(".");
        let ours = theirs(&built_with(&place));
        if ours != expected {
            wrong.push(format!(
                "{:?}\n want {expected:?}\n have {ours:?}",
                row.inputs
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_every_input_of_build_push_action() {
    // These are compared in tests of their own.
    let elsewhere = [
        "annotations",
        "builder",
        "context",
        "github-token",
        "labels",
        "platforms",
        "push",
        "tags",
    ];
    let given = |name: &str| {
        TABLE
            .iter()
            .any(|row| row.inputs.iter().any(|(n, _)| *n == name))
    };
    let former = stevedore::testing::REPLACED_ACTIONS;
    let build = former
        .iter()
        .find(|f| f.action == "docker/build-push-action")
        .unwrap();
    let names = build.inputs.iter().map(|moved| moved.name);
    let missing: Vec<&str> = names
        .filter(|name| !elsewhere.contains(name) && !given(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
