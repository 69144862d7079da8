//! The report as a file that later steps may read or upload.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::env_vars;
use crate::host::Host;
use crate::report::log;
use crate::report::run::model::Report;

/// Writes it into the runner's folder for temporary files, and says where; `None`
/// outside of a runner.
///
/// # Errors
/// When it cannot be written.
pub fn write(host: &Host, report: &Report) -> io::Result<Option<PathBuf>> {
    let Some(folder) = host.var(env_vars::RUNNER_TEMP) else {
        return Ok(None);
    };
    // A job may have several steps.
    let name = format!("stevedore-report-{:016x}.json", fastrand::u64(..));
    let path = host.path(folder).join(name);
    let value = without_secrets(serde_json::to_value(report)?);
    let text = serde_json::to_string_pretty(&value)? + "\n";
    fs::write(&path, text)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    Ok(Some(path))
}

/// The same JSON without secrets.
pub fn without_secrets(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(log::without_secrets(&text)),
        Value::Array(all) => all.into_iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, without_secrets(value)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}
