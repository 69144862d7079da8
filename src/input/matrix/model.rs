//! What the jobs of a matrix have in common: worked out once, and handed from job to
//! job as JSON.
//!
//! Names no secret. Its shape is in docs/native.md.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document;
use crate::image::{Digest, ImageName, Motion, Platform};
use crate::input::choices::{MovingTags, VersionTags};

/// The version of the shape.
pub const SCHEMA: u32 = 1;
/// How much of a digest tells two plans apart, in characters.
const ID: usize = 16;
/// How long a plan may be, in bytes: it is a variable of the steps that get it, and
/// Linux takes no longer one than 128 KiB.
const LONGEST: usize = 120 * 1024;

/// What the jobs of a matrix have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MatrixPlan {
    /// The version of the shape.
    pub schema: u32,
    /// Which plan it is: no other run, and no other plan of this run, has the same.
    #[serde(default)]
    pub id: String,
    /// The repository, `OWNER/NAME`.
    pub repository: String,
    /// The run, as `GITHUB_RUN_ID` says it.
    pub run: String,
    /// The commit.
    pub sha: String,
    /// Random: two plans of one run may have all else in common.
    pub nonce: String,
    /// The clock of tags, labels and build arguments, RFC 3339.
    pub now: String,
    /// Whether the image is published.
    pub publishes: bool,
    /// The input `moving-tags`.
    pub moving_tags: MovingTags,
    /// The input `version-tags`.
    pub version_tags: VersionTags,
    /// The input `all-or-none`.
    pub all_or_none: bool,
    /// What is made: one image, or one for each target of a bake file.
    pub images: Vec<PlannedImage>,
    /// The jobs that build it.
    pub legs: Vec<Leg>,
}

/// An image that several jobs make together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedImage {
    /// The target of a bake file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The version.
    pub version: String,
    /// The repositories.
    pub images: Vec<String>,
    /// The tags, as references.
    pub tags: Vec<String>,
    /// The tags, without names.
    pub tag_names: Vec<String>,
    /// Which of the tags stay with the image.
    pub motions: BTreeMap<String, Motion>,
    /// The labels, as `KEY=VALUE`.
    pub labels: Vec<String>,
    /// The annotations, as `LEVEL:KEY=VALUE`.
    pub annotations: Vec<String>,
    /// All platforms, in the order in which the index lists them.
    pub platforms: Vec<Platform>,
}

/// A job that builds some platforms of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Leg {
    /// The labels of the runner.
    pub runner: Vec<String>,
    /// What it builds for.
    pub platforms: Vec<Platform>,
    /// The targets of a bake file that it builds; none for the one image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
}

impl Leg {
    /// What people call it, such as `linux/arm64` or `api, linux/arm64`.
    pub fn name(&self) -> String {
        let platforms = self.platforms.iter().map(ToString::to_string);
        let names: Vec<String> = self.targets.iter().cloned().chain(platforms).collect();
        names.join(", ")
    }

    /// Builds what another one does too.
    pub fn take_in(&mut self, other: &Self) {
        for target in &other.targets {
            if !self.targets.contains(target) {
                self.targets.push(target.clone());
            }
        }
        for platform in &other.platforms {
            if !self.platforms.contains(platform) {
                self.platforms.push(platform.clone());
            }
        }
    }

    /// True for a leg that builds this image.
    pub fn builds(&self, target: Option<&str>) -> bool {
        target.is_none_or(|target| self.targets.iter().any(|one| one == target))
    }
}

impl MatrixPlan {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = document::json(text.as_bytes()).map_err(|error| error.to_string())?;
        match value["schema"].as_u64() {
            Some(schema) if schema == u64::from(SCHEMA) => {}
            Some(_) => return Err("is of another version of this action".to_owned()),
            None => return Err("is not a plan".to_owned()),
        }
        let plan: Self =
            serde_json::from_value(value).map_err(|error| format!("is not a plan: {error}"))?;
        if plan.identity() != plan.id {
            return Err("is not what the job of the plan has written".to_owned());
        }
        let names = plan.images.iter().flat_map(|image| &image.images);
        match names
            .map(|name| ImageName::parse(name))
            .find_map(Result::err)
        {
            Some(refused) => Err(format!("names an image that {}", refused.why)),
            None => Ok(plan),
        }
    }

    /// The same with its identity.
    #[must_use]
    pub fn with_identity(mut self) -> Self {
        self.id = self.identity();
        self
    }

    /// What tells it from others: a digest of all the rest.
    fn identity(&self) -> String {
        let rest = Self {
            id: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&rest).unwrap_or_default();
        let digest = Digest::of(&text);
        let hex = digest.as_str().trim_start_matches("sha256:");
        hex.get(..ID).unwrap_or(hex).to_owned()
    }

    /// It as JSON.
    ///
    /// # Errors
    /// When it is longer than a step can be given.
    pub fn to_json(&self) -> Result<String, String> {
        let text = serde_json::to_string(self).map_err(|error| error.to_string())?;
        if text.len() > LONGEST {
            let (length, most) = (text.len() / 1024, LONGEST / 1024);
            return Err(format!("has {length} KiB, and a step takes {most} KiB"));
        }
        Ok(text)
    }

    /// The same for one job, on the runner of the first one.
    #[must_use]
    pub fn in_one_job(mut self) -> Self {
        if let [first, rest @ ..] = self.legs.as_mut_slice() {
            for leg in rest {
                first.take_in(leg);
            }
            self.legs.truncate(1);
        }
        self.with_identity()
    }

    /// True where one job does everything, and nothing is joined.
    pub fn is_alone(&self) -> bool {
        self.legs.len() < 2
    }

    /// The image of a target, or the one.
    pub fn image(&self, target: Option<&str>) -> Option<&PlannedImage> {
        let mut images = self.images.iter();
        images.find(|image| image.target.as_deref() == target)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A plan of one image for these platforms, each on a runner of its own.
    pub fn plan(platforms: &[&str]) -> MatrixPlan {
        let platforms: Vec<Platform> = platforms.iter().map(|one| one.parse().unwrap()).collect();
        let leg = |platform: &Platform| Leg {
            runner: vec![platform.architecture.clone()],
            platforms: vec![platform.clone()],
            targets: Vec::new(),
        };
        MatrixPlan {
            schema: SCHEMA,
            id: String::new(),
            repository: "acme/app".to_owned(),
            run: "1".to_owned(),
            sha: "6071f564087d49be48dc318b89fc22ff96cf6a17".to_owned(),
            nonce: "1".to_owned(),
            now: "2026-11-02T09:00:00Z".to_owned(),
            publishes: true,
            moving_tags: MovingTags::Forward,
            version_tags: VersionTags::Overwrite,
            all_or_none: false,
            legs: platforms.iter().map(leg).collect(),
            images: vec![PlannedImage {
                version: "main".to_owned(),
                images: vec!["ghcr.io/acme/app".to_owned()],
                tags: vec!["ghcr.io/acme/app:main".to_owned()],
                tag_names: vec!["main".to_owned()],
                platforms,
                ..PlannedImage::default()
            }],
        }
        .with_identity()
    }

    #[test]
    fn it_comes_back_as_it_was_and_not_otherwise() {
        let plan = plan(&["linux/amd64", "linux/arm64"]);
        let text = plan.to_json().unwrap();
        assert_eq!(MatrixPlan::parse(&text), Ok(plan.clone()));
        for (from, to, why) in [
            ("main", "latest", "is not what the job"),
            ("\"schema\":1", "\"schema\":2", "another version"),
            ("\"schema\":1,", "", "is not a plan"),
            (",\"legs\"", ",,", "key must be a string"),
        ] {
            let error = MatrixPlan::parse(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_no_step_can_be_given_is_refused() {
        let mut plan = plan(&["linux/amd64"]);
        plan.images[0].labels = vec![format!("a={}", "x".repeat(LONGEST))];
        let error = plan.to_json().unwrap_err();
        assert!(error.contains("KiB"), "{error}");
    }
}
