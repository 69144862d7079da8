//! Recorded cases through the real program: environment, event file and
//! GitHub's API in, the outputs file and the log out. tests/conformance.rs
//! compares all cases with the engine alone; here it is some, or every one with
//! STEVEDORE_ALL_CASES=1.

use std::fs;

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::recorder::heredocs;
use crate::support::{Place, Printed, read, run};

fn data(name: &str) -> Value {
    serde_json::from_str(&read(&format!("tests/conformance/{name}.json"))).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The API that a case was recorded with.
async fn serve(server: &MockServer, case: &Value, repository: &Value) {
    server.reset().await;
    let route = format!("/repos/{}", text(case, "repository"));
    let get = |at: String, template: ResponseTemplate| {
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(template)
    };
    let found = ResponseTemplate::new(200).set_body_json(repository);
    get(route.clone(), found).mount(server).await;
    if let Some(date) = case["commit_date"].as_str() {
        let commit = json!({"commit": {"committer": {"date": date}}});
        let found = ResponseTemplate::new(200).set_body_json(commit);
        let head = case["event_payload"]["pull_request"]["head"]["sha"].as_str();
        for sha in [Some(text(case, "sha")), head].into_iter().flatten() {
            get(format!("{route}/commits/{sha}"), found.clone())
                .mount(server)
                .await;
        }
    }
}

fn execute(place: &Place, case: &Value, api: &str) -> Printed {
    let now = jiff::Timestamp::from_millisecond(case["now_ms"].as_i64().unwrap()).unwrap();
    place.write("event.json", &case["event_payload"].to_string());
    let mut command = place.stevedore(["metadata"]);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", text(case, "event_name"))
        .env("GITHUB_EVENT_PATH", place.path("event.json"))
        .env("GITHUB_REF", text(case, "ref"))
        .env("GITHUB_SHA", text(case, "sha"))
        .env("GITHUB_REPOSITORY", text(case, "repository"))
        .env("GITHUB_API_URL", api)
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("STEVEDORE_NOW", now.to_string());
    for (name, value) in case["inputs"].as_object().unwrap() {
        command.env(
            format!("INPUT_{}", name.to_uppercase()),
            value.as_str().unwrap(),
        );
    }
    for (name, value) in case["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    run(&mut command)
}

/// Ours for each output that was recorded, in the form it was recorded in.
fn output(place: &Place, name: &str, recorded: &Value) -> Value {
    let outputs = heredocs(&place.text("output"));
    let value = if name.starts_with("bake-file") {
        fs::read_to_string(&outputs[name]).unwrap()
    } else {
        outputs[name].clone()
    };
    match recorded {
        Value::String(_) => value.into(),
        _ => serde_json::from_str(&value).unwrap(),
    }
}

/// The warnings of the original's among ours, as the runner sees them.
fn warnings(printed: &Printed) -> Vec<&str> {
    let lines = printed.out.lines();
    lines
        .filter_map(|line| line.strip_prefix("::warning title=Tags::"))
        .collect()
}

fn check(place: &Place, case: &Value, printed: &Printed) -> Result<(), String> {
    let expect = &case["expect"];
    if printed.success != (expect["ok"] == true) {
        return Err(format!("success: {} {}", printed.success, printed.out));
    }
    if !printed.success {
        let said = printed.out.contains("::error title=Input::");
        return said.then_some(()).ok_or_else(|| printed.out.clone());
    }
    for (name, recorded) in expect["outputs"].as_object().unwrap() {
        // As text, since the order of keys counts.
        let ours = output(place, name, recorded).to_string();
        let recorded = recorded.to_string();
        if ours != recorded {
            return Err(format!("{name}\n it: {recorded}\n we: {ours}"));
        }
    }
    let recorded = expect["warnings"].as_array().unwrap().iter();
    let recorded: Vec<&str> = recorded.map(|text| text.as_str().unwrap()).collect();
    if warnings(printed) == recorded {
        Ok(())
    } else {
        Err(format!("warnings\n it: {recorded:?}\n we: {}", printed.out))
    }
}

/// One in ten, and those that ask for something unusual.
fn is_chosen(index: usize, case: &Value) -> bool {
    let inputs = case["inputs"].to_string();
    let unusual = ["commit_date", "\"sep-", "bake-target"];
    index.is_multiple_of(10)
        || case["env"].as_object().is_some_and(|env| !env.is_empty())
        || unusual.iter().any(|word| inputs.contains(word))
        || std::env::var_os("STEVEDORE_ALL_CASES").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_cases_through_the_whole_program() {
    let (cases, events, repositories) = (data("cases"), data("events"), data("repositories"));
    let server = MockServer::start().await;
    let mut wrong = Vec::new();
    let mut count = 0;
    for (index, case) in cases.as_array().unwrap().iter().enumerate() {
        if !is_chosen(index, case) {
            continue;
        }
        let mut case = case.clone();
        case["event_payload"] = events[text(&case, "event")].clone();
        serve(&server, &case, &repositories[text(&case, "repo")]).await;
        let place = Place::new();
        let printed = execute(&place, &case, &server.uri());
        count += 1;
        if let Err(why) = check(&place, &case, &printed) {
            wrong.push(format!("{}: {why}", text(&case, "name")));
        }
    }
    assert!(count >= 50, "only {count}");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
