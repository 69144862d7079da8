//! Secrets in addresses, in attributes and in other people's words: nobody sees
//! them, wherever they stand.

use crate::offline::hidden::{ENCODED, publish, server, shows_nothing};
use crate::support::site::succeeded;
use crate::support::{Lab, Place};

/// The password as a workflow gives it.
const GIVEN: &str = "${{ secrets.GIT_PASSWORD }}";

/// BuildKit writes the address of a context into what it attests.
#[test]
#[ignore = "needs the lab"]
fn a_login_in_the_address_of_a_context_is_published_nowhere() {
    let lab = Lab::get();
    let place = Place::new();
    let (server, address) = server(&place, &lab);
    let image = format!(
        "{}/tests/git-login-{}",
        lab.open_registry,
        place.mark().to_lowercase()
    );
    let inputs = [
        ("context", format!("{address}/app.git#main")),
        ("build-contexts", format!("lib={address}/lib.git#main")),
    ];
    let mut step = publish(&lab, &place, &image);
    for (name, value) in &inputs {
        step = step.with(*name, value.replace(ENCODED, GIVEN));
    }
    let run = step.run().unwrap();
    succeeded(&run);
    assert!(server.requests().1 > 0, "{}", run.log);
    shows_nothing("the log", &run.shown);
    let host = server.url.trim_start_matches("http://");
    let decision = format!("the secret GIT_AUTH_HEADER.{host}");
    assert!(run.shown.contains(&decision), "{}", run.shown);
    let reference = format!("{image}:v0.2.0");
    let attested = place.imagetools(&reference, "Provenance");
    assert!(attested.out.contains("app.git"), "{}", attested.out);
    shows_nothing("the provenance", &attested.out);
    for format in ["text", "json"] {
        let mut command = place.stevedore(["publish", "--dry-run", "--format", format]);
        for (name, value) in &inputs {
            command.args(["--with", &format!("{name}={value}")]);
        }
        let printed = crate::support::run(&mut command);
        assert!(printed.success, "{}", printed.err);
        shows_nothing("the plan", &(printed.out + &printed.err));
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_login_in_a_bake_file_is_published_nowhere() {
    let lab = Lab::get();
    let place = Place::new();
    let (server, address) = server(&place, &lab);
    let image = format!(
        "{}/tests/bake-login-{}",
        lab.open_registry,
        place.mark().to_lowercase()
    );
    let file = format!(
        "target \"lib\" {{\n context = \"{address}/lib.git#main\"\n\
         dockerfile-inline = \"FROM scratch\\nCOPY part /\"\n}}\n\
         target \"default\" {{\n context = \"{address}/app.git#main\"\n\
         contexts = {{ lib = \"target:lib\" }}\n tags = [\"{image}\"]\n}}\n\
         target \"set\" {{\n inherits = [\"default\"]\n context = \".\"\n tags = [\"{image}-set\"]\n}}\n"
    );
    place.write("workspace/docker-bake.hcl", &file);
    let run = lab
        .step(&place)
        .with("bake-files", "docker-bake.hcl")
        .with("targets", "default,set")
        .secret("GIT_PASSWORD", ENCODED)
        .with(
            "set",
            format!(
                "s?t.context={}/app.git#main",
                address.replace(ENCODED, GIVEN)
            ),
        )
        .with("platforms", "linux/amd64")
        .with("provenance", "mode=max")
        .run()
        .unwrap();
    succeeded(&run);
    assert!(server.requests().1 > 0, "{}", run.log);
    shows_nothing("the log", &run.shown);
    for image in [image.clone(), format!("{image}-set")] {
        let attested = place.imagetools(&format!("{image}:v0.2.0"), "Provenance");
        assert!(attested.out.contains("app.git"), "{}", attested.out);
        shows_nothing("the provenance", &attested.out);
    }
}
