//! Fills the holes of the table's texts.
//!
//! In a link every value is percent-encoded; in other text every value from
//! outside has been made harmless.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diagnosis::circumstances::Circumstances;
use crate::diagnosis::signal::Signal;
use crate::error::sanitize::{VALUE, clean};
use crate::facts::OwnerKind;

/// What stays as it is in a part of an address's path (RFC 3986, "unreserved").
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Puts values in place of the holes. A hole that is not known stays.
pub fn fill(template: &str, signal: &Signal, circumstances: &Circumstances<'_>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((hole, behind)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        match value(hole, signal, circumstances) {
            Some(value) => text.push_str(&value),
            None => text.push_str(&format!("{{{hole}}}")),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn value(hole: &str, signal: &Signal, circumstances: &Circumstances<'_>) -> Option<String> {
    let context = circumstances.context;
    let shown = |text: &str| clean(text, VALUE);
    let or = |text: Option<&str>, instead: &str| text.map_or_else(|| instead.to_owned(), shown);
    let image = circumstances.image;
    Some(match hole {
        "image" => image_text(circumstances),
        "given" => match circumstances.given_as {
            Some(given) => shown(given),
            None => image_text(circumstances),
        },
        "registry" => match image {
            Some(image) => image.registry.to_string(),
            None => "the registry".to_owned(),
        },
        "image-owner" => or(circumstances.image_owner(), "OWNER"),
        "name" => or(
            image.and_then(|image| image.repository.rsplit('/').next()),
            "IMAGE",
        ),
        "suggestion" => suggestion(circumstances),
        "repository" => match context.repository.as_str() {
            "" => "this repository".to_owned(),
            repository => shown(repository),
        },
        "linked" => or(circumstances.linked_elsewhere(), "another repository"),
        "subject" => or(signal.subject.as_deref(), "the base image"),
        "git-host" => or(signal.git_host.as_deref(), "its Git server"),
        "path" => or(signal.path.as_deref(), "the path"),
        "platform" => or(signal.platform.as_deref(), "that platform"),
        "status" => match signal.status {
            Some(status) => status.to_string(),
            None => "no status".to_owned(),
        },
        "right" => if circumstances.access.writes() {
            "Write"
        } else {
            "Read"
        }
        .to_owned(),
        "scope" => if circumstances.access.writes() {
            "write"
        } else {
            "read"
        }
        .to_owned(),
        "package-settings" => package_settings(circumstances),
        "org-package-policy" => format!(
            "{}/organizations/{}/settings/packages",
            server(circumstances),
            encode_part(circumstances.image_owner().unwrap_or("OWNER"))
        ),
        "workflow-permissions" => format!(
            "{}/{}/settings/actions",
            context.server_url.trim_end_matches('/'),
            encode_path(&context.repository)
        ),
        "tokens" => format!("{}/settings/tokens", server(circumstances)),
        _ => return None,
    })
}

/// The image, in the form that registries take.
fn image_text(circumstances: &Circumstances<'_>) -> String {
    match (circumstances.image, circumstances.given_as) {
        (Some(image), _) => clean(&image.to_string(), VALUE),
        (None, Some(given)) => clean(given, VALUE),
        (None, None) => "the image".to_owned(),
    }
}

/// The same image with this repository's owner, in lower case as registries
/// ask for.
fn suggestion(circumstances: &Circumstances<'_>) -> String {
    let owner = match circumstances.context.owner() {
        "" => "OWNER".to_owned(),
        owner => clean(&owner.to_ascii_lowercase(), VALUE),
    };
    let Some(image) = circumstances.image else {
        return format!("HOST/{owner}/IMAGE");
    };
    let name = match image.repository.split_once('/') {
        Some((_, name)) => name,
        None => &image.repository,
    };
    format!("{}/{owner}/{}", image.registry, clean(name, VALUE))
}

/// The GitHub server that the image's registry belongs to.
fn server(circumstances: &Circumstances<'_>) -> String {
    match circumstances.image.map(|image| image.registry.as_str()) {
        Some("ghcr.io") => "https://github.com".to_owned(),
        Some(host) if host.ends_with(".ghe.com") => {
            format!("https://{}", host.trim_start_matches("containers."))
        }
        _ => circumstances
            .context
            .server_url
            .trim_end_matches('/')
            .to_owned(),
    }
}

/// The package's settings. Where nobody told whose the package is, both pages.
pub fn package_settings(circumstances: &Circumstances<'_>) -> String {
    let name = circumstances.image.map(|image| image.repository.as_str());
    let (owner, package) = name
        .and_then(|name| name.split_once('/'))
        .unwrap_or(("OWNER", "IMAGE"));
    let page = |kind: &str| {
        format!(
            "{}/{kind}/{}/packages/container/{}/settings",
            server(circumstances),
            encode_part(owner),
            encode_part(package)
        )
    };
    match circumstances.owner_kind() {
        OwnerKind::Organization => page("orgs"),
        OwnerKind::User => page("users"),
        OwnerKind::Unknown => {
            format!(
                "{} (an organisation's) or {} (a person's)",
                page("orgs"),
                page("users")
            )
        }
    }
}

/// One part of an address's path.
fn encode_part(text: &str) -> String {
    utf8_percent_encode(&clean(text, VALUE), ENCODED).to_string()
}

/// Several parts, joined by `/`.
fn encode_path(text: &str) -> String {
    text.split('/')
        .map(encode_part)
        .collect::<Vec<_>>()
        .join("/")
}
