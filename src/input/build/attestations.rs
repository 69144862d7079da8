//! The inputs `provenance`, `sbom` and `attests`: what is attested of the image.
//!
//! Owns [`Attestations`]. Which of them reach buildx, and the link of the run
//! in them, is for the plan.

use crate::error::InputProblem;
use crate::input::grammar::boolean;
use crate::input::grammar::csv::{self, ENTRY, QuoteError, records};
use crate::input::grammar::javascript::trim;
use crate::input::grammar::list::Entry;

/// What is to be attested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attestations {
    /// `provenance`, when it is given.
    pub provenance: Option<Provenance>,
    /// `sbom`, when it is given, as buildx takes it.
    pub sbom: Option<String>,
    /// `attests`.
    pub entries: Vec<Attestation>,
    /// `BUILDX_NO_DEFAULT_ATTESTATIONS`.
    pub no_defaults: bool,
}

/// The input `provenance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// `true`
    On,
    /// `false`
    Off,
    /// Attributes, such as `mode=max`.
    Attributes(String),
}

/// One entry of `attests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// What it is.
    pub kind: AttestationKind,
    /// The entry, as it was given; for kinds without an input of their own as
    /// buildx takes it.
    pub text: String,
}

/// The kinds of attestations that have an input of their own, and the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttestationKind {
    /// `type=provenance`
    Provenance,
    /// `type=sbom`
    Sbom,
    /// Another type.
    Other,
}

const ACCEPTED: &str = "true, false or attributes such as mode=max; quotes around a whole field";

impl Attestations {
    /// True when the workflow asks for an attestation, so that a builder that
    /// can make none is the wrong one.
    pub fn are_asked_for(&self) -> bool {
        let provenance = matches!(&self.provenance, Some(Provenance::On))
            || matches!(&self.provenance, Some(Provenance::Attributes(text))
                if !is_disabled(&normalised(text).unwrap_or_default()));
        let sbom = self.sbom.as_deref().is_some_and(|text| !is_disabled(text));
        provenance || sbom || self.entries.iter().any(|entry| !is_disabled(&entry.text))
    }
}

/// True for an entry that switches an attestation off.
pub fn is_disabled(text: &str) -> bool {
    let is_off =
        |(key, value): &(String, String)| key == "disabled" && boolean::parse(value) == Some(true);
    csv::attributes(text).is_ok_and(|pairs| pairs.iter().any(is_off))
}

/// Reads `provenance`.
///
/// # Errors
/// When quotes do not pair up.
pub fn provenance(given: &str) -> Result<Option<Provenance>, InputProblem> {
    Ok(Some(match given {
        "" => return Ok(None),
        "true" | "True" | "TRUE" => Provenance::On,
        "false" | "False" | "FALSE" => Provenance::Off,
        text => {
            normalised(text).map_err(|error| problem("provenance", text, &error))?;
            Provenance::Attributes(text.to_owned())
        }
    }))
}

/// Reads `sbom`.
///
/// # Errors
/// When quotes do not pair up.
pub fn sbom(given: &str) -> Result<Option<String>, InputProblem> {
    if given.is_empty() {
        return Ok(None);
    }
    let text = normalised(&format!("type=sbom,{given}"));
    text.map(Some)
        .map_err(|error| problem("sbom", given, &error))
}

/// Reads one entry of `attests`.
///
/// # Errors
/// When quotes do not pair up.
pub fn attestation(entry: &Entry) -> Result<Attestation, InputProblem> {
    let text = &entry.text;
    let refused = |error: QuoteError| problem("attests", text, &error).at(entry.line, error.column);
    let pairs = csv::attributes(text).map_err(refused)?;
    let is = |name: &str| {
        // `type=sbom=x` is an sbom too, for the original.
        let kind = |value: &str| value.split('=').next().map(trim) == Some(name);
        pairs
            .iter()
            .any(|(key, value)| key == "type" && kind(value))
    };
    let kind = match (is("provenance"), is("sbom")) {
        (true, _) => AttestationKind::Provenance,
        (false, true) => AttestationKind::Sbom,
        (false, false) => AttestationKind::Other,
    };
    let text = match kind {
        AttestationKind::Other => normalised(text).map_err(refused)?,
        _ => text.clone(),
    };
    Ok(Attestation { kind, text })
}

fn problem(input: &str, value: &str, error: &QuoteError) -> InputProblem {
    InputProblem::new(input, value, error.to_string(), ACCEPTED)
}

/// The fields without their quotes; a boolean among them becomes `disabled=…`.
///
/// # Errors
/// When quotes do not pair up.
pub fn normalised(text: &str) -> Result<String, QuoteError> {
    let fields = records(text, ENTRY)?
        .into_iter()
        .flat_map(|record| record.fields);
    let field = |field: String| match boolean::parse(&field) {
        Some(on) => format!("disabled={}", !on),
        None => field,
    };
    Ok(fields.map(field).collect::<Vec<_>>().join(","))
}

/// The attributes with the builder's identity at their end, unless they name one.
pub fn with_builder(text: &str, run_url: Option<&str>) -> String {
    let first = records(text, csv::Dialect::default()).unwrap_or_default();
    let fields = first.into_iter().next().map(|record| record.fields);
    let names_one = fields.unwrap_or_default().iter().any(|field| {
        let name = field
            .split_once('=')
            .map_or(field.as_str(), |(name, _)| name);
        trim(name) == "builder-id"
    });
    match run_url {
        Some(url) if !names_one => format!("{text},builder-id={url}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Attestation {
        attestation(&Entry {
            text: text.to_owned(),
            ..Entry::default()
        })
        .unwrap()
    }

    #[test]
    fn booleans_become_disabled() {
        for (given, expected) in [
            ("type=sbom,true", "type=sbom,disabled=false"),
            ("type=sbom,f", "type=sbom,disabled=true"),
            ("type=sbom, generator=image ", "type=sbom,generator=image"),
            ("type=x,\"a=b,c\"", "type=x,a=b,c"),
        ] {
            assert_eq!(normalised(given).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(entry("type=sbom").kind, AttestationKind::Sbom);
        assert_eq!(
            entry("mode=max, type=provenance").kind,
            AttestationKind::Provenance
        );
        let other = entry("type=custom,0");
        assert_eq!(other.kind, AttestationKind::Other);
        assert_eq!(other.text, "type=custom,disabled=true");
    }

    #[test]
    fn a_builder_that_is_named_stays() {
        assert_eq!(with_builder("mode=max", Some("u")), "mode=max,builder-id=u");
        assert_eq!(with_builder("builder-id=x", Some("u")), "builder-id=x");
        assert_eq!(with_builder("mode=max", None), "mode=max");
    }

    #[test]
    fn what_is_switched_off_asks_for_nothing() {
        let asked = |provenance_given: &str, sbom_given: &str| Attestations {
            provenance: provenance(provenance_given).unwrap(),
            sbom: sbom(sbom_given).unwrap(),
            ..Attestations::default()
        };
        for (given, expected) in [
            (asked("", ""), false),
            (asked("false", ""), false),
            (asked("f", ""), false),
            (asked("", "false"), false),
            (asked("mode=max", ""), true),
            (asked("true", ""), true),
            (asked("", "true"), true),
        ] {
            assert_eq!(given.are_asked_for(), expected, "{given:?}");
        }
    }
}
