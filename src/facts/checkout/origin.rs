//! The repository that a remote's URL names.

/// `OWNER/NAME`, when the URL leads to this host. Ports and users, which differ
/// between ways to reach the same server, do not count.
pub fn repository_on(host: &str, url: &str) -> Option<String> {
    let (authority, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        // `USER@HOST:PATH`, as scp has it.
        None => url.split_once(':').filter(|(at, _)| !at.contains('/'))?,
    };
    let without_user = authority.rsplit('@').next().unwrap_or(authority);
    let there = bare(without_user);
    // GitHub answers SSH on port 443 under another name.
    let there = there.strip_prefix("ssh.").unwrap_or(there);
    if !there.eq_ignore_ascii_case(bare(host)) {
        return None;
    }
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, name) = path.split_once('/')?;
    let valid = !owner.is_empty() && !name.is_empty() && !name.contains('/');
    valid.then(|| path.to_owned())
}

fn bare(host: &str) -> &str {
    host.split(':').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::repository_on;

    #[test]
    fn every_way_to_write_a_remote() {
        for url in [
            "https://github.com/Acme/App",
            "https://github.com/Acme/App.git",
            "https://x-access-token:hunter2@github.com/Acme/App.git/",
            "git@github.com:Acme/App.git",
            "ssh://git@github.com/Acme/App.git",
            "ssh://git@ssh.github.com:443/Acme/App.git",
            "git://GitHub.com/Acme/App",
        ] {
            let found = repository_on("github.com", url);
            assert_eq!(found.as_deref(), Some("Acme/App"), "{url}");
        }
    }

    #[test]
    fn other_servers_and_folders_are_none() {
        for url in [
            "https://gitlab.com/acme/app.git",
            "https://github.com.example.org/acme/app",
            "https://github.com/acme",
            "https://github.com/a/b/c",
            "/srv/git/app.git",
            "../app",
            "C:/repositories/app",
            "file:///srv/github.com/acme/app",
            "",
        ] {
            assert_eq!(repository_on("github.com", url), None, "{url}");
        }
    }

    #[test]
    fn a_server_may_have_a_port() {
        let url = "https://github.example.com:8443/acme/app";
        let found = repository_on("github.example.com:8443", url);
        assert_eq!(found.as_deref(), Some("acme/app"));
    }
}
