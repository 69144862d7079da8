//! A registry: the host, and perhaps the port, that images are named after.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::image::refused::Refused;

/// Docker Hub's name in references; the host that answers is another one.
const DOCKER_HUB: &str = "docker.io";
/// Docker Hub's key in Docker's configuration.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// A registry's host and optional port, lower case, such as `ghcr.io` or `127.0.0.1:5000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry(String);

impl Registry {
    /// Parses a registry as people write it in a login: with a scheme, with a
    /// path such as `/v1/`, or by one of Docker Hub's several names.
    ///
    /// # Errors
    /// When what is left is not a `HOST` or `HOST:PORT`.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        let bare = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .unwrap_or(text);
        let host = bare
            .split('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if !is_host(&host) {
            return Err(Refused::new(
                "no registry",
                "HOST or HOST:PORT, such as ghcr.io or registry.example.com:5000",
            ));
        }
        Ok(match host.as_str() {
            "index.docker.io" | "registry-1.docker.io" | "hub.docker.com" => {
                Self(DOCKER_HUB.into())
            }
            _ => Self(host),
        })
    }

    /// The registry that a reference without one means.
    pub fn docker_hub() -> Self {
        Self(DOCKER_HUB.to_owned())
    }

    /// True for GitHub's own container registries: `ghcr.io`, and the
    /// `containers.` host of a server with data residency.
    pub fn is_github(&self) -> bool {
        self.0 == "ghcr.io" || (self.0.starts_with("containers.") && self.0.ends_with(".ghe.com"))
    }

    /// True for a registry on the machine that it is asked from.
    pub fn is_loopback(&self) -> bool {
        let host = match self.0.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.0,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The key under `auths` and `credHelpers` in Docker's configuration.
    pub fn config_key(&self) -> &str {
        match self.0.as_str() {
            DOCKER_HUB => DOCKER_HUB_KEY,
            other => other,
        }
    }

    /// The host and port, as references spell them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    good_port && (address || host.split('.').all(label))
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Registry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Registry;

    #[test]
    fn good_spellings() {
        for (text, normal) in [
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io/", "ghcr.io"),
            ("GHCR.io", "ghcr.io"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("localhost", "localhost"),
            ("https://index.docker.io/v1/", "docker.io"),
        ] {
            assert_eq!(Registry::parse(text).unwrap().as_str(), normal);
        }
    }

    #[test]
    fn bad_spellings() {
        for bad in [
            "",
            "a b",
            "host:port",
            "host:99999",
            "-a.io",
            "a..b",
            "https://",
        ] {
            assert!(Registry::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_a_name_or_an_address() {
        for (text, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.1.2.3", true),
            ("[::1]:5000", true),
            ("[::1]", true),
            ("10.0.0.1:5000", false),
            ("localhost.example.com", false),
            ("ghcr.io", false),
        ] {
            assert_eq!(
                Registry::parse(text).unwrap().is_loopback(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn only_github_hosts_are_github() {
        assert!(Registry::parse("ghcr.io").unwrap().is_github());
        assert!(
            Registry::parse("containers.acme.ghe.com")
                .unwrap()
                .is_github()
        );
        for other in ["ghcr.io.evil.com", "docker.io", "xghcr.io", "acme.ghe.com"] {
            assert!(!Registry::parse(other).unwrap().is_github(), "{other}");
        }
    }
}
