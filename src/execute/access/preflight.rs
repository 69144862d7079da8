//! Asks every registry, before anything is built, if it will take the push.

use std::time::Duration;

use futures_util::future::join_all;
use tracing::info;

use crate::diagnosis::Kind;
use crate::execute::access::refusal::{PACKAGE, RefusalContext};
use crate::execute::early_checks::{self, BOUND};
use crate::execute::error::{Denial, Error};
use crate::execute::outcome::{Outcome, left_out};
use crate::execute::scope::Scope;
use crate::image::Access;
use crate::input::CacheEntry;
use crate::plan::{Check, OnRefusal};
use crate::registry::{Answer, Client};

impl Scope<'_> {
    /// Asks; what is no refusal is a warning at most. What a refusal means is in the
    /// plan.
    ///
    /// # Errors
    /// [`Error::Refused`], where the plan wants to stop.
    pub async fn preflight(&self, client: &Client, outcome: &mut Outcome) -> Result<(), Error> {
        let checks = &self.plan.preflight.checks;
        let asked = checks.iter().map(|check| self.ask(client, check));
        let services = &self.plan.preflight.services;
        let services = services.iter().map(async |check| {
            let answer = self.ask_service(check, BOUND).await;
            (check, answer)
        });
        let (asked, services) = tokio::join!(join_all(asked), join_all(services));
        for (check, answer) in services {
            if let Err(why) = answer {
                leave_out("type=gha", check.entries.clone(), &why, outcome);
            }
        }
        let mut denials = Vec::new();
        for (check, answer) in checks.iter().zip(asked) {
            match answer {
                CheckResult::Allowed if check.added => {}
                CheckResult::Unclear(why) if check.added => {
                    self.leave_out_asked(check, &why, outcome)
                }
                CheckResult::Denied(denial) if check.added => {
                    self.leave_out_asked(check, &denial.to_string(), outcome);
                }
                CheckResult::Allowed => outcome.run_state.allowed.push(check.image.clone()),
                CheckResult::Unclear(why) => outcome.warnings.push(format!(
                    "{check} could not be checked before the build.\n{why}"
                )),
                CheckResult::Denied(denial) => denials.push(denial),
            }
        }
        if denials.is_empty() {
            return Ok(());
        }
        match &self.plan.preflight.on_refusal {
            OnRefusal::Stop => return Err(Error::Refused(denials)),
            OnRefusal::BuildOnly { why, fix } => self.build_only(denials, why, fix, outcome),
            OnRefusal::Warn => {
                for denial in &denials {
                    info!("{}", denial.diagnosis.fix);
                }
                let warnings = denials.iter().map(ToString::to_string);
                outcome.warnings.extend(warnings);
            }
        }
        Ok(())
    }

    /// What a run that may only read makes of refusals: a cache is left out, and
    /// an image is built and not published.
    fn build_only(&self, denials: Vec<Denial>, why: &str, fix: &str, outcome: &mut Outcome) {
        let (images, caches): (Vec<_>, Vec<_>) = denials
            .into_iter()
            .partition(|denial| denial.check.access == Access::Push);
        for denial in caches {
            self.leave_out_asked(&denial.check, &denial.to_string(), outcome);
        }
        if !images.is_empty() {
            outcome.run_state.withheld = Some(withheld_reason(&images, why, fix));
        }
    }

    /// What a registry answers; the check may have been started before.
    async fn reply(&self, client: &Client, check: &Check) -> (Answer, Duration) {
        let early = async { self.early_checks.as_ref()?.take(check).await };
        match early.await {
            Some(reply) => reply,
            None => early_checks::ask(client, check).await,
        }
    }

    /// The entries of the cache that a question is about are not used.
    fn leave_out_asked(&self, check: &Check, why: &str, outcome: &mut Outcome) {
        let builds = self.plan.builds.iter();
        let entries = builds.flat_map(|build| build.cache.entries());
        let is_it = |entry: &&CacheEntry| entry.name() == check.given_as;
        let entries = entries.filter(is_it).cloned().collect();
        leave_out(&check.given_as, entries, why, outcome);
    }

    async fn ask(&self, client: &Client, check: &Check) -> CheckResult {
        let refused = RefusalContext::of_check(self, check);
        let (answer, asked_for) = self.reply(client, check).await;
        let took = asked_for.as_millis();
        match answer {
            Answer::Allowed => {
                info!("preflight: {check} is allowed ({took} ms)");
                CheckResult::Allowed
            }
            Answer::Unknown(why) => CheckResult::Unclear(refused.of_silence(&why).to_string()),
            Answer::Refused(refusal) => {
                let left = BOUND.saturating_sub(asked_for);
                let refused = refused.with_package(left.min(PACKAGE)).await;
                let diagnosis = refused.of_refusal(&refusal);
                info!(
                    "preflight: {check} is refused ({took} ms): {}",
                    diagnosis.id
                );
                match diagnosis.kind {
                    Kind::Denied => CheckResult::Denied(Denial {
                        check: check.clone(),
                        diagnosis: Box::new(diagnosis),
                    }),
                    Kind::Passing | Kind::Silent | Kind::Other => {
                        CheckResult::Unclear(diagnosis.to_string())
                    }
                }
            }
        }
    }
}

fn withheld_reason(denials: &[Denial], why: &str, fix: &str) -> String {
    let images: Vec<String> = denials
        .iter()
        .map(|denial| denial.check.image.to_string())
        .collect();
    format!(
        "built, not published, and no cache is sent to a registry: {why}, and {} refused it. {fix}",
        images.join(", ")
    )
}

/// A cache that may not be read, or does not answer, is not used.
fn leave_out(name: &str, entries: Vec<CacheEntry>, why: &str, outcome: &mut Outcome) {
    outcome.warnings.push(left_out(name, why));
    outcome.run_state.without_caches.extend(entries);
}

/// What came of a question.
enum CheckResult {
    Allowed,
    Unclear(String),
    Denied(Denial),
}
