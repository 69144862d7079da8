//! Splitting a format into tokens, as moment's two regular expressions do.

/// Tokens that stand for one or more others, by locale `en`.
const LONG: [(&str, &str); 10] = [
    ("LTS", "h:mm:ss A"),
    ("LT", "h:mm A"),
    ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
    ("LLL", "MMMM D, YYYY h:mm A"),
    ("LL", "MMMM D, YYYY"),
    ("L", "MM/DD/YYYY"),
    ("llll", "ddd, MMM D, YYYY h:mm A"),
    ("lll", "MMM D, YYYY h:mm A"),
    ("ll", "MMM D, YYYY"),
    ("l", "M/D/YYYY"),
];

/// Every other token, in the order in which moment tries them: the first that
/// fits is taken, not the longest.
const TOKENS: &[&str] = &[
    "Hmmss",
    "hmmss",
    "Hmm",
    "hmm",
    "Mo",
    "MMMM",
    "MMM",
    "MM",
    "M",
    "Do",
    "DDDo",
    "DDDD",
    "DDD",
    "DD",
    "D",
    "dddd",
    "ddd",
    "dd",
    "do",
    "d",
    "wo",
    "ww",
    "w|",
    "w",
    "Wo",
    "WW",
    "W|",
    "W",
    "Qo",
    "Q",
    "NNNNN",
    "NNNN",
    "NNN",
    "NN",
    "N",
    "YYYYYY",
    "YYYYY",
    "YYYY",
    "YY",
    "yyyy",
    "yyy",
    "yy",
    "yo",
    "y",
    "ggggg",
    "gggg",
    "gg",
    "GGGGG",
    "GGGG",
    "GG",
    "e",
    "E",
    "a",
    "A",
    "hh",
    "h",
    "HH",
    "H",
    "kk",
    "k",
    "mm",
    "m",
    "ss",
    "s",
    "SSSSSSSSS",
    "SSSSSSSS",
    "SSSSSSS",
    "SSSSSS",
    "SSSSS",
    "SSSS",
    "SSS",
    "SS",
    "S",
    "x",
    "X",
    "zz",
    "z",
    "ZZ",
    "Z",
];

/// Replaces the long tokens, again and again as a replacement may bring forth
/// another; moment stops after six rounds, too.
pub fn expand(pattern: &str) -> String {
    let mut expanded = pattern.to_owned();
    for _ in 0..6 {
        let next = expand_once(&expanded);
        if next == expanded {
            break;
        }
        expanded = next;
    }
    expanded
}

fn expand_once(pattern: &str) -> String {
    let mut output = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escaped = rest.strip_prefix('\\').and_then(|after| {
            let (token, _) = long(after)?;
            Some(1 + token.len())
        });
        let kept = bracketed(rest).or(escaped);
        let length = if let Some(length) = kept {
            output.push_str(rest.get(..length).unwrap_or_default());
            length
        } else if let Some((token, text)) = long(rest) {
            output.push_str(text);
            token.len()
        } else {
            output.push(first);
            first.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    output
}

fn long(text: &str) -> Option<(&'static str, &'static str)> {
    LONG.into_iter().find(|(token, _)| text.starts_with(token))
}

/// Splits a format; line breaks are lost, as moment loses them.
pub fn split(pattern: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escaped = rest
            .strip_prefix('\\')
            .and_then(token)
            .map(|length| 1 + length);
        let found = bracketed(rest).or(escaped).or_else(|| token(rest));
        let length = found.unwrap_or(first.len_utf8());
        let (text, after) = rest.split_at(length);
        if found.is_some() {
            tokens.push(text);
        }
        rest = after;
    }
    tokens
}

/// Length of the token at the start: any character is one, but a line break.
fn token(text: &str) -> Option<usize> {
    if let Some(token) = TOKENS.iter().find(|token| text.starts_with(*token)) {
        return Some(token.len());
    }
    let first = text.chars().next()?;
    let line_break = matches!(first, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    (!line_break).then_some(first.len_utf8())
}

/// Length of `[…]`: up to the last `]` before the next `[`.
fn bracketed(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let until = inner.find('[').unwrap_or(inner.len());
    let end = inner.get(..until)?.rfind(']')?;
    Some(1 + end + 1)
}

/// What a token that stands for itself prints: no brackets, no backslashes.
pub fn literal(token: &str) -> String {
    if token.len() > 1 && token.starts_with('[') {
        let inner = token.strip_prefix('[').unwrap_or(token);
        return inner.strip_suffix(']').unwrap_or(inner).to_owned();
    }
    token.replace('\\', "")
}
