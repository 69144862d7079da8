//! Logins for Git repositories that stood in addresses of contexts: BuildKit gets
//! each as a secret, a file of the run.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::facts::{Facts, Target};
use crate::input::address::GitLogin;
use crate::input::build::bake::SecretSpec;
use crate::input::grammar::csv;
use crate::plan::draft::request::ImageRequest;
use crate::plan::findings::{Findings, Level, Notice};
use crate::plan::lists::distinct;

/// The logins that stood in addresses of contexts.
pub fn report_logins(request: &ImageRequest<'_>, findings: &mut Findings) {
    let inputs = &request.inputs;
    let (git, left): (Vec<&GitLogin>, _) = match request.target {
        Some(target) => {
            let places = distinct(target.git_logins.values().flatten());
            let all = &request.facts.bake.git_logins;
            let git = places.into_iter().filter_map(|place| all.get(place));
            (git.collect(), &target.left_logins)
        }
        None => (inputs.logins.git.iter().collect(), &inputs.logins.left),
    };
    for login in git {
        let (host, id) = (&login.host, login.secret_id());
        findings.decide(format!(
            "login for Git at {host}: taken out of the address, and given to BuildKit as the \
             secret {id}"
        ));
    }
    for (key, host) in left {
        findings.notices.push(Notice {
            level: Level::Warning,
            title: "Login in an address".to_owned(),
            message: format!(
                "`{key}`: BuildKit takes a login at {host} from the address alone. It is hidden in \
                 this log, but not in the arguments of buildx, nor in the provenance of the image. \
                 Use the address of a Git repository, which ends in .git, or fetch it in a step \
                 before this one"
            ),
        });
    }
}

/// The logins for Git of a target and of each that it is made from.
pub fn of_each(target: &Target, facts: &Facts) -> BTreeMap<String, Vec<(String, usize)>> {
    let all = &facts.bake.git_logins;
    let login = |place: &usize| Some((all.get(*place)?.secret_id(), *place));
    let of_each = target.git_logins.iter().map(|(name, places)| {
        let logins = places.iter().filter_map(login);
        (name.clone(), logins.collect())
    });
    of_each.collect()
}

/// Adds a secret to a list, whose entries are all texts or all objects. One of
/// the workflow's own wins.
pub fn add_secret(secrets: &mut Value, id: &str, file: &Path) {
    let Some(secrets) = secrets.as_array_mut() else {
        return;
    };
    let file = escaped(&file.display().to_string());
    let is_it = |secret: &Value| match secret {
        Value::String(text) => SecretSpec::parse(text).id == id,
        other => other.get("id").and_then(Value::as_str) == Some(id),
    };
    if secrets.iter().any(is_it) {
        return;
    }
    let pairs = [("id", escaped(id)), ("src", file)];
    secrets.push(match secrets.first() {
        Some(Value::String(_)) => {
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
            json!(csv::entry(&pairs))
        }
        _ => Value::Object(
            pairs
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .into_iter()
                .collect(),
        ),
    });
}

/// Text in which bake sees no template: what comes from an event may hold one.
pub fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_added_as_the_others_are_written() {
        for (mut secrets, expected) in [
            (json!(["id=a,env=A"]), json!(["id=a,env=A", "id=i,src=/f"])),
            (
                json!([{"id": "a"}]),
                json!([{"id": "a"}, {"id": "i", "src": "/f"}]),
            ),
            (
                json!([{"id": "i", "env": "A"}]),
                json!([{"id": "i", "env": "A"}]),
            ),
            (json!(["id=i,env=A"]), json!(["id=i,env=A"])),
        ] {
            add_secret(&mut secrets, "i", Path::new("/f"));
            assert_eq!(secrets, expected);
        }
    }
}
