//! Targets that fail, and registries that refuse one.

use super::{Bake, errors, inspect, outcomes, targets};
use crate::support::Lab;
use crate::support::bridge::Bridge;
use crate::support::front::{Front, refuse};
use crate::support::site::{clean, succeeded};
use lab_runner::{Signal, Step};
use std::time::Duration;

const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#;

#[test]
#[ignore = "needs the lab"]
fn of_three_targets_one_fails_and_two_are_published() {
    let lab = Lab::get();
    let bake = Bake::new();
    let step = bake.publish(&lab, &lab.open_registry);
    // Late enough for the others to be done: what buildx told of them is lost.
    let more = "RUN sleep 4; echo target api: no luck; exit 3";
    let run = step.env("MORE", more).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(
        outcomes(&run),
        ["api success", "web success", "worker failure"]
    );
    let images = bake.images(&lab.open_registry);
    let published = format!("{images}/api:main\n{images}/web:main");
    assert_eq!(run.outputs["published"], published);
    for name in ["api", "web"] {
        let target = &targets(&run)[name];
        let found = inspect(&bake.place, &format!("{images}/{name}:main"), "Manifest").unwrap();
        assert_eq!(found["digest"], target["digest"], "{name}");
        let image = format!("{images}/{name}@{}", target["digest"].as_str().unwrap());
        assert_eq!(target["image"], image);
        assert_eq!(target["platforms"].as_array().unwrap().len(), 2);
    }
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{}", run.log);
    assert!(
        errors[0].starts_with("target worker: buildx failed"),
        "{}",
        errors[0]
    );
    assert!(errors[0].contains("exit code: 3"), "{}", errors[0]);
    assert!(
        run.summary.starts_with("### 2 of 3 targets done"),
        "{}",
        run.summary
    );
    assert!(
        run.summary.contains("| `worker` | **failed** |"),
        "{}",
        run.summary
    );
    let ran = run.log.lines().filter(|line| line.ends_with(" no luck"));
    assert!(ran.count() >= 1, "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_refuses_one_image_stops_all_before_the_build() {
    let lab = Lab::get();
    let bake = Bake::new();
    let refused = refuse(&format!("tests/bake-{}/web/", bake.mark), 403, DENIED);
    let front = Front::start(&lab, &refused);
    let run = bake.publish(&lab, &front.address()).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(
        outcomes(&run),
        ["api skipped", "web skipped", "worker skipped"]
    );
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{}", run.log);
    assert!(errors[0].contains("/web"), "{}", errors[0]);
    assert!(!run.log.contains("load build definition"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_push_that_is_refused_keeps_no_other_image_back() {
    let lab = Lab::get();
    let bake = Bake::new();
    let blobs = format!("tests/bake-{}/web/manifests/", bake.mark);
    let front = Front::start(&lab, &refuse(&blobs, 403, DENIED));
    let run = bake.publish(&lab, &front.address()).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(
        outcomes(&run),
        ["api success", "web failure", "worker success"]
    );
    assert!(
        targets(&run)["web"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{}", run.log);
    assert!(errors[0].starts_with("target web: "), "{}", errors[0]);
    assert!(errors[0].contains("Not pushed: "), "{}", errors[0]);
}

#[test]
#[ignore = "needs the lab"]
fn what_bake_files_cannot_say_is_told_before_anything_is_asked() {
    let lab = Lab::get();
    let bake = Bake::new();
    // A login is for the registry of names that may not be known.
    let login = |step: Step| step.with("username", "me").with("password", "secret");
    let step = || login(bake.publish(&lab, &lab.open_registry));
    for (step, expected) in [
        (step().with("targets", "nope"), "failed to find target nope"),
        (
            step().with("bake-files", "gone.hcl"),
            "open gone.hcl: no such file",
        ),
        (
            step().with("build-args", "A=b"),
            "build-args: is about one image",
        ),
        (
            step().with("set", "*.tags=127.0.0.1:1/same"),
            "api and web would both be 127.0.0.1:1/same:main",
        ),
        (step().with("targets", "api,--print=false"), "--print=false"),
        (
            step().with("set", "web.foo=1"),
            "set: \"web.foo=1\": unknown key: foo",
        ),
        (
            step().with("set", "web.context=gone"),
            "target web: context: \"gone\": is not there",
        ),
    ] {
        let run = step.run().unwrap();
        assert_eq!(run.exit_code, Some(1), "{}", run.log);
        let has = |text: &str| errors(&run).iter().any(|error| error.contains(text));
        assert!(has(expected) && !has("several registries"), "{}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_preflight_alone_asks_for_every_target() {
    let lab = Lab::get();
    let bake = Bake::new();
    let step = bake.publish(&lab, &lab.open_registry);
    let run = step.with("preflight", "only").run().unwrap();
    succeeded(&run);
    for name in ["api", "web", "worker"] {
        let asked = format!(
            "{}/{name} (push) is allowed",
            bake.images(&lab.open_registry)
        );
        assert!(run.log.contains(&asked), "{}", run.log);
    }
    assert_eq!(
        outcomes(&run),
        ["api skipped", "web skipped", "worker skipped"]
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_signal_ends_what_is_still_built_and_keeps_what_was_published_meanwhile() {
    let lab = Lab::get();
    let bake = Bake::new();
    let waits = format!("RUN echo waits-{} && sleep 600", bake.mark);
    let step = bake.publish(&lab, &lab.open_registry).env("MORE", waits);
    let running = step.start().unwrap();
    let waits = format!(" waits-{}", bake.mark);
    assert!(running.wait_for(&waits, Duration::from_secs(60)));
    let images = bake.images(&lab.open_registry);
    let published = ["api", "web"].map(|name| format!("{images}/{name}:main"));
    for name in &published {
        let is_written = format!("{name} is written");
        assert!(running.wait_for(&is_written, Duration::from_secs(60)));
    }
    assert!(running.signal(Signal::INT));
    let run = running.wait().unwrap();
    assert_eq!(run.exit_code, Some(130), "{}", run.log);
    clean(&run);
    let expected = ["api success", "web success", "worker cancelled"];
    assert_eq!(outcomes(&run), expected, "{}", run.log);
    assert_eq!(run.outputs["published"], published.join("\n"));
    let found = standing(&bake, &images);
    assert_eq!(
        found.iter().filter(|digest| digest.is_string()).count(),
        2,
        "{found:?}"
    );
}

/// What each target's `main` stands for in a registry.
fn standing(bake: &Bake, images: &str) -> Vec<serde_json::Value> {
    ["api", "web", "worker"]
        .map(|name| {
            let found = inspect(&bake.place, &format!("{images}/{name}:main"), "Manifest");
            found
                .map(|found| found["digest"].clone())
                .unwrap_or_default()
        })
        .to_vec()
}

#[test]
#[ignore = "needs the lab"]
fn no_target_gets_a_name_when_one_fails_and_all_or_none_is_set() {
    let lab = Lab::get();
    let bake = Bake::new();
    let bridge = Bridge::new(&bake.place);
    let all = |mark: &str| {
        bake.publish(&lab, &lab.open_registry)
            .env("MARK", format!("{}-{mark}", bake.mark))
            .with("all-or-none", "true")
            .with("driver", "remote")
            .with("endpoint", bridge.endpoint())
    };
    let images = bake.images(&lab.open_registry);
    let first = all("first").run().unwrap();
    assert!(first.succeeded(), "{}", first.log);
    let before = standing(&bake, &images);
    let run = all("second").env("MORE", "RUN false").run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(run.outputs["published"], "", "{}", run.log);
    let expected = ["api failure", "web failure", "worker failure"];
    assert_eq!(outcomes(&run), expected, "{}", run.log);
    assert_eq!(standing(&bake, &images), before);
    // What was built is told.
    let targets = targets(&run);
    let digest = targets["api"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{targets}\n{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn names_are_put_back_when_the_last_one_is_refused_and_all_or_none_is_set() {
    let lab = Lab::get();
    let bake = Bake::new();
    let bridge = Bridge::new(&bake.place);
    let front = Front::start(&lab, "");
    let all = |mark: &str| {
        bake.publish(&lab, &front.address())
            .env("MARK", format!("{}-{mark}", bake.mark))
            .with("all-or-none", "true")
            .with("driver", "remote")
            .with("endpoint", bridge.endpoint())
    };
    let images = bake.images(&lab.open_registry);
    let first = all("first").run().unwrap();
    assert!(first.succeeded(), "{}", first.log);
    let before = standing(&bake, &images);
    assert!(before.iter().all(|digest| digest.is_string()), "{before:?}");
    // It takes contents, and refuses one name.
    let name = format!("tests/bake-{}/worker/manifests/main", bake.mark);
    front.refuse_puts(&name, 403, DENIED);
    let run = all("second").run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert_eq!(run.outputs["published"], "", "{}", run.log);
    assert_eq!(run.log.matches("is put back").count(), 2, "{}", run.log);
    assert_eq!(standing(&bake, &images), before);
    let expected = ["api failure", "web failure", "worker failure"];
    assert_eq!(outcomes(&run), expected, "{}", run.log);
}
