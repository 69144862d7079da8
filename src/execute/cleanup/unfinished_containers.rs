//! What a buildx that was ended at the wrong moment leaves in the engine of this
//! machine: containers that the engine made when nobody waited for them any more.
//!
//! The builder's have names. The one by which buildx looks for GPUs has none; it
//! is known by what it is (buildx, driver/docker-container/driver.go): `/bin/true`
//! with every GPU and no network, to be removed at its end, and never started.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};

use crate::execute::cleanup_record::containers::Boot;

/// How long the engine may take to make what it was asked for.
const SETTLE: Duration = Duration::from_secs(1);
/// From this age on, in seconds, a container that was not started is nobody's.
const ORPHANED: i64 = 2;
const PROBE: &str = "/bin/true";

/// Removes what is left of a boot that began so long ago; and the volumes unless
/// they are kept.
pub async fn remove_unfinished(
    docker: &Docker,
    boot: &Boot,
    began: Duration,
    keeps_state: bool,
) -> Result<(), ApiError> {
    tokio::time::sleep(SETTLE).await;
    for name in &boot.containers {
        remove(docker, name).await?;
        if !keeps_state {
            let volume = format!("{name}_state");
            let removed = docker.remove_volume(&volume, None::<RemoveVolumeOptions>);
            unless_missing(removed.await)?;
        }
    }
    let (mut probes, now) = probes(docker, began).await?;
    let age = |probe: &ContainerSummary| now - probe.created.unwrap_or_default();
    if let Some(youngest) = probes.iter().map(age).min()
        && youngest < ORPHANED
    {
        let wait = u64::try_from(ORPHANED - youngest).unwrap_or_default();
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let seen = std::mem::take(&mut probes);
        let ids: Vec<_> = seen.into_iter().map(|probe| probe.id).collect();
        probes = crate::execute::cleanup::unfinished_containers::probes(docker, began)
            .await?
            .0;
        probes.retain(|probe| ids.contains(&probe.id));
    }
    for id in probes.into_iter().filter_map(|probe| probe.id) {
        remove(docker, &id).await?;
    }
    Ok(())
}

/// The containers that were made since then to look for GPUs and never started,
/// and the engine's time.
async fn probes(
    docker: &Docker,
    began: Duration,
) -> Result<(Vec<ContainerSummary>, i64), ApiError> {
    let now = docker
        .info()
        .await?
        .system_time
        .unwrap_or_default()
        .parse::<jiff::Timestamp>()
        .unwrap_or_default()
        .as_second();
    let since = now - i64::try_from(began.as_secs()).unwrap_or_default() - ORPHANED;
    let filters = HashMap::from([("status", vec!["created"])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let mut probes = Vec::new();
    for container in docker.list_containers(Some(options.build())).await? {
        let is_ours = container.created.is_some_and(|made| made >= since)
            && container.command.as_deref() == Some(PROBE);
        let Some(id) = container.id.as_deref().filter(|_| is_ours) else {
            continue;
        };
        // One that is gone by now is no longer of interest.
        let inspected = docker.inspect_container(id, None).await;
        if inspected.is_ok_and(|inspected| looks_for_gpus(&inspected)) {
            probes.push(container);
        }
    }
    Ok((probes, now))
}

fn looks_for_gpus(container: &ContainerInspectResponse) -> bool {
    let Some(host) = &container.host_config else {
        return false;
    };
    let devices = host.device_requests.as_deref().unwrap_or_default();
    host.auto_remove == Some(true)
        && host.network_mode.as_deref() == Some("none")
        && !devices.is_empty()
}

async fn remove(docker: &Docker, container: &str) -> Result<(), ApiError> {
    let options = RemoveContainerOptionsBuilder::new().v(true).force(true);
    unless_missing(
        docker
            .remove_container(container, Some(options.build()))
            .await,
    )
}

fn unless_missing(removed: Result<(), ApiError>) -> Result<(), ApiError> {
    match removed {
        Err(ApiError::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(()),
        other => other,
    }
}
