//! Gives more names to what is in a registry already, with
//! `buildx imagetools create`: the digest stays, also from registry to registry.

use crate::execute::buildx::last_words;
use crate::host::{Command, Host, Progress, Signal};
use crate::image::{Digest, ImageName};

/// How a copy ended.
pub enum CopyResult {
    /// The name is there.
    Done,
    /// It is not: buildx's last words.
    Failed(String),
    /// A signal came first.
    Interrupted(Signal),
}

/// What is copied.
pub struct Source<'a> {
    /// A repository that holds it.
    pub image: &'a ImageName,
    /// Its digest.
    pub digest: &'a Digest,
    /// True for an index.
    pub is_index: bool,
}

impl Source<'_> {
    /// The command that names the source as `reference` too.
    pub fn command(&self, buildx: Command, reference: &str) -> Command {
        let mut command = buildx.args(["imagetools", "create"]);
        if !self.is_index {
            // Else buildx puts an index around a single manifest.
            command = command.args(["--prefer-index=false"]);
        }
        let source = format!("{}@{}", self.image, self.digest);
        command.args(["--tag", reference, source.as_str()])
    }
}

pub async fn run(command: &Command, host: &Host, progress: Progress<'_>) -> CopyResult {
    let finished = match command.run(host, progress).await {
        Ok(finished) => finished,
        Err(error) => return CopyResult::Failed(error.to_string()),
    };
    match (finished.interrupted, finished.success) {
        (Some(signal), _) => CopyResult::Interrupted(signal),
        (None, true) => CopyResult::Done,
        (None, false) => CopyResult::Failed(last_words::failure_text(&finished)),
    }
}
