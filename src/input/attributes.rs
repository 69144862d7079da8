//! Secrets in the attributes of entries, such as the `secret_access_key` of
//! `type=s3,…`.

use crate::input::cache_entry::CacheEntry;
use crate::input::grammar::csv;
use crate::input::inputs::Inputs;
use crate::secret::{Secret, is_telling};

/// The attributes of cache backends that are secrets: of `gha`, `s3` and
/// `azblob`; and what others may call one.
const SECRET: [&str; 5] = [
    "token",
    "ghtoken",
    "secret_access_key",
    "session_token",
    "password",
];
/// What the names of the variables that a driver sets in its container start with.
const VARIABLE: &str = "env.";

/// The secrets in an entry of a cache or of `outputs`.
pub fn secrets_of(entry: &str) -> Vec<Secret> {
    let attributes = csv::attributes(entry).unwrap_or_default();
    let is_secret = |name: &str| SECRET.iter().any(|one| name.eq_ignore_ascii_case(one));
    let secret = attributes.iter().filter(|(name, _)| is_secret(name));
    secret.filter_map(|(_, value)| Secret::new(value)).collect()
}

/// The secrets in an option of a driver: variables of BuildKit's container.
fn secrets_of_option(option: &str) -> Vec<Secret> {
    let attributes = csv::attributes(option).unwrap_or_default();
    let variables = attributes.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(VARIABLE)?;
        is_telling(name).then_some(value)
    });
    variables.filter_map(|value| Secret::new(value)).collect()
}

impl Inputs {
    /// An attribute of the caches of a type, whose value is the same for all.
    pub fn cache_attribute(&self, kind: &str, attribute: &str) -> Option<String> {
        let entries = self.cache_from.iter().chain(&self.cache_to);
        entries
            .filter(|entry| entry.kind() == kind)
            .find_map(|entry| entry.attribute(attribute))
            .map(str::to_owned)
    }

    /// The secrets in attributes of all inputs.
    pub fn attribute_secrets(&self) -> Vec<Secret> {
        let outputs = self.build.outputs.iter().map(|output| output.text.as_str());
        let caches = self.cache_from.iter().chain(&self.cache_to);
        // What follows `TARGET.KEY=`.
        let set = self
            .bake
            .iter()
            .flat_map(|bake| &bake.set)
            .filter_map(|entry| Some(entry.split_once('=')?.1));
        let entries = caches.map(CacheEntry::text).chain(outputs).chain(set);
        let nodes = self.own_builder.nodes();
        let options = nodes
            .flat_map(|node| &node.driver_opts)
            .flat_map(|option| secrets_of_option(option));
        entries.flat_map(secrets_of).chain(options).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(secrets: &[Secret]) -> Vec<&str> {
        secrets.iter().map(Secret::expose).collect()
    }

    #[test]
    fn attributes_that_are_secrets_are_known() {
        for (entry, expected) in [
            (
                "type=s3,bucket=b,access_key_id=AK,secret_access_key=sak,session_token=st",
                vec!["sak", "st"],
            ),
            ("type=gha,scope=x,token=t1,ghtoken=t2", vec!["t1", "t2"]),
            ("type=azblob,name=n,\"secret_access_key=a,b\"", vec!["a,b"]),
            ("type=registry,ref=a/b:key", vec![]),
            ("type=image,push=true,password=p", vec!["p"]),
            ("type=image,annotation.com.acme.key=x,name=a/b", vec![]),
            ("type=local,dest=out", vec![]),
        ] {
            assert_eq!(texts(&secrets_of(entry)), expected, "{entry}");
        }
    }

    #[test]
    fn variables_of_the_container_that_are_secrets_are_known() {
        for (option, expected) in [
            ("env.TOKEN=t", vec!["t"]),
            ("\"env.AWS_SECRET_ACCESS_KEY=a,b\",image=x", vec!["a,b"]),
            ("env.BUILDKIT_STEP_LOG_MAX_SIZE=-1", vec![]),
            ("key=/run/key.pem", vec![]),
        ] {
            assert_eq!(texts(&secrets_of_option(option)), expected, "{option}");
        }
    }
}
