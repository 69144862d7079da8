//! The order of labels: `String.prototype.localeCompare` for the locale `en`.
//!
//! Owns the collation of ASCII, which is what keys of labels are made of: the
//! order of the Unicode root collation (CLDR). Other characters come after all
//! of ASCII, by code point; see docs/conformance.md.

use std::cmp::Ordering;

/// Punctuation in the order of the root collation; digits and letters follow.
const MARKS: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// Compares by letters first, then by case, lower case first.
pub fn compare(a: &str, b: &str) -> Ordering {
    let primary = |text: &str| text.chars().filter_map(weight).collect::<Vec<_>>();
    let upper = |text: &str| {
        let seen = text.chars().filter(|&c| weight(c).is_some());
        seen.map(|c| c.is_ascii_uppercase()).collect::<Vec<_>>()
    };
    primary(a)
        .cmp(&primary(b))
        .then_with(|| upper(a).cmp(&upper(b)))
}

/// Rank of a character regardless of case; control characters have none.
fn weight(c: char) -> Option<u32> {
    if let Some(at) = MARKS.chars().position(|mark| mark == c) {
        return u32::try_from(at).ok();
    }
    match c {
        '\0'..='\u{1f}' | '\u{7f}' => None,
        '0'..='9' => Some(0x100 + u32::from(c)),
        'a'..='z' | 'A'..='Z' => Some(0x200 + u32::from(c.to_ascii_lowercase())),
        other => Some(0x1000 + u32::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn keys_sort_as_in_javascript() {
        let mut keys = [
            "b", "B", "a.b", "a-b", "a_b", "A", "ab", "a1", "a", "z", "Z.a",
        ];
        keys.sort_by(|a, b| compare(a, b));
        let sorted = [
            "a", "A", "a_b", "a-b", "a.b", "a1", "ab", "b", "B", "z", "Z.a",
        ];
        assert_eq!(keys, sorted);
    }
}
