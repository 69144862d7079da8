//! What the buildx that is there can do: an argument that it does not know
//! would end the build.
//!
//! The versions are those that docker/build-push-action asks for.

use semver::Version;

use crate::error::InputProblem;
use crate::input::Inputs;
use crate::plan::findings::{Findings, Level, Notice};

/// buildx that knows `--build-context`.
const BUILD_CONTEXTS: Version = Version::new(0, 8, 0);
/// buildx that knows `--attest`.
const ATTESTATIONS: Version = Version::new(0, 10, 0);
/// buildx that knows `--annotation`.
const ANNOTATIONS: Version = Version::new(0, 12, 0);
/// buildx that knows `--progress=rawjson`.
const RAW_PROGRESS: Version = Version::new(0, 13, 0);
/// buildx that knows `--call`.
const CALL: Version = Version::new(0, 15, 0);
/// buildx that knows `URL?ref=…` as a context.
const GIT_QUERY: Version = Version::new(0, 29, 0);

/// buildx whose bake knows `--allow fs=…`.
const FILE_ENTITLEMENTS: Version = Version::new(0, 19, 0);

/// Where to read how a newer one is installed.
const BUILDX_DOCS: &str = "https://github.com/docker/buildx#installing";

/// What can be used.
#[derive(Clone, Copy, Debug)]
pub struct BuildxFeatures {
    pub build_contexts: bool,
    pub attestations: bool,
    pub annotations: bool,
    pub git_query: bool,
    /// Whether it can tell its progress as JSON.
    pub raw_progress: bool,
    /// Whether bake asks for leave to use files outside of the working directory.
    pub file_entitlements: bool,
}

/// Without a version everything can be used.
pub fn decide(
    inputs: &Inputs,
    version: Option<&Version>,
    findings: &mut Findings,
) -> BuildxFeatures {
    let has = |needed: &Version| version.is_none_or(|version| version >= needed);
    let support = BuildxFeatures {
        build_contexts: has(&BUILD_CONTEXTS),
        attestations: has(&ATTESTATIONS),
        annotations: has(&ANNOTATIONS),
        git_query: has(&GIT_QUERY),
        // Nothing is lost where nobody knows the version.
        raw_progress: version.is_some() && has(&RAW_PROGRESS),
        file_entitlements: has(&FILE_ENTITLEMENTS),
    };
    let Some(version) = version else {
        return support;
    };
    let given = !inputs.build.build_contexts.is_empty();
    let too_old = [
        ("`build-contexts`", &BUILD_CONTEXTS, given),
        ("`provenance`, `sbom` and `attests`", &ATTESTATIONS, true),
        ("`annotations`", &ANNOTATIONS, true),
    ];
    for (what, needed, _) in too_old
        .into_iter()
        .filter(|(_, needed, given)| *given && !has(needed))
    {
        findings.notices.push(Notice {
            level: Level::Warning,
            title: "buildx is too old".to_owned(),
            message: format!(
                "{what} need buildx {needed} and are left out: this is {version}. \
                 A newer one: {BUILDX_DOCS}"
            ),
        });
    }
    if let Some(call) = inputs.build.call.as_ref().filter(|_| !has(&CALL)) {
        let why = format!("needs buildx {CALL}, and this is {version}");
        let accepted = format!("nothing, or a newer buildx: {BUILDX_DOCS}");
        findings
            .problems
            .push(InputProblem::new("call", call, why, accepted));
    }
    support
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::build::inputs::BuildInputs;

    #[test]
    fn an_old_buildx_is_not_given_what_it_does_not_know() {
        let inputs = Inputs {
            build: BuildInputs {
                call: Some("check".to_owned()),
                ..BuildInputs::default()
            },
            ..Inputs::default()
        };
        for (version, warnings, refused) in [
            (None, 0, 0),
            (Some(Version::new(0, 29, 1)), 0, 0),
            (Some(Version::new(0, 14, 1)), 0, 1),
            (Some(Version::new(0, 11, 2)), 1, 1),
            (Some(Version::new(0, 9, 1)), 2, 1),
        ] {
            let mut findings = Findings::default();
            decide(&inputs, version.as_ref(), &mut findings);
            assert_eq!(
                (findings.notices.len(), findings.problems.len()),
                (warnings, refused),
                "{version:?}"
            );
        }
    }
}
