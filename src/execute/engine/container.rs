//! A privileged container in the engine, through its API: pulled where the
//! image is missing, run to its end, and removed.

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::errors::Error as ApiError;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt as _;

use crate::execute::engine::auth;
use crate::facts::error_chain;
use crate::host::Host;
use crate::image::reference;
use crate::registry::Credentials;

/// What went wrong, as `WHAT: WHY`.
type Failed = String;

/// Makes sure that the engine has the image, with the login that there is for
/// its registry. Gives the name of exactly this image, whatever its tag means
/// later: with its digest, or the engine's own where no registry has it.
pub async fn pull(
    docker: &Docker,
    image: &str,
    credentials: &Credentials,
    host: &Host,
) -> Result<String, Failed> {
    if let Some(exact) = find(docker, image).await? {
        return Ok(exact);
    }
    // To the engine's API a digest belongs to the name.
    let (name, tag) = match reference::split(image) {
        (_, _, Some(_)) => (image, ""),
        (name, tag, None) => (name, tag.unwrap_or("latest")),
    };
    let options = CreateImageOptionsBuilder::new().from_image(name).tag(tag);
    let login = login(image, credentials, host).await;
    let mut progress = Box::pin(docker.create_image(Some(options.build()), None, login));
    while let Some(step) = progress.next().await {
        step.map_err(|error| failed("the image could not be pulled", &error))?;
    }
    let found = find(docker, image).await?;
    found.ok_or_else(|| "the image is gone after it was pulled".to_owned())
}

/// The exact name of an image in the engine.
async fn find(docker: &Docker, image: &str) -> Result<Option<String>, Failed> {
    match docker.inspect_image(image).await {
        Ok(found) => {
            let digests = found.repo_digests.unwrap_or_default();
            let exact = digest_of_image(image, &digests)
                .map(str::to_owned)
                .or(found.id);
            Ok(Some(exact.unwrap_or_else(|| image.to_owned())))
        }
        Err(ApiError::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(None),
        Err(error) => Err(failed("the engine was not reached", &error)),
    }
}

/// The digest of an image, among those of all names that it has, by its own name.
fn digest_of_image<'a>(image: &str, digests: &'a [String]) -> Option<&'a str> {
    let own = reference::name(image)?;
    let mut digests = digests.iter();
    digests
        .find(|digest| reference::name(digest).as_ref() == Some(&own))
        .map(String::as_str)
}

/// Runs the image with these arguments and gives what it printed.
pub async fn run(docker: &Docker, image: &str, arguments: &[&str]) -> Result<String, Failed> {
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(arguments.iter().map(|one| (*one).to_owned()).collect()),
        host_config: Some(HostConfig {
            privileged: Some(true),
            network_mode: Some("none".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let created = docker
        .create_container(None::<CreateContainerOptions>, body)
        .await
        .map_err(|error| failed("its container could not be made", &error))?;
    let result = to_its_end(docker, &created.id).await;
    let force = RemoveContainerOptionsBuilder::new().force(true).build();
    let removed = docker.remove_container(&created.id, Some(force)).await;
    let printed = result?;
    removed.map_err(|error| failed("its container could not be removed", &error))?;
    Ok(printed)
}

async fn to_its_end(docker: &Docker, id: &str) -> Result<String, Failed> {
    docker
        .start_container(id, None::<StartContainerOptions>)
        .await
        .map_err(|error| failed("its privileged container did not start", &error))?;
    let mut ends = Box::pin(docker.wait_container(id, None::<WaitContainerOptions>));
    let mut ended = Ok(());
    while let Some(end) = ends.next().await {
        ended = end.map(drop);
    }
    let printed = logs(docker, id).await;
    match ended {
        Ok(()) => Ok(printed),
        Err(ApiError::DockerContainerWaitError { code, .. }) => Err(format!(
            "its container ended with {code}: {}",
            printed.trim()
        )),
        Err(error) => Err(failed("its container was lost", &error)),
    }
}

async fn logs(docker: &Docker, id: &str) -> String {
    let both = LogsOptionsBuilder::new().stdout(true).stderr(true);
    let mut lines = Box::pin(docker.logs(id, Some(both.build())));
    let mut text = String::new();
    while let Some(Ok(line)) = lines.next().await {
        text.push_str(&line.to_string());
    }
    text
}

fn failed(what: &str, error: &ApiError) -> Failed {
    format!("{what}: {}", error_chain(error))
}

async fn login(image: &str, credentials: &Credentials, host: &Host) -> Option<DockerCredentials> {
    let name = reference::name(image)?;
    auth::find(&name.registry, credentials, host).await.ok()?
}

#[cfg(test)]
mod tests {
    use super::digest_of_image;

    #[test]
    fn an_image_is_known_by_the_digest_of_its_own_name() {
        let digest = |name: &str, c: &str| format!("{name}@sha256:{}", c.repeat(64));
        let digests = [
            digest("mirror.example/a/binfmt", "1"),
            digest("a/binfmt", "2"),
        ];
        for image in ["docker.io/a/binfmt:v1", "a/binfmt", "a/binfmt:v1"] {
            assert_eq!(
                digest_of_image(image, &digests),
                Some(digests[1].as_str()),
                "{image}"
            );
        }
        assert_eq!(digest_of_image("b/binfmt:v1", &digests), None);
    }
}
