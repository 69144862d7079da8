//! The job's token for its cache service, as BuildKit reads it.
//!
//! BuildKit does not verify the signature, but it refuses a token that is not a
//! JSON Web Token (RFC 7519) with the claims of GitHub's, and one out of its
//! time. An export with such a token fails the build before it has begun.
//! Follows `New` of <https://github.com/tonistiigi/go-actions-cache>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Why BuildKit would refuse the token, if it would. Holds nothing of the token
/// but times.
pub fn find_flaw(token: &str, now: Timestamp) -> Option<String> {
    let Some(claims) = claims(token) else {
        return Some("is not a JSON Web Token".to_owned());
    };
    let Some(access) = claims.get("ac").and_then(Value::as_str) else {
        return Some("grants no access to caches: it has no claim `ac`".to_owned());
    };
    if serde_json::from_str::<Vec<Map<String, Value>>>(access).is_err() {
        return Some("grants no access to caches: its claim `ac` is not a list".to_owned());
    }
    let (Some(expires), Some(begins)) = (time(&claims, "exp"), time(&claims, "nbf")) else {
        return Some("does not say when it is valid: it has no `exp` or no `nbf`".to_owned());
    };
    if now > expires {
        return Some(format!("expired at {expires}"));
    }
    (now < begins).then(|| format!("is not valid before {begins}"))
}

/// What the token says, whether it is signed well or not.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, _signature] = parts.as_slice() else {
        return None;
    };
    decoded(header)?.get("alg")?.as_str()?;
    decoded(claims)
}

fn decoded(part: &str) -> Option<Map<String, Value>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&text).ok()
}

/// A time in whole seconds.
fn time(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let seconds = claims.get(name)?.as_number()?;
    let whole = || seconds.as_f64().map(|seconds| seconds as i64);
    Timestamp::from_second(seconds.as_i64().or_else(whole)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn token(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "RS256", "typ": "JWT"});
        format!("{}.{}.c2lnbmF0dXJl", part(&header), part(claims))
    }

    fn flaw_of(token: &str) -> Option<String> {
        find_flaw(token, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn a_token_of_github_s_is_good_as_long_as_it_lasts() {
        let access = r#"[{"Scope":"refs/heads/main","Permission":3}]"#;
        for (expires, begins, expected) in [
            (json!(NOW + 60), json!(NOW - 60), None),
            (json!(1.9e9), json!(0.5), None),
            (
                json!(NOW - 1),
                json!(0),
                Some("expired at 2027-01-15T07:59:59Z"),
            ),
            (json!(NOW + 60), json!(NOW + 1), Some("is not valid before")),
            (json!("soon"), json!(0), Some("does not say when")),
            (json!(null), json!(0), Some("does not say when")),
            (json!(NOW + 60), json!(null), Some("does not say when")),
        ] {
            let token = token(&json!({"ac": access, "exp": expires, "nbf": begins}));
            let flaw = flaw_of(&token);
            match (expected, &flaw) {
                (Some(expected), Some(flaw)) => assert!(flaw.starts_with(expected), "{flaw}"),
                (expected, flaw) => assert_eq!(expected, flaw.as_deref(), "{expires} {begins}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_token() {
        let other = token(&json!({"exp": NOW + 60, "nbf": 0}));
        let list = token(&json!({"ac": "no list", "exp": NOW + 60, "nbf": 0}));
        for (token, expected) in [
            ("nonsense", "is not a JSON Web Token"),
            ("hunter1.hunter2.hunter3", "is not a JSON Web Token"),
            ("", "is not a JSON Web Token"),
            (&other, "it has no claim `ac`"),
            (&list, "its claim `ac` is not a list"),
        ] {
            let flaw = flaw_of(token).unwrap();
            assert!(flaw.contains(expected), "{flaw}");
            assert!(!flaw.contains("hunter"), "{flaw}");
        }
    }
}
