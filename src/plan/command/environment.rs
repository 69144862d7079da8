//! What the buildx that builds is given in its environment, beside what all
//! programs get: secrets are no arguments, and the runner's tokens are for what
//! needs them.

use crate::env_vars;
use crate::input::CacheEntry;
use crate::input::Inputs;
use crate::input::build::bake::SecretSpec;
use crate::plan::draft::model::ImageDraft;
use crate::plan::findings::Findings;
use crate::plan::lists::distinct;
use crate::plan::variable::{BuildxVariable, Source};

/// Every variable that buildx is given, for all images.
pub fn decide(
    drafts: &[ImageDraft<'_>],
    inputs: &Inputs,
    findings: &mut Findings,
) -> Vec<BuildxVariable> {
    let mut handed: Vec<BuildxVariable> = distinct(drafts.iter().flat_map(|draft| &draft.handed));
    for one in &handed {
        if let Source::Cache { kind, attribute } = &one.from {
            findings.decide(format!(
                "{} for buildx: `{attribute}` of the {kind} cache, in place of an argument",
                one.variable
            ));
        }
    }
    let has_token = handed
        .iter()
        .any(|one| one.variable == env_vars::ACTIONS_RUNTIME_TOKEN);
    let needs_token = drafts.iter().any(needs_token);
    let token = (needs_token && !has_token).then(|| env_vars::ACTIONS_RUNTIME_TOKEN.to_owned());
    let is_withheld = |name: &String| {
        let mut tokens = env_vars::RUNNER_TOKENS.iter();
        tokens.any(|prefix| name.starts_with(prefix))
    };
    let secrets = inputs
        .build
        .secrets
        .variables
        .iter()
        .map(|secret| secret.from.clone());
    let set = inputs
        .bake
        .iter()
        .flat_map(|bake| &bake.set)
        .filter_map(|entry| {
            let spec = SecretSpec::parse(entry.split_once('=')?.1);
            Some(spec.variable.unwrap_or(spec.id))
        });
    let wanted = secrets.chain(set).filter(is_withheld).chain(token);
    for variable in wanted {
        let one = BuildxVariable {
            variable,
            from: Source::Runner,
        };
        if !handed.contains(&one) {
            handed.push(one);
        }
    }
    handed
}

/// True where a cache in GitHub's cache service has no token of its own.
fn needs_token(draft: &ImageDraft<'_>) -> bool {
    let needs = |entry: &CacheEntry| entry.kind() == "gha" && entry.attribute("token").is_none();
    let target = draft.request.target;
    let linked: Vec<CacheEntry> = target
        .iter()
        .flat_map(|target| target.linked_caches())
        .map(CacheEntry::from)
        .collect();
    let own = draft.cache.entries();
    own.chain(&linked).any(needs)
}
