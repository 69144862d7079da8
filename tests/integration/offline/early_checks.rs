//! What registries are asked while the run still learns about buildx.

use std::fs;
use std::time::Duration;

use wiremock::ResponseTemplate;

use crate::support::Place;
use crate::support::recorder::step;
use crate::support::stub::{Ghcr, denied, run_beside};

/// Longer than a registry of this machine takes to be asked.
const LONG: Duration = Duration::from_secs(60);

/// A buildx that does not tell its version before the file `asked` exists. It notes when
/// it has waited in vain, and when it is called to build.
fn slow_buildx(place: &Place) {
    let script = format!(
        r#"#!/bin/sh
[ "$1" = version ] || {{ echo "$@" >> {at}/called; exit 1; }}
for _ in $(seq {tenths}); do
  [ -e {at}/asked ] && echo github.com/docker/buildx v0.29.1 1a1ec9a && exit 0
  sleep 0.1
done
echo version >> {at}/called
exit 1
"#,
        at = place.path("").display(),
        tenths = LONG.as_secs() * 10,
    );
    place.program("docker-buildx", &script);
}

fn refused() -> ResponseTemplate {
    denied(403, "DENIED", "permission_denied: write_package")
}

/// Lets buildx go on once the registry was asked for an upload.
async fn wait_for_upload(ghcr: &Ghcr, place: &Place) {
    let is_upload = |request: &String| request.starts_with("POST ");
    while !ghcr.requests().await.iter().any(is_upload) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fs::write(place.path("asked"), "").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_asked_once_and_does_not_wait_for_buildx() {
    let place = Place::new();
    slow_buildx(&place);
    let ghcr = Ghcr::start(&place, refused()).await;
    let mut command = step(&place, &[("push", "true")]);
    command.env("GITHUB_API_URL", "http://127.0.0.1:1");
    ghcr.lead(&mut command, &place);
    let running = tokio::spawn(run_beside(command));
    tokio::time::timeout(LONG, wait_for_upload(&ghcr, &place))
        .await
        .expect("the registry is asked before buildx has told its version");
    let printed = running.await.unwrap();
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    assert!(
        printed.out.contains("ghcr.io/acme/hit-counter"),
        "{}",
        printed.out
    );
    assert!(!place.path("called").exists(), "{}", printed.out);
    let requests = ghcr.requests().await;
    let uploads = requests
        .iter()
        .filter(|request| request.starts_with("POST "));
    assert_eq!(uploads.count(), 1, "{requests:?}");
}

/// What is not sure to be pushed is not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_build_without_a_push_ask_no_registry() {
    for (push, arguments) in [
        ("true", vec!["publish", "--dry-run"]),
        ("false", Vec::new()),
    ] {
        let place = Place::new();
        slow_buildx(&place);
        fs::write(place.path("asked"), "").unwrap();
        let ghcr = Ghcr::start(&place, refused()).await;
        let mut command = step(&place, &[("push", push)]);
        command.args(arguments);
        ghcr.lead(&mut command, &place);
        let printed = run_beside(command).await;
        let requests = ghcr.requests().await;
        assert_eq!(requests, Vec::<String>::new(), "{}", printed.out);
    }
}
