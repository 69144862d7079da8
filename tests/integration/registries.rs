//! Registries that refuse, are busy or go away, for real: the lab's, behind an
//! nginx that answers as each test wants.

use std::net::TcpListener;
use std::time::Duration;

use lab_runner::{Signal, Step, StepRun};

use crate::bridge::{Bridge, NOWHERE};
use crate::front::{Front, refuse};
use crate::support::{Lab, Place, run};

const DENIED: &str =
    r#"{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}"#;

fn place() -> Place {
    let place = Place::new();
    // Something of its own in each run, so that there is a layer to push.
    place.write(
        "workspace/Dockerfile",
        "ARG BASE\nFROM ${BASE}\nARG MARK\nRUN echo $MARK > /mark\n",
    );
    place
}

fn publish(lab: &Lab, place: &Place, images: &str) -> Step {
    let mark = place.path("").display().to_string();
    lab.step(place)
        .with("images", images)
        .with("build-args", format!("BASE={}\nMARK={mark}", lab.open_base))
}

/// A registry where the push of this image's tag `latest` hangs, for as long as
/// the listener lives, so that there is time to kill what pushes.
fn hanging(lab: &Lab, image: &str) -> (Front, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hang = format!(
        "location ~ ^/v2/{image}/manifests/latest {{ proxy_pass http://{}; }}\n",
        silent.local_addr().unwrap()
    );
    (Front::start(lab, &hang), silent)
}

fn red(run: &StepRun) {
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert!(run.leftovers.is_empty(), "{:?}", run.leftovers);
    assert!(run.orphans.is_empty(), "{:?}", run.orphans);
}

fn errors<'a>(run: &'a StepRun, title: &str) -> Vec<&'a str> {
    let with_title = run
        .annotations
        .iter()
        .filter(|a| a.title.as_deref() == Some(title));
    with_title.map(|a| a.message.as_str()).collect()
}

/// The digest of a reference, as another client sees it.
fn digest_of(reference: &str, place: &Place) -> String {
    let mut command = std::process::Command::new("docker-buildx");
    command
        .args([
            "imagetools",
            "inspect",
            reference,
            "--format",
            "{{json .Manifest}}",
        ])
        .env("DOCKER_CONFIG", place.path("client"))
        .env("BUILDX_CONFIG", place.path("client/buildx"));
    let printed = run(&mut command);
    assert!(printed.success, "{}", printed.err);
    let manifest: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    manifest["digest"].as_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs the lab"]
fn a_name_without_its_owner_is_told_before_the_build() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("ga-hit-counter/", 400, ""));
    let run = publish(&lab, &place, &format!("{}/ga-hit-counter", front.address()))
        .run()
        .unwrap();
    red(&run);
    let errors = errors(&run, "Push refused");
    let fix = format!("{}/acme/ga-hit-counter", front.address());
    let first = errors[0].lines().next().unwrap();
    assert!(first.contains(&fix), "{first}");
    assert!(!run.log.contains("#1 "), "nothing is built: {}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_refusal_is_told_before_the_build_wherever_the_registry_refuses() {
    let lab = Lab::get();
    for place_of_refusal in ["refused/", "refused/app/blobs/uploads"] {
        let place = place();
        let front = Front::start(&lab, &refuse(place_of_refusal, 403, DENIED));
        let image = format!("{}/refused/app", front.address());
        let run = publish(&lab, &place, &image).run().unwrap();
        red(&run);
        let errors = errors(&run, "Push refused");
        assert_eq!(errors.len(), 1, "{}", run.log);
        assert!(
            errors[0].contains("permission_denied: write_package"),
            "{}",
            errors[0]
        );
        assert!(!run.log.contains("#1 "), "nothing is built: {}", run.log);
        assert_eq!(run.outputs["published"], "");
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_wants_a_login_says_so_before_the_build() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("locked/", 401, ""));
    for image in [
        format!("{}/tests/anonymous", lab.registry),
        format!("{}/locked/app", front.address()),
    ] {
        let run = publish(&lab, &place, &image).run().unwrap();
        red(&run);
        let errors = errors(&run, "Push refused");
        assert!(
            errors[0].lines().next().unwrap().contains("password"),
            "{}",
            errors[0]
        );
        assert!(!run.log.contains("#1 "), "nothing is built: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn without_preflight_the_words_are_fetched_after_the_push_failed() {
    let lab = Lab::get();
    for place_of_refusal in ["late/", "late/app/blobs/uploads"] {
        let place = place();
        let front = Front::start(&lab, &refuse(place_of_refusal, 403, DENIED));
        let image = format!("{}/late/app", front.address());
        let run = publish(&lab, &place, &image)
            .with("preflight", "off")
            .run()
            .unwrap();
        red(&run);
        let errors = errors(&run, "Push");
        assert_eq!(errors.len(), 1, "{}", run.log);
        assert!(
            errors[0].contains("permission_denied: write_package"),
            "{}",
            errors[0]
        );
        assert!(run.log.contains("try 1 of 3 failed"), "{}", run.log);
        assert!(
            !run.log.contains("again in"),
            "a refusal is not tried again: {}",
            run.log
        );
        assert!(
            run.outputs["digest"].starts_with("sha256:"),
            "what was built is told"
        );
        assert_eq!(run.outputs["image"], "");
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_is_busy_for_two_whole_pushes_gets_the_image_on_the_third() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("busy/", 503, ""));
    let image = format!("{}/busy/app", front.address());
    let running = publish(&lab, &place, &image)
        .with("preflight", "off")
        .start()
        .unwrap();
    let second = running.wait_for("try 2 of 3 failed", Duration::from_secs(60));
    assert!(second, "there is no second try");
    front.answer("");
    let run = running.wait().unwrap();
    assert!(run.succeeded(), "{}", run.log);
    assert!(run.log.contains("try 1 of 3 failed"), "{}", run.log);
    let digest = run.outputs["digest"].clone();
    for tag in ["v0.2.0", "latest"] {
        assert_eq!(
            digest_of(&format!("{image}:{tag}"), &place),
            digest,
            "{}",
            run.log
        );
    }
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_limits_is_given_up_after_the_attempts_that_were_asked_for() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("limited/", 429, ""));
    let image = format!("{}/limited/app", front.address());
    let run = publish(&lab, &place, &image)
        .with("preflight", "off")
        .with("push-attempts", "2")
        .run()
        .unwrap();
    red(&run);
    assert!(run.log.contains("try 2 of 2 failed"), "{}", run.log);
    assert!(
        errors(&run, "Push")[0].contains("tried 2 times"),
        "{}",
        run.log
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_name_that_is_refused_does_not_take_those_after_it_along() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("first/", 403, DENIED));
    let images = format!(
        "{0}/first/app\n{1}/tests/second",
        front.address(),
        lab.open_registry
    );
    let run = publish(&lab, &place, &images)
        .with("preflight", "warn")
        .run()
        .unwrap();
    red(&run);
    let errors = errors(&run, "Push");
    assert_eq!(
        errors.len(),
        1,
        "one error for both tags of the one image: {}",
        run.log
    );
    assert!(errors[0].contains("first/app:v0.2.0, "), "{}", errors[0]);
    let second = format!("{}/tests/second", lab.open_registry);
    assert_eq!(
        run.outputs["published"],
        format!("{second}:v0.2.0\n{second}:latest")
    );
    assert_eq!(
        run.outputs["image"],
        format!("{second}@{}", run.outputs["digest"])
    );
    let found = digest_of(&format!("{second}:latest"), &place);
    assert_eq!(found, run.outputs["digest"]);
    assert!(run.summary.contains("in part"), "{}", run.summary);
}

#[test]
#[ignore = "needs the lab"]
fn two_registries_of_which_one_refuses_stop_the_run_before_the_build() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("one/", 403, DENIED));
    let images = format!(
        "{0}/one/app\n{1}/tests/other",
        front.address(),
        lab.open_registry
    );
    let run = publish(&lab, &place, &images).run().unwrap();
    red(&run);
    assert_eq!(errors(&run, "Push refused").len(), 1, "{}", run.log);
    assert!(!run.log.contains("#1 "), "nothing is built: {}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_dies_after_the_first_name_leaves_that_name_in_the_outputs() {
    let lab = Lab::get();
    let place = place();
    let (front, _silent) = hanging(&lab, "dies/app");
    let image = format!("{}/dies/app", front.address());
    let running = publish(&lab, &place, &image)
        .with("push-attempts", "2")
        .start()
        .unwrap();
    let begun = format!("pushing manifest for {image}:latest@");
    assert!(running.wait_for(&begun, Duration::from_secs(60)));
    front.kill();
    let run = running.wait().unwrap();
    red(&run);
    assert_eq!(
        run.outputs["published"],
        format!("{image}:v0.2.0"),
        "{}",
        run.log
    );
    assert!(run.outputs["digest"].starts_with("sha256:"));
    assert_eq!(
        run.outputs["image"],
        format!("{image}@{}", run.outputs["digest"])
    );
    assert!(
        errors(&run, "Push")[0].contains(&format!("{image}:latest")),
        "{}",
        run.log
    );
}

/// The engine pushes to a registry on this machine whatever its certificate;
/// we do not hand a login to one that nobody vouches for.
#[test]
#[ignore = "needs the lab"]
fn a_certificate_that_nobody_trusts_is_named() {
    let lab = Lab::get();
    let place = place();
    let front = Front::untrusted(&lab);
    let image = format!("{}/tls/app", front.address());
    let run = publish(&lab, &place, &image).run().unwrap();
    assert!(run.succeeded(), "{}", run.log);
    let warnings = errors(&run, "Publish");
    assert!(
        warnings[0].contains("could not be checked before the build"),
        "{}",
        warnings[0]
    );
    assert!(warnings[0].contains("`ca-certificates`"), "{}", warnings[0]);

    let run = publish(&lab, &place, &image)
        .with("ca-certificates", front.certificate().display().to_string())
        .run()
        .unwrap();
    assert!(run.succeeded(), "{}", run.log);
    assert!(run.log.contains("is allowed"), "{}", run.log);
    assert_eq!(errors(&run, "Publish"), Vec::<&str>::new());
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_that_is_refused_is_told_before_the_build() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("cache/", 403, DENIED));
    let cache = format!("type=registry,ref={}/cache/app:main", front.address());
    let image = format!("{}/tests/cached", lab.open_registry);
    let run = publish(&lab, &place, &image)
        .with("cache-from", cache)
        .run()
        .unwrap();
    red(&run);
    let errors = errors(&run, "Push refused");
    assert!(errors[0].contains("/cache/app"), "{}", errors[0]);
    assert!(!run.log.contains("#1 "), "nothing is built: {}", run.log);
}

/// A builder that is not the engine's: there is no store to push out of.
fn elsewhere(step: Step, bridge: &Bridge) -> Step {
    step.env("DOCKER_HOST", NOWHERE)
        .with("driver", "remote")
        .with("endpoint", bridge.endpoint())
        .with("preflight", "off")
}

#[test]
#[ignore = "needs the lab"]
fn with_another_builder_names_that_are_left_are_copied_from_what_was_pushed() {
    let lab = Lab::get();
    for platforms in ["linux/amd64,linux/arm64", "linux/amd64"] {
        let place = place();
        let bridge = Bridge::new(&place);
        let front = Front::start(&lab, &refuse("half/app/manifests/latest", 503, ""));
        let image = format!("{}/half/app", front.address());
        let step = publish(&lab, &place, &image)
            .with("platforms", platforms)
            .with("provenance", "false");
        let running = elsewhere(step, &bridge).start().unwrap();
        let first = running.wait_for("try 1 of 3 failed", Duration::from_secs(60));
        assert!(first, "the first push does not fail");
        front.answer("");
        let run = running.wait().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        assert!(
            run.log.contains(&format!("copying {image}@")),
            "{}",
            run.log
        );
        let digest = run.outputs["digest"].clone();
        for tag in ["v0.2.0", "latest"] {
            let found = digest_of(&format!("{image}:{tag}"), &place);
            assert_eq!(found, digest, "{tag}: {}", run.log);
        }
        assert_eq!(run.outputs["platforms"], platforms);
        assert!(run.leftovers.is_empty(), "{:?}", run.leftovers);
    }
}

#[test]
#[ignore = "needs the lab"]
fn with_another_builder_the_build_is_run_again_while_nothing_is_pushed() {
    let lab = Lab::get();
    let place = place();
    let bridge = Bridge::new(&place);
    let front = Front::start(&lab, &refuse("none/", 503, ""));
    let image = format!("{}/none/app", front.address());
    let running = elsewhere(publish(&lab, &place, &image), &bridge)
        .start()
        .unwrap();
    let first = running.wait_for("try 1 of 3 failed", Duration::from_secs(60));
    assert!(first, "the first push does not fail");
    front.answer("");
    let run = running.wait().unwrap();
    assert!(run.succeeded(), "{}", run.log);
    for tag in ["v0.2.0", "latest"] {
        let found = digest_of(&format!("{image}:{tag}"), &place);
        assert_eq!(found, run.outputs["digest"], "{tag}: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_push_of_outputs_that_fails_is_red_and_tried_again_where_that_can_help() {
    let lab = Lab::get();
    for (status, body, tries) in [(403, DENIED, "try 1 of 3"), (503, "", "try 2 of 2")] {
        let place = place();
        let front = Front::start(&lab, &refuse("named/", status, body));
        let name = format!("{}/named/app:x", front.address());
        let step = publish(&lab, &place, "")
            .with("outputs", format!("type=image,name={name},push=true"))
            .with("preflight", "off");
        let step = if status == 503 {
            step.with("push-attempts", "2")
        } else {
            step
        };
        let run = step.run().unwrap();
        red(&run);
        assert!(errors(&run, "Push")[0].contains(&name), "{}", run.log);
        assert!(run.log.contains(tries), "{}", run.log);
        assert!(!run.summary.contains("pushed"), "{}", run.summary);

        let asked = publish(&lab, &place, "")
            .with("outputs", format!("type=image,name={name},push=true"))
            .run()
            .unwrap();
        assert_eq!(
            errors(&asked, "Push refused").len(),
            usize::from(status == 403)
        );
    }
}

/// What a registry repeats of a login is nobody's to read.
#[test]
#[ignore = "needs the lab"]
fn a_registry_that_repeats_the_login_shows_nothing_of_it() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(
        &lab,
        "location = /v2/ { add_header WWW-Authenticate Basic always; return 401; }\n\
         location ~ ^/v2/echo/ { return 403 'no: $http_authorization'; }\n",
    );
    let image = format!("{}/echo/app", front.address());
    // A login of the runner's Docker, which nobody has masked.
    let auth = "bWU6aHVudGVyMjI="; // me:hunter22
    let config = serde_json::json!({"auths": {front.address(): {"auth": auth}}});
    place.write("home/.docker/config.json", &config.to_string());
    let run = publish(&lab, &place, &image).run().unwrap();
    red(&run);
    assert!(
        errors(&run, "Push refused")[0].contains("no: Basic ***"),
        "{}",
        run.log
    );
    assert!(
        !run.log.contains(auth) && !run.log.contains("hunter22"),
        "{}",
        run.log
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_name_whose_push_is_cancelled_is_not_told_as_published() {
    let lab = Lab::get();
    let place = place();
    let (front, _silent) = hanging(&lab, "cancelled/app");
    let image = format!("{}/cancelled/app", front.address());
    let running = publish(&lab, &place, &image).start().unwrap();
    let begun = format!("pushing manifest for {image}:latest@");
    assert!(running.wait_for(&begun, Duration::from_secs(60)));
    assert!(running.signal(Signal::INT));
    let run = running.wait().unwrap();
    assert_eq!(run.exit_code, Some(130), "{}", run.log);
    assert_eq!(
        run.outputs["published"],
        format!("{image}:v0.2.0"),
        "{}",
        run.log
    );
}
