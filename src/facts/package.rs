//! What GitHub's API tells of a container package: asked when a registry has
//! refused it, or after it was published.
//!
//! `GET /orgs/ORG/packages/container/NAME` and `GET /users/USER/packages/…`,
//! with the token that the run has. The token sees few packages; whatever is not
//! answered is unknown and never an error.

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;

use crate::event::RunContext;
use crate::facts::github::{GitHub, Refused};
use crate::http::{self, Authorities};
use crate::image::ImageName;
use crate::secret::Secret;

/// What GitHub answers where a token lacks the permission to read packages.
const NO_PERMISSION: &str = "Resource not accessible by integration";

/// What GitHub's API told of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// The account that owns the package.
    pub owner: OwnerKind,
    /// The repository that the package is linked to, `OWNER/NAME`.
    pub linked: Option<String>,
    /// `public`, `private` or `internal`.
    pub visibility: Option<String>,
    /// When it came to be.
    pub created: Option<Timestamp>,
    /// Whether the token may ask about packages at all.
    pub permission: Permission,
}

/// The kind of an account on GitHub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnerKind {
    /// A person's.
    User,
    /// An organisation's.
    Organization,
    /// Nobody told.
    #[default]
    Unknown,
}

/// The token's permission `packages`, as the API's answers show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permission {
    /// "Resource not accessible by integration": not even reading.
    Missing,
    /// At least reading.
    Present,
    /// Nobody told.
    #[default]
    Unknown,
}

impl Package {
    /// Asks GitHub's API of the run's server.
    pub async fn ask(
        image: &ImageName,
        context: &RunContext,
        token: Option<&Secret>,
        authorities: &Authorities,
    ) -> Self {
        let Some((owner, name)) = image.repository.split_once('/') else {
            return Self::default();
        };
        let github = http::client(authorities)
            .map_err(|error| error.to_string())
            .and_then(|client| GitHub::new(client, context, token));
        let Ok(github) = github else {
            return Self::default();
        };
        let name = name.replace('/', "%2F");
        let mut found = Self::default();
        for (kind, owned_by) in owner_kinds(owner, context) {
            let route = format!("/{kind}/{owner}/packages/container/{name}");
            match github.try_get(&route).await {
                Ok(package) => return Self::from_json(&package, owned_by),
                Err(Refused::Answered(StatusCode::FORBIDDEN, words))
                    if words.contains(NO_PERMISSION) =>
                {
                    found.permission = Permission::Missing;
                }
                Err(_) => {}
            }
        }
        found
    }

    fn from_json(package: &Value, owner: OwnerKind) -> Self {
        let text = |pointer: &str| Some(package.pointer(pointer)?.as_str()?.to_owned());
        Self {
            owner,
            linked: text("/repository/full_name"),
            visibility: text("/visibility"),
            created: text("/created_at").and_then(|date| date.parse().ok()),
            permission: Permission::Present,
        }
    }
}

/// Under which of the two the owner is to be found: the payload tells of the
/// repository's own.
fn owner_kinds(owner: &str, context: &RunContext) -> Vec<(&'static str, OwnerKind)> {
    let organisation = ("orgs", OwnerKind::Organization);
    let user = ("users", OwnerKind::User);
    let kind = context.payload.owner_type();
    let is_own = context.owner().eq_ignore_ascii_case(owner);
    match kind.filter(|_| is_own) {
        Some("Organization") => vec![organisation],
        Some("User") => vec![user],
        _ => vec![organisation, user],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Payload;

    #[test]
    fn the_payload_tells_what_the_repository_s_owner_is() {
        let context = RunContext {
            repository: "Acme/app".to_owned(),
            payload: Payload::new(json!({"repository": {"owner": {"type": "User"}}})),
            ..RunContext::default()
        };
        assert_eq!(owner_kinds("acme", &context), [("users", OwnerKind::User)]);
        assert_eq!(owner_kinds("other", &context).len(), 2);
    }

    #[test]
    fn a_package_is_read_from_what_github_answers() {
        let answer = json!({
            "visibility": "private",
            "created_at": "2026-11-01T10:00:00Z",
            "repository": {"full_name": "acme/app"},
        });
        let package = Package::from_json(&answer, OwnerKind::User);
        assert_eq!(package.visibility.as_deref(), Some("private"));
        assert_eq!(package.linked.as_deref(), Some("acme/app"));
        assert!(package.created.is_some());
        let package = Package::from_json(&json!([]), OwnerKind::User);
        assert_eq!(package.visibility, None);
    }
}
