//! Templates outside of rules: texts in which one name stands for a text.

use crate::metadata::expressions::render_fields;
use crate::metadata::template::Object;

/// Stands for the text while the template is rendered, which would escape it as
/// HTML.
const MARK: &str = "\u{1}";

/// Renders a template in which this name stands for a text.
///
/// # Errors
/// Says why the template cannot be read or rendered.
pub fn fill_in(template: &str, name: &str, text: &str) -> Result<String, String> {
    let root = Object {
        entries: vec![(name.into(), MARK.into())],
        text: None,
    };
    let filled = render_fields(template, &root.into_value())?;
    Ok(filled.replace(MARK, text))
}

#[cfg(test)]
mod tests {
    use super::fill_in;

    #[test]
    fn the_name_stands_for_its_text_and_others_for_nothing() {
        let fill = |text| fill_in(text, "defaultContext", "https://h/o/r.git?ref=a&b=c");
        for (template, expected) in [
            ("{{defaultContext}}:sub", "https://h/o/r.git?ref=a&b=c:sub"),
            ("{{ defaultContext }}", "https://h/o/r.git?ref=a&b=c"),
            ("a{{other}}b", "ab"),
            (".", "."),
        ] {
            assert_eq!(fill(template).unwrap(), expected);
        }
        assert!(fill("{{defaultContext").is_err());
    }
}
