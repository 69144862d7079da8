//! What steps before ours have set up is used: a login, a builder.

use serde_json::{Value, json};

use super::{Act, workflow};
use crate::support::Lab;

/// As docker/login-action leaves it: in Docker's configuration.
fn login(lab: &Lab) -> String {
    let (user, registry) = (&lab.user, &lab.registry);
    format!("echo \"$PASSWORD\" | docker login --username {user} --password-stdin {registry}")
}

/// Runs a workflow on the classic engine, whose own builder makes one platform:
/// a login and a builder, made by `script`, and our step.
fn publishes_with(act: &Act<'_>, script: &str, step_env: &Value) {
    let image = act.image();
    let base = format!("BASE={}", act.lab.base);
    let run = act.run(
        "push-branch",
        &workflow(&[
            json!({"uses": "actions/checkout@v7"}),
            json!({"run": script, "env": {"PASSWORD": "${{ secrets.LAB_PASSWORD }}"}}),
            json!({
                "uses": "acme/stevedore@v1",
                "id": "image",
                "env": step_env,
                "with": {"images": image, "build-args": base},
            }),
            // As the post step of docker/setup-buildx-action does.
            json!({"run": "docker buildx rm \"$BUILDER\"", "env": step_env}),
        ]),
    );
    run.succeeded();
    assert_eq!(run.outputs("image")["published"], format!("{image}:main"));
    assert_eq!(run.outputs("image")["platforms"], "linux/amd64,linux/arm64");
    let log = run.log();
    assert!(log.contains("builder earlier-"), "{log}");
    assert!(!log.contains("made for this run"), "{log}");
    assert!(
        !log.contains(&format!("login at {}", act.lab.registry)),
        "{log}"
    );
}

/// A name that no other test gives to a builder of the same engine.
fn builder(act: &Act<'_>) -> String {
    format!("earlier-{}", act.place.mark().to_lowercase())
}

fn on_the_classic_engine<'a>(lab: &'a Lab) -> Act<'a> {
    let classic = std::env::var("STEVEDORE_LAB_CLASSIC_HOST").expect("lab/up classic builder");
    Act::new(lab).env("DOCKER_HOST", classic)
}

#[test]
#[ignore = "needs the lab"]
fn a_login_and_a_builder_of_earlier_steps_are_used() {
    let lab = Lab::get();
    let act = on_the_classic_engine(&lab);
    let builder = builder(&act);
    let script = format!(
        "{}\ndocker buildx create --use --name {builder} --driver docker-container \
         --driver-opt network=host",
        login(&lab)
    );
    publishes_with(&act, &script, &json!({"BUILDER": builder}));
}

#[test]
#[ignore = "needs the lab"]
fn a_configuration_elsewhere_is_used_with_what_is_in_it() {
    let lab = Lab::get();
    let act = on_the_classic_engine(&lab);
    let builder = builder(&act);
    let script = format!(
        "export DOCKER_CONFIG=\"$RUNNER_TEMP/docker\"\n\
         mkdir -p \"$DOCKER_CONFIG\"\n\
         cp -r ~/.docker/cli-plugins \"$DOCKER_CONFIG\"\n\
         echo \"DOCKER_CONFIG=$DOCKER_CONFIG\" >> \"$GITHUB_ENV\"\n\
         {}\n\
         docker buildx create --name {builder} --driver docker-container \
         --driver-opt network=host",
        login(&lab)
    );
    let env = json!({"BUILDER": builder, "BUILDX_BUILDER": builder});
    publishes_with(&act, &script, &env);
    let untouched = act.place.list("home/.docker");
    assert_eq!(untouched, ["cli-plugins"]);
}
