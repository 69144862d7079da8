//! Why a builder could not be made, by what buildx printed, and what to do about it.

use crate::execute::error::Error;
use crate::input::builder::Driver;
use crate::plan::{CONTAINERD_DOCS, NewBuilder};

/// Where to read of a driver's options.
const DRIVER_DOCS: &str = "https://docs.docker.com/build/builders/drivers";
/// What buildx prints before and after it has an image to start.
const PULLS: &str = "pulling image ";
const MAKES: &str = "creating container ";

/// Words that tell what is wrong whatever the driver, in lower case; and what to do.
const CAUSES: [(&[&str], &str); 5] = [
    (
        &[
            "flag provided but not defined",
            "failed to parse buildkit flags",
            "invalid entitlement",
        ],
        "Correct `buildkitd-flags`: buildkitd does not accept them",
    ),
    (
        &[
            "failed to parse buildkit config",
            "buildkit configuration file",
            "failed to read ca file",
            "failed to read key file",
            "failed to read cert file",
        ],
        "Correct `buildkitd-config` or `buildkitd-config-inline`",
    ),
    (
        &["failed to set up container networking"],
        "Correct `network` in `driver-opts`: `docker network ls` lists the engine's networks",
    ),
    (
        &["docker-init"],
        "The engine's installation is incomplete: install its `docker-init`, which is in the \
         package tini-static or tini of some distributions",
    ),
    (
        &[
            "cannot connect to the docker daemon",
            "error during connect",
        ],
        "Start the engine, or correct `endpoint`",
    ),
];

/// Words about the options of a driver.
const OPTIONS: [&str; 7] = [
    "invalid driver option",
    "invalid env option",
    "invalid size",
    "invalid restart policy",
    "invalid value",
    "invalid syntax",
    "expecting k=v",
];

/// The error that a builder could not be made, for which buildx had these last
/// words, and printed this.
pub fn not_made(made: &NewBuilder, words: String, printed: &str) -> Error {
    Error::Builder {
        name: made.name.clone(),
        driver: made.driver.to_string(),
        message: words.trim_end_matches('.').to_owned(),
        advice: advice(made.driver, printed),
    }
}

/// The one thing to do.
pub fn advice(driver: Driver, printed: &str) -> String {
    let lower = printed.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if let Some((_, advice)) = CAUSES.iter().find(|(words, _)| says(words)) {
        return (*advice).to_owned();
    }
    if says(&OPTIONS) {
        return format!("Correct `driver-opts`; the options are at {DRIVER_DOCS}/{driver}/");
    }
    match driver {
        Driver::Docker | Driver::DockerContainer => of_container(printed),
        Driver::Kubernetes => "Look at what KUBECONFIG names, and whether its user may create \
                               deployments in the namespace of `driver-opts`"
            .to_owned(),
        Driver::Remote => "Look whether BuildKit listens at `endpoint`, and which certificates it \
                           asks for (BUILDER_NODE_0_AUTH_TLS_CACERT, …_CERT, …_KEY)"
            .to_owned(),
    }
}

fn of_container(printed: &str) -> String {
    if printed.contains(PULLS) && !printed.contains(MAKES) {
        return format!(
            "The engine could not pull the builder's image: let it reach the image's registry, or \
             name an image that it has or can pull with `driver-opts: image=…`. With the \
             containerd image store most builds need no builder ({CONTAINERD_DOCS})"
        );
    }
    let ends = ["is restarting", "is not running"];
    if ends.iter().any(|words| printed.contains(words)) {
        return "buildkitd ends as soon as it starts: see what it printed above, then correct \
                `buildkitd-flags`, `buildkitd-config` or the `image` in `driver-opts`"
            .to_owned();
    }
    "See the output of buildx above".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of buildx 0.29, of Docker Engine 28 and of buildkitd.
    #[test]
    fn the_advice_is_about_what_buildx_says() {
        let pulled = "#1 pulling image r/i:1\n#1 creating container buildx_buildkit_b0\n";
        for (printed, expected) in [
            (
                "#1 pulling image r/i:1 0.0s done\n#1 ERROR: Error response from daemon: Get \
                 \"https://r/v2/\": dial tcp: lookup r: no such host",
                "could not pull the builder's image",
            ),
            (
                &format!(
                    "{pulled}#1 15.8 buildkitd: flag provided but not defined: -x\n#1 ERROR: \
                          Error response from daemon: Container d45e is restarting"
                ),
                "Correct `buildkitd-flags`",
            ),
            (
                "ERROR: failed to parse buildkit flags: EOF found when expecting closing quote",
                "Correct `buildkitd-flags`",
            ),
            (
                &format!(
                    "{pulled}#1 ERROR: Error response from daemon: Container d45e is restarting"
                ),
                "buildkitd ends as soon as it starts",
            ),
            (
                "ERROR: failed to parse buildkit config: (2, 1): expecting a value",
                "Correct `buildkitd-config`",
            ),
            (
                "ERROR: failed to read CA file: /nope.pem: open /nope.pem: no such file",
                "Correct `buildkitd-config`",
            ),
            (
                &format!(
                    "{pulled}ERROR: Error response from daemon: failed to set up container \
                          networking: network nowhere not found"
                ),
                "Correct `network` in `driver-opts`",
            ),
            (
                "ERROR: failed to initialize builder b (b0): invalid driver option x for \
                 docker-container driver",
                "Correct `driver-opts`; the options are at \
                 https://docs.docker.com/build/builders/drivers/docker-container/",
            ),
            (
                &format!(
                    "{pulled}ERROR: Error response from daemon: exec: \"docker-init\": \
                          executable file not found in $PATH"
                ),
                "install its `docker-init`",
            ),
            (
                "ERROR: failed to initialize builder b (b0): Cannot connect to the Docker daemon \
                 at tcp://127.0.0.1:1. Is the docker daemon running?",
                "Start the engine, or correct `endpoint`",
            ),
            ("ERROR: something new", "See the output of buildx above"),
        ] {
            let advice = advice(Driver::DockerContainer, printed);
            assert!(advice.contains(expected), "{printed}: {advice}");
        }
    }
}
