//! BuildKit's record of the builds as a file, which Docker Desktop opens: what was
//! built, from what, with which logs.
//!
//! Source: buildx, `docs/reference/buildx_history_export.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::env_vars;
use crate::execute::buildx::command;
use crate::execute::outcome::Outcome;
use crate::execute::scope::Scope;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(60);

impl Scope<'_> {
    /// Keeps the record, where the workflow wants it. That it cannot be kept is a
    /// warning.
    pub async fn keep_record(&self, buildx: &Path, is_failed: bool, outcome: &mut Outcome) {
        if !self.plan.record.is_kept(is_failed) {
            return;
        }
        let exported = timeout(WITHIN, self.export_record(buildx, outcome)).await;
        match exported.unwrap_or_else(|_| Err("it took too long".to_owned())) {
            Ok(path) => outcome.record = Some(path),
            Err(why) => outcome
                .warnings
                .push(format!("the build's record was not kept: {why}")),
        }
    }

    async fn export_record(&self, buildx: &Path, outcome: &Outcome) -> Result<PathBuf, String> {
        let folder = self.host.var(env_vars::RUNNER_TEMP);
        let folder = folder.ok_or("RUNNER_TEMP, where it would be, is not set")?;
        let name = format!("stevedore-record-{:016x}.dockerbuild", fastrand::u64(..));
        let path = self.host.path(folder).join(name);
        let mut command = command::base(self, buildx).args(["history", "export"]);
        if let Some(builder) = self.plan.builder.name() {
            command = command.args(["--builder", builder]);
        }
        command = command.args([Path::new("--finalize"), Path::new("--output"), &path]);
        // A failed build reports no reference: without one, buildx exports the latest build.
        command = command.args(references(outcome));
        let printed = command.read(self.host).await;
        printed.map_err(|error| error.to_string())?;
        Ok(path)
    }
}

/// The records of the builds that ended well, as buildx's metadata names them.
fn references(outcome: &Outcome) -> Vec<String> {
    let builds = outcome.builds.iter();
    let names = builds.filter_map(|built| {
        let metadata: Value = serde_json::from_str(&built.result.metadata).ok()?;
        let reference = metadata["buildx.build.ref"].as_str()?;
        reference.rsplit('/').next().map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    names
}
