//! Which images: the names that were given, or the repository's own.

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::image::{ImageName, Registry, reference};
use crate::input::Inputs;
use crate::input::build::output::Output;
use crate::plan::findings::{Findings, Level, Notice};
use crate::plan::image::output_names::OutputNames;
use crate::plan::lists::distinct;

/// The names of all images, valid and in lower case; none when those that were
/// given are switched off.
pub fn names(
    inputs: &Inputs,
    named: &OutputNames,
    context: &RunContext,
    findings: &mut Findings,
) -> Vec<ImageName> {
    if inputs.metadata.images.is_empty() {
        if let Some(names) = brought_along(inputs, named) {
            return names;
        }
        if context.repository.is_empty() {
            // That is a problem of its own, which is told already.
            return Vec::new();
        }
        let name = match default_name(context) {
            Ok(name) => name,
            Err(problem) => {
                findings.problems.push(problem);
                return Vec::new();
            }
        };
        findings.decide(format!(
            "image {name}: the repository's own name, as `images` is empty"
        ));
        return vec![name];
    }
    let mut names: Vec<ImageName> = Vec::new();
    for text in inputs.metadata.enabled_images() {
        match ImageName::parse(text) {
            Err(refused) => {
                findings.problems.push(InputProblem::new(
                    "images",
                    text,
                    refused.why,
                    refused.accepted,
                ));
            }
            Ok(name) => {
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    findings.notices.push(Notice {
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
    names
}

/// The names of whole references without rules beside them, or those that
/// `outputs` gives: no name of our own is needed then.
fn brought_along(inputs: &Inputs, named: &OutputNames) -> Option<Vec<ImageName>> {
    let names: Vec<ImageName> = if named.alone {
        let given = inputs.build.outputs.iter().flat_map(Output::names);
        // A tag or digest behind a name is none of it.
        given.filter_map(reference::name).collect()
    } else if inputs.metadata.default_tags {
        let references = named.references.iter();
        references.map(|reference| reference.name.clone()).collect()
    } else {
        Vec::new()
    };
    // What is pushed by its digest alone has a name too.
    (!names.is_empty()).then(|| distinct(&names))
}

/// The names, and those of the whole references in `tags` and of exporters.
pub fn with_references(
    mut names: Vec<ImageName>,
    named: &OutputNames,
    findings: &mut Findings,
) -> Vec<ImageName> {
    for reference in &named.references {
        if reference.corrected {
            findings.notices.push(Notice {
                level: Level::Notice,
                title: "Tags".to_owned(),
                message: format!("{} is in lower case, as registries ask for", reference.text),
            });
        }
        names.push(reference.name.clone());
    }
    let pushed_by_outputs = named.pushed_by_outputs.iter();
    names.extend(pushed_by_outputs.filter_map(|text| reference::name(text)));
    distinct(&names)
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

pub fn default_name(context: &RunContext) -> Result<ImageName, InputProblem> {
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
