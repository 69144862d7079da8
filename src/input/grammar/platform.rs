//! A platform, and the one that was probably meant.

use crate::error::{self, InputProblem};
use crate::image::Platform;

/// Reads a platform.
///
/// # Errors
/// When Go builds for no such platform.
pub fn parse(input: &str, text: &str) -> Result<Platform, InputProblem> {
    text.parse::<Platform>().map_err(|refused| {
        let known: Vec<String> = Platform::of_linux()
            .map(|known| known.to_string())
            .collect();
        let hint = error::nearest(text, known.iter().map(String::as_str))
            .map(|nearest| format!("; did you mean `{nearest}`?"))
            .unwrap_or_default();
        InputProblem::new(input, text, refused.why + &hint, refused.accepted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_spelling_names_the_nearest() {
        for (text, meant) in [
            ("linux/amd46", Some("linux/amd64")),
            ("linux/arm/7", Some("linux/arm")),
            ("linux/arm46", Some("linux/arm64")),
            ("plan9", None),
        ] {
            let problem = parse("platforms", text).unwrap_err().to_string();
            assert_eq!(
                problem.contains("did you mean"),
                meant.is_some(),
                "{problem}"
            );
            assert!(problem.contains(meant.unwrap_or_default()), "{problem}");
        }
    }
}
