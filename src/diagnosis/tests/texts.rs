//! Texts of failed builds in, diagnoses out.

use proptest::prelude::*;

use crate::diagnosis::tests::*;

/// What buildx 0.30 with an engine 28 and BuildKit's issues show.
#[test]
fn each_text_of_a_build_has_its_row() {
    use Kind::{Denied, Other, Passing};
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    for (text, id, kind) in [
        (
            "failed to push ghcr.io/acme/app:t: denied: permission_denied: write_package",
            "github-package-access",
            Denied,
        ),
        (
            "failed to push ghcr.io/acme/app:t: denied: installation not allowed to Create organization package",
            "github-create-in-organisation",
            Denied,
        ),
        (
            "failed to push ghcr.io/acme/app:t: unexpected status from HEAD request to https://ghcr.io/v2/acme/app/blobs/sha256:0: 403 Forbidden",
            "github-denied",
            Denied,
        ),
        (
            "failed to push ghcr.io/acme/app:t: unexpected status from POST request to https://ghcr.io/v2/acme/app/blobs/uploads/: 403 Forbidden",
            "github-denied",
            Denied,
        ),
        ("unexpected status: 403 Forbidden", "github-denied", Denied),
        (
            "failed to push ghcr.io/acme/app:t: failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aacme%2Fapp%3Apull%2Cpush&service=ghcr.io: 403 Forbidden",
            "github-token-denied",
            Denied,
        ),
        (
            "ghcr.io/astral-sh/uv:0.6.9: failed to resolve source metadata for ghcr.io/astral-sh/uv:0.6.9: failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aastral-sh%2Fuv%3Apull&service=ghcr.io: 403 Forbidden",
            "github-no-login-to-read",
            Denied,
        ),
        (
            "error writing layer blob: unexpected status from POST request to https://ghcr.io/v2/acme/cache/blobs/uploads/: 403 Forbidden",
            "github-denied",
            Denied,
        ),
        (
            "failed to push 127.0.0.1:5000/o/a:t: unauthorized",
            "unauthorized",
            Denied,
        ),
        (
            "failed to push 127.0.0.1:5000/o/a:t: error from registry: provided digest did not match uploaded content blob unknown to registry - sha256:0",
            "content-unknown",
            Passing,
        ),
        (
            "failed to push 127.0.0.1:5000/o/a:t: unknown: name invalid",
            "name-invalid",
            Denied,
        ),
        (
            "failed to push 127.0.0.1:5000/hit:t: unexpected status from HEAD request to http://127.0.0.1:5000/v2/hit/blobs/sha256:0: 400 Bad Request",
            "name-without-owner",
            Denied,
        ),
        (
            "failed to push 127.0.0.1:5000/o/a:t: toomanyrequests: retry-after: 1.02ms, allowed: 44000/minute",
            "limit",
            Passing,
        ),
        (
            "failed to push acme/app:t: push access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            "hub-push-denied",
            Denied,
        ),
        (
            "failed to push 1.dkr.ecr.eu-west-1.amazonaws.com/app:t: name unknown: The repository with name 'app' does not exist in the registry with id '1'",
            "ecr-no-repository",
            Denied,
        ),
        (
            "x: failed to resolve source metadata for r.example.com/x:1: r.example.com/x:1: not found",
            "base-not-found",
            Other,
        ),
        (
            "x/y: failed to resolve source metadata for docker.io/x/y:latest: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            "hub-pull-denied",
            Denied,
        ),
        (
            "alpine: failed to resolve source metadata for docker.io/library/alpine:latest: no match for platform in manifest: not found",
            "base-without-platform",
            Other,
        ),
        (
            "failed to compute cache key: failed to calculate checksum of ref a::b: \"/nope/x\": not found",
            "path-not-found",
            Other,
        ),
        (
            "failed to compute cache key: failed to calculate checksum of ref a::b: failed to walk /tmp/buildkit-mount3059/config: lstat /tmp/buildkit-mount3059/config: no such file or directory",
            "path-not-found",
            Other,
        ),
        (
            "ResourceExhausted: write /var/lib/docker/x: no space left on device",
            "disk-full",
            Other,
        ),
        (
            "ResourceExhausted: grpc: received message larger than max (5 vs. 4)",
            "message-too-large",
            Other,
        ),
        (
            "failed to read dockerfile: open Dockerfile: no such file or directory",
            "dockerfile-not-found",
            Other,
        ),
        ("ResourceExhausted: process", "resources-exhausted", Other),
        (
            "failed to read dockerfile: failed to load cache key: error fetching default branch for repository https://github.com/o/private.git: git stderr:\nfatal: could not read Username for 'https://github.com': terminal prompts disabled\n: exit status 128",
            "git-login",
            Other,
        ),
        (
            "failed to load cache key: failed to fetch remote https://x@git.example.com/o/r: git stderr:\nremote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://git.example.com/o/r/'\n: exit status 128",
            "git-login",
            Other,
        ),
        (
            "index annotations not supported for single platform export",
            "index-annotations",
            Other,
        ),
        (
            "additional privileges requested",
            "privileges-requested",
            Other,
        ),
        (
            "Cache export is not supported for the docker driver.\nSwitch to a different driver, or turn on the containerd image store, and try again.",
            "driver-cache-export",
            Other,
        ),
        (
            "Attestation is not supported for the docker driver.",
            "driver-attestation",
            Other,
        ),
        (
            "Multi-platform build is not supported for the docker driver.",
            "driver-platforms",
            Other,
        ),
        (
            "ubuntu:22.04: failed to resolve source metadata for docker.io/library/ubuntu:22.04: unexpected status from GET request to https://registry-1.docker.io/v2/library/ubuntu/manifests/sha256:0: 429 Too Many Requests\ntoomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
            "hub-pull-limit",
            Other,
        ),
        (
            "This legacy service is shutting down, effective April 15, 2025.",
            "cache-service-old",
            Other,
        ),
        (
            "error writing layer blob: failed to reserve cache",
            "cache-service",
            Passing,
        ),
        (
            "error writing layer blob: Patch \"https://artifactcache.actions.githubusercontent.com/x/_apis/artifactcache/caches/7\": http: read on closed response body",
            "cache-service",
            Passing,
        ),
        (
            "failed to compute cache key: failed to copy: GET https://x.blob.core.windows.net/y RESPONSE 404: BlobNotFound",
            "cache-service",
            Passing,
        ),
        (
            "error writing layer blob: blob not found",
            "cache-blob",
            Passing,
        ),
        (
            "failed to push ghcr.io/acme/app:t: failed to copy: failed to do request: Put \"https://ghcr.io/v2/acme/app/blobs/upload/x?digest=y\": write tcp 172.17.0.2:54206->140.82.114.33:443: write: broken pipe",
            "connection-lost",
            Passing,
        ),
        (
            "failed to push ghcr.io/acme/app:t: failed to copy: io: read/write on closed pipe",
            "connection-lost",
            Passing,
        ),
        (
            "failed to push ghcr.io/acme/app:t: failed to copy: Put \"https://ghcr.io/v2/acme/app/blobs/upload/x\": EOF",
            "connection-lost",
            Passing,
        ),
        (
            "failed to push ghcr.io/acme/app:t: failed to copy: x",
            "request-failed",
            Passing,
        ),
        ("Canceled: context canceled", "build-cancelled", Passing),
        (
            "failed to push ghcr.io/acme/app:t: unexpected status from POST request to https://ghcr.io/v2/acme/app/blobs/uploads/: 503 Service Unavailable",
            "server-error",
            Passing,
        ),
        (
            "failed to push r.invalid/o/a:t: failed to do request: Head \"https://r.invalid/v2/o/a/blobs/sha256:0\": dial tcp: lookup r.invalid on 10.0.0.53:53: no such host",
            "no-such-host",
            Other,
        ),
        (
            "failed to push 127.0.0.1:9/o/a:t: failed to do request: Head \"https://127.0.0.1:9/v2/o/a/blobs/sha256:0\": dial tcp 127.0.0.1:9: connect: connection refused",
            "connection-refused-on-loopback",
            Passing,
        ),
        (
            "failed to push 10.0.0.1:9/o/a:t: failed to do request: Head \"https://10.0.0.1:9/v2/o/a/blobs/sha256:0\": dial tcp 10.0.0.1:9: connect: connection refused",
            "connection-refused",
            Passing,
        ),
        (
            "failed to push r.example.com/o/a:t: failed to do request: Head \"https://r.example.com/v2/o/a/blobs/sha256:0\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "certificate",
            Other,
        ),
        (
            "failed to push r.example.com/o/a:t: failed to do request: Head \"https://r.example.com/v2/o/a/blobs/sha256:0\": http: server gave HTTP response to HTTPS client",
            "plain-http",
            Other,
        ),
        (
            "failed to push r.example.com/o/a:t: something new",
            "push-failed",
            Other,
        ),
    ] {
        for wrapped in [
            text.to_owned(),
            format!("#9 x\nERROR: failed to build: failed to solve: {text}\n"),
        ] {
            let found = of_log(&wrapped, &circumstances(&context, &name)).expect(text);
            assert_eq!((found.id, found.kind), (id, kind), "{text}");
        }
    }
}

#[test]
fn what_is_not_known_has_no_diagnosis() {
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    for text in [
        "",
        "ERROR: failed to solve: dockerfile parse error on line 3: unknown instruction: COPPY",
        "ERROR: failed to solve: failed to read dockerfile: open Dockerfile: permission denied",
        "#7 0.1 fatal: unexpected status: 403 Forbidden\nERROR: failed to solve: process \"/bin/sh -c curl\" did not complete successfully: exit code: 22",
        "ERROR: failed to build: failed to list workers: Unavailable: connection error: dial unix /run/x.sock: connect: connection refused",
    ] {
        assert_eq!(
            of_log(text, &circumstances(&context, &name)),
            None,
            "{text}"
        );
    }
}

#[test]
fn a_program_of_another_processor_is_known_by_what_it_printed() {
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    let text = "#6 [linux/arm64 2/2] RUN true\n#6 0.1 exec /bin/sh: exec format error\n\
        #6 ERROR: process \"/bin/sh -c true\" did not complete successfully: exit code: 255\n\
        ------\n > [linux/arm64 2/2] RUN true:\n0.1 exec /bin/sh: exec format error\n------\n\
        ERROR: failed to build: failed to solve: process \"/bin/sh -c true\" did not complete successfully: exit code: 255";
    let found = of_log(text, &circumstances(&context, &name)).unwrap();
    assert_eq!(found.id, "no-emulator");
    assert!(found.fix.contains("linux/arm64"), "{}", found.fix);
    assert_eq!(found.words, "exec /bin/sh: exec format error");
}

#[test]
fn a_program_that_was_killed_is_known_by_its_end() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    for end in ["exit code: 137", "cannot allocate memory"] {
        let why = format!("process \"/bin/sh -c make\" did not complete successfully: {end}");
        let text = format!("#5 ERROR: {why}\nERROR: failed to build: failed to solve: {why}\n");
        let found = of_log(&text, &circumstances(&context, &name)).unwrap();
        assert_eq!(found.id, "step-killed");
    }
}

/// The text of a `RUN`, in its command line and in what it prints.
#[test]
fn what_a_program_says_of_a_push_is_no_failed_push() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    let said = "failed to push ghcr.io/else/app:t: unexpected status: 403 Forbidden";
    let process = format!(
        "process \"/bin/sh -c echo {said}: no space left on device\" did not complete successfully: exit code: 1"
    );
    let failed = format!("#4 [2/2] RUN echo\n#4 0.1 error: {said}\n#4 0.1 a\rERROR: {said}\n");
    let text = format!(
        "{failed}#4 ERROR: {process}\nERROR: failed to build: failed to solve: {process}\n"
    );
    assert_eq!(subject(&text), Subject::default());
    assert_eq!(of_log(&text, &circumstances(&context, &name)), None);
    // The push fails later, without a word.
    let text = format!(
        "{failed}#4 DONE 0.2s\n#5 exporting to image\n#5 ERROR: failed to push ghcr.io/acme/app:t: EOF\n\
         ERROR: failed to build: failed to solve: failed to push ghcr.io/acme/app:t: EOF\n"
    );
    let found = of_log(&text, &circumstances(&context, &name)).unwrap();
    assert_eq!((found.id, found.kind), ("connection-lost", Kind::Passing));
}

#[test]
fn an_engine_that_is_gone_is_not_the_registry() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    for words in [
        "failed to solve: Unavailable: error reading from server: EOF",
        "failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ] {
        let text =
            format!("#9 exporting to image\n#9 pushing layers\nERROR: failed to build: {words}\n");
        let found = of_log(&text, &circumstances(&context, &name)).unwrap();
        assert_eq!(found.id, "engine-gone", "{words}");
    }
}

#[test]
fn the_status_before_a_lone_last_error_is_read() {
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    let text = "#5 exporting to image\n#5 1.0 error: failed to copy: unexpected status from PUT request to https://ghcr.io/v2/acme/app/blobs/upload/x: 503 Service Unavailable\n\
        #5 1.0 retrying in 1s\nERROR: failed to build: failed to solve: Canceled: context canceled\n";
    let found = of_log(text, &circumstances(&context, &name)).unwrap();
    assert_eq!((found.id, found.kind), ("server-error", Kind::Passing));
}

#[test]
fn a_cache_that_could_not_be_read_is_not_what_failed() {
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    let text = "#4 importing cache manifest from ghcr.io/acme/cache\n\
        #4 ERROR: unexpected status from HEAD request to https://ghcr.io/v2/acme/cache/manifests/latest: 403 Forbidden\n\
        ------\n > importing cache manifest from ghcr.io/acme/cache:\n------\n------\n > exporting to image:\n------\n\
        ERROR: failed to build: failed to solve: failed to push ghcr.io/acme/app:t: failed to copy: EOF\n";
    let found = of_log(text, &circumstances(&context, &name)).unwrap();
    assert_eq!((found.id, found.kind), ("connection-lost", Kind::Passing));
}

#[test]
fn a_base_image_is_no_matter_of_pushing() {
    let context = dependabot();
    let name = image("ghcr.io/acme/app");
    let text = "------\n > [internal] load metadata for ghcr.io/else/base:latest:\n------\nERROR: failed to solve: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aelse%2Fbase%3Apull&service=ghcr.io: 403 Forbidden";
    let found = of_log(text, &circumstances(&context, &name)).unwrap();
    assert_eq!(found.id, "github-no-login-to-read");
    assert!(found.fix.contains("ghcr.io/else/base"), "{}", found.fix);
}

#[test]
fn a_scanner_that_cannot_be_pulled_is_a_matter_of_sbom() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    let scanners = [image("docker/buildkit-syft-scanner")];
    let known = Circumstances {
        scanners: &scanners,
        ..circumstances(&context, &name)
    };
    for why in [
        "failed to do request: Head \"https://registry-1.docker.io/v2/\": dial tcp 1.2.3.4:443: i/o timeout",
        "unexpected status from HEAD request to https://registry-1.docker.io/v2/docker/buildkit-syft-scanner/manifests/stable-1: 429 Too Many Requests",
        "docker.io/docker/buildkit-syft-scanner:stable-1: not found",
    ] {
        let text = format!(
            "------\n > resolve image config for docker-image://docker.io/docker/buildkit-syft-scanner:stable-1:\n------\n\
             ERROR: failed to build: failed to solve: failed to resolve source metadata for docker.io/docker/buildkit-syft-scanner:stable-1: {why}"
        );
        let found = of_log(&text, &known).unwrap();
        assert_eq!(
            (found.id, found.kind),
            ("sbom-scanner", Kind::Other),
            "{why}"
        );
        assert!(found.fix.contains("generator="), "{}", found.fix);
        // A base image of that name is none.
        let found = of_log(&text, &circumstances(&context, &name)).unwrap();
        assert_ne!(found.id, "sbom-scanner", "{why}");
    }
    // Neither is a base image beside it.
    let text = "ERROR: failed to solve: failed to resolve source metadata for docker.io/library/alpine:3: not found";
    assert_eq!(of_log(text, &known).unwrap().id, "base-not-found");
}

#[test]
fn a_git_server_is_told_without_its_login() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    let text = "ERROR: failed to solve: git stderr:\nfatal: could not read Password for 'https://me:hunter2@git.example.com:8443': x";
    let found = of_log(text, &circumstances(&context, &name)).unwrap();
    assert!(
        found.fix.contains("on git.example.com:8443,"),
        "{}",
        found.fix
    );
    assert!(!found.fix.contains("hunter2") && !found.meaning.contains("hunter2"));
}

#[test]
fn a_path_of_another_stage_is_no_matter_of_the_context() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    let error = "ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: \"/dist\": not found";
    for (step, id) in [
        ("[2/2] COPY --from=build /dist /", "path-not-in-stage"),
        ("[2/2] COPY dist /", "path-not-found"),
    ] {
        let text = format!("------\n > {step}:\n------\n{error}");
        let found = of_log(&text, &circumstances(&context, &name)).unwrap();
        assert_eq!(found.id, id);
        assert!(found.fix.contains("/dist"), "{}", found.fix);
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it_or_its_lines(
        text in "(ERROR: |error: |#[0-9] |failed to push |unexpected status|: |denied|lstat |\"|https://a/v2/|/blobs/|token\\?scope=repository%3A|: not found| > \\[|[0-9]{3}|\n|\u{1b}\\[|é|\\PC|.){0,40}"
    ) {
        let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
        let _ = subject(&text);
        if let Some(found) = of_log(&text, &circumstances(&context, &name)) {
            for line in found.to_string().lines() {
                prop_assert!(!line.contains(char::is_control) && line.len() < 4000);
            }
        }
    }
}
