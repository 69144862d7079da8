//! What the run knows of an image that a registry refuses, for the diagnosis.

use std::time::Duration;

use crate::diagnosis::{self, Circumstances, Diagnosis, Login, Subject};
use crate::execute::scope::Scope;
use crate::facts::Package;
use crate::image::{Access, ImageName};
use crate::plan::{Check, Credential};
use crate::registry::{Answer, Client, Refusal};

/// How long GitHub's API may take to tell of a package.
pub const PACKAGE: Duration = Duration::from_secs(3);
/// How long a registry may take to repeat a refusal in its own words.
const AGAIN: Duration = Duration::from_secs(10);

/// How long it may take to tell why it takes nothing.
const ONCE: Duration = Duration::from_secs(2);
/// The diagnosis of a registry whose disk is full.
const FULL: &str = "registry-full";
/// The diagnoses behind which that may be.
const VAGUE: [&str; 3] = ["upload-lost", "server-error", "push-failed"];

/// A refusal in a run: of an image, or of nothing that is known.
pub struct RefusalContext<'a> {
    scope: &'a Scope<'a>,
    image: Option<&'a ImageName>,
    given_as: Option<&'a str>,
    access: Access,
    package: Option<Package>,
    scanners: Vec<ImageName>,
}

impl<'a> RefusalContext<'a> {
    /// Of a push to this image.
    pub fn of_push_to(scope: &'a Scope<'a>, image: Option<&'a ImageName>) -> Self {
        let checks = &scope.plan.preflight.checks;
        let check = checks.iter().find(|check| Some(&check.image) == image);
        Self {
            scope,
            image,
            given_as: check.map(|check| check.given_as.as_str()),
            access: Access::Push,
            package: None,
            scanners: scanners(scope),
        }
    }

    /// Of what the text of a build is about.
    pub fn of_subject(scope: &'a Scope<'a>, subject: &'a Subject) -> Self {
        Self {
            access: subject.access.unwrap_or_default(),
            ..Self::of_push_to(scope, subject.image.as_ref())
        }
    }

    /// Of what the plan asks before the build.
    pub fn of_check(scope: &'a Scope<'a>, check: &'a Check) -> Self {
        Self {
            scope,
            image: Some(&check.image),
            given_as: Some(&check.given_as),
            access: check.access,
            package: None,
            scanners: scanners(scope),
        }
    }

    /// Asks GitHub about the package, where that makes the advice better.
    pub async fn with_package(mut self, within: Duration) -> Self {
        let github = self.image.filter(|image| image.registry.is_github());
        if let Some(image) = github {
            let token = self.scope.secrets.github_token();
            let context = self.scope.context;
            let asked = Package::ask(image, context, token, self.scope.secrets.authorities());
            let asked = tokio::time::timeout(within, asked).await;
            self.package = asked.ok();
        }
        self
    }

    /// What GitHub told of the package.
    pub fn package(&self) -> Option<&Package> {
        self.package.as_ref()
    }

    /// The page of the package's settings.
    pub fn package_settings(&self) -> String {
        diagnosis::package_settings(&self.circumstances())
    }

    /// What a registry's answer means.
    pub fn of_refusal(&self, refusal: &Refusal) -> Diagnosis {
        let mut circumstances = self.circumstances();
        if refusal.anonymous {
            // What a helper was to keep, it did not.
            circumstances.login = Login::None;
        }
        diagnosis::of_refusal(refusal, &circumstances)
    }

    /// What it means that a registry could not be asked.
    pub fn of_silence(&self, why: &str) -> Diagnosis {
        diagnosis::of_silence(why, &self.circumstances())
    }

    /// What the text of a failed build means, where that is known.
    pub fn of_log(&self, text: &str) -> Option<Diagnosis> {
        diagnosis::of_log(text, &self.circumstances())
    }

    /// What it means that a push failed with this text.
    pub fn of_push(&self, text: &str) -> Diagnosis {
        diagnosis::of_push(text, &self.circumstances())
    }

    /// Asks the registry again, to hear its own words.
    pub async fn ask_again(self, client: &Client) -> Option<Diagnosis> {
        let image = self.image?;
        let answer = if self.access.writes() {
            client.check_push(image, AGAIN).await
        } else {
            client.check_pull(image, "latest", AGAIN).await
        };
        match answer {
            Answer::Refused(refusal) => Some(self.with_package(PACKAGE).await.of_refusal(&refusal)),
            Answer::Allowed | Answer::Unknown(_) => None,
        }
    }

    /// What the registry says by itself of a push that failed in vague words:
    /// that its disk is full stands where builders do not look.
    pub async fn sharpen(&self, vague: Diagnosis, client: &Client) -> Diagnosis {
        let Some(image) = self.image.filter(|_| VAGUE.contains(&vague.id)) else {
            return vague;
        };
        match client.check_push(image, ONCE).await {
            Answer::Unknown(why) => Some(self.of_silence(&why)),
            Answer::Allowed | Answer::Refused(_) => None,
        }
        .filter(|found| found.id == FULL)
        .unwrap_or(vague)
    }

    fn circumstances(&self) -> Circumstances<'_> {
        Circumstances {
            context: self.scope.context,
            image: self.image,
            given_as: self.given_as,
            login: self.login(),
            access: self.access,
            package: self.package.as_ref(),
            scanners: &self.scanners,
        }
    }

    /// With which login the registry is asked.
    fn login(&self) -> Login {
        let Some(image) = self.image else {
            return Login::Unknown;
        };
        let logins = &self.scope.plan.logins;
        match logins.iter().find(|login| login.registry == image.registry) {
            Some(login) => match login.credential {
                Credential::GithubToken => Login::GithubToken,
                Credential::Password if self.is_token() => Login::GithubToken,
                Credential::Password => Login::Password,
                Credential::RegistryAuth(_) => Login::RegistryAuth,
            },
            None if self.scope.facts.docker.is_logged_in(&image.registry) => Login::DockerConfig,
            None => Login::None,
        }
    }

    /// True when `password` holds the token of the job.
    fn is_token(&self) -> bool {
        match (
            self.scope.secrets.password(),
            self.scope.secrets.github_token(),
        ) {
            (Some(password), Some(token)) => password.expose() == token.expose(),
            _ => false,
        }
    }
}

fn scanners(scope: &Scope<'_>) -> Vec<ImageName> {
    let builds = scope.plan.builds.iter();
    builds.filter_map(|build| build.scanner.clone()).collect()
}
