//! Which secrets the build gets. Their values are nowhere in the plan.

use crate::facts::Paths;
use crate::input::Inputs;
use crate::input::build::secrets::SecretSource;
use crate::plan::findings::{Level, Notice};

/// What of the secrets was passed over, and why.
pub fn notices(inputs: &Inputs, paths: &Paths) -> Vec<Notice> {
    let missing = paths.missing_secret_files.iter().map(|file| {
        format!("`secret-files`: {file} is not there, so the build goes on without it")
    });
    let passed_over = inputs.build.secrets.passed_over.iter().cloned();
    let notice = |message| Notice {
        level: Level::Warning,
        title: "Secrets".to_owned(),
        message,
    };
    passed_over.chain(missing).map(notice).collect()
}

/// The files of `secret-files` that are there.
pub fn files<'a>(inputs: &'a Inputs, paths: &'a Paths) -> impl Iterator<Item = &'a SecretSource> {
    let is_there = |file: &&SecretSource| !paths.missing_secret_files.contains(&file.from);
    inputs.build.secrets.files.iter().filter(is_there)
}
