//! Which images: the names that were given, or the repository's own.

use super::{Level, Notice};
use crate::error::InputProblem;
use crate::event::RunContext;
use crate::image::{ImageName, Registry};
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

fn default_name(context: &RunContext) -> Result<ImageName, InputProblem> {
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
