//! What only a build has: docker/build-push-action's inputs beside the ones
//! that other parts of the program read too.

use super::Reader;
use super::attest::{self, Attestations};
use super::list::{Entry, Style, build_entries};
use super::output::Output;
use super::parse_bool;
use super::secrets::BuildSecrets;
use crate::error::InputProblem;
use crate::host::Host;
use crate::vars;

/// The inputs of a build. Texts are as buildx takes them.
#[derive(Clone, Debug, Default)]
pub struct BuildInputs {
    /// `add-hosts`, as `HOST:ADDRESS`.
    pub add_hosts: Vec<String>,
    /// `allow`: entitlements.
    pub allow: Vec<String>,
    /// `attests`, `provenance`, `sbom`.
    pub attestations: Attestations,
    /// `build-contexts`, as `NAME=PLACE`; templates.
    pub build_contexts: Vec<Entry>,
    /// `call`, when it asks for something else than a build.
    pub call: Option<String>,
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

impl BuildInputs {
    /// True when an input asks for something that not every buildx knows.
    pub fn ask_for_a_version(&self) -> bool {
        let attestations = &self.attestations;
        self.call.is_some()
            || !self.build_contexts.is_empty()
            || attestations.provenance.is_some()
            || attestations.sbom.is_some()
            || !attestations.entries.is_empty()
            || self.git_query
    }
}

impl Reader<'_> {
    pub(super) fn build(&mut self, host: &Host) -> BuildInputs {
        BuildInputs {
            add_hosts: self.texts("add-hosts", Style::COMMAS),
            allow: self.texts("allow", Style::COMMAS),
            attestations: self.attestations(host),
            build_contexts: self.entries("build-contexts", Style::LINES),
            call: self.text("call"),
            cgroup_parent: self.text("cgroup-parent"),
            network: self.text("network"),
            no_cache: self.boolean("no-cache"),
            no_cache_filters: self.texts("no-cache-filters", Style::COMMAS),
            outputs: self.outputs(),
            pull: self.boolean("pull"),
            secrets: self.secrets(),
            shm_size: self.text("shm-size"),
            ssh: self.texts("ssh", Style::COMMAS),
            ulimit: self.texts("ulimit", Style::LINES),
            pull_request_head: is_set(host, vars::DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF),
            git_query: is_set(host, vars::BUILDX_SEND_GIT_QUERY_AS_INPUT),
        }
    }

    /// A list as docker/build-push-action reads it.
    pub(super) fn texts(&mut self, name: &str, style: Style) -> Vec<String> {
        let entries = self.entries(name, style);
        entries.into_iter().map(|entry| entry.text).collect()
    }

    fn entries(&mut self, name: &str, style: Style) -> Vec<Entry> {
        let value = match style.trim {
            true => self.raw.get(name),
            false => self.raw.get_untrimmed(name),
        };
        build_entries(value, style).unwrap_or_else(|error| {
            let accepted = "a list, one entry a line; quotes in pairs";
            let problem = InputProblem::new(name, "", error.why, accepted);
            self.problems.push(problem.at(error.line, error.column));
            Vec::new()
        })
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
        let entries = self.entries("attests", Style::LINES);
        let entries: Vec<_> = entries.iter().map(attest::attestation).collect();
        let provenance = attest::provenance(self.raw.get("provenance"));
        let sbom = attest::sbom(self.raw.get("sbom"));
        Attestations {
            provenance: self.collect([provenance]).pop().flatten(),
            sbom: self.collect([sbom]).pop().flatten(),
            entries: self.collect(entries),
            no_defaults: self.switch(host, vars::BUILDX_NO_DEFAULT_ATTESTATIONS),
        }
    }

    /// What is good; the rest is kept as problems.
    fn collect<T>(&mut self, parsed: impl IntoIterator<Item = Result<T, InputProblem>>) -> Vec<T> {
        let mut good = Vec::new();
        for result in parsed {
            match result {
                Ok(value) => good.push(value),
                Err(problem) => self.problems.push(problem),
            }
        }
        good
    }

    /// A variable of buildx's, which buildx itself refuses when it is no boolean.
    fn switch(&mut self, host: &Host, name: &str) -> bool {
        let Some(given) = host.var(name) else {
            return false;
        };
        parse_bool(given).unwrap_or_else(|| {
            let problem = InputProblem::new(name, given, "is no boolean", "true or false");
            self.problems.push(problem);
            false
        })
    }
}

fn is_set(host: &Host, name: &str) -> bool {
    host.var(name).and_then(parse_bool) == Some(true)
}
