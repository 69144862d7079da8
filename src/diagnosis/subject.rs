//! What a build's error is about: which image, in which registry, to do what,
//! and with which answer.

use crate::diagnosis::excerpt::Excerpt;
use crate::image::{Access, ImageName, Registry, reference};

/// What the text of a failed build or push is about. Every part may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The image, without tag or digest: the one that was refused, be it the
    /// one to push, a cache or a base image.
    pub image: Option<ImageName>,
    /// What was to be done.
    pub access: Option<Access>,
    /// The status of the registry's answer, told or following from its words.
    pub status: Option<u16>,
    /// Whether the status stands alone, without the registry's words: asking
    /// the registry again can tell more.
    pub bare: bool,
}

impl Subject {
    /// True when the registry refused and the log does not say why: repeat the
    /// question for [`Subject::image`] to hear the words.
    pub fn is_unexplained(&self) -> bool {
        self.bare && matches!(self.status, Some(400 | 401 | 403 | 404))
    }
}

/// What the text of a failed build or push is about: the whole output, its
/// end, or one error.
pub fn subject(text: &str) -> Subject {
    of(&Excerpt::of(text))
}

pub fn of(excerpt: &Excerpt) -> Subject {
    if excerpt.is_failed_program() {
        // Its command line could name any image.
        return Subject::default();
    }
    let step = excerpt.step.as_deref().unwrap_or_default();
    let told = told_status(&excerpt.last);
    Subject {
        image: image(excerpt),
        access: access(&excerpt.last).or_else(|| access(step)),
        status: told
            .map(|(status, _)| status)
            .or_else(|| implied_status(&excerpt.last)),
        bare: told.is_some_and(|(_, bare)| bare),
    }
}

/// The base image that an error or a step is about, as it spells it.
pub fn base(excerpt: &Excerpt) -> Option<String> {
    let step = excerpt.step.as_deref().unwrap_or_default();
    let found = text_after(&excerpt.last, "failed to resolve source metadata for ")
        .and_then(|rest| rest.split(": ").next())
        .or_else(|| text_after(step, "load metadata for "))?;
    Some(found.to_owned())
}

/// The image that was refused. The host of a token endpoint may be another one
/// than the registry's, so a name comes before an address: buildx leaves the
/// name out of its last words, and has it in the step's.
fn image(excerpt: &Excerpt) -> Option<ImageName> {
    let last = excerpt.last.as_str();
    let step = excerpt.step.as_deref().unwrap_or_default();
    let in_step = excerpt.ends.iter().filter(|end| end.ends_with(last));
    image_in_error(last)
        .or_else(|| in_step.filter_map(|end| image_in_error(end)).next())
        .or_else(|| name(text_after(step, "load metadata for ")?))
        .or_else(|| by_address(last))
        .or_else(|| excerpt.earlier.first().and_then(|line| by_address(line)))
}

/// The image that an error names.
fn image_in_error(text: &str) -> Option<ImageName> {
    ["failed to push ", "failed to resolve source metadata for "]
        .iter()
        .find_map(|words| text_after(text, words))
        .and_then(|rest| rest.split(": ").next())
        .filter(|reference| !reference.contains(' '))
        .and_then(name)
}

/// The name in `HOST/NAME:TAG@DIGEST`.
pub fn name(text: &str) -> Option<ImageName> {
    let (name, _, _) = reference::split(text);
    let parsed = ImageName::parse(name).ok();
    // An owner that is missing is what the diagnosis may be about.
    parsed.or_else(|| {
        let (host, repository) = name.split_once('/')?;
        plain_name(host, repository)
    })
}

/// The image in `https://HOST/v2/NAME/blobs/…`, or in the scope of a token.
fn by_address(text: &str) -> Option<ImageName> {
    let rest = text_after(text, "://")?;
    let end = rest.find([' ', '"', '\'']).unwrap_or(rest.len());
    let (host, path) = rest[..end].split_once('/')?;
    if let Some(path) = path.strip_prefix("v2/") {
        let end = ["/blobs/", "/manifests/", "/tags/", "/referrers/"]
            .iter()
            .find_map(|part| path.find(part))?;
        return plain_name(host, &path[..end]);
    }
    let scope = text_after(path, "scope=repository%3A")?.replace("%2F", "/");
    // Docker Hub's token endpoint has a host of its own.
    let host = match host {
        "auth.docker.io" => "docker.io",
        host => host,
    };
    plain_name(host, scope.split("%3A").next()?)
}

fn plain_name(host: &str, repository: &str) -> Option<ImageName> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/".contains(&b);
    if repository.is_empty() || repository.len() > 255 || !repository.bytes().all(good) {
        return None;
    }
    Some(ImageName {
        registry: Registry::parse(host).ok()?,
        repository: repository.to_owned(),
    })
}

fn access(text: &str) -> Option<Access> {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if has(&[
        "error writing layer blob",
        "error writing manifest blob",
        "exporting cache",
        "exporting to github actions cache",
    ]) {
        Some(Access::CacheWrite)
    } else if has(&[
        "importing cache",
        "failed to configure registry cache importer",
    ]) {
        Some(Access::CacheRead)
    } else if has(&["failed to resolve source metadata", "load metadata for"]) {
        Some(Access::Base)
    } else if has(&[
        "failed to push",
        "exporting to image",
        "/blobs/uploads/",
        "push access denied",
    ]) {
        Some(Access::Push)
    } else {
        None
    }
}

/// The status in `unexpected status from HEAD request to ADDRESS: 403
/// Forbidden` and its older forms, and whether nothing but its name follows.
fn told_status(text: &str) -> Option<(u16, bool)> {
    let lower = text.to_lowercase();
    let rest = text_after(&lower, "status")?;
    rest.match_indices(": ").find_map(|(at, _)| {
        let number = &rest[at + 2..];
        let end = number
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(number.len());
        let status = number[..end]
            .parse()
            .ok()
            .filter(|status| (400..600).contains(status))?;
        let bare = number[end..]
            .chars()
            .all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '-'));
        Some((status, bare))
    })
}

/// The status that the specification gives to words: BuildKit shows the words
/// of an answer instead of its status.
fn implied_status(text: &str) -> Option<u16> {
    let lower = format!(": {}", text.to_lowercase());
    [
        ("toomanyrequests", 429),
        ("too many requests", 429),
        (": denied:", 403),
        ("name invalid", 400),
        ("invalid repository name", 400),
        ("name unknown", 404),
        (": unauthorized", 401),
        ("authentication required", 401),
        ("no basic auth credentials", 401),
        ("insufficient_scope", 401),
        ("access to the resource is denied", 403),
    ]
    .iter()
    .find_map(|(words, status)| lower.contains(words).then_some(*status))
}

pub fn text_after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    text.split_once(words).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_image() {
        for (text, image) in [
            (
                "failed to push 127.0.0.1:5000/o/a:t: denied: no",
                "127.0.0.1:5000/o/a",
            ),
            ("failed to push ghcr.io/app:t: EOF", "ghcr.io/app"),
            (
                "unexpected status from HEAD request to https://ghcr.io/v2/acme/app/blobs/sha256:0: 403 Forbidden",
                "ghcr.io/acme/app",
            ),
            (
                "failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/token?scope=repository%3Aacme%2Fapp%3Apull%2Cpush&service=registry.docker.io: 401 Unauthorized",
                "docker.io/acme/app",
            ),
            (
                "unexpected status from GET request to https://registry-1.docker.io/v2/library/ubuntu/manifests/sha256:0: 429 Too Many Requests",
                "docker.io/library/ubuntu",
            ),
        ] {
            assert_eq!(subject(text).image.unwrap().to_string(), image, "{text}");
        }
        for text in [
            "",
            "failed to push",
            "failed to push a b: c",
            "see https://example.com/x",
        ] {
            assert_eq!(subject(text).image, None, "{text}");
        }
    }

    #[test]
    fn the_step_s_error_names_the_registry_of_a_token() {
        let error = "failed to fetch anonymous token: unexpected status from GET request to https://git.example.com/jwt?scope=repository%3Ao%2Fa%3Apull: 403 Forbidden";
        let text = format!(
            "#5 ERROR: failed to push r.example.com/o/a:t: failed to authorize: {error}\nERROR: failed to build: failed to solve: {error}"
        );
        assert_eq!(
            subject(&text).image.unwrap().to_string(),
            "r.example.com/o/a"
        );
    }

    #[test]
    fn a_status_is_bare_when_no_words_follow() {
        for (text, status, bare) in [
            (
                "unexpected status from HEAD request to http://127.0.0.1:1/v2/o/a/blobs/sha256:0: 403 Forbidden",
                Some(403),
                true,
            ),
            ("unexpected status: 403 Forbidden", Some(403), true),
            (
                "authorization status: 401: authorization failed",
                Some(401),
                false,
            ),
            (
                "unexpected status from GET request to https://a/v2/b/manifests/c: 429 Too Many Requests toomanyrequests: x",
                Some(429),
                false,
            ),
            (
                "failed to push a/b:t: denied: permission_denied: write_package",
                Some(403),
                false,
            ),
            ("failed to push a/b:t: unauthorized", Some(401), false),
            (
                "failed to push a/b:t: unknown: name invalid",
                Some(400),
                false,
            ),
            ("open Dockerfile: permission denied", None, false),
        ] {
            let subject = subject(text);
            assert_eq!((subject.status, subject.bare), (status, bare), "{text}");
        }
    }

    #[test]
    fn only_a_bare_refusal_is_unexplained() {
        let unexplained = |text| subject(text).is_unexplained();
        assert!(unexplained("unexpected status: 403 Forbidden"));
        assert!(!unexplained("unexpected status: 503 Service Unavailable"));
        assert!(!unexplained("denied: denied"));
    }

    #[test]
    fn what_was_to_be_done_follows_from_the_step() {
        let failed = "ERROR: failed to solve: failed to fetch anonymous token: unexpected status from GET request to http://a.b/token?scope=repository%3Ao%2Fc%3Apull&service=x: 403 Forbidden";
        for (step, access) in [
            ("[internal] load metadata for a.b/o/c:latest", Access::Base),
            ("exporting to image", Access::Push),
            ("importing cache manifest from a.b/o/c", Access::CacheRead),
            ("exporting cache to registry", Access::CacheWrite),
        ] {
            let text = format!("------\n > {step}:\n------\n{failed}");
            assert_eq!(subject(&text).access, Some(access), "{step}");
        }
    }
}
