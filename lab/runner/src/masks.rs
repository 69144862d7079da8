//! Values that must not be shown.
//!
//! Owns replacing them by `***`. Less than the runner: it masks encoded forms
//! (base64, JSON, URI) of each value too, here only what was named is masked,
//! so a program that forgets to name a form is found out.

/// The masked values of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks {
    /// Longest first, so that a value inside another leaves no rest.
    values: Vec<String>,
}

impl Masks {
    /// Adds a value and each of its lines.
    pub(crate) fn add(&mut self, value: &str) {
        let lines = value.split(['\r', '\n']).map(str::trim);
        for part in std::iter::once(value).chain(lines) {
            if !part.trim().is_empty() && !self.values.iter().any(|known| known == part) {
                self.values.push(part.to_owned());
            }
        }
        self.values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        self.values
            .iter()
            .fold(text.to_owned(), |text, value| text.replace(value, "***"))
    }

    pub(crate) fn values(&self) -> Vec<String> {
        self.values.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_values_and_their_lines() {
        let mut masks = Masks::default();
        masks.add("key");
        masks.add("line one\nline two\n");
        masks.add(" ");
        assert_eq!(
            masks.apply("a key, line two, keyring line one"),
            "a ***, ***, ***ring ***"
        );
    }
}
