//! Versions that are written once: what the full versions of the plan stand for
//! before anything is built.

use futures_util::future::join_all;
use tracing::info;

use crate::execute::error::Error;
use crate::execute::outcome::{KeptVersion, Outcome, RunState};
use crate::execute::scope::Scope;
use crate::image::{Motion, Platform, Reference};
use crate::input::VersionTags;
use crate::metadata;
use crate::plan::Build;
use crate::registry::{Client, Standing};

const REVISION: &str = "org.opencontainers.image.revision";

/// What became of the look at a version.
enum Found {
    Nothing,
    Kept(KeptVersion),
    /// It stands for something else; says what.
    Other(String),
    /// Nobody could tell.
    Unknown(String),
}

impl Scope<'_> {
    /// Looks at the versions. Those of this commit are kept, and the rest of the run
    /// goes on from them without a build.
    ///
    /// # Errors
    /// [`Error::Versions`], where one stands for something else.
    pub async fn look_at_versions(
        &self,
        client: &Client,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if self.plan.version_tags == VersionTags::Overwrite {
            return Ok(());
        }
        let mut others = Vec::new();
        let builds = self.plan.builds.iter().zip(&mut outcome.builds);
        for (build, built) in builds.filter(|(build, _)| is_pushed(&outcome.run_state, build)) {
            let names = build
                .names
                .iter()
                .filter(|name| name.motion == Motion::Version)
                .filter_map(|name| Reference::parse(&name.reference).ok());
            let looks = names.map(|reference| find_version(client, build, reference));
            for found in join_all(looks).await {
                match found {
                    Found::Nothing => {}
                    Found::Kept(kept) => {
                        info!("{} is of this commit: it is kept", kept.reference);
                        built.kept.push(kept);
                    }
                    Found::Other(what) => others.push(what),
                    Found::Unknown(why) => outcome.warnings.push(why),
                }
            }
        }
        if others.is_empty() {
            Ok(())
        } else {
            Err(Error::Versions(others))
        }
    }
}

fn is_pushed(run_state: &RunState, build: &Build) -> bool {
    run_state.pushes(build)
}

async fn find_version(client: &Client, build: &Build, reference: Reference) -> Found {
    let Some(tag) = &reference.tag else {
        return Found::Nothing;
    };
    let standing = match client.standing(&reference.name, tag).await {
        Ok(Some(standing)) => standing,
        Ok(None) => return Found::Nothing,
        Err(why) => return Found::Unknown(format!("{reference} could not be looked at: {why}")),
    };
    let mut labels = build.labels.iter();
    let ours = labels.find_map(|label| label.strip_prefix(REVISION)?.strip_prefix('='));
    let ours = ours.unwrap_or_default();
    let theirs = standing.labels.get(REVISION);
    match theirs.filter(|theirs| metadata::is_commit(theirs)) {
        Some(theirs) if theirs == ours => match missing(build, &standing) {
            missing if missing.is_empty() => Found::Kept(KeptVersion {
                reference: reference.to_string(),
                digest: standing.digest,
            }),
            missing => Found::Other(format!(
                "{reference} is of this commit, and lacks {}",
                missing.join(", ")
            )),
        },
        Some(theirs) => Found::Other(format!(
            "{reference} is of commit {theirs}, and this run builds {ours}"
        )),
        None => Found::Other(format!(
            "{reference} does not say of which commit it is, and this run builds {ours}"
        )),
    }
}

/// The platforms of the plan that an index lacks.
fn missing(build: &Build, standing: &Standing) -> Vec<String> {
    let is_there = |asked: &&Platform| {
        let mut listed = standing.platforms.iter();
        listed.any(|found| asked.is_listed_as(found))
    };
    if !standing.is_index && build.platforms.len() < 2 {
        return Vec::new();
    }
    let missing = build.platforms.iter().filter(|asked| !is_there(asked));
    missing.map(ToString::to_string).collect()
}
