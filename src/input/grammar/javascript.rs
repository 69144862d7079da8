//! How JavaScript reads white space and numbers.
//!
//! Owns the few conversions of ECMA-262 that the tag language is defined by:
//! rules were written against a program that used them. Knows no input.

/// `WhiteSpace` and `LineTerminator` of ECMA-262, which `\s` and `trim` use.
/// Rust's own set has U+0085 and lacks U+FEFF.
pub fn is_space(c: char) -> bool {
    match c {
        '\u{85}' => false,
        '\u{feff}' => true,
        c => c.is_whitespace(),
    }
}

/// `String.prototype.trim`.
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `Number(text)`: NaN when the text is not a number.
pub fn number(text: &str) -> f64 {
    let text = trim(text);
    if text.is_empty() {
        return 0.0;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let head = text.get(..2).map(str::to_ascii_lowercase);
        if head.as_deref() == Some(prefix) {
            return digits(text.get(2..).unwrap_or_default(), radix);
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned != "Infinity" && !is_decimal(unsigned) {
        return f64::NAN;
    }
    text.parse().unwrap_or(f64::NAN)
}

fn digits(text: &str, radix: u32) -> f64 {
    if text.is_empty() {
        return f64::NAN;
    }
    text.chars().fold(0.0, |sum, c| {
        c.to_digit(radix)
            .map_or(f64::NAN, |digit| sum * f64::from(radix) + f64::from(digit))
    })
}

/// `StrUnsignedDecimalLiteral`; Rust would take `inf` and `nan` as well.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let bare = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !bare.is_empty() && all_digits(bare)
    });
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_fits
}

/// `Number::toString` with radix 10.
pub fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}Infinity");
    }
    // Rust and ECMA-262 agree on the shortest digits, not on their layout.
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits: String = mantissa.chars().filter(|&c| c != '.').collect();
    format!("{sign}{}", layout(&digits, exponent))
}

/// Places the point: `digits` stands for d.ddd × 10^`exponent`.
fn layout(digits: &str, exponent: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
    match exponent {
        0..=20 if exponent + 1 >= count => format!("{digits}{}", zeros(exponent + 1 - count)),
        0..=20 => {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or(1));
            format!("{whole}.{fraction}")
        }
        -6..=-1 => format!("0.{}{digits}", zeros(-exponent - 1)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let plus = if exponent < 0 { "" } else { "+" };
            format!("{first}{point}{rest}e{plus}{exponent}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{number, number_text, trim};

    #[test]
    fn numbers_are_read_as_javascript_reads_them() {
        for (text, value) in [
            ("", 0.0),
            (" 7 ", 7.0),
            ("\u{feff}1e3", 1000.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(text), value, "{text:?}");
        }
        for text in [
            "a", "1_000", "inf", "nan", "1e", ".", "0x", "-0x1", "1 2", "+-1",
        ] {
            assert!(number(text).is_nan(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e25, "1.25e+25"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (123.456, "123.456"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(number_text(value), text);
        }
    }

    #[test]
    fn white_space_is_javascripts() {
        assert_eq!(trim("\u{feff}\u{a0} a\u{85} \u{2028}"), "a\u{85}");
    }
}
