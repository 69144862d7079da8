//! Which images: the names that were given, or the repository's own.

use std::collections::HashSet;

use super::publication::is_named_by_outputs;
use super::{Level, Notice, naming};
use crate::error::InputProblem;
use crate::event::RunContext;
use crate::image::{ImageName, Reference, Registry};
use crate::input::Inputs;

/// The names of all images, valid and in lower case; none when those that were
/// given are switched off.
pub(super) fn names(
    inputs: &Inputs,
    context: &RunContext,
    decisions: &mut Vec<String>,
    notices: &mut Vec<Notice>,
) -> Result<Vec<ImageName>, Vec<InputProblem>> {
    let given: Vec<&str> = inputs.metadata.enabled_images().collect();
    if inputs.metadata.images.is_empty() {
        if let Some(names) = brought_along(inputs) {
            return Ok(names);
        }
        if context.repository.is_empty() {
            // That is a problem of its own, which is told already.
            return Ok(Vec::new());
        }
        let name = default_name(context).map_err(|problem| vec![problem])?;
        decisions.push(format!(
            "image {name}: the repository's own name, as `images` is empty"
        ));
        return Ok(vec![name]);
    }
    let mut names: Vec<ImageName> = Vec::new();
    let mut problems = Vec::new();
    for text in given {
        match ImageName::parse(text) {
            Err(refused) => {
                problems.push(InputProblem::new(
                    "images",
                    text,
                    refused.why,
                    refused.accepted,
                ));
            }
            Ok(name) => {
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    notices.push(Notice {
                        level: Level::Notice,
                        title: "Images".to_owned(),
                        message: format!("{text:?} is {name}: registries ask for lower case"),
                    });
                }
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    if problems.is_empty() {
        Ok(names)
    } else {
        Err(problems)
    }
}

/// The names of whole references without rules beside them, or those that
/// `outputs` gives: no name of our own is needed then.
fn brought_along(inputs: &Inputs) -> Option<Vec<ImageName>> {
    let mut names: Vec<ImageName> = Vec::new();
    if is_named_by_outputs(inputs) {
        let given = inputs
            .build
            .outputs
            .iter()
            .filter_map(|o| o.attribute("name"));
        let given = given.flat_map(|list| list.split(','));
        // A tag or digest behind a name is none of it.
        names.extend(given.filter_map(|name| Some(Reference::parse(name).ok()?.name)));
        if names.is_empty() {
            // What is pushed by its digest alone has a name too.
            return None;
        }
    } else if inputs.metadata.default_tags && !inputs.references.is_empty() {
        names.extend(
            inputs
                .references
                .iter()
                .map(|reference| reference.name.clone()),
        );
    } else {
        return None;
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Some(names)
}

/// The names, and those of the whole references in `tags`.
pub(super) fn with_references(
    mut names: Vec<ImageName>,
    inputs: &Inputs,
    notices: &mut Vec<Notice>,
) -> Vec<ImageName> {
    for reference in &inputs.references {
        if reference.corrected {
            notices.push(Notice {
                level: Level::Notice,
                title: "Tags".to_owned(),
                message: format!("{} is in lower case, as registries ask for", reference.text),
            });
        }
        if !names.contains(&reference.name) {
            names.push(reference.name.clone());
        }
    }
    names
}

/// The names that an image is pushed under by its digest alone: entries of
/// `tags` that are names, else those of the images.
pub(super) fn without_tags(inputs: &Inputs, names: &[ImageName]) -> Vec<ImageName> {
    let rules = inputs.metadata.tags.iter();
    let bare = rules.filter(|rule| naming::is_image(&rule.text));
    let given: Vec<ImageName> = bare
        .filter_map(|rule| ImageName::parse(&rule.text).ok())
        .collect();
    match given.is_empty() {
        true => names.to_vec(),
        false => given,
    }
}

/// The container registry that belongs to the run's GitHub server.
pub fn github_registry(context: &RunContext) -> Option<Registry> {
    let host = context.server_host();
    let registry = match host {
        "github.com" => "ghcr.io".to_owned(),
        _ if host.ends_with(".ghe.com") => format!("containers.{host}"),
        _ => return None,
    };
    Registry::parse(&registry).ok()
}

pub(super) fn default_name(context: &RunContext) -> Result<ImageName, InputProblem> {
    let Some(registry) = github_registry(context) else {
        let why = format!(
            "is empty, and the GitHub server {} has no container registry known to us",
            context.server_url
        );
        return Err(InputProblem::new(
            "images",
            "",
            why,
            "HOST/OWNER/NAME of each image",
        ));
    };
    let text = format!("{registry}/{}", context.repository);
    ImageName::parse(&text)
        .map_err(|refused| InputProblem::new("images", text, refused.why, refused.accepted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(server: &str) -> RunContext {
        RunContext {
            server_url: server.to_owned(),
            repository: "Acme/App".to_owned(),
            ..RunContext::default()
        }
    }

    #[test]
    fn the_default_name_is_on_the_servers_own_registry() {
        let name = |server| default_name(&on(server)).map(|name| name.to_string());
        assert_eq!(name("https://github.com").unwrap(), "ghcr.io/acme/app");
        assert_eq!(
            name("https://x.ghe.com").unwrap(),
            "containers.x.ghe.com/acme/app"
        );
        let refused = name("https://github.example.com").unwrap_err();
        assert!(refused.to_string().contains("https://github.example.com"));
    }
}
