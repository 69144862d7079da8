//! Caches for real: read into a builder that has nothing of the build, and
//! registries that do not take them.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use lab_runner::Step;
use serde_json::json;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::Lab;
use crate::support::cache_service::{CALLS, runtime_token};
use crate::support::cached_build::{Build, green, warnings, warns};
use crate::support::front::{Front, refuse};

const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"not for caches"}]}"#;
/// How long the program waits for a cache that it has added itself, in seconds.
const BOUND: u64 = 120;

/// The first run finds nothing; the second one has every step from the cache,
/// though the builder has none of them any more.
pub(crate) fn is_cached_from_an_empty_builder(build: &Build, step: impl Fn() -> Step) {
    let first = step().run().unwrap();
    green(&first);
    assert_eq!(warnings(&first), Vec::<&str>::new());
    let nothing = "cached: no step of 4. The cache";
    assert!(first.log.contains(nothing), "{}", first.log);
    assert!(first.summary.contains(nothing), "{}", first.summary);
    assert_eq!(build.forget(), 4);
    let second = step().run().unwrap();
    green(&second);
    let all = "cached: linux/amd64 2 of 2 steps, linux/arm64 2 of 2 steps";
    assert!(second.log.contains(all), "{}", second.log);
    assert!(second.summary.contains(all), "{}", second.summary);
    assert_eq!(warnings(&second), Vec::<&str>::new());
}

#[test]
#[ignore = "needs the lab"]
fn a_second_run_is_fully_cached_from_the_registry() {
    let lab = Lab::get();
    let build = Build::new();
    let image = format!("{}/tests/cache-{}", lab.open_registry, build.mark());
    is_cached_from_an_empty_builder(&build, || {
        build.publish(&lab, &image).with("cache", "registry")
    });
}

#[test]
#[ignore = "needs the lab"]
fn a_second_run_is_fully_cached_from_a_folder_that_holds_one_cache() {
    let lab = Lab::get();
    let build = Build::new();
    let image = format!("{}/tests/cache-local", lab.open_registry);
    is_cached_from_an_empty_builder(&build, || {
        build.publish(&lab, &image).with("cache", "local")
    });
    let kept = build.place.local_caches();
    assert_eq!(kept.len(), 1, "{kept:?}");
    // What another build has left there goes with it.
    let folder = format!("tools/stevedore-cache/{}", kept[0]);
    build.place.write(&format!("{folder}/blobs/old"), "");
    let third = build.publish(&lab, &image).with("cache", "local");
    green(&third.run().unwrap());
    let blobs = build.place.list(&format!("{folder}/blobs"));
    assert_eq!(blobs, ["sha256"]);
    assert_eq!(build.place.local_caches(), kept);
}

/// As two jobs of one machine do that share its tool cache.
#[test]
#[ignore = "needs the lab"]
fn runs_that_meet_at_a_local_cache_all_succeed_and_leave_a_whole_one() {
    let lab = Lab::get();
    let build = Build::new();
    let image = format!("{}/tests/cache-meets", lab.open_registry);
    let step = || build.publish(&lab, &image).with("cache", "local");
    // Several at once can neither upload a blob to the lab's registry nor put a name
    // into an engine's store.
    let steps: Vec<Step> = (0..4)
        .map(|run| {
            step()
                .with("push", "false")
                .with("tags", format!("run-{run}"))
        })
        .collect();
    // Each has copied the program, which no longer changes when the first one starts.
    let running: Vec<_> = steps
        .into_iter()
        .map(|step| step.start().unwrap())
        .collect();
    for one in running {
        let run = one.wait().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        assert_eq!(warnings(&run), Vec::<&str>::new());
    }
    assert_eq!(
        build.place.local_caches().len(),
        1,
        "{:?}",
        build.place.local_caches()
    );
    build.forget();
    let next = step().run().unwrap();
    green(&next);
    let all = "cached: linux/amd64 2 of 2 steps, linux/arm64 2 of 2 steps";
    assert!(next.log.contains(all), "{}", next.log);
}

/// buildx writes the index of a local cache by itself, after the build, and an
/// error there is none of the cache's to BuildKit.
#[test]
#[ignore = "needs the lab"]
fn a_local_cache_that_cannot_be_finished_costs_a_warning() {
    let lab = Lab::get();
    let build = Build::new();
    let image = format!("{}/tests/cache-lost", lab.open_registry);
    let running = build.publish(&lab, &image).with("cache", "local");
    let running = running.start().unwrap();
    assert!(running.wait_for("RUN echo two-", Duration::from_secs(60)));
    let own = build.place.local_caches().remove(0);
    let written = build.place.path(&format!("tools/stevedore-cache/{own}/to"));
    std::fs::remove_dir_all(&written).unwrap();
    std::fs::write(&written, "").unwrap();
    let run = running.wait().unwrap();
    green(&run);
    warns(&run, &["was not saved"]);
    assert_eq!(build.place.local_caches(), Vec::<String>::new());
}

#[test]
#[ignore = "needs the lab"]
fn a_folder_that_takes_no_cache_costs_a_warning() {
    let lab = Lab::get();
    let build = Build::new();
    build.place.write("tools/stevedore-cache", "no folder");
    let image = format!("{}/tests/cache-no-folder", lab.open_registry);
    let run = build.publish(&lab, &image).with("cache", "local").run();
    let run = run.unwrap();
    green(&run);
    warns(&run, &["is left out"]);
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_that_may_not_be_read_is_left_out() {
    let lab = Lab::get();
    let build = Build::new();
    let front = Front::start(
        &lab,
        &refuse("unread/app/manifests/buildcache", 403, DENIED),
    );
    let image = format!("{}/unread/app", front.address());
    let run = build.publish(&lab, &image).with("cache", "registry");
    let run = run.run().unwrap();
    green(&run);
    warns(&run, &[&format!("{image}:buildcache is left out")]);
    assert!(!run.log.contains("exporting cache"), "{}", run.log);
}

/// BuildKit would wait for it without end.
#[test]
#[ignore = "needs the lab"]
fn a_cache_that_does_not_answer_is_left_out() {
    let lab = Lab::get();
    let build = Build::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hang = format!(
        "location ~ ^/v2/silent/app/manifests/buildcache {{ proxy_pass http://{}; }}\n",
        silent.local_addr().unwrap()
    );
    let front = Front::start(&lab, &hang);
    let image = format!("{}/silent/app", front.address());
    let begun = Instant::now();
    let run = build.publish(&lab, &image).with("cache", "registry");
    let run = run.run().unwrap();
    assert!(begun.elapsed().as_secs() < 60, "{}", run.log);
    green(&run);
    warns(&run, &[&format!("{image}:buildcache is left out")]);
}

/// A block that answers so when the manifest of a cache is written. Nothing is
/// there yet when it is read.
fn on_writing(name: &str, answer: &str) -> String {
    format!(
        "location ~ ^/v2/{name}/manifests/buildcache {{
           if ($request_method != PUT) {{ return 404; }}
           {answer}
         }}\n"
    )
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_that_may_not_be_written_costs_a_warning() {
    let lab = Lab::get();
    let build = Build::new();
    let refused = format!("return 403 '{DENIED}';");
    let front = Front::start(&lab, &on_writing("unwritten/app", &refused));
    let image = format!("{}/unwritten/app", front.address());
    let run = build.publish(&lab, &image).with("cache", "registry");
    let run = run.run().unwrap();
    green(&run);
    warns(&run, &["was not saved", "403"]);
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_that_hangs_costs_the_bound_and_a_warning() {
    let lab = Lab::get();
    let build = Build::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("proxy_pass http://{};", silent.local_addr().unwrap());
    let wait = format!(
        "proxy_read_timeout 600s; {}",
        on_writing("hangs/app", &silent)
    );
    let front = Front::start(&lab, &wait);
    let image = format!("{}/hangs/app", front.address());
    let begun = Instant::now();
    let run = build.publish(&lab, &image).with("cache", "registry");
    let run = run.run().unwrap();
    let took = begun.elapsed().as_secs();
    green(&run);
    warns(&run, &["120 s after the last push"]);
    assert!((BOUND..BOUND + 60).contains(&took), "{took} s");
}

/// Given entries have no `ignore-error`: buildx fails, and all was pushed.
#[test]
#[ignore = "needs the lab"]
fn a_cache_registry_that_dies_during_the_export_costs_a_warning() {
    let lab = Lab::get();
    let build = Build::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hang = format!("proxy_pass http://{};", silent.local_addr().unwrap());
    let front = Front::start(&lab, &on_writing("dies/cache", &hang));
    let cache = format!(
        "type=registry,ref={}/dies/cache:buildcache,mode=max",
        front.address()
    );
    let image = format!("{}/tests/cache-dies", lab.open_registry);
    let running = build.publish(&lab, &image).with("cache-to", cache).start();
    let running = running.unwrap();
    let last = "writing cache image manifest";
    assert!(running.wait_for(last, Duration::from_secs(60)));
    front.kill();
    let run = running.wait().unwrap();
    green(&run);
    warns(&run, &["was not saved"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_hosted_runner_s_cache_service_is_asked_and_may_refuse() {
    let lab = Lab::get();
    let service = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path_regex("/GetCacheEntryDownloadURL$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": false})))
        .mount(&service)
        .await;
    let refused = json!({"code": "permission_denied", "msg": "the cache is full"});
    Mock::given(method("POST"))
        .and(path_regex("/CreateCacheEntry$"))
        .respond_with(ResponseTemplate::new(403).set_body_json(refused))
        .mount(&service)
        .await;
    let url = format!("{}/", service.uri());
    let token = runtime_token(&[("refs/heads/main", 3)]);
    let given = token.clone();
    let run = tokio::task::spawn_blocking(move || {
        let build = Build::new();
        let image = format!("{}/tests/cache-service", lab.open_registry);
        let step = build.publish(&lab, &image);
        step.env("RUNNER_ENVIRONMENT", "github-hosted")
            .env("ACTIONS_RUNTIME_TOKEN", given)
            .env("ACTIONS_RESULTS_URL", &url)
            .env("ACTIONS_CACHE_SERVICE_V2", "true")
            .run()
            .unwrap()
    });
    let run = run.await.unwrap();
    green(&run);
    warns(&run, &["was not saved"]);
    assert!(!run.log.contains(&token), "{}", run.log);
    let requests = service.received_requests().await.unwrap();
    let calls = |name: &str| {
        let path = format!("{CALLS}{name}");
        let named = requests.iter().filter(|request| request.url.path() == path);
        named.collect::<Vec<_>>()
    };
    let (reads, writes) = (calls("GetCacheEntryDownloadURL"), calls("CreateCacheEntry"));
    assert!(!reads.is_empty() && !writes.is_empty(), "{requests:?}");
    for request in reads.iter().chain(&writes) {
        let bearer = request.headers["authorization"].to_str().unwrap();
        assert_eq!(bearer, format!("Bearer {token}"));
    }
    // The index of the scope is what is looked for.
    let scope = "cache-service-linux-amd64-linux-arm64-";
    let bodies = reads.iter().map(|read| String::from_utf8_lossy(&read.body));
    let bodies: Vec<_> = bodies.collect();
    // After the preflight.
    assert!(bodies[1].contains(scope), "{bodies:?}");
    assert!(run.log.contains(scope), "{}", run.log);
}
