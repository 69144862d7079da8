//! What a bake file may not do by itself. Whoever opens a pull request may write
//! it, so what leads out of the workspace, or overwrites what others use, is for
//! the workflow to say: in `allow` and `set`.

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::{MachineAccess, MachineResource, Target};
use crate::input::CacheEntry;
use crate::input::build::bake::SecretSpec;
use crate::input::{BakeInputs, Inputs};
use crate::plan::findings::Findings;

/// The keys of `set` for secrets.
const SECRETS: [&str; 2] = ["secrets", "secret"];
/// Where a `gha` cache is asked for, and with what.
const SERVICE: [&str; 2] = ["url", "url_v2"];
const TOKEN: &str = "token";
/// The privileges of builds.
const NETWORK_HOST: &str = "network.host";

/// What a target and those that it is made from want and are not to have.
pub fn problems(target: &Target, inputs: &Inputs) -> Vec<InputProblem> {
    let mut problems = target.problems.clone();
    let Some(bake) = &inputs.bake else {
        return problems;
    };
    for reach in &target.reaches {
        problems.extend(out_of_reach(reach, bake));
    }
    for (name, definition) in target.definitions() {
        for key in ["cache-from", "cache-to"] {
            let entries = target.entries_of(name, key).into_iter();
            let wrong = entries
                .map(CacheEntry::from)
                .filter(leads_token_away)
                .filter(|entry| !is_set(bake, name, key, entry));
            problems.extend(wrong.map(|entry| {
                let why = "would send the job's token for GitHub's cache service to this address";
                let accepted = format!("no `url`; or the entry in `set: {name}.{key}=…`");
                InputProblem::new(key, entry.text(), why, accepted)
            }));
        }
        let network = definition.get("network").and_then(|value| value.as_str());
        let network = (network == Some("host")).then_some(NETWORK_HOST);
        let mut request: Vec<&str> = definition
            .get("entitlements")
            .and_then(|all| all.as_array())
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str())
            .chain(network)
            .collect();
        request.dedup();
        request.retain(|one| inputs.build.allow.iter().all(|allowed| allowed != one));
        problems.extend(request.into_iter().map(|one| {
            let why = format!("{name} wants it, and bake files do not allow it by themselves");
            InputProblem::new("entitlements", one, why, format!("`allow: {one}`"))
        }));
    }
    problems
}

fn out_of_reach(reach: &MachineAccess, bake: &BakeInputs) -> Option<InputProblem> {
    let MachineAccess {
        target,
        key,
        value,
        what,
    } = reach;
    let (why, accepted) = match what {
        MachineResource::Variable(variable) => {
            let mut set = bake.set_for(target, &SECRETS);
            if set.any(|entry| SecretSpec::parse(entry).reads(variable)) {
                return None;
            }
            let why = format!(
                "{variable} is of the runner's own services, and bake files may not read it"
            );
            let accepted =
                format!("`set: {target}.secrets=id=NAME,env={variable}` in the workflow");
            (why, accepted)
        }
        MachineResource::Outside(entry) => {
            let why = format!("{target} wants a file outside of the workspace");
            (why, format!("a path in the workspace; or `allow: {entry}`"))
        }
        MachineResource::Agent => {
            let why = format!("{target} wants the SSH agent");
            (why, "`allow: ssh`".to_owned())
        }
    };
    Some(InputProblem::new(key, value, why, accepted))
}

/// True for a cache for which buildx would take the job's own token to a service
/// that the entry names.
fn leads_token_away(entry: &CacheEntry) -> bool {
    let has = |name: &&str| entry.attribute(name).is_some();
    entry.kind() == "gha" && SERVICE.iter().any(has) && !has(&TOKEN)
}

/// True for an entry that `set` gives: it is the workflow's.
fn is_set(bake: &BakeInputs, target: &str, key: &str, entry: &CacheEntry) -> bool {
    let keys = [key];
    let mut values = bake.set_for(target, &keys).map(CacheEntry::from);
    values.any(|value| value.sorted_attributes() == entry.sorted_attributes())
}

/// The caches that a target writes. In a pull request those that others read are
/// left out, unless the workflow gives them: code that nobody has reviewed would
/// write what is published later.
pub fn written_caches(
    target: &Target,
    inputs: &Inputs,
    context: &RunContext,
    findings: &mut Findings,
) -> Vec<CacheEntry> {
    let entries = target.entries("cache-to").into_iter();
    let mut entries: Vec<CacheEntry> = entries.map(CacheEntry::from).collect();
    if !context.is_pull_request() {
        return entries;
    }
    let is_own = |entry: &CacheEntry| match entry.kind() {
        "local" | "inline" => true,
        // GitHub shows the cache of a pull request to nobody else.
        "gha" => context.event_name != "pull_request_target",
        _ => false,
    };
    let bake = inputs.bake.as_ref();
    let is_set =
        |entry: &CacheEntry| bake.is_some_and(|bake| is_set(bake, &target.name, "cache-to", entry));
    entries.retain(|entry| {
        let is_kept = is_own(entry) || is_set(entry);
        if !is_kept {
            findings.decide(format!(
                "cache {}: read only, as the bake file of a pull request names it",
                entry.text()
            ));
        }
        is_kept
    });
    entries
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn target(definition: &Value) -> Target {
        let definition = definition.as_object().unwrap().clone();
        Target {
            name: "api".to_owned(),
            family: json!({"api": definition, "base": definition})
                .as_object()
                .unwrap()
                .clone(),
            definition,
            ..Target::default()
        }
    }

    fn inputs(set: &[&str], allow: &[&str]) -> Inputs {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut inputs = Inputs {
            bake: Some(BakeInputs {
                set: list(set),
                ..BakeInputs::default()
            }),
            ..Inputs::default()
        };
        inputs.build.allow = list(allow);
        inputs
    }

    #[test]
    fn the_job_s_token_goes_to_github_alone() {
        for (cache, count) in [
            (json!("type=gha,scope=x"), 0),
            (json!("type=gha,url=http://evil.example/"), 2),
            (json!({"type": "gha", "url_v2": "http://evil.example/"}), 2),
            (json!("type=gha,URL=http://own.example/,token=t"), 0),
            (json!("type=s3,url=x"), 0),
        ] {
            let target = target(&json!({"cache-from": [cache]}));
            let found = problems(&target, &inputs(&[], &[]));
            assert_eq!(found.len(), count, "{cache}: {found:?}");
        }
        let target = target(&json!({"cache-from": [{"type": "gha", "url": "http://own/"}]}));
        let set = ["*.cache-from=type=gha,url=http://own/"];
        assert!(problems(&target, &inputs(&set, &[])).is_empty());
    }

    #[test]
    fn a_variable_of_the_runner_is_for_the_workflow_to_give() {
        let mut target = target(&json!({}));
        target.reaches = vec![MachineAccess {
            target: "base".to_owned(),
            key: "secret",
            value: "id=x,env=ACTIONS_RUNTIME_TOKEN".to_owned(),
            what: MachineResource::Variable("ACTIONS_RUNTIME_TOKEN".to_owned()),
        }];
        for (set, count) in [
            (vec![], 1),
            (vec!["base.secrets=id=x,env=ACTIONS_RUNTIME_TOKEN"], 0),
            (
                vec!["*.secrets+=type=env,id=y,src=ACTIONS_RUNTIME_TOKEN"],
                0,
            ),
            (vec!["api.secrets=id=x,env=ACTIONS_RUNTIME_TOKEN"], 1),
            (vec!["base.secrets=id=x,env=ACTIONS_CACHE_URL"], 1),
        ] {
            let found = problems(&target, &inputs(&set, &[]));
            assert_eq!(found.len(), count, "{set:?}: {found:?}");
        }
    }

    #[test]
    fn privileges_are_for_the_workflow_to_allow() {
        for (definition, allow, count) in [
            (json!({"entitlements": ["security.insecure"]}), vec![], 2),
            (
                json!({"entitlements": ["network.host"], "network": "host"}),
                vec![],
                2,
            ),
            (json!({"network": "host"}), vec!["network.host"], 0),
            (json!({"network": "none"}), vec![], 0),
        ] {
            let found = problems(&target(&definition), &inputs(&[], &allow));
            assert_eq!(found.len(), count, "{definition}: {found:?}");
        }
    }

    #[test]
    fn in_a_pull_request_what_others_read_is_not_written() {
        let caches = json!({"cache-to": [
            "type=registry,ref=r/app:latest", {"type": "registry", "ref": "r/app:set"}, "r/app:bare",
            "type=local,dest=c", "type=inline", "type=gha,scope=x", "type=s3,bucket=b",
        ]});
        let inputs = inputs(&["*.cache-to+=r/app:set"], &[]);
        for (event, expected) in [("push", 7), ("pull_request", 4), ("pull_request_target", 3)] {
            let context = RunContext {
                event_name: event.to_owned(),
                ..RunContext::default()
            };
            let mut findings = Findings::default();
            let written = written_caches(&target(&caches), &inputs, &context, &mut findings);
            assert_eq!(written.len(), expected, "{event}: {written:?}");
            assert_eq!(findings.decisions.len(), 7 - expected, "{event}");
        }
    }
}
