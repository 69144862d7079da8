//! Repositories that lack what legs have pushed, and get it from one that has it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::merges::DENIED;
use super::{Matrix, green, inspect, job};
use crate::support::Lab;
use crate::support::front::Front;
use crate::support::site::clean;

/// Three repositories: the legs have pushed to the first alone. The other two are in
/// another registry. The results are made out for all three.
fn pushed_to_the_first<'a>(lab: &'a Lab, front: &Front) -> (Matrix<'a>, Value) {
    let first = Matrix::plan(lab, &format!("{}/tests/MARK-a", lab.open_registry), "1.2.3");
    let mut results = first.results();
    let name = first.images.split_once('/').unwrap().1.to_owned();
    let other = format!("{}/{name}", front.address());
    let images = format!("{}\n{other}-b\n{other}-c", first.images);
    let all = Matrix::plan(lab, &images, "1.2.3");
    let plan: Value = serde_json::from_str(&all.plan).unwrap();
    for result in results.as_object_mut().unwrap().values_mut() {
        let mut of_leg: Value = serde_json::from_str(result.as_str().unwrap()).unwrap();
        of_leg["plan"] = plan["id"].clone();
        *result = json!(of_leg.to_string());
    }
    (all, results)
}

#[test]
#[ignore = "needs the lab"]
fn what_repositories_lack_is_copied_and_gets_to_a_registry_once() {
    let lab = Lab::get();
    let front = Front::start(&lab, "");
    let (matrix, results) = pushed_to_the_first(&lab, &front);
    front.requests();
    let merged = matrix.merge(&job(), &results).run().unwrap();
    green(&merged);
    assert_eq!(merged.outputs["published"], merged.outputs["tags"]);
    assert_eq!(merged.outputs["tags"].lines().count(), 12);
    for name in merged.outputs["tags"].lines() {
        let found = matrix.digest(name);
        assert_eq!(found.as_ref(), Some(&merged.outputs["digest"]), "{name}");
    }
    let last = merged.outputs["tags"].lines().last().unwrap();
    let manifest = inspect(&matrix.place, last, "Manifest");
    let listed = manifest["manifests"].as_array().unwrap();
    let attestations = listed.iter().filter(|one| !one["annotations"].is_null());
    assert_eq!((listed.len(), attestations.count()), (4, 2), "{manifest}");
    let images = inspect(&matrix.place, last, "Image");
    assert!(images["linux/amd64"].is_object() && images["linux/arm64"].is_object());
    // What the other registry was asked.
    let requests = front.requests();
    let starting = |words: &str| requests.iter().filter(|one| one.starts_with(words)).count();
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests.iter().filter(|one| one.starts_with("PUT ")) {
        let (_, digest) = request.split_once("digest=").unwrap_or_default();
        *sent.entry(digest).or_default() += usize::from(!digest.is_empty());
    }
    assert!(
        sent.len() > 4 && sent.values().all(|&times| times <= 1),
        "{requests:#?}"
    );
    let mounted = requests
        .iter()
        .filter(|one| one.contains("mount=") && one.ends_with(" 201"));
    // The first of the two repositories was sent what the second one mounts.
    assert_eq!(
        mounted.count(),
        sent.values().sum::<usize>(),
        "{requests:#?}"
    );
    let name = matrix
        .images
        .lines()
        .next_back()
        .unwrap()
        .split_once('/')
        .unwrap()
        .1;
    for tag in ["1.2.3", "1", "latest"] {
        let put = format!("PUT /v2/{name}/manifests/{tag} 201");
        assert_eq!(starting(&put), 1, "{requests:#?}");
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_repository_that_does_not_take_the_copy_is_named_and_the_others_are_finished() {
    let lab = Lab::get();
    let front = Front::start(&lab, "");
    let (matrix, results) = pushed_to_the_first(&lab, &front);
    let refused = matrix.images.lines().nth(1).unwrap();
    let path = refused.split_once('/').unwrap().1;
    front.refuse_puts(&format!("{path}/blobs/uploads/"), 403, DENIED);
    let merged = matrix.merge(&job(), &results).run().unwrap();
    assert_eq!(merged.exit_code, Some(1), "{}", merged.log);
    assert!(merged.log.contains("no more"), "{}", merged.log);
    clean(&merged);
    let published: Vec<&str> = merged.outputs["published"].lines().collect();
    assert_eq!(published.len(), 8, "{published:?}");
    assert!(published.iter().all(|name| !name.starts_with(refused)));
    assert_eq!(matrix.digest(&format!("{refused}:1.2.3")), None);
    front.answer("");
    let again = matrix.merge(&job(), &results).run().unwrap();
    green(&again);
    assert_eq!(again.outputs["digest"], merged.outputs["digest"]);
}
