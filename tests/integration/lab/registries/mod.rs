//! Registries that refuse, are busy or go away, for real: the lab's, behind an
//! nginx that answers as each test wants.

mod again;

use std::net::TcpListener;
use std::time::Duration;

use lab_runner::{Signal, Step, StepRun};

use crate::support::front::{Front, refuse};
use crate::support::{Lab, Place};

const DENIED: &str =
    r#"{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}"#;

fn place() -> Place {
    let place = Place::new();
    // Something of its own in each run, so that there is a layer to push.
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo $MARK > /mark\n",
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
    let digest = place.digest(reference);
    digest.unwrap_or_else(|| panic!("{reference} is not there"))
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
    let begun = format!("{image}:v0.2.0 is written");
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
