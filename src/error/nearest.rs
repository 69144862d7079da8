//! The word that was probably meant.

/// How many letters may be wrong: one in three, and two in a short word.
fn bound(word: &str) -> usize {
    (word.chars().count() / 3).max(2)
}

/// The one of these words that is most like the one given, when one is like it at
/// all. Two letters that have changed places count once.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    words
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(word, other), other))
        .filter(|(distance, _)| *distance <= bound(word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}
