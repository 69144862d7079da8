//! Renders a moment in the formats of moment.js.

use crate::metadata::moment::clock::Moment;
use crate::metadata::moment::tokens;

/// Formats a time. An empty format is ISO 8601.
///
/// # Errors
/// When the format is nothing but line breaks, which moment fails on.
pub fn format(moment: &Moment, pattern: &str) -> Result<String, String> {
    let pattern = match (pattern.is_empty(), moment.is_utc()) {
        (true, true) => "YYYY-MM-DDTHH:mm:ss[Z]",
        (true, false) => "YYYY-MM-DDTHH:mm:ssZ",
        (false, _) => pattern,
    };
    let expanded = tokens::expand(pattern);
    let tokens = tokens::split(&expanded);
    if tokens.is_empty() {
        return Err(format!("{pattern:?} is not a date format"));
    }
    Ok(tokens
        .into_iter()
        .map(|token| match value(moment, token) {
            Some(text) => text,
            None => tokens::literal(token),
        })
        .collect())
}

/// What a token stands for; `None` when it stands for itself.
fn value(moment: &Moment, token: &str) -> Option<String> {
    let m = moment;
    let text = match token {
        "M" => m.month().to_string(),
        "Mo" => ordinal(m.month()),
        "MM" => padded(m.month(), 2),
        "MMM" => short(m.month_name(), 3),
        "MMMM" => m.month_name().to_owned(),
        "Q" => m.quarter().to_string(),
        "Qo" => ordinal(m.quarter()),
        "D" => m.day().to_string(),
        "Do" => ordinal(m.day()),
        "DD" => padded(m.day(), 2),
        "DDD" => m.day_of_year().to_string(),
        "DDDo" => ordinal(m.day_of_year()),
        "DDDD" => padded(m.day_of_year(), 3),
        "d" | "e" => m.weekday().to_string(),
        "do" => ordinal(m.weekday()),
        "dd" => short(m.weekday_name(), 2),
        "ddd" => short(m.weekday_name(), 3),
        "dddd" => m.weekday_name().to_owned(),
        "E" => m.iso_weekday().to_string(),
        "w" => m.week().1.to_string(),
        "wo" => ordinal(m.week().1),
        "ww" => padded(m.week().1, 2),
        "W" => m.iso_week().1.to_string(),
        "Wo" => ordinal(m.iso_week().1),
        "WW" => padded(m.iso_week().1, 2),
        "gg" => padded(m.week().0 % 100, 2),
        "gggg" => padded(m.week().0, 4),
        "ggggg" => padded(m.week().0, 5),
        "GG" => padded(m.iso_week().0 % 100, 2),
        "GGGG" => padded(m.iso_week().0, 4),
        "GGGGG" => padded(m.iso_week().0, 5),
        "Z" => m.offset_text(":"),
        "ZZ" => m.offset_text(""),
        "z" | "zz" => m.abbreviation().to_owned(),
        "X" => m.unix_milliseconds().div_euclid(1000).to_string(),
        "x" => m.unix_milliseconds().to_string(),
        _ => return year(moment, token).or_else(|| time(moment, token)),
    };
    Some(text)
}

fn year(m: &Moment, token: &str) -> Option<String> {
    let text = match token {
        "Y" if m.year() > 9999 => format!("+{}", m.year()),
        "Y" | "YYYY" => padded(m.year(), 4),
        "YY" => padded(m.year() % 100, 2),
        "YYYYY" => padded(m.year(), 5),
        "YYYYYY" => {
            let sign = if m.year() < 0 { "" } else { "+" };
            format!("{sign}{}", padded(m.year(), 6))
        }
        "y" => m.era_year().to_string(),
        "yo" => ordinal(m.era_year()),
        "yy" => padded(m.era_year(), 2),
        "yyy" => padded(m.era_year(), 3),
        "yyyy" => padded(m.era_year(), 4),
        "N" | "NN" | "NNN" | "NNNNN" => era(m, "AD", "BC"),
        "NNNN" => era(m, "Anno Domini", "Before Christ"),
        _ => return None,
    };
    Some(text)
}

fn era(m: &Moment, after: &str, before: &str) -> String {
    if m.year() > 0 { after } else { before }.to_owned()
}

fn time(m: &Moment, token: &str) -> Option<String> {
    let twelve = (m.hour() + 11) % 12 + 1;
    let minutes = || padded(m.minute(), 2);
    let text = match token {
        "H" => m.hour().to_string(),
        "HH" => padded(m.hour(), 2),
        "h" => twelve.to_string(),
        "hh" => padded(twelve, 2),
        "k" => ((m.hour() + 23) % 24 + 1).to_string(),
        "kk" => padded((m.hour() + 23) % 24 + 1, 2),
        "hmm" => format!("{twelve}{}", minutes()),
        "hmmss" => format!("{twelve}{}{}", minutes(), padded(m.second(), 2)),
        "Hmm" => format!("{}{}", m.hour(), minutes()),
        "Hmmss" => format!("{}{}{}", m.hour(), minutes(), padded(m.second(), 2)),
        "a" => if m.hour() > 11 { "pm" } else { "am" }.to_owned(),
        "A" => if m.hour() > 11 { "PM" } else { "AM" }.to_owned(),
        "m" => m.minute().to_string(),
        "mm" => minutes(),
        "s" => m.second().to_string(),
        "ss" => padded(m.second(), 2),
        fraction if fraction.bytes().all(|byte| byte == b'S') && fraction.len() <= 9 => {
            let digits = format!("{:0<9}", padded(m.millisecond(), 3));
            digits.chars().take(fraction.len()).collect()
        }
        _ => return None,
    };
    Some(text)
}

/// moment's `zeroFill`: the sign is not counted.
fn padded(number: i64, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{:0>digits$}", number.unsigned_abs())
}

fn ordinal(number: i64) -> String {
    let teen = number % 100 / 10 == 1;
    let end = match number % 10 {
        1 if !teen => "st",
        2 if !teen => "nd",
        3 if !teen => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

fn short(name: &str, letters: usize) -> String {
    name.chars().take(letters).collect()
}
