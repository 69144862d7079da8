//! Logins in addresses, such as `https://USER:PASSWORD@HOST/app.git`.
//!
//! BuildKit writes the address of a context into the provenance of the image. Of
//! a Git repository the login is taken out of it: BuildKit takes it as a secret
//! too. Of anything else that is fetched it can only be hidden in the log.

use percent_encoding::percent_decode_str;

use crate::error::InputProblem;
use crate::secret::Secret;

/// What the addresses of Git repositories end in that BuildKit fetches over HTTP.
const REPOSITORY: &str = ".git";
/// The length from which on a user is taken for a token, in characters.
const TOKEN: usize = 20;

/// A login for the Git repositories of a host.
#[derive(Clone, Debug)]
pub struct GitLogin {
    /// The host as the address has it, with the port.
    pub host: String,
    /// The base64 of `user:password`. The user may be a token too.
    proof: Secret,
}

/// What was found in addresses.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// Logins that were taken out, one for each host.
    pub git: Vec<GitLogin>,
    /// The hosts of addresses whose login stays in them, each with the input.
    pub left: Vec<(String, String)>,
    /// Everything that is to be hidden.
    pub secrets: Vec<Secret>,
}

/// An address with a login.
pub struct Address<'a> {
    /// Up to the login.
    before: &'a str,
    scheme: &'a str,
    login: &'a str,
    pub host: &'a str,
    /// From the host on.
    after: &'a str,
}

impl<'a> Address<'a> {
    /// The first address in a text that has a login.
    pub fn find(text: &'a str) -> Option<Self> {
        let (before, after) = text.split_once("://")?;
        let scheme = before.rfind(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        let scheme = before.get(scheme.map_or(0, |at| at + 1)..)?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let authority = after.get(..end)?;
        let length = match authority.rfind('@') {
            Some(at) => at,
            // A password with a slash in it that is not written as %2F.
            None if is_http(scheme) && !has_port(authority) => after.find('@')?,
            None => return None,
        };
        let (login, after) = (after.get(..length)?, after.get(length + 1..)?);
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        Some(Self {
            before: text.get(..before.len() + "://".len())?,
            scheme,
            login,
            host: after.get(..end)?,
            after,
        })
    }

    /// True for a repository that BuildKit fetches over HTTP.
    fn is_repository(&self) -> bool {
        let end = self.after.find(['?', '#']).unwrap_or(self.after.len());
        let path = self.after.get(..end).unwrap_or_default();
        is_http(self.scheme) && path.ends_with(REPOSITORY)
    }

    /// `None` for a user alone: Git asks for the password of one, and gets none.
    fn git_login(&self) -> Option<GitLogin> {
        let (user, password) = self.login.split_once(':')?;
        let login = Secret::new(&format!("{}:{}", decoded(user), decoded(password)))?;
        Some(GitLogin {
            host: self.host.to_owned(),
            proof: Secret::new(&login.base64())?,
        })
    }

    /// What of it is to be hidden: as it stands, and as it is meant.
    fn secrets(&self) -> Vec<Secret> {
        let (user, password) = self.login.split_once(':').unwrap_or((self.login, ""));
        let is_token = user.chars().count() >= TOKEN;
        let user = if is_token { user } else { "" };
        let texts = [
            password.to_owned(),
            decoded(password),
            user.to_owned(),
            decoded(user),
        ];
        texts.iter().filter_map(|text| Secret::new(text)).collect()
    }
}

fn is_http(scheme: &str) -> bool {
    ["http", "https"]
        .iter()
        .any(|http| scheme.eq_ignore_ascii_case(http))
}

/// True for a host with or without a port.
fn has_port(authority: &str) -> bool {
    let port = authority.rsplit_once(':');
    port.is_none_or(|(_, port)| {
        port.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b']')
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The host of an address without a login.
pub fn host_of(text: &str) -> Option<String> {
    let (_, after) = text.split_once("://")?;
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    after.get(..end).map(str::to_owned)
}

/// The folder in `oci-layout://FOLDER:TAG@DIGEST`.
pub fn layout_folder(place: &str) -> Option<&str> {
    let layout = place.strip_prefix("oci-layout://")?;
    let end = layout.find('@').or_else(|| layout.rfind(':'));
    layout.get(..end.unwrap_or(layout.len()))
}

impl GitLogin {
    /// The secret by which BuildKit knows the login.
    pub fn secret_id(&self) -> String {
        format!("GIT_AUTH_HEADER.{}", self.host)
    }

    /// True for the same login at the same host.
    pub fn is_same(&self, other: &Self) -> bool {
        self.host == other.host && self.proof.expose() == other.proof.expose()
    }

    /// The header that proves who asks, as BuildKit takes it.
    pub fn header(&self) -> Secret {
        self.proof.map(|proof| format!("basic {proof}"))
    }
}

impl Logins {
    /// Takes the login of a Git repository out of a text with its address. What
    /// has no password is taken out as well, as Git does not use it.
    ///
    /// # Errors
    /// When the host has another login already.
    pub fn take(
        &mut self,
        input: &str,
        text: &mut String,
    ) -> Result<Option<GitLogin>, InputProblem> {
        let Some(address) = Address::find(text) else {
            return Ok(None);
        };
        let secrets = address.secrets();
        if !address.is_repository() {
            if !secrets.is_empty() {
                let left = (input.to_owned(), address.host.to_owned());
                self.left.push(left);
            }
            self.secrets.extend(secrets);
            return Ok(None);
        }
        let login = address.git_login();
        *text = format!("{}{}", address.before, address.after);
        self.secrets.extend(secrets);
        let Some(login) = login else {
            return Ok(None);
        };
        self.secrets.push(login.proof.clone());
        let of_host = self.git.iter().find(|other| other.host == login.host);
        match of_host {
            Some(other) if !other.is_same(&login) => {
                let why = "has another login than another address of this host, and BuildKit \
                           knows one for all Git repositories of a host";
                let accepted = "one login for each host; or a checkout in a step before this one";
                Err(InputProblem::new(input, login.host, why, accepted))
            }
            Some(_) => Ok(Some(login)),
            None => {
                self.git.push(login.clone());
                Ok(Some(login))
            }
        }
    }

    /// Hides the password of an address that is left as it is.
    pub fn hide(&mut self, text: &str) {
        if let Some(address) = Address::find(text) {
            self.secrets.extend(address.secrets());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> (String, Logins) {
        let mut text = text.to_owned();
        let mut logins = Logins::default();
        logins.take("context", &mut text).unwrap();
        (text, logins)
    }

    #[test]
    fn the_login_of_a_repository_is_taken_out_of_its_address() {
        for (address, left, login, password) in [
            (
                "http://me:pass@host:3000/a/app.git#main:sub",
                "http://host:3000/a/app.git#main:sub",
                "me:pass",
                "pass",
            ),
            (
                "src=HTTPS://me:p%40ss%2Fw@host/app.git?ref=v1",
                "src=HTTPS://host/app.git?ref=v1",
                "me:p@ss/w",
                "p@ss/w",
            ),
            (
                "https://me:pa/s@host/app.git",
                "https://host/app.git",
                "me:pa/s",
                "pa/s",
            ),
            (
                "https://me:p@ss@host/app.git",
                "https://host/app.git",
                "me:p@ss",
                "p@ss",
            ),
            (
                "https://:pass@[::1]:80/app.git",
                "https://[::1]:80/app.git",
                ":pass",
                "pass",
            ),
        ] {
            let (text, logins) = taken(address);
            assert_eq!(text, left);
            let header = Secret::new(login).unwrap().base64();
            let [login] = logins.git.as_slice() else {
                panic!("{address}");
            };
            assert_eq!(login.header().expose(), format!("basic {header}"));
            assert!(!left.contains(password));
            assert!(logins.left.is_empty());
            let hidden = logins
                .secrets
                .iter()
                .any(|secret| secret.expose() == password);
            assert!(hidden, "{address}");
        }
    }

    #[test]
    fn the_header_is_as_buildkit_takes_it() {
        let (_, logins) = taken("https://me:pass@host/app.git");
        let login = &logins.git[0];
        assert_eq!(login.secret_id(), "GIT_AUTH_HEADER.host");
        assert_eq!(login.header().expose(), "basic bWU6cGFzcw==");
        // A token without a password, as GitHub takes it.
        let (text, logins) = taken("https://ghp_0123456789abcdef0123:@host/app.git");
        assert_eq!(text, "https://host/app.git");
        let header = logins.git[0].header();
        assert_eq!(
            header.expose(),
            "basic Z2hwXzAxMjM0NTY3ODlhYmNkZWYwMTIzOg=="
        );
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for (address, is_hidden) in [
            ("https://me:pass@host/app.tar.gz", true),
            ("git://me:pass@host/app.git", true),
            ("ssh://git@host/app.git", false),
            ("https://host:3000/app.git", false),
            ("https://host/a@b.git", false),
            ("docker-image://host:5000/app@sha256:abc", false),
            ("git@host:app.git", false),
            ("./folder:x@y", false),
        ] {
            let (text, logins) = taken(address);
            assert_eq!(text, address);
            assert!(logins.git.is_empty(), "{address}");
            assert_eq!(logins.left.len(), usize::from(is_hidden), "{address}");
            assert_eq!(!logins.secrets.is_empty(), is_hidden, "{address}");
        }
    }

    #[test]
    fn a_user_alone_is_taken_out_and_hidden_where_it_may_be_a_token() {
        for (user, is_hidden) in [("acme", false), ("ghp_0123456789abcdef", true)] {
            let (text, logins) = taken(&format!("https://{user}@host/app.git"));
            assert_eq!(text, "https://host/app.git");
            assert!(logins.git.is_empty());
            let hidden = logins.secrets.iter().any(|secret| secret.expose() == user);
            assert_eq!(hidden, is_hidden, "{user}");
        }
    }

    #[test]
    fn a_host_has_one_login() {
        let mut logins = Logins::default();
        let mut take = |address: &str| logins.take("context", &mut address.to_owned());
        assert!(take("https://me:pass@host/a.git").is_ok());
        assert!(take("https://me:pass@host/b.git").is_ok());
        assert!(take("https://me:pass@other/b.git").is_ok());
        let problem = take("https://me:other@host/b.git").unwrap_err().to_string();
        assert!(
            problem.starts_with("context: \"host\": has another login"),
            "{problem}"
        );
        assert!(
            !problem.contains("pass") && problem.contains("one login"),
            "{problem}"
        );
        assert_eq!(logins.git.len(), 2);
    }
}
