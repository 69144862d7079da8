//! What the job has to keep a cache in: GitHub's cache service, a folder.

use crate::input::grammar::boolean;
use std::path::PathBuf;

use crate::env_vars;
use crate::event::RunContext;
use crate::facts::cache_token;
use crate::facts::docker::DockerSettings;
use crate::facts::paths::Paths;
use crate::host::Host;

/// Where caches can be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheFacts {
    /// True on a runner of GitHub's own.
    pub is_hosted: bool,
    /// Where version 2 of the cache service is, if there is one.
    pub results_url: Option<String>,
    /// Where version 1 of the cache service is, if there is one.
    pub cache_url: Option<String>,
    /// True when the service is version 2.
    pub is_version_2: bool,
    /// True when the job has a token for its cache service.
    pub has_token: bool,
    /// Why BuildKit would refuse that token, if it would.
    pub token_flaw: Option<String>,
    /// True when the service is version 2 and nothing says so: the runner leaves
    /// that out for a step that is an image, and BuildKit takes it for version 1.
    pub is_untold_version_2: bool,
    /// `ACTIONS_CACHE_MODE`, empty when it is not set.
    pub mode: String,
    /// The folder that the runner keeps from job to job.
    pub kept: Option<PathBuf>,
    /// True when credentials of AWS are there for something else: in the
    /// environment, or for a helper of Docker's.
    pub has_aws: bool,
}

/// The variables by which programs find credentials of AWS.
const AWS: [&str; 6] = [
    env_vars::AWS_ACCESS_KEY_ID,
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];
/// The helper that logs in to AWS's registries with them.
const ECR: &str = "ecr-login";

impl CacheFacts {
    pub fn inspect(
        host: &Host,
        context: &RunContext,
        paths: &Paths,
        docker: &DockerSettings,
    ) -> Self {
        let owned = |name| host.var(name).map(str::to_owned);
        let results_url = owned(env_vars::ACTIONS_RESULTS_URL);
        let version_2 = host.var(env_vars::ACTIONS_CACHE_SERVICE_V2);
        let server = context.server_host();
        let is_github = server == "github.com" || server.ends_with(".ghe.com");
        let is_untold_version_2 =
            paths.mounts.is_some() && results_url.is_some() && is_github && version_2.is_none();
        let token = host.var(env_vars::ACTIONS_RUNTIME_TOKEN);
        Self {
            is_hosted: host.var(env_vars::RUNNER_ENVIRONMENT) == Some("github-hosted"),
            results_url,
            cache_url: owned(env_vars::ACTIONS_CACHE_URL),
            // As buildx reads it.
            is_version_2: is_untold_version_2 || version_2.and_then(boolean::parse) == Some(true),
            has_token: token.is_some(),
            token_flaw: token.and_then(|token| cache_token::find_flaw(token, host.clock())),
            is_untold_version_2,
            mode: host
                .var(env_vars::ACTIONS_CACHE_MODE)
                .unwrap_or_default()
                .to_owned(),
            kept: host.var(env_vars::RUNNER_TOOL_CACHE).map(PathBuf::from),
            has_aws: AWS.iter().any(|name| host.var(name).is_some()) || docker.has_helper(ECR),
        }
    }

    /// True when the job has a cache service and a token for it.
    pub fn has_service(&self) -> bool {
        self.has_token && (self.results_url.is_some() || self.cache_url.is_some())
    }

    /// True unless `ACTIONS_CACHE_MODE` forbids it.
    pub fn may_read(&self) -> bool {
        !matches!(self.mode.as_str(), "none" | "write-only")
    }

    /// True unless `ACTIONS_CACHE_MODE` forbids it.
    pub fn may_write(&self) -> bool {
        !matches!(self.mode.as_str(), "none" | "read" | "read-only")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn look(environment: &[(&str, &str)], is_image: bool) -> CacheFacts {
        let host = Host::with(environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        let (context, _) = RunContext::read(&host);
        let paths = Paths {
            mounts: is_image.then(Vec::new),
            ..Paths::default()
        };
        CacheFacts::inspect(&host, &context, &paths, &DockerSettings::read(&host))
    }

    #[test]
    fn only_a_step_that_is_an_image_lacks_the_version() {
        let results = (env_vars::ACTIONS_RESULTS_URL, "https://results.example/");
        let told = (env_vars::ACTIONS_CACHE_SERVICE_V2, "true");
        let own = (env_vars::GITHUB_SERVER_URL, "https://github.acme.example");
        for (environment, is_image, lacks) in [
            (vec![results], true, true),
            (vec![results], false, false),
            (vec![results, told], true, false),
            (vec![results, own], true, false),
            (vec![], true, false),
        ] {
            let facts = look(&environment, is_image);
            assert_eq!(facts.is_untold_version_2, lacks, "{environment:?}");
        }
    }

    #[test]
    fn credentials_of_aws_that_are_there_are_known() {
        assert!(!look(&[], false).has_aws);
        assert!(look(&[(env_vars::AWS_ACCESS_KEY_ID, "x")], false).has_aws);
        assert!(look(&[("AWS_PROFILE", "x")], false).has_aws);
    }

    #[test]
    fn a_service_needs_an_address_and_a_token() {
        let results = (env_vars::ACTIONS_RESULTS_URL, "https://results.example/");
        let cache = (env_vars::ACTIONS_CACHE_URL, "https://cache.example/");
        let token = (env_vars::ACTIONS_RUNTIME_TOKEN, "hunter1");
        for (environment, expected) in [
            (vec![], false),
            (vec![results], false),
            (vec![token], false),
            (vec![token, results], true),
            (vec![token, cache], true),
        ] {
            let facts = look(&environment, false);
            assert_eq!(facts.has_service(), expected, "{environment:?}");
            assert_eq!(facts.token_flaw.is_some(), facts.has_token);
        }
        for (value, expected) in [
            ("true", true),
            ("1", true),
            ("false", false),
            ("yes", false),
        ] {
            let facts = look(&[(env_vars::ACTIONS_CACHE_SERVICE_V2, value)], false);
            assert_eq!(facts.is_version_2, expected, "{value}");
        }
    }

    #[test]
    fn the_mode_says_what_is_allowed() {
        for (mode, read, write) in [
            ("", true, true),
            ("write", true, true),
            ("read", true, false),
            ("write-only", false, true),
            ("none", false, false),
        ] {
            let facts = look(&[(env_vars::ACTIONS_CACHE_MODE, mode)], false);
            assert_eq!(
                (facts.may_read(), facts.may_write()),
                (read, write),
                "{mode}"
            );
        }
    }
}
