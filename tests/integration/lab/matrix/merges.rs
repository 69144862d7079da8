//! The last job of a matrix against registries that refuse, and beside others.

use std::time::Duration;

use lab_runner::Signal;

use super::{Matrix, green, job};
use crate::support::Lab;
use crate::support::front::{Front, refuse};
use crate::support::site::clean;

pub(super) const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"no more"}]}"#;

#[test]
#[ignore = "needs the lab"]
fn a_repository_that_refuses_is_named_and_the_other_is_finished() {
    let lab = Lab::get();
    let front = Front::start(&lab, "");
    let images = format!(
        "{}/tests/MARK-first\n{}/tests/MARK-second",
        lab.open_registry,
        front.address()
    );
    let matrix = Matrix::plan(&lab, &images, "1.2.3");
    let results = matrix.results();
    let refused = matrix.images.lines().nth(1).unwrap();
    let path = refused.split_once('/').unwrap().1;
    front.refuse_puts(&format!("{path}/manifests/"), 403, DENIED);
    let merged = matrix.merge(&job(), &results).run().unwrap();
    assert_eq!(merged.exit_code, Some(1), "{}", merged.log);
    assert!(merged.log.contains("no more"), "{}", merged.log);
    let published: Vec<&str> = merged.outputs["published"].lines().collect();
    assert_eq!(published.len(), 4, "{published:?}");
    assert!(
        published.iter().all(|name| !name.starts_with(refused)),
        "{published:?}"
    );
    assert_eq!(matrix.digest(&format!("{refused}:1.2.3")), None);
    // The registry has changed its mind.
    front.answer("");
    let again = matrix.merge(&job(), &results).run().unwrap();
    green(&again);
    assert_eq!(again.outputs["digest"], merged.outputs["digest"]);
    assert_eq!(again.outputs["published"], again.outputs["tags"]);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_refuses_the_push_stops_the_first_job() {
    let lab = Lab::get();
    let place = job();
    let path = format!("tests/{}", place.mark().to_lowercase());
    let front = Front::start(&lab, &refuse(&format!("{path}/blobs/uploads"), 403, DENIED));
    let planned = lab
        .step_of(&place, "plan")
        .git_ref("refs/tags/v1.2.3")
        .with("images", format!("{}/{path}", front.address()))
        .run()
        .unwrap();
    assert_eq!(planned.exit_code, Some(1), "{}", planned.log);
    assert!(planned.log.contains("no more"), "{}", planned.log);
    // The jobs that need them are not begun.
    assert!(
        !planned.outputs.contains_key("matrix"),
        "{:?}",
        planned.outputs
    );
}

#[test]
#[ignore = "needs the lab"]
fn with_all_or_none_a_name_that_is_refused_moves_no_other() {
    let lab = Lab::get();
    let front = Front::start(&lab, "");
    let image = format!("{}/tests/MARK", front.address());
    let old = Matrix::plan(&lab, &image, "1.2.3");
    let merged = old.merge(&job(), &old.results()).run().unwrap();
    green(&merged);
    let next = old.next_with("1.2.4", |step| step.with("all-or-none", "true"));
    let results = next.results();
    let path = next.images.split_once('/').unwrap().1;
    front.answer(&refuse(&format!("{path}/manifests/latest$"), 403, DENIED));
    let refused = next.merge(&job(), &results).run().unwrap();
    assert_eq!(refused.exit_code, Some(1), "{}", refused.log);
    front.answer("");
    for tag in ["1", "latest"] {
        let digest = old.digest(&old.tag(tag));
        assert_eq!(
            digest.as_deref(),
            Some(merged.outputs["digest"].as_str()),
            "{tag}"
        );
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_merge_that_is_killed_between_two_names_is_finished_by_the_next() {
    let lab = Lab::get();
    let front = Front::start(&lab, "");
    let image = format!("{}/tests/MARK", front.address());
    let matrix = Matrix::plan(&lab, &image, "1.2.3");
    let results = matrix.results();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let path = matrix.images.split_once('/').unwrap().1;
    front.answer(&format!(
        "location ~ ^/v2/{path}/manifests/latest {{ proxy_pass http://{}; }}\n",
        silent.local_addr().unwrap()
    ));
    let place = job();
    let running = matrix.merge(&place, &results).start().unwrap();
    let last = format!("{} is written", matrix.tag("1"));
    assert!(running.wait_for(&last, Duration::from_secs(60)));
    assert!(running.signal(Signal::KILL));
    let killed = running.wait().unwrap();
    assert!(!killed.succeeded());
    let digest = matrix.digest(&matrix.tag("1.2.3")).unwrap();
    assert_eq!(matrix.digest(&matrix.tag("1")).as_ref(), Some(&digest));
    front.answer("");
    let again = matrix.merge(&job(), &results).run().unwrap();
    green(&again);
    assert_eq!(again.outputs["digest"], digest);
    assert_eq!(matrix.digest(&matrix.tag("latest")), Some(digest));
}

#[test]
#[ignore = "needs the lab"]
fn two_merges_at_once_leave_every_name_at_one_of_them() {
    let lab = Lab::get();
    let image = format!("{}/tests/MARK", lab.open_registry);
    let first = Matrix::plan(&lab, &image, "1.2.3");
    let second = first.next("1.2.4");
    let [of_first, of_second] = [&first, &second].map(Matrix::results);
    // Two calls of the workflow in one run: a merge takes its own legs alone.
    let mixed = first.merge(&job(), &of_second).run().unwrap();
    assert!(mixed.log.contains("is of another plan"), "{}", mixed.log);
    let places = [job(), job()];
    let running = [
        first.merge(&places[0], &of_first).start().unwrap(),
        second.merge(&places[1], &of_second).start().unwrap(),
    ];
    let merged = running.map(|running| running.wait().unwrap());
    for run in &merged {
        // Both write the name of the commit: who reads the other's is red.
        let is_told = run.log.contains(" in the registry, but ");
        assert!(run.succeeded() || is_told, "{}", run.log);
        clean(run);
    }
    let digests = merged.map(|run| run.outputs["digest"].clone());
    for (tag, digest) in ["1.2.3", "1.2.4"].into_iter().zip(&digests) {
        assert_eq!(
            first.digest(&first.tag(tag)).as_ref(),
            Some(digest),
            "{tag}"
        );
    }
    for tag in ["1", "latest"] {
        let found = first.digest(&first.tag(tag)).unwrap();
        assert!(digests.contains(&found), "{tag}: {found}");
    }
}
