//! What is in the image, for each platform, as files beside the attestations: SPDX, as
//! the scanner of `sbom` found it.
//!
//! Source: buildx, `docs/reference/buildx_imagetools_inspect.md`; BuildKit,
//! `docs/attestations/sbom.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::env_vars;
use crate::execute::buildx::command;
use crate::execute::outcome::ImageOutcome;
use crate::execute::scope::Scope;
use crate::plan::Build;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(60);

impl Scope<'_> {
    /// Writes them for an image that is published with an SBOM. One that cannot be read
    /// is a warning.
    pub async fn keep_sboms(&self, buildx: &Path, build: &Build, built: &mut ImageOutcome) {
        let is_there = build.scanner.is_some() && built.verified.attestations > 0;
        let folder = self.host.var(env_vars::RUNNER_TEMP).filter(|_| is_there);
        let (Some(folder), Some(image)) = (folder, published(built)) else {
            return;
        };
        let name = format!("stevedore-sbom-{:016x}", fastrand::u64(..));
        let folder = self.host.path(folder).join(name);
        let platforms: Vec<String> = built
            .verified
            .platforms
            .iter()
            .map(|platform| platform.platform.clone())
            .collect();
        let is_alone = platforms.len() == 1;
        let read = platforms.iter().map(async |platform| {
            let one = (!is_alone).then_some(platform.as_str());
            let read = timeout(WITHIN, self.sbom(buildx, &image, one)).await;
            let text = read.unwrap_or_else(|_| Err("it took too long".to_owned()))?;
            write(&folder, build.target.as_deref(), platform, &text)
        });
        for (platform, written) in platforms.iter().zip(join_all(read).await) {
            match written {
                Ok(path) => built.sbom_files.push(path),
                Err(why) => built
                    .warnings
                    .push(format!("the SBOM of {platform} was not written: {why}")),
            }
        }
    }

    async fn sbom(
        &self,
        buildx: &Path,
        image: &str,
        platform: Option<&str>,
    ) -> Result<String, String> {
        let format = match platform {
            Some(platform) => format!("{{{{ json (index .SBOM {platform:?}).SPDX }}}}"),
            None => "{{ json .SBOM.SPDX }}".to_owned(),
        };
        let command = command::base(self, buildx);
        let command = command.args(["imagetools", "inspect", image, "--format", &format]);
        let text = command.read(self.host).await;
        text.map_err(|error| error.to_string())
    }
}

/// The first name, with the digest that it stands for.
fn published(built: &ImageOutcome) -> Option<String> {
    let push = built.pushes.done().next()?;
    let digest = push.digest.as_ref().or(built.result.digest.as_ref())?;
    Some(format!("{}@{digest}", push.name()))
}

fn write(
    folder: &Path,
    target: Option<&str>,
    platform: &str,
    text: &str,
) -> Result<PathBuf, String> {
    let target = target
        .map(|target| format!("{target}-"))
        .unwrap_or_default();
    let name = format!("{target}{platform}").replace('/', "-");
    let path = folder.join(format!("{name}.spdx.json"));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
