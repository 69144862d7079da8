//! Where a registry answers: its scheme, host and port, which a credential for
//! it does not leave.

use std::net::IpAddr;

use reqwest::Url;

use crate::image::Registry;

/// The host that answers for Docker Hub, whose images are named after another.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// A registry's scheme, host and port.
#[derive(Clone, Debug)]
pub struct Origin(Url);

impl Origin {
    /// Where a registry answers, in plain HTTP or over TLS.
    pub fn new(registry: &Registry, plain: bool) -> Result<Self, String> {
        let scheme = if plain { "http" } else { "https" };
        let host = if *registry == Registry::docker_hub() {
            DOCKER_HUB_HOST
        } else {
            registry.as_str()
        };
        let url = Url::parse(&format!("{scheme}://{host}/"));
        url.map(Self).map_err(|error| error.to_string())
    }

    /// The address of a path there.
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// True when this is an address of the registry itself.
    pub fn is_own(&self, url: &Url) -> bool {
        let named = !url.username().is_empty() || url.password().is_some();
        url.origin() == self.0.origin() && !named
    }

    /// The address that a `Location` means, when it is the registry's own.
    pub fn location(&self, asked: &Url, location: &str) -> Option<Url> {
        let url = asked.join(location).ok()?;
        self.is_own(&url).then_some(url)
    }

    /// True when the registry is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

/// True for an address on this machine by its spelling, without a look-up.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || literal(url).is_some_and(|ip| ip.is_loopback())
}

/// The host, when it is written as a number.
pub fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(registry: &str, plain: bool) -> Origin {
        Origin::new(&Registry::parse(registry).unwrap(), plain).unwrap()
    }

    #[test]
    fn docker_hub_answers_elsewhere() {
        for (registry, plain, url) in [
            ("ghcr.io", false, "https://ghcr.io/v2/"),
            ("docker.io", false, "https://registry-1.docker.io/v2/"),
            ("127.0.0.1:5000", true, "http://127.0.0.1:5000/v2/"),
            ("[::1]:5000", false, "https://[::1]:5000/v2/"),
        ] {
            assert_eq!(origin(registry, plain).url("/v2/").as_str(), url);
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for text in [
            "127.0.0.1:5000",
            "127.8.9.1",
            "localhost",
            "localhost:5000",
            "[::1]:5000",
        ] {
            assert!(origin(text, false).is_loopback(), "{text}");
        }
        for text in [
            "ghcr.io",
            "128.0.0.1",
            "127.0.0.1.evil.com",
            "localhost.evil.com:5000",
        ] {
            assert!(!origin(text, false).is_loopback(), "{text}");
        }
    }

    #[test]
    fn a_location_is_used_at_the_registry_only() {
        let origin = origin("example.com:8443", false);
        let asked = origin.url("/v2/a/b/blobs/uploads/");
        for (location, url) in [
            ("/v2/x?_state=y", "https://example.com:8443/v2/x?_state=y"),
            ("x", "https://example.com:8443/v2/a/b/blobs/uploads/x"),
            ("https://example.com:8443/x", "https://example.com:8443/x"),
            ("//EXAMPLE.com:8443/x", "https://example.com:8443/x"),
        ] {
            let found = origin.location(&asked, location);
            assert_eq!(found.unwrap().as_str(), url);
        }
        for location in [
            "https://example.com/x",
            "http://example.com:8443/x",
            "//evil.com/x",
            "https://example.com:8443@evil.com/x",
            "https://me:pw@example.com:8443/x",
            "https://example.com.evil.com:8443/x",
            "https://",
            "file:///etc/passwd",
        ] {
            assert!(origin.location(&asked, location).is_none(), "{location}");
        }
    }
}
