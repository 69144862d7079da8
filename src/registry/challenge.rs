//! How a registry wants to be asked: the challenge of `WWW-Authenticate`.
//!
//! Follows RFC 9110, section 11.6.1, and the distribution project's "Token
//! Authentication Specification". The scope of a challenge is not read: ghcr.io
//! sends a placeholder, so a request names its own.

use http_auth::{ChallengeParser, ChallengeRef};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a request has to bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Nothing.
    Open,
    /// User and password, in each request.
    Basic,
    /// A token, which the realm gives.
    Bearer {
        /// An address, hostile until `realm` has looked at it.
        realm: String,
        /// What the registry is called there.
        service: Option<String>,
    },
}

impl Challenge {
    /// The challenge of an answer; `None` when there is none that we know.
    /// Of several, a token is preferred: it is asked for one repository only.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|line| line.to_str().ok());
        // After a syntax error the rest of a line is given up.
        let known = |line| ChallengeParser::new(line).map_while(Result::ok);
        let known: Vec<Self> = lines.flat_map(known).filter_map(read).collect();
        let token = known.iter().find(|one| matches!(one, Self::Bearer { .. }));
        token.or(known.first()).cloned()
    }
}

fn read(challenge: ChallengeRef<'_>) -> Option<Challenge> {
    let parameter = |name: &str| {
        let named = |(key, _): &&(&str, _)| key.eq_ignore_ascii_case(name);
        let (_, value) = challenge.params.iter().find(named)?;
        Some(value.to_unescaped()).filter(|value: &String| !value.is_empty())
    };
    match challenge.scheme.to_ascii_lowercase().as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer {
            realm: parameter("realm")?,
            service: parameter("service"),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(lines: &[&[u8]]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(line).unwrap());
        }
        Challenge::of(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        })
    }

    #[test]
    fn challenges_as_registries_write_them() {
        let realm = "https://ghcr.io/token";
        for (line, expected) in [
            (
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#,
                bearer(realm, Some("ghcr.io")),
            ),
            (
                r#"bearer Service="a b, \"c\"" , REALM="https://ghcr.io/token""#,
                bearer(realm, Some(r#"a b, "c""#)),
            ),
            (r#"Basic realm="x""#, Some(Challenge::Basic)),
            ("BASIC", Some(Challenge::Basic)),
            (
                r#"Basic realm="x", Bearer realm="https://ghcr.io/token",service="""#,
                bearer(realm, None),
            ),
            (
                r#"Negotiate, Basic realm="x, Bearer realm=y""#,
                Some(Challenge::Basic),
            ),
        ] {
            assert_eq!(read(&[line.as_bytes()]), expected, "{line}");
        }
        let lines: [&[u8]; 2] = [
            br#"Basic realm="x""#,
            br#"Bearer realm="https://ghcr.io/token""#,
        ];
        assert_eq!(read(&lines), bearer(realm, None));
    }

    #[test]
    fn hostile_lines_are_no_challenge() {
        let long = format!("Bearer {}", "a=b,".repeat(100_000));
        let lines: [&[u8]; 11] = [
            b"",
            b",",
            b"Bearer",
            b"Bearer realm",
            b"Bearer realm=",
            br#"Bearer realm="unclosed"#,
            br#"Bearer realm="""#,
            br#"Bearer service="x""#,
            b"Bearer realm=\"\xff\xfe\"",
            b"Digest realm=\"x\", nonce=\"y\"",
            long.as_bytes(),
        ];
        for line in lines {
            assert_eq!(read(&[line]), None, "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_garbled_line_does_not_hide_a_good_one() {
        let lines: [&[u8]; 2] = [b"Bearer realm=\"", b"Basic realm=\"x\""];
        assert_eq!(read(&lines), Some(Challenge::Basic));
    }
}
