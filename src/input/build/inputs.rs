//! What only a build has: docker/build-push-action's inputs beside the ones
//! that other parts of the program read too.

use crate::env_vars;
use crate::host::Host;
use crate::input::build::attestations::{self, Attestations};
use crate::input::build::output::Output;
use crate::input::build::secrets::BuildSecrets;
use crate::input::choices::{BuildChecks, BuildRecord, ProgressStyle};
use crate::input::grammar::boolean;
use crate::input::grammar::list::{Entry, Style};
use crate::input::reader::Reader;

/// The inputs of a build. Texts are as buildx takes them.
#[derive(Clone, Debug, Default)]
pub struct BuildInputs {
    /// `add-hosts`, as `HOST:ADDRESS`.
    pub add_hosts: Vec<String>,
    /// `allow`: entitlements.
    pub allow: Vec<String>,
    /// The annotations of a target of a bake file, as buildx takes them.
    pub annotations: Vec<String>,
    /// `attests`, `provenance`, `sbom`.
    pub attestations: Attestations,
    /// `build-contexts`, as `NAME=PLACE`; templates.
    pub build_contexts: Vec<Entry>,
    /// `call`, when it asks for something else than a build.
    pub call: Option<String>,
    /// `checks`.
    pub checks: BuildChecks,
    /// `cgroup-parent`.
    pub cgroup_parent: Option<String>,
    /// `network`.
    pub network: Option<String>,
    /// `no-cache`.
    pub no_cache: bool,
    /// `no-cache-filters`: stages.
    pub no_cache_filters: Vec<String>,
    /// `outputs`.
    pub outputs: Vec<Output>,
    /// True for a target of a bake file whose `output` asks for a push under its
    /// tags: it is published as the event suggests.
    pub output_pushes: bool,
    /// `record`.
    pub record: BuildRecord,
    /// `progress`.
    pub progress: ProgressStyle,
    /// `pull`.
    pub pull: bool,
    /// `secrets`, `secret-envs`, `secret-files`.
    pub secrets: BuildSecrets,
    /// `shm-size`.
    pub shm_size: Option<String>,
    /// `ssh`.
    pub ssh: Vec<String>,
    /// `ulimit`.
    pub ulimit: Vec<String>,
    /// `DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF`: a pull request's own commit
    /// is the default context, not its merge commit.
    pub pull_request_head: bool,
    /// `BUILDX_SEND_GIT_QUERY_AS_INPUT`: the default context as `URL?ref=…`.
    pub git_query: bool,
}

impl Reader<'_> {
    pub fn build(&mut self, host: &Host) -> BuildInputs {
        BuildInputs {
            add_hosts: self.texts("add-hosts", Style::COMMAS),
            allow: self.texts("allow", Style::COMMAS),
            annotations: Vec::new(),
            attestations: self.attestations(host),
            build_contexts: self.entries("build-contexts", Style::LINES),
            call: self.text("call"),
            checks: self.checks(host),
            cgroup_parent: self.text("cgroup-parent"),
            network: self.text("network"),
            no_cache: self.boolean("no-cache"),
            no_cache_filters: self.texts("no-cache-filters", Style::COMMAS),
            outputs: self.outputs(),
            output_pushes: false,
            record: self.record(host),
            progress: self.progress(),
            pull: self.boolean("pull"),
            secrets: self.secrets(),
            shm_size: self.text("shm-size"),
            ssh: self.texts("ssh", Style::COMMAS),
            ulimit: self.texts("ulimit", Style::LINES),
            pull_request_head: is_set(host, env_vars::DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF),
            git_query: is_set(host, env_vars::BUILDX_SEND_GIT_QUERY_AS_INPUT),
        }
    }

    /// The variable is that of docker/build-push-action. A step always has the input, as
    /// action.yml gives it a default, so the variable wins over that.
    fn checks(&mut self, host: &Host) -> BuildChecks {
        let values = [
            ("warn", BuildChecks::Warn),
            ("error", BuildChecks::Error),
            ("off", BuildChecks::Off),
            ("false", BuildChecks::Off),
        ];
        let checks = self.choice("checks", "warn, error or off", &values, BuildChecks::Warn);
        let variable = host.var(env_vars::DOCKER_BUILD_CHECKS_ANNOTATIONS);
        let is_off = variable.and_then(boolean::parse) == Some(false);
        if is_off && checks == BuildChecks::Warn {
            BuildChecks::Off
        } else {
            checks
        }
    }

    /// The variable is that of docker/build-push-action.
    fn record(&mut self, host: &Host) -> BuildRecord {
        let values = [
            ("off", BuildRecord::Off),
            ("on-failure", BuildRecord::OnFailure),
            ("on", BuildRecord::On),
            ("false", BuildRecord::Off),
            ("true", BuildRecord::On),
        ];
        let accepted = "off, on-failure or on";
        let record = self.choice("record", accepted, &values, BuildRecord::Off);
        let variable = host.var(env_vars::DOCKER_BUILD_RECORD_UPLOAD);
        if variable.and_then(boolean::parse) == Some(false) {
            BuildRecord::Off
        } else {
            record
        }
    }

    fn progress(&mut self) -> ProgressStyle {
        let values = [
            ("plain", ProgressStyle::Plain),
            ("grouped", ProgressStyle::Grouped),
            ("quiet", ProgressStyle::Quiet),
        ];
        let accepted = "plain, grouped or quiet";
        self.choice("progress", accepted, &values, ProgressStyle::Plain)
    }

    fn outputs(&mut self) -> Vec<Output> {
        let entries = self.entries("outputs", Style::VERBATIM);
        let parsed: Vec<_> = entries.iter().map(Output::parse).collect();
        self.collect(parsed)
    }

    fn secrets(&mut self) -> BuildSecrets {
        let values = self.entries("secrets", Style::UNTRIMMED);
        let variables = self.entries("secret-envs", Style::COMMAS);
        let files = self.entries("secret-files", Style::LINES);
        BuildSecrets::parse(&values, &variables, &files)
    }

    fn attestations(&mut self, host: &Host) -> Attestations {
        let entries: Vec<_> = self
            .entries("attests", Style::LINES)
            .iter()
            .map(attestations::attestation)
            .collect();
        let provenance = attestations::provenance(self.raw.get("provenance"));
        let sbom = attestations::sbom(self.raw.get("sbom"));
        Attestations {
            provenance: self.collect([provenance]).pop().flatten(),
            sbom: self.collect([sbom]).pop().flatten(),
            entries: self.collect(entries),
            no_defaults: self.switch(host, env_vars::BUILDX_NO_DEFAULT_ATTESTATIONS),
        }
    }
}

fn is_set(host: &Host, name: &str) -> bool {
    host.var(name).and_then(boolean::parse) == Some(true)
}
