//! What it means that a build or a push of an image failed.

use tracing::info;

use crate::diagnosis::{self, Diagnosis, Kind};
use crate::execute::access::refusal::{PACKAGE, RefusalContext};
use crate::execute::buildx::push_stall::Stall;
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::execute::pushes::{Pushes, push_failure_text};
use crate::registry::{Refusal, RequestError};

impl ImagePublisher<'_> {
    /// What the text of a failed build means. Where a registry has refused a
    /// base image or a cache without a word, it is asked again for one.
    pub async fn explain(&self, text: &str) -> Option<Diagnosis> {
        if text.is_empty() {
            return self.ask_registries().await;
        }
        let diagnosis = RefusalContext::of_push_to(self.scope, None).of_log(text);
        let subject = diagnosis::subject(text);
        if !subject.is_unexplained() {
            return diagnosis;
        }
        let refused = RefusalContext::of_subject(self.scope, &subject);
        refused.ask_again(self.client).await.or(diagnosis)
    }

    /// On a terminal nothing of the build was heard: what the registries say now
    /// may be what stopped it.
    pub async fn ask_registries(&self) -> Option<Diagnosis> {
        if !self.build.publication.pushes_tags() {
            return None;
        }
        let ask =
            |image| RefusalContext::of_push_to(self.scope, Some(image)).ask_again(self.client);
        let asked = self.build.images.iter().map(ask);
        let asked = futures_util::future::join_all(asked).await;
        asked
            .into_iter()
            .flatten()
            .find(|one| one.kind == Kind::Denied)
    }

    /// Returns when the registry of a reference that is pushed has stopped answering.
    pub async fn registry_silence(&self, reference: &str, built: &ImageOutcome) -> String {
        let image = built.pushes.image(reference);
        let pushing = || image.cloned().into_iter().collect();
        self.stall().silent(pushing).await.why
    }

    pub fn stall(&self) -> Stall<'_> {
        Stall {
            client: self.client,
            limit: self.scope.plan.stall_timeout,
            allowed: &self.run_state.allowed,
        }
    }

    /// Finds out what a failed push means, and whether it is tried again.
    pub async fn report_failed_push(&self, reference: &str, text: &str, built: &mut ImageOutcome) {
        built.pushes.add(reference);
        let diagnosis = self.diagnose(reference, text, built).await;
        self.record_failure(reference, &diagnosis, built, Pushes::fail);
    }

    /// The same for content that goes to a repository without a name.
    pub async fn report_failed_content(
        &self,
        reference: &str,
        text: &str,
        built: &mut ImageOutcome,
    ) {
        let diagnosis = self.diagnose(reference, text, built).await;
        self.record_failure(reference, &diagnosis, built, Pushes::fail_content);
    }

    /// Takes in that a registry has refused a name.
    pub async fn report_refused_name(
        &self,
        reference: &str,
        refusal: &Refusal,
        built: &mut ImageOutcome,
    ) {
        let diagnosis = self.diagnose_refusal(reference, refusal, built).await;
        self.record_failure(reference, &diagnosis, built, Pushes::fail_alone);
    }

    /// Takes in that a registry has not taken an image, and so none of its names.
    pub async fn report_uncopied(
        &self,
        reference: &str,
        stop: RequestError,
        built: &mut ImageOutcome,
    ) {
        let diagnosis = match stop {
            RequestError::Refused(refusal) => {
                self.diagnose_refusal(reference, &refusal, built).await
            }
            RequestError::Unknown(why) => {
                let text = push_failure_text(reference, &why);
                let mut diagnosis = self.diagnose(reference, &text, built).await;
                let image = built.pushes.image(reference);
                if let (Kind::Other, Some(image)) = (diagnosis.kind, image)
                    && self.client.has_answered(&image.registry).await
                {
                    diagnosis.kind = Kind::Passing;
                }
                diagnosis
            }
        };
        self.record_failure(reference, &diagnosis, built, Pushes::fail_content);
    }

    async fn diagnose_refusal(
        &self,
        reference: &str,
        refusal: &Refusal,
        built: &ImageOutcome,
    ) -> Diagnosis {
        let image = built.pushes.image(reference).cloned();
        let refused = RefusalContext::of_push_to(self.scope, image.as_ref());
        let mut diagnosis = refused.with_package(PACKAGE).await.of_refusal(refusal);
        let was_allowed = image.is_some_and(|image| self.run_state.allowed.contains(&image));
        if refusal.status == 401 && was_allowed {
            // Its token has expired since.
            diagnosis.kind = Kind::Passing;
        }
        diagnosis
    }

    /// Takes in that a registry has not taken a name, which may pass: it was busy, or
    /// did not answer.
    pub async fn report_unwritten_name(
        &self,
        reference: &str,
        why: &str,
        built: &mut ImageOutcome,
    ) {
        let text = push_failure_text(reference, why);
        let mut diagnosis = self.diagnose(reference, &text, built).await;
        if diagnosis.kind == Kind::Other {
            diagnosis.kind = Kind::Passing;
        }
        self.record_failure(reference, &diagnosis, built, Pushes::fail_alone);
    }

    /// Notes a failed try, of an image with all its names or of a name alone.
    fn record_failure(
        &self,
        reference: &str,
        diagnosis: &Diagnosis,
        built: &mut ImageOutcome,
        fail: fn(&mut Pushes, &str, &Diagnosis, u32) -> u32,
    ) {
        let attempts = self.scope.plan.push_attempts;
        let tries = fail(&mut built.pushes, reference, diagnosis, attempts);
        let words = diagnosis.words.lines().next().unwrap_or_default();
        info!("push of {reference}, try {tries} of {attempts} failed: {words}");
    }

    /// A bare status in the log says little: the registry is asked again, this
    /// time by us, to hear its words.
    pub async fn diagnose(&self, reference: &str, text: &str, built: &ImageOutcome) -> Diagnosis {
        let image = built.pushes.image(reference);
        let refused = RefusalContext::of_push_to(self.scope, image);
        let mut diagnosis = refused.sharpen(refused.of_push(text), self.client).await;
        let subject = diagnosis::subject(text);
        let was_allowed = image.is_some_and(|image| self.run_state.allowed.contains(image));
        if subject.status == Some(401) && was_allowed {
            // Its token has expired since.
            diagnosis.kind = Kind::Passing;
        }
        if diagnosis.kind != Kind::Denied || !subject.is_unexplained() {
            return diagnosis;
        }
        let again = refused.ask_again(self.client).await;
        again
            .filter(|again| again.kind == Kind::Denied)
            .unwrap_or(diagnosis)
    }
}
