//! All images of a run, side by side: each is built, pushed and read back, and
//! none waits for another or fails with it.

use std::path::Path;
use std::pin::{Pin, pin};

use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::execute::buildx::prefixed_log::Lines;
use crate::execute::error::Error;
use crate::execute::outcome::{Conclusion, ImageOutcome, Outcome, RunState};
use crate::execute::publish::attempt::BuildAttempt;
use crate::execute::publish::gate::Gate;
use crate::execute::publish::image::ImagePublisher;
use crate::execute::publish::verify;
use crate::execute::pushes::Pushes;
use crate::execute::scope::Scope;
use crate::execute::verified::FormerImage;
use crate::host::Progress;
use crate::plan::Build;
use crate::registry::{Client, Credentials};

/// How many images are built at a time, each by a buildx of its own. BuildKit
/// bounds by itself how many steps run.
const AT_A_TIME: usize = 16;

/// What all images have in common.
pub struct AllImages<'a> {
    pub scope: &'a Scope<'a>,
    pub buildx: &'a Path,
    pub client: &'a Client,
    pub credentials: &'a Credentials,
    /// Where no name is written without all, what all wait at.
    pub gate: Option<Gate>,
}

impl AllImages<'_> {
    /// Publishes them. What was built and pushed is in the outcome, also after an
    /// error.
    pub async fn publish(
        &self,
        progress: Progress<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let plan = self.scope.plan;
        let Outcome {
            builds, run_state, ..
        } = outcome;
        for (build, built) in plan.builds.iter().zip(builds.iter_mut()) {
            if run_state.pushes(build) {
                built.pushes = Pushes::of(build);
                built.take_kept();
            }
        }
        let pushes = plan.builds.iter().any(|build| run_state.pushes(build));
        let names = plan.images();
        // What the client does not get ready in this time, it does afterwards.
        let prepare = async {
            if pushes {
                self.client.prepare(&names).await;
            }
            std::future::pending().await
        };
        let all = async {
            match (plan.builds.as_slice(), builds.as_mut_slice()) {
                ([build], [built]) => {
                    let done = self
                        .publish_one(build, run_state, progress, None, built)
                        .await;
                    match &build.target {
                        Some(target) => build_together([(target.clone(), done)]),
                        None => done,
                    }
                }
                _ => self.publish_several(run_state, progress, builds).await,
            }
        };
        let published = tokio::select! {
            published = all => published,
            never = prepare => never,
        };
        if self.gate.is_some() && published.is_err() {
            self.put_back(&mut outcome.builds).await;
        }
        for (build, built) in plan.builds.iter().zip(&mut outcome.builds) {
            outcome.notices.append(&mut built.notices);
            let warnings = built.warnings.drain(..);
            outcome
                .warnings
                .extend(warnings.map(|warning| match &build.target {
                    Some(target) => format!("target {target}: {warning}"),
                    None => warning,
                }));
        }
        published
    }

    /// Publishes several: by one buildx, and what that has not done each by its
    /// own.
    async fn publish_several(
        &self,
        run_state: &RunState,
        mut progress: Progress<'_>,
        all: &mut [ImageOutcome],
    ) -> Result<(), Error> {
        let is_built = !self.scope.plan.joins();
        let attempt = if is_built && all.iter().all(|built| built.kept.is_empty()) {
            let formers = self.former_images(run_state);
            let building = self.build_together(run_state, progress.reborrow(), all);
            let (attempt, formers) = with_former(formers, Box::pin(building)).await;
            for (built, former) in all.iter_mut().zip(formers.into_iter().flatten()) {
                built.verified.former = former;
            }
            attempt?
        } else {
            all.iter().map(|_| None).collect()
        };
        self.publish_each(run_state, progress, attempt, all).await
    }

    /// What the names of each image stand for.
    async fn former_images(&self, run_state: &RunState) -> Vec<Option<FormerImage>> {
        let builds = self.scope.plan.builds.iter();
        let formers = builds.map(async |build| {
            let publishing = self.publisher(build, run_state);
            publishing.former_image().await
        });
        stream::iter(formers).buffered(AT_A_TIME).collect().await
    }

    /// Publishes each, from where it is. Their progress shares one place, line by
    /// line.
    async fn publish_each(
        &self,
        run_state: &RunState,
        mut progress: Progress<'_>,
        attempt: Vec<Option<BuildAttempt<'_>>>,
        all: &mut [ImageOutcome],
    ) -> Result<(), Error> {
        let builds = &self.scope.plan.builds;
        let lines = Lines::to(&mut progress);
        let works = builds.iter().zip(all).zip(attempt).enumerate().map(
            async |(index, ((build, built), attempt))| {
                let target = build.target.as_deref().unwrap_or_default();
                let mut line = lines.of(target);
                let progress = Progress::Through(&mut line);
                let done = match self.scope.host.cancellation().signal() {
                    // What has begun is taken in first.
                    Some(signal) if attempt.is_none() => Err(Error::Cancelled(signal)),
                    _ => {
                        self.publish_one(build, run_state, progress, attempt, built)
                            .await
                    }
                };
                (index, target.to_owned(), done)
            },
        );
        // Who waits for all others does not keep one of them from starting.
        let at_a_time = self.gate.as_ref().map_or(AT_A_TIME, |_| builds.len());
        let mut done: Vec<(usize, String, Result<(), Error>)> = stream::iter(works)
            .buffer_unordered(at_a_time)
            .collect()
            .await;
        done.sort_by_key(|(index, ..)| *index);
        build_together(done.into_iter().map(|(_, target, done)| (target, done)))
    }

    /// What publishes this image.
    pub fn publisher<'a>(
        &'a self,
        build: &'a Build,
        run_state: &'a RunState,
    ) -> ImagePublisher<'a> {
        ImagePublisher {
            scope: self.scope,
            build,
            run_state,
            buildx: self.buildx,
            files: self.scope.folder.files(),
            client: self.client,
            credentials: self.credentials,
            gate: self.gate.as_ref(),
        }
    }

    /// Publishes one image, and reads back what was pushed of it.
    async fn publish_one(
        &self,
        build: &Build,
        run_state: &RunState,
        progress: Progress<'_>,
        attempt: Option<BuildAttempt<'_>>,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        let publishing = self.publisher(build, run_state);
        let is_built = attempt.is_some();
        // Large enough to overflow the stack where it is part of others.
        let work = Box::pin(publishing.run(progress, attempt, built));
        let published = if is_built {
            // Its names were looked at meanwhile, and may be written.
            work.await
        } else {
            let (published, former) = with_former(publishing.former_image(), work).await;
            built.verified.former = former.flatten();
            published
        };
        if let (Err(_), Some(gate)) = (&published, &self.gate) {
            gate.fail();
        }
        let nothing = built.pushes.done().next().is_none();
        let done = match published {
            published if nothing => published,
            Err(Error::Cancelled(signal)) => Err(Error::Cancelled(signal)),
            published => {
                let verified = self.read_back(build, built).await;
                if let (Err(_), Err(differs)) = (&published, &verified) {
                    built.warnings.push(differs.to_string());
                }
                published.and(verified)
            }
        };
        let is_all_pushed = built.pushes.are_all_done();
        built.ending = match &done {
            Ok(()) => Conclusion::Success,
            Err(Error::Cancelled(_)) if is_all_pushed => Conclusion::Success,
            Err(Error::Cancelled(_)) => Conclusion::Cancelled,
            Err(_) => Conclusion::Failure,
        };
        done
    }

    /// Reads back what was pushed, and asks GitHub about the packages.
    async fn read_back(&self, build: &Build, built: &mut ImageOutcome) -> Result<(), Error> {
        let images = built.pushes.github_images();
        let verified = verify::verify(build, self.client, built);
        let told = async { tokio::join!(verified, self.scope.private_packages(&images)) };
        let (verified, notices) = self.scope.host.unless_cancelled(told).await?;
        built.notices.extend(notices);
        verified
    }
}

/// Does the work, and looks meanwhile at what was there before. That is not waited for:
/// who has nothing to build has nothing to compare either.
async fn with_former<T, F>(
    former: impl Future<Output = F>,
    mut work: Pin<Box<impl Future<Output = T>>>,
) -> (T, Option<F>) {
    let mut former = pin!(former.fuse());
    let mut found = None;
    loop {
        tokio::select! {
            done = &mut work => return (done, found),
            read = &mut former => found = Some(read),
        }
    }
}

/// What became of several images, as one result.
fn build_together(all: impl IntoIterator<Item = (String, Result<(), Error>)>) -> Result<(), Error> {
    let mut failed = Vec::new();
    for (target, done) in all {
        match done {
            Ok(()) => {}
            Err(Error::Cancelled(signal)) => return Err(Error::Cancelled(signal)),
            Err(error) => failed.push((target, error)),
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::Targets(failed))
    }
}
