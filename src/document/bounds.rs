//! How much of a document is read.

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use crate::document::measure::Measure;

/// How much JSON may become, in bytes: all its text, and half a million values.
const MOST: usize = 64 * 1024 * 1024;

/// Reads JSON.
///
/// # Errors
/// When it is not JSON, is nested too deep, or has too many values.
pub fn json(text: &[u8]) -> serde_json::Result<Value> {
    let mut left = MOST;
    let mut measured = serde_json::Deserializer::from_slice(text);
    Measure::of(&mut left).deserialize(&mut measured)?;
    serde_json::from_slice(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_up_to_a_number_of_values() {
        let text = br#"{"a": [1, -1, 1.5, 1e99, true, null, "x"]}"#;
        let expected: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(json(text).unwrap(), expected);

        let why = |text: &str| json(text.as_bytes()).unwrap_err().to_string();
        let zeros = format!("[{}0]", "0,".repeat(1_000_000));
        assert!(why(&zeros).starts_with("has more values than can be read"));
        assert!(why(&"[".repeat(100_000)).starts_with("recursion limit exceeded"));
        assert!(why("{} x").starts_with("trailing characters"));

        let long = format!("\"{}\"", "x".repeat(30 * 1024 * 1024));
        assert!(json(long.as_bytes()).is_ok());
    }
}
