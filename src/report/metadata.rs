//! What `metadata` leaves behind: outputs, the same as variables, bake files,
//! and the log in the groups that docker/metadata-action shows.

use crate::input::grammar::boolean;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::env_vars;
use crate::error::InputProblem;
use crate::host::Host;
use crate::metadata::Metadata;
use crate::report::files;
use crate::report::log::group;

/// A bake file: the output that names it, its place and its text.
pub struct BakeFile {
    output: String,
    path: PathBuf,
    text: String,
}

/// Everything that later steps get.
pub struct MetadataOutputs {
    /// Outputs that hold a text, as name and value.
    pub outputs: Vec<(String, String)>,
    /// Outputs that hold the path of a file.
    pub files: Vec<BakeFile>,
}

/// Whether outputs become variables too.
///
/// # Errors
/// When the variable that says so is not a boolean in the original's spelling.
pub fn exports_variables(host: &Host) -> Result<bool, InputProblem> {
    const NAME: &str = env_vars::DOCKER_METADATA_SET_OUTPUT_ENV;
    let given = host.var(NAME).unwrap_or("true");
    boolean::parse(given)
        .ok_or_else(|| InputProblem::new(NAME, given, "is not a boolean", "true or false"))
}

/// Writes bake files into a new folder among the job's temporary files, where
/// they stay until the runner empties those at the end of the job.
///
/// # Errors
/// When that folder cannot be written to.
pub fn bake_files(host: &Host, documents: &[(String, String)]) -> io::Result<Vec<BakeFile>> {
    let folder = host.private_folder("stevedore-metadata-")?.keep();
    let files = documents.iter().map(|(output, text)| {
        let path = folder.join(format!("{output}.json"));
        fs::write(&path, text)?;
        Ok(BakeFile {
            output: output.clone(),
            path,
            text: text.clone(),
        })
    });
    files.collect()
}

/// Writes outputs and, where it is wanted, variables.
///
/// # Errors
/// When the runner's files cannot be written.
pub fn write(host: &Host, naming: &MetadataOutputs, exports: bool) -> io::Result<()> {
    let paths = naming.files.iter().map(|file| {
        let path = file.path.display().to_string();
        (file.output.as_str(), path)
    });
    let texts = naming
        .outputs
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in texts.chain(paths) {
        files::set(host, env_vars::GITHUB_OUTPUT, name, &value)?;
        if exports {
            files::set(host, env_vars::GITHUB_ENV, &variable(name), &value)?;
        }
    }
    Ok(())
}

/// `bake-file` becomes `DOCKER_METADATA_OUTPUT_BAKE_FILE`.
fn variable(output: &str) -> String {
    let word = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = output.chars().map(word).collect();
    format!("{}{name}", env_vars::DOCKER_METADATA_OUTPUT)
}

impl MetadataOutputs {
    /// Shows them, group by group.
    pub fn log(&self, metadata: &Metadata) {
        if let Some(version) = &metadata.version {
            group("Docker image version", [version.as_str()]);
        }
        if !metadata.tags.is_empty() {
            group("Docker tags", lines(&metadata.tags));
        }
        group("Docker labels", lines(&metadata.labels));
        group("Annotations", lines(&metadata.annotations));
        group("JSON output", format!("{:#}", metadata.json()).lines());
        for file in &self.files {
            if let Some(kind) = file.output.strip_prefix("bake-file-") {
                group(&format!("Bake file definition ({kind})"), file.text.lines());
            }
        }
    }
}

fn lines(all: &[String]) -> impl Iterator<Item = &str> {
    all.iter().map(String::as_str)
}
