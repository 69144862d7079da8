//! Panics, as the person at the workflow page reads them: a bug of ours, and
//! where to report it.
//!
//! A panic unwinds, so whatever it stops is cleaned up like after an error. Its
//! own message can hold a value that a library choked on, and with it a secret:
//! only a message without values is shown.

use std::any::Any;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

use tracing::error;

/// Where the last panic was.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// The exit code of a program in Rust that panics.
pub const EXIT_CODE: u8 = 101;

/// From now on a panic prints its place, and no value.
pub fn catch_panics() {
    panic::set_hook(Box::new(|info| {
        let text = describe(info);
        // Also for one that nobody else tells of, such as that of a library's thread.
        let _ = writeln!(io::stderr(), "internal error {text}");
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(
        || "at an unknown place".to_owned(),
        |place| format!("at {}:{}", short(place.file()), place.line()),
    );
    match constant(info.payload()) {
        Some(message) => format!("{place}: {message}"),
        None => place,
    }
}

/// A message that stands in a source as it is. One with values in it is a
/// `String`.
fn constant(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

/// The file without the folders of the machine that built the program.
fn short(file: &str) -> &str {
    let of_library = file.split_once("/registry/src/");
    let inside = of_library.and_then(|(_, rest)| rest.split_once('/'));
    inside.map_or(file, |(_, rest)| rest)
}

/// What to tell of the last panic.
pub fn message() -> String {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let place = last.as_deref().unwrap_or("at an unknown place");
    format!(
        "This is a bug in Stevedore {} ({place}). Please report it, with the log and the \
         step's inputs but without secrets, under Issues on the project's page on GitHub",
        env!("CARGO_PKG_VERSION")
    )
}

/// Prints that.
pub fn print() {
    error!(title = "Bug in Stevedore", "{}", message());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_a_value_in_it_is_not_shown() {
        let payload = |panics: fn()| panic::catch_unwind(panics).unwrap_err();
        let with_value = payload(|| panic!("no header: {}", std::env::temp_dir().display()));
        assert_eq!(constant(&*with_value), None);
        let without = payload(|| panic!("no header"));
        assert_eq!(constant(&*without), Some("no header"));
    }

    #[test]
    fn the_place_is_told_without_the_builders_folders() {
        let file = "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/a-1.0.0/src/b.rs";
        assert_eq!(short(file), "a-1.0.0/src/b.rs");
        assert_eq!(short("src/b.rs"), "src/b.rs");
    }
}
