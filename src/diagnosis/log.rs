//! The diagnosis of a failed build or push, out of its text.

use crate::diagnosis::circumstances::{Circumstances, Login};
use crate::diagnosis::diagnose::{Diagnosis, look_up};
use crate::diagnosis::excerpt::Excerpt;
use crate::diagnosis::row::Place;
use crate::diagnosis::rows::rows;
use crate::diagnosis::signal::Signal;
use crate::diagnosis::subject::{self, Subject, text_after};
use crate::error::sanitize::{WORDS, clean};
use crate::image::Platform;
use crate::registry::Stage;

/// BuildKit's words when a token endpoint refuses a login, and when there was none.
const WITH_LOGIN: &str = "failed to fetch oauth token";
const ANONYMOUS: &str = "failed to fetch anonymous token";
/// Rows that a status in earlier errors says more than.
const VAGUE: [&str; 4] = [
    "connection-lost",
    "build-cancelled",
    "request-failed",
    "push-failed",
];

/// The diagnosis of the text of a failed build or push: its whole output, its
/// end, or one error. `None` when nothing in it is known, as when a program of
/// the Dockerfile failed for reasons of its own.
///
/// What the text says of image and access wins over the circumstances: a base
/// image may have been refused, or a cache.
pub fn of_log(text: &str, circumstances: &Circumstances<'_>) -> Option<Diagnosis> {
    let excerpt = Excerpt::of(text);
    if excerpt.is_failed_program() {
        return of_program(&excerpt, circumstances);
    }
    let whole = subject::of(&excerpt);
    let last = of_words(&excerpt, &excerpt.last, &whole, circumstances);
    // "EOF" tells less than the 503 that came before it.
    let is_vague = last.as_ref().is_some_and(|last| VAGUE.contains(&last.id));
    if !is_vague || whole.status.is_some() {
        return last;
    }
    let mut with_status = excerpt.earlier.iter().filter_map(|line| {
        let mut found = subject::of(&Excerpt::of(line));
        found.image = found.image.or_else(|| whole.image.clone());
        found.access = found.access.or(whole.access);
        found.status?;
        of_words(&excerpt, line, &found, circumstances)
    });
    with_status.next().or(last)
}

/// The diagnosis of a push that failed, in the builder's words; those alone
/// where nothing in them is known.
pub fn of_push(text: &str, circumstances: &Circumstances<'_>) -> Diagnosis {
    of_log(text, circumstances).unwrap_or_else(|| {
        let excerpt = Excerpt::of(text);
        let signal = signal(&excerpt, &excerpt.last, &Subject::default());
        Diagnosis::of(&crate::diagnosis::rows::ELSE, &signal, circumstances)
    })
}

/// What a program of the Dockerfile printed, and how it ended, counts only where
/// it is about the machine.
fn of_program(excerpt: &Excerpt, circumstances: &Circumstances<'_>) -> Option<Diagnosis> {
    excerpt.printed.iter().find_map(|line| {
        let signal = signal(excerpt, line, &Subject::default());
        let row = rows().find(|row| row.place == Place::Step && row.has_words_in(&signal.lower))?;
        Some(Diagnosis::of(row, &signal, circumstances))
    })
}

fn of_words(
    excerpt: &Excerpt,
    words: &str,
    found: &Subject,
    circumstances: &Circumstances<'_>,
) -> Option<Diagnosis> {
    let signal = signal(excerpt, words, found);
    let mut narrow = narrow_to(circumstances, found);
    if words.contains(ANONYMOUS) {
        narrow.login = Login::None;
    }
    look_up(&signal, &narrow)
}

fn signal(excerpt: &Excerpt, words: &str, found: &Subject) -> Signal {
    let of_token = [WITH_LOGIN, ANONYMOUS]
        .iter()
        .any(|token| words.contains(token));
    Signal {
        status: found.status,
        stage: of_token.then_some(Stage::Token),
        lower: words.to_lowercase(),
        words: clean(words, WORDS),
        of_build: true,
        names_registry: found.image.is_some(),
        from_stage: excerpt
            .step
            .as_ref()
            .is_some_and(|step| step.contains("--from=")),
        subject: subject::base(excerpt),
        git_host: git_host(words),
        path: path(words),
        platform: platform(excerpt),
    }
}

/// The circumstances of what the text is about.
fn narrow_to<'a>(circumstances: &Circumstances<'a>, found: &'a Subject) -> Circumstances<'a> {
    let mut narrow = *circumstances;
    narrow.access = found.access.unwrap_or(circumstances.access);
    let Some(image) = &found.image else {
        return narrow;
    };
    if circumstances.image == Some(image) {
        return narrow;
    }
    let same_registry = circumstances
        .image
        .is_some_and(|other| other.registry == image.registry);
    narrow.image = Some(image);
    narrow.given_as = None;
    narrow.package = None;
    if !same_registry {
        narrow.login = Login::Unknown;
    }
    narrow
}

/// The path in `… "/dist": not found`, or in BuildKit's older words.
fn path(words: &str) -> Option<String> {
    if let Some((before, _)) = words.rsplit_once("\": not found") {
        return before.rsplit('"').next().map(str::to_owned);
    }
    let lost = text_after(words, "lstat ")?
        .split(": no such file")
        .next()?;
    // Where BuildKit had mounted the context is nobody's business.
    let inside = match text_after(lost, "/buildkit-mount") {
        Some(rest) => rest.find('/').map_or(rest, |slash| &rest[slash..]),
        None => lost,
    };
    Some(inside.to_owned())
}

/// The host in `could not read Username for 'https://HOST'` and
/// `Authentication failed for 'https://USER@HOST/…'`.
fn git_host(words: &str) -> Option<String> {
    let address = text_after(words, " for '")?.split('\'').next()?;
    let host = text_after(address, "://")?
        .split('/')
        .next()?
        .rsplit('@')
        .next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// The platform in `[linux/arm64 2/3] RUN make`.
fn platform(excerpt: &Excerpt) -> Option<String> {
    let step = excerpt.step.as_deref()?.strip_prefix('[')?;
    let first = step.split([' ', ']', '-']).next()?;
    first
        .contains('/')
        .then_some(first)?
        .parse::<Platform>()
        .ok()?;
    Some(first.to_owned())
}
