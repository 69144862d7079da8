//! Inputs of docker/build-push-action as recorded from the original.

use super::{input, step, theirs, warnings, workspace};
use crate::support::recorder::built_with;
use crate::support::{read, run};
use serde_json::Value;

fn compare(case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let place = workspace(case["buildx"].as_str().unwrap());
    let mut command = step(&place, &case["event"]);
    for (name, value) in case["inputs"].as_object().unwrap() {
        input(&mut command, name, value.as_str().unwrap());
    }
    if expect["ok"] == true {
        command.env("INPUT_PUSH", "false");
    }
    for (name, value) in case["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let printed = run(&mut command);
    if printed.success != (expect["ok"] == true) {
        return Err(format!("success: {}\n{}", printed.success, printed.out));
    }
    if !printed.success {
        let said = printed.out.contains("::error title=Input::");
        return said.then_some(()).ok_or(printed.out);
    }
    let ours = built_with(&place);
    let recorded = expect["argv"].as_array().unwrap().iter();
    let recorded: Vec<String> = recorded.map(|a| a.as_str().unwrap().to_owned()).collect();
    if theirs(&ours) != theirs(&recorded) {
        let (it, we) = (theirs(&recorded), theirs(&ours));
        return Err(format!("\n it: {it:?}\n we: {we:?}"));
    }
    let given: Vec<&String> = recorded.iter().filter(|a| *a == "--annotation").collect();
    if given.is_empty() && case["inputs"]["annotations"].is_string() {
        let ours = ours.iter().filter(|a| *a == "--annotation").count();
        if ours > 0 {
            return Err(format!("{ours} annotations"));
        }
    }
    let told = warnings(&printed, "buildx is too old") + warnings(&printed, "Secrets");
    if told == expect["warnings"].as_array().unwrap().len() {
        Ok(())
    } else {
        Err(format!("warnings: {}", printed.out))
    }
}

#[test]
fn every_recorded_case() {
    let cases: Value = serde_json::from_str(&read("tests/conformance/build.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 67);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let why = compare(case).err()?;
            Some(format!("{}: {why}", case["name"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
