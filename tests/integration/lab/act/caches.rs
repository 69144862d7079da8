//! act's own cache service, which speaks version 1 of the protocol, as on the
//! runners of some other forges.

use super::{Act, Run};
use crate::lab::cache_scopes::classic;
use crate::support::Lab;

/// Each run makes a builder, which holds nothing.
#[test]
#[ignore = "needs the lab"]
fn a_fresh_builder_has_every_step_from_version_1_of_the_service() {
    let lab = Lab::get();
    let act = Act::new(&lab)
        .env("RUNNER_ENVIRONMENT", "github-hosted")
        .env("DOCKER_HOST", classic());
    let workflow = act.example("publish");
    let cached = |run: &Run| {
        run.succeeded();
        let log = run.log();
        assert!(log.contains("builder stevedore-"), "{log}");
        let line = log.lines().find(|line| line.starts_with("cached: "));
        line.unwrap_or_else(|| panic!("{log}")).to_owned()
    };
    let first = cached(&act.run("push-branch", &workflow));
    assert!(first.starts_with("cached: no step of 6."), "{first}");
    let second = cached(&act.run("push-branch", &workflow));
    let all = "cached: linux/amd64 4 of 4 steps, linux/arm64 2 of 2 steps";
    assert_eq!(second, all);
}
