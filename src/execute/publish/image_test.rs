//! The test of an image whose content is there, before it gets its names.

use std::io::{self, Write};
use std::path::Path;

use tracing::info;

use crate::env_vars;
use crate::error::sanitize::clean;
use crate::execute::error::{Error, FailedTest};
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::facts::Engine;
use crate::host::{Command, Log, Progress};
use crate::image::Platform;
use crate::plan::Content;

/// The script, in the folder of the run.
const SCRIPT: &str = "test.sh";
/// How much of what it prints is shown, in bytes. Its last lines are kept beside.
const SHOWN: usize = 1024 * 1024;
/// How much of a line an error shows, in characters.
const LINE: usize = 400;
/// How many of its last lines an error shows.
const LINES: usize = 20;

impl ImagePublisher<'_> {
    /// Runs the test, for one platform after the other.
    ///
    /// # Errors
    /// When it fails for one of them.
    pub async fn test(
        &self,
        mut progress: Progress<'_>,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        let Some(test) = &self.build.test else {
            return Ok(());
        };
        let script = self.scope.folder.write(SCRIPT, test.script.as_bytes());
        script.map_err(Error::files(SCRIPT))?;
        let image = self.tested_image(built);
        for platform in &test.platforms {
            info!("testing {image} for {platform}");
            let failed = self.test_one(platform, &image, progress.reborrow());
            if let Some(failed) = failed.await? {
                let error = Error::Test {
                    image: image.clone(),
                    failed: Box::new(failed.clone()),
                };
                built.failed_test = Some(failed);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn test_one(
        &self,
        platform: &Platform,
        image: &str,
        progress: Progress<'_>,
    ) -> Result<Option<FailedTest>, Error> {
        let folder = self.scope.folder.path();
        let target = self.build.target.as_deref().unwrap_or_default();
        let command = Command::new(Path::new("bash"))
            .args([Path::new("-e"), &folder.join(SCRIPT)])
            .env("IMAGE", image)
            .env("PLATFORM", platform.to_string())
            .env("TARGET", target)
            .env(env_vars::DOCKER_CONFIG, folder.join("docker"));
        let finished = match progress {
            Progress::Terminal => command.run(self.scope.host, Progress::Terminal).await,
            Progress::Through(writer) => {
                let mut bounded = BoundedWriter {
                    writer,
                    left: SHOWN,
                };
                command
                    .run(self.scope.host, Progress::Through(&mut bounded))
                    .await
            }
        };
        let finished = finished.map_err(|source| Error::Start {
            program: "bash".to_owned(),
            source,
        })?;
        if let Some(signal) = finished.interrupted {
            return Err(Error::Cancelled(signal));
        }
        let tail = finished.tail.unwrap_or_default();
        let lines: Vec<&str> = tail.trim_end().lines().collect();
        let last = lines[lines.len().saturating_sub(LINES)..].iter();
        let last: Vec<String> = last.map(|line| clean(line, LINE)).collect();
        Ok((!finished.success).then(|| FailedTest {
            platform: platform.clone(),
            code: finished.code,
            last_lines: last.join("\n"),
        }))
    }

    /// The image as the engine knows it, or can pull it: by its digest, or, in the
    /// classic store before a push, by its ID.
    fn tested_image(&self, built: &ImageOutcome) -> String {
        let digest = match &self.scope.facts.engine {
            Engine::Running {
                containerd_store: false,
                ..
            } if self.build.content != Content::ByDigest => {
                let id = built
                    .result
                    .image_id
                    .as_ref()
                    .or(built.result.digest.as_ref());
                return id.map(ToString::to_string).unwrap_or_default();
            }
            _ => built.result.digest.as_ref(),
        };
        let name = built.pushes.due_repositories().into_iter().next();
        let name = name.or_else(|| Some(self.build.images.first()?.to_string()));
        match (name, digest) {
            (Some(name), Some(digest)) => format!("{name}@{digest}"),
            (name, digest) => digest.map(ToString::to_string).or(name).unwrap_or_default(),
        }
    }
}

/// Passes the first bytes on.
struct BoundedWriter<'a> {
    writer: &'a mut dyn Log,
    left: usize,
}

impl Write for BoundedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let shown = bytes.len().min(self.left);
        self.writer.write_all(&bytes[..shown])?;
        self.left -= shown;
        if shown < bytes.len() && shown > 0 {
            let more = "\n(the test prints more than is shown)\n";
            self.writer.write_all(more.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Log for BoundedWriter<'_> {}
