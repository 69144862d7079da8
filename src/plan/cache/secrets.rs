//! Secrets in the attributes of caches, which buildx reads from its environment too.

use crate::env_vars;
use crate::facts::Facts;
use crate::input::{CacheEntry, Inputs};
use crate::plan::cache::model::Cache;
use crate::plan::variable::{BuildxVariable, Source};

/// The attributes of caches that buildx takes from its environment.
const S3: [(&str, &str); 3] = [
    ("access_key_id", env_vars::AWS_ACCESS_KEY_ID),
    ("secret_access_key", env_vars::AWS_SECRET_ACCESS_KEY),
    ("session_token", env_vars::AWS_SESSION_TOKEN),
];

const GHA: [(&str, &str); 1] = [("token", env_vars::ACTIONS_RUNTIME_TOKEN)];

/// Takes the secrets of a cache out of its entries, where buildx can have them in
/// its environment: where all entries have the same, and nothing else would be
/// changed by them.
pub fn take_out(cache: &mut Cache, inputs: &Inputs, facts: &Facts) -> Vec<BuildxVariable> {
    let mut handed = Vec::new();
    if !facts.cache.has_aws {
        handed.extend(take_secret(cache, "s3", &S3, "secret_access_key"));
    }
    let is_elsewhere = |variable: &str| variable == env_vars::ACTIONS_RUNTIME_TOKEN;
    let secrets = &inputs.build.secrets.variables;
    if !secrets.iter().any(|secret| is_elsewhere(&secret.from)) {
        handed.extend(take_secret(cache, "gha", &GHA, "token"));
    }
    handed
}

fn take_secret(
    cache: &mut Cache,
    kind: &'static str,
    attributes: &[(&'static str, &str)],
    secret: &str,
) -> Vec<BuildxVariable> {
    let of_kind = |entry: &&CacheEntry| entry.kind() == kind;
    let values = |entry: &CacheEntry| -> Vec<Option<String>> {
        let value = |(name, _): &(&str, &str)| entry.attribute(name).map(str::to_owned);
        attributes.iter().map(value).collect()
    };
    let all: Vec<Vec<Option<String>>> = cache
        .from
        .iter()
        .chain(&cache.to)
        .filter(of_kind)
        .map(values)
        .collect();
    let Some(first) = all
        .first()
        .filter(|first| all.iter().all(|one| one == *first))
    else {
        return Vec::new();
    };
    let given: Vec<&(&'static str, &str)> = attributes
        .iter()
        .zip(first)
        .filter_map(|(attribute, value)| value.as_ref().map(|_| attribute))
        .collect();
    let has_secret = given.iter().any(|(name, _)| *name == secret);
    // Of AWS, a key without its name is not a credential.
    if !has_secret || first.first().is_some_and(Option::is_none) {
        return Vec::new();
    }
    for entry in cache.from.iter_mut().chain(&mut cache.to) {
        if entry.kind() == kind {
            *entry = entry.without(&given.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
    }
    let handed = given
        .into_iter()
        .map(|(attribute, variable)| BuildxVariable {
            variable: (*variable).to_owned(),
            from: Source::Cache { kind, attribute },
        });
    handed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{facts, inputs};

    fn taken(from: &[&str], to: &[&str], has_aws: bool) -> (Vec<String>, Vec<String>) {
        let inputs = inputs(&[]);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.cache.has_aws = has_aws;
        let list = |all: &[&str]| all.iter().map(|one| CacheEntry::from(*one)).collect();
        let mut cache = Cache {
            from: list(from),
            to: list(to),
            ..Cache::default()
        };
        let handed = take_out(&mut cache, &inputs, &facts);
        let names = handed.into_iter().map(|one| one.variable).collect();
        (
            names,
            cache.entries().map(|one| one.text().to_owned()).collect(),
        )
    }

    #[test]
    fn secrets_of_caches_become_variables_where_that_changes_nothing_else() {
        let s3 = "type=s3,bucket=b,access_key_id=A,secret_access_key=S";
        let other = "type=s3,bucket=b,access_key_id=A,secret_access_key=T";
        let aws = [env_vars::AWS_ACCESS_KEY_ID, env_vars::AWS_SECRET_ACCESS_KEY];
        let bare = "type=s3,bucket=b";
        for (from, to, has_aws, names, entries) in [
            (vec![s3], vec![s3], false, aws.to_vec(), vec![bare, bare]),
            (vec![s3], vec![s3], true, vec![], vec![s3, s3]),
            (vec![s3], vec![other], false, vec![], vec![s3, other]),
            (vec![s3], vec![bare], false, vec![], vec![s3, bare]),
            (vec![bare], vec![], false, vec![], vec![bare]),
            (
                vec!["type=s3,secret_access_key=S"],
                vec![],
                false,
                vec![],
                vec!["type=s3,secret_access_key=S"],
            ),
            (
                vec!["type=gha,token=t,scope=x"],
                vec!["type=gha,mode=max,token=t"],
                false,
                vec![env_vars::ACTIONS_RUNTIME_TOKEN],
                vec!["type=gha,scope=x", "type=gha,mode=max"],
            ),
            (
                vec!["type=gha,token=t"],
                vec!["type=gha"],
                false,
                vec![],
                vec!["type=gha,token=t", "type=gha"],
            ),
            (
                vec![],
                vec!["type=azblob,name=n,secret_access_key=S"],
                false,
                vec![],
                vec!["type=azblob,name=n,secret_access_key=S"],
            ),
        ] {
            let found = taken(&from, &to, has_aws);
            let expected = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect();
            assert_eq!(
                found,
                (expected(names), expected(entries)),
                "{from:?} {to:?}"
            );
        }
    }
}
