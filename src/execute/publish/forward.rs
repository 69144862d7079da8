//! Names that move go forward only: one that stands for a newer version or commit
//! than this image's stays where it is.
//!
//! A registry has no conditional write, so what a name stands for is read right
//! before it is written. Where both versions are known they decide alone; else the
//! commits do, and only one that is certainly older is kept back.

use std::cmp::Ordering;

use tracing::info;

use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::facts::{Checkout, GitHub, Workspace};
use crate::http;
use crate::image::Reference;
use crate::metadata;

const REVISION: &str = "org.opencontainers.image.revision";
const VERSION: &str = "org.opencontainers.image.version";
/// How much of a commit is shown.
const SHORT: usize = 7;

impl ImagePublisher<'_> {
    /// Keeps those of these names back that stand for something newer; gives the rest.
    pub async fn go_forward(
        &self,
        due: Vec<Reference>,
        built: &mut ImageOutcome,
    ) -> Vec<Reference> {
        let asked = due.iter().map(|reference| self.why_kept_back(reference));
        let asked = futures_util::future::join_all(asked).await;
        let mut rest = Vec::new();
        for (reference, newer) in due.into_iter().zip(asked) {
            match newer {
                Some(why) => keep_back(&reference.to_string(), &why, built),
                None => rest.push(reference),
            }
        }
        rest
    }

    /// Why the name is not for this image; `None` where that is not certain.
    pub async fn why_kept_back(&self, reference: &Reference) -> Option<String> {
        let tag = reference.tag.as_ref()?;
        let labels = match self.client.standing(&reference.name, tag).await {
            Ok(standing) => standing?.labels,
            Err(why) => {
                info!("what {reference} stands for is not known, so it is written: {why}");
                return None;
            }
        };
        let of_it = |key: &str| labels.get(key).map(String::as_str);
        let ours = |key: &str| self.label(key);
        if let (Some(ours), Some(theirs)) = (ours(VERSION), of_it(VERSION))
            && let Some(order) = metadata::compare_versions(ours, theirs)
        {
            return (order == Ordering::Less)
                .then(|| format!("it stands for version {theirs}, and this is {ours}"));
        }
        let (ours, theirs) = (ours(REVISION)?, of_it(REVISION)?);
        if ours == theirs
            || ![ours, theirs].into_iter().all(metadata::is_commit)
            || self.is_forced(theirs)
        {
            return None;
        }
        let is_older = self.is_older(ours, theirs).await;
        match is_older {
            Ok(true) => Some(format!(
                "it stands for commit {}, which comes after {}",
                &theirs[..SHORT],
                &ours[..SHORT]
            )),
            Ok(false) => None,
            Err(why) => {
                info!(
                    "whether {theirs} comes after {ours} is not known, so {reference} is written: {why}"
                );
                None
            }
        }
    }

    /// The value of a label of the plan.
    fn label(&self, key: &str) -> Option<&str> {
        let mut labels = self.build.labels.iter();
        labels.find_map(|label| label.strip_prefix(key)?.strip_prefix('='))
    }

    /// True when somebody has pushed by force over this commit: a wish of theirs.
    fn is_forced(&self, theirs: &str) -> bool {
        let payload = &self.scope.context.payload;
        let is_forced = payload.get(&["forced"]).and_then(|value| value.as_bool());
        is_forced == Some(true) && payload.text(&["before"]) == Some(theirs)
    }

    /// Whether our commit is among the ancestors of theirs: as the checkout has it,
    /// else GitHub.
    async fn is_older(&self, ours: &str, theirs: &str) -> Result<bool, String> {
        let workspace = Workspace::folder(self.scope.host);
        let (first, second) = (ours.to_owned(), theirs.to_owned());
        let look = move || Checkout::open(&workspace).ok()?.precedes(&first, &second);
        if let Ok(Some(known)) = tokio::task::spawn_blocking(look).await {
            return Ok(known);
        }
        let (context, secrets) = (self.scope.context, &self.scope.secrets);
        let client = http::client(secrets.authorities()).map_err(|error| error.to_string())?;
        let github = GitHub::new(client, context, secrets.github_token())?;
        github.is_behind(theirs, ours).await
    }
}

/// Notes that a name was left where it is.
pub fn keep_back(reference: &str, why: &str, built: &mut ImageOutcome) {
    built.kept_back_because.push(format!("{reference}: {why}"));
    built.notices.push(format!(
        "{reference} was not moved: {why}. `moving-tags: always` moves it all the same"
    ));
    built.pushes.keep_back(reference);
}
