//! Sizes and times as people read them.

/// A size in decimal units, as registries show it.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// The bytes of a size such as `150MB`, `1.5 GiB` or `1000`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * unit;
    (1.0..1e18).contains(&bytes).then_some(bytes.round() as u64)
}

/// A time: to a tenth of a second below ten, in minutes and seconds from two minutes on.
pub fn seconds(count: f64) -> String {
    let whole = count.round() as u64;
    match count {
        _ if count < 9.95 => format!("{count:.1} s"),
        _ if whole < 120 => format!("{whole} s"),
        _ => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (count, text) in [
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (2_340_000, "2.3 MB"),
            (1_000_000_000, "1.00 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn sizes_are_read_in_both_kinds_of_units() {
        for (text, bytes) in [("1000", 1000), ("1.5 MB", 1_500_000), ("2GiB", 2 << 30)] {
            assert_eq!(parse_bytes(text), Some(bytes));
        }
        for text in ["", "MB", "-1MB", "1TB", "0", "1e9", "1.2.3MB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_as_exact_as_they_are_short() {
        for (count, text) in [
            (0.04, "0.0 s"),
            (3.21, "3.2 s"),
            (9.96, "10 s"),
            (119.4, "119 s"),
            (395.0, "6 min 35 s"),
        ] {
            assert_eq!(seconds(count), text);
        }
    }
}
