//! The values that a plan names and does not hold: passwords, tokens, keys and what
//! is handed on beside them. All that whoever carries a plan out sees of the inputs.

use crate::http::Authorities;
use crate::input::builder::model::DaemonConfig;
use crate::input::inputs::Inputs;
use crate::secret::Secret;

/// The values of secrets, by what a plan calls them.
#[derive(Clone, Copy)]
pub struct SecretValues<'a>(&'a Inputs);

impl Inputs {
    /// The values of the secrets among these inputs.
    pub fn secret_values(&self) -> SecretValues<'_> {
        SecretValues(self)
    }
}

impl<'a> SecretValues<'a> {
    /// `password`.
    pub fn password(self) -> Option<&'a Secret> {
        self.0.password.as_ref()
    }

    /// `github-token`.
    pub fn github_token(self) -> Option<&'a Secret> {
        self.0.github_token.as_ref()
    }

    /// The password of an entry of `registry-auth`.
    pub fn registry_auth(self, index: usize) -> Option<&'a Secret> {
        self.0.registry_auth.get(index)?.password.as_ref()
    }

    /// The headers by which Git repositories are logged in to, in the order of the
    /// inputs.
    pub fn git_headers(self) -> impl Iterator<Item = Secret> + 'a {
        self.0
            .logins
            .git
            .iter()
            .map(crate::input::address::GitLogin::header)
    }

    /// `secrets`, in their order.
    pub fn build_secrets(self) -> impl Iterator<Item = &'a Secret> {
        let secrets = self.0.build.secrets.values.iter();
        secrets.map(|secret| &secret.value)
    }

    /// What nodes of a new builder are shown: the node's place, the option of the
    /// remote driver that it is for, and the PEM.
    pub fn node_certificates(self) -> impl Iterator<Item = (usize, &'static str, &'a Secret)> {
        let nodes = self.0.own_builder.nodes().enumerate();
        nodes.flat_map(|(index, node)| node.tls.given().map(move |(what, pem)| (index, what, pem)))
    }

    /// The configuration of buildkitd, which may hold passwords.
    pub fn buildkitd_config(self) -> Option<&'a DaemonConfig> {
        self.0.own_builder.config.as_ref()
    }

    /// An attribute of the entries of `cache-from` and `cache-to` of this type.
    pub fn cache_attribute(self, kind: &str, attribute: &str) -> Option<String> {
        self.0.cache_attribute(kind, attribute)
    }

    /// `ca-certificates`.
    pub fn authorities(self) -> &'a Authorities {
        &self.0.authorities
    }
}
