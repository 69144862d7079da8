//! The value of a credential that the plan names.

use crate::input::SecretValues;
use crate::plan::Credential;
use crate::secret::Secret;

/// The value of a credential that the plan names.
pub fn credential(secrets: SecretValues<'_>, name: Credential) -> Option<&Secret> {
    match name {
        Credential::Password => secrets.password(),
        Credential::GithubToken => secrets.github_token(),
        Credential::RegistryAuth(index) => secrets.registry_auth(index),
    }
}
