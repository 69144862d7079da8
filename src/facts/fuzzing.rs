//! What fuzz targets reach of this module.

use std::path::{Path, PathBuf};

use crate::facts::bake::{Bake, compose};
use crate::facts::docker::{self, DockerSettings};
use crate::facts::machine::{self, Machine};
use crate::facts::{buildx, paths};
use crate::host::Host;

/// Reads what buildx prints of bake files.
pub fn read_bake(text: &str, host: &Host) -> Option<Bake> {
    Bake::of_text(text, host).ok()
}

/// Reads a compose file, as far as it names others.
pub fn read_compose(text: &str) {
    let _ = compose::named_files(text);
}

/// Reads a Docker configuration.
pub fn read_docker_config(text: &str, host: &Host) -> DockerSettings {
    let folder = PathBuf::from("/nowhere");
    let mut warnings = Vec::new();
    let config = docker::parse(text, Path::new("/nowhere/config.json"), &mut warnings);
    DockerSettings {
        endpoint: docker::endpoint(host, &folder, &config, &mut warnings),
        folder,
        config,
        warnings,
    }
}

/// Reads what programs and the kernel say of themselves.
pub fn read_machine(text: &str) {
    let _ = (buildx::parse_version(text), machine::architecture(text));
    let _ = (
        paths::shared(text),
        Machine::inspect("tcp://far:1", Some(text), ""),
    );
}
