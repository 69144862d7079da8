//! Which token endpoint may be asked: a registry names it, and may be hostile.
//!
//! It could name a service that only this machine reaches, such as a cloud's
//! metadata server. So a realm is asked over HTTPS, and only at addresses of
//! the public internet or of the registry itself; on this machine, also in
//! plain HTTP. The addresses are looked up once: those that were looked at are
//! those that are connected to. Behind a proxy that has to look names up, the
//! name alone is looked at.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::registry::origin::{self, Origin};

/// Looks hosts up for a client; those that were looked at before stay where they were.
#[derive(Clone, Default)]
pub struct Resolver(Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>);

impl Resolver {
    /// The address of a realm, ready to be asked.
    ///
    /// # Errors
    /// When it must not be asked, or is not found; says which and why.
    /// `proxied`: a proxy may know a name that this machine does not.
    pub async fn admit(
        &self,
        realm: &str,
        registry: &Origin,
        proxied: bool,
    ) -> Result<Url, String> {
        let refused = |why: &str| format!("its token endpoint {realm:?} is not asked: {why}");
        let url = read(realm, registry).map_err(refused)?;
        if registry.is_own(&url) {
            return Ok(url);
        }
        let found = match addresses(&url).await {
            Ok(found) => found,
            Err(_) if proxied => return Ok(url),
            Err(why) => return Err(refused(&why)),
        };
        let own = if found.iter().all(|address| is_public(address.ip())) {
            Vec::new()
        } else {
            addresses(registry.as_url()).await.unwrap_or_default()
        };
        check_addresses(&found, &own).map_err(|why| refused(&why))?;
        if let (Some(host), None) = (url.host_str(), origin::literal(&url)) {
            self.lock().insert(host.to_owned(), found);
        }
        Ok(url)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<SocketAddr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let known = self.lock().get(name.as_str()).cloned();
        Box::pin(async move {
            let found = match known {
                Some(known) => known,
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            // Port 0 stands for that of the address that is asked.
            let found = found.into_iter().map(|at| SocketAddr::new(at.ip(), 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, String> {
    let port = url.port_or_known_default().unwrap_or_default();
    if let Some(address) = origin::literal(url) {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = url.host_str().unwrap_or_default();
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => Ok(found.collect()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads the spelling of a realm.
fn read(realm: &str, registry: &Origin) -> Result<Url, &'static str> {
    let url = Url::parse(realm).map_err(|_| "it is not an address")?;
    let local = registry.is_loopback() && origin::is_loopback(&url);
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        _ => return Err("it is not HTTPS"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user");
    }
    Ok(url)
}

/// Whether all addresses of a realm may be connected to, given the registry's own.
fn check_addresses(realm: &[SocketAddr], registry: &[SocketAddr]) -> Result<(), String> {
    let own = |ip: IpAddr| {
        registry
            .iter()
            .any(|at| at.ip() == ip || (at.ip().is_loopback() && ip.is_loopback()))
    };
    let mut ips = realm.iter().map(SocketAddr::ip);
    match ips.find(|ip| !is_public(*ip) && !own(*ip)) {
        Some(ip) => Err(format!(
            "{ip} is neither a public address nor the registry's own"
        )),
        None if realm.is_empty() => Err("it has no address".to_owned()),
        None => Ok(()),
    }
}

/// True for an address that anyone on the internet reaches. The blocks are
/// those of IANA's special-purpose address registries.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        // This network, and what is shared by a carrier's customers.
        [0, ..] | [100, 64..=127, ..] => true,
        // The protocols' own, and benchmarks.
        [192, 0, 0, _] | [198, 18..=19, ..] => true,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => true,
        _ => false,
    };
    !(special || ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation())
}

/// The global block only, and in it none that leads to an address of version 4
/// which is not public.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let low = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => is_public_v4(low(a, b)),
        [0x2002, a, b, ..] => is_public_v4(low(a, b)),
        // Teredo and the protocols' own; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] => false,
        [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Registry;

    fn origin(registry: &str, plain: bool) -> Origin {
        Origin::new(&Registry::parse(registry).unwrap(), plain).unwrap()
    }

    #[test]
    fn public_addresses() {
        for (ip, public) in [
            ("140.82.112.33", true),
            ("100.63.255.255", true),
            ("172.32.0.1", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("127.255.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.192", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:50c0:8000::1", true),
            ("::", false),
            ("::1", false),
            ("::ffff:140.82.112.33", true),
            ("::ffff:169.254.169.254", false),
            ("::127.0.0.1", false),
            ("64:ff9b::8c52:7021", true),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b:1::1", false),
            ("2002:7f00:1::", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }

    #[test]
    fn a_private_address_has_to_be_the_registry_s_own() {
        let at = |list: &[&str]| -> Vec<SocketAddr> {
            let ips = list.iter().map(|ip| ip.parse().unwrap());
            ips.map(|ip| SocketAddr::new(ip, 443)).collect()
        };
        let public = "140.82.112.33";
        for (realm, registry, permitted) in [
            (&[public][..], &[][..], true),
            (&["10.0.0.1"], &[], false),
            (&["10.0.0.1"], &[public], false),
            (&["10.0.0.1"], &["10.0.0.2"], false),
            (&["10.0.0.1"], &["10.0.0.2", "10.0.0.1"], true),
            // One good address does not make up for a bad one.
            (&[public, "169.254.169.254"], &[public], false),
            (&["::1", "127.0.0.1"], &["127.0.0.1"], true),
            (&["127.0.0.1"], &[public], false),
            (&[], &[], false),
        ] {
            let answer = check_addresses(&at(realm), &at(registry));
            assert_eq!(answer.is_ok(), permitted, "{realm:?} for {registry:?}");
        }
    }

    #[test]
    fn a_realm_is_https_or_on_the_registry_s_own_machine() {
        let ghcr = origin("ghcr.io", false);
        let local = origin("127.0.0.1:5000", true);
        for (realm, registry, good) in [
            ("https://ghcr.io/token", &ghcr, true),
            ("https://auth.docker.io/token", &local, true),
            ("http://ghcr.io/token", &ghcr, false),
            ("http://ghcr.io/token", &local, false),
            ("http://127.0.0.1/token", &ghcr, false),
            ("http://127.0.0.1:5001/token", &local, true),
            ("http://localhost/token", &local, true),
            ("http://[::1]/token", &local, true),
            ("http://169.254.169.254/token", &local, false),
            ("https://me:pw@ghcr.io/token", &ghcr, false),
            ("file:///etc/passwd", &local, false),
            ("ftp://127.0.0.1/", &local, false),
            ("/token", &ghcr, false),
            ("", &ghcr, false),
        ] {
            assert_eq!(read(realm, registry).is_ok(), good, "{realm}");
        }
    }

    #[tokio::test]
    async fn a_realm_inside_is_not_asked_however_it_is_written() {
        for registry in ["140.82.112.33", "140.82.112.33:5000"] {
            for realm in [
                "https://169.254.169.254/token",
                "https://10.1.2.3/token",
                "https://127.0.0.1/token",
                "https://localhost/token",
                "https://2130706433/token",
                "https://0x7f.1/token",
                "https://[::ffff:127.0.0.1]/token",
                "https://[fd00:ec2::254]/token",
                "https://0/token",
            ] {
                let resolver = Resolver::default();
                let answer = resolver.admit(realm, &origin(registry, false), true).await;
                let why = answer.unwrap_err();
                assert!(why.contains("is not asked"), "{why}");
                assert!(resolver.lock().is_empty());
            }
        }
    }

    #[tokio::test]
    async fn a_realm_elsewhere_is_asked_where_it_was_looked_up() {
        let resolver = Resolver::default();
        let ghcr = origin("ghcr.io", false);
        let public = resolver.admit("https://140.82.112.33/token", &ghcr, false);
        assert!(public.await.is_ok());

        let local = origin("127.0.0.1:5000", true);
        let admitted = resolver
            .admit("http://localhost:1/token", &local, false)
            .await;
        assert_eq!(admitted.unwrap().as_str(), "http://localhost:1/token");
        let name = "localhost".parse().unwrap();
        let known = resolver.lock()["localhost"].clone();
        assert!(known.iter().all(|at| at.ip().is_loopback()));
        let resolved: Vec<SocketAddr> = resolver.resolve(name).await.unwrap().collect();
        assert_eq!(resolved.len(), known.len());

        let pinned = SocketAddr::new("140.82.112.33".parse().unwrap(), 443);
        resolver
            .lock()
            .insert("auth.example.com".to_owned(), vec![pinned]);
        let resolved: Vec<IpAddr> = resolver
            .resolve("auth.example.com".parse().unwrap())
            .await
            .unwrap()
            .map(|at| at.ip())
            .collect();
        assert_eq!(resolved, [pinned.ip()]);
    }

    #[tokio::test]
    async fn the_registry_s_own_address_is_not_looked_at() {
        let registry = origin("10.0.0.5:5000", false);
        let resolver = Resolver::default();
        let own = resolver.admit("https://10.0.0.5:5000/token", &registry, false);
        assert!(own.await.is_ok());
        let beside = resolver.admit("https://10.0.0.5:5001/token", &registry, false);
        assert!(beside.await.is_ok());
        let other = resolver.admit("https://10.0.0.6/token", &registry, false);
        assert!(other.await.is_err());
    }
}
