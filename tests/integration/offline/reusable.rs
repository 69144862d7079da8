//! The reusable workflow: it has every input of the action that a job of its own can
//! use, and gives them to the jobs.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Map, Value};

use crate::support::{read, root};

const WORKFLOW: &str = ".github/workflows/publish.yml";
/// What each job has of its own, or a job of another machine cannot have: results that
/// go elsewhere than to a registry, this job's environment, its SSH agent.
const LEFT_OUT: [&str; 8] = [
    "plan",
    "leg",
    "job-id",
    "outputs",
    "call",
    "load",
    "secret-envs",
    "ssh",
];
/// What callers can only give as secrets.
const SECRETS: [&str; 5] = [
    "username",
    "password",
    "registry-auth",
    "github-token",
    "secrets",
];
/// What the last job needs.
const OF_MERGE: [&str; 4] = [
    "push-attempts",
    "stall-timeout",
    "registry",
    "ca-certificates",
];
const LEGS: usize = 64;

fn section(name: &str) -> Map<String, Value> {
    let action: Value = serde_yaml::from_str(&read("action.yml")).unwrap();
    action[name].as_object().unwrap().clone()
}

fn description(field: &Value) -> &str {
    field["description"].as_str().unwrap()
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

fn inputs() -> String {
    let mut text = String::new();
    for (name, field) in section("inputs") {
        // A user is both: it is seldom a secret.
        let is_only_secret = is_secret(&name) && name != "username";
        if LEFT_OUT.contains(&name.as_str()) || is_only_secret {
            continue;
        }
        let description = serde_yaml::to_string(description(&field)).unwrap();
        let _ = writeln!(text, "      {name}:");
        let _ = writeln!(text, "        description: {}", description.trim_end());
        let _ = writeln!(text, "        type: string");
    }
    text
}

fn with(is_given: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for (name, _) in section("inputs") {
        let value = match name.as_str() {
            left if LEFT_OUT.contains(&left) || !is_given(left) => continue,
            "username" => "secrets.username || inputs.username".to_owned(),
            "github-token" => "secrets.github-token || github.token".to_owned(),
            secret if is_secret(secret) => format!("secrets.{secret}"),
            other => format!("inputs.{other}"),
        };
        let _ = writeln!(text, "          {name}: ${{{{ {value} }}}}");
    }
    text
}

fn outputs() -> String {
    let mut text = String::new();
    let all = section("outputs");
    for name in [
        "version",
        "tags",
        "json",
        "digest",
        "published",
        "kept-back",
    ] {
        let value = match name {
            "version" | "tags" | "json" => format!("jobs.plan.outputs.{name}"),
            _ => format!("jobs.merge.outputs.{name} || jobs.build.outputs.{name}"),
        };
        let description = serde_yaml::to_string(description(&all[name])).unwrap();
        let _ = writeln!(text, "      {name}:");
        let _ = writeln!(text, "        description: {}", description.trim_end());
        let _ = writeln!(text, "        value: ${{{{ {value} }}}}");
    }
    text
}

fn results() -> String {
    (0..LEGS).fold(String::new(), |mut text, leg| {
        let _ = writeln!(
            text,
            "      leg-{leg}: ${{{{ steps.build.outputs.leg-{leg} }}}}"
        );
        text
    })
}

#[test]
fn the_reusable_workflow_has_the_inputs_of_the_action() {
    let text = read(WORKFLOW);
    let mut made = text.clone();
    let of_plan = |name: &str| name != "secrets";
    let of_merge = |name: &str| {
        let is_login = is_secret(name) && name != "secrets";
        is_login || OF_MERGE.contains(&name)
    };
    for (name, part) in [
        ("inputs", inputs()),
        ("outputs", outputs()),
        ("plan", with(of_plan)),
        ("results", results()),
        ("build", with(|_| true)),
        ("merge", with(of_merge)),
    ] {
        let begin = format!("# {name}: made from action.yml\n");
        let start = made.find(&begin).expect("a marker") + begin.len();
        let end = made[start..].find("# end").expect("an end marker");
        let end = made[..start + end].rfind('\n').unwrap() + 1;
        made.replace_range(start..end, &part);
    }
    if std::env::var_os("STEVEDORE_UPDATE").is_some() {
        fs::write(root().join(WORKFLOW), &made).unwrap();
    } else {
        assert_eq!(text, made, "STEVEDORE_UPDATE=1 writes it");
    }
}
