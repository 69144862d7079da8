//! The configuration of a buildkitd that trusts more certificate authorities than
//! its image does: `ca` below `[registry."HOST"]`, as BuildKit's
//! buildkitd.toml.md describes it. buildx copies the file to the builder.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, TomlError};

use crate::image::Registry;

/// The configuration with the authorities of a file for each of these registries,
/// beside whatever it says itself.
///
/// # Errors
/// When it is no TOML.
pub fn with_authorities(
    config: &str,
    registries: &[Registry],
    authorities: &Path,
) -> Result<String, TomlError> {
    let mut document: DocumentMut = config.parse()?;
    if let Some(all) = table_in(document.as_table_mut(), "registry") {
        for registry in registries {
            if let Some(one) = table_in(all, registry.as_str()) {
                trust(one, authorities);
            }
        }
    }
    Ok(document.to_string())
}

/// The table of this name, made where there is none; `None` where something else
/// has the name, which buildx will refuse.
fn table_in<'a>(table: &'a mut dyn TableLike, name: &str) -> Option<&'a mut dyn TableLike> {
    let item = table.entry(name).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(name == "registry");
        Item::Table(table)
    });
    item.as_table_like_mut()
}

fn trust(registry: &mut dyn TableLike, authorities: &Path) {
    let list = registry
        .entry("ca")
        .or_insert_with(|| toml_edit::value(Array::new()));
    if let Some(list) = list.as_array_mut() {
        list.push(authorities.display().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(config: &str) -> String {
        let registries = ["docker.io", "127.0.0.1:5000"].map(|one| Registry::parse(one).unwrap());
        with_authorities(config, &registries, Path::new("/run/ca.pem")).unwrap()
    }

    #[test]
    fn authorities_are_added_to_what_the_configuration_says() {
        let added = "[registry.\"docker.io\"]\nca = [\"/run/ca.pem\"]\n\n\
                     [registry.\"127.0.0.1:5000\"]\nca = [\"/run/ca.pem\"]\n";
        assert_eq!(with("").trim_start(), added);
        let given = with("debug = true # mine\n[worker.oci]\nmax-parallelism = 2\n");
        assert!(given.starts_with("debug = true # mine\n[worker.oci]\nmax-parallelism = 2\n"));
        assert!(given.ends_with(added), "{given}");
    }

    #[test]
    fn a_registry_that_is_there_keeps_what_it_has() {
        for given in [
            "[registry.\"docker.io\"]\nmirrors = [\"m\"]\nca = [\"/own.pem\"]\n",
            "registry.\"docker.io\" = { mirrors = [\"m\"], ca = [\"/own.pem\"] }\n",
            "[registry]\n\"docker.io\".mirrors = [\"m\"]\n\"docker.io\".ca = [\"/own.pem\"]\n",
        ] {
            let document: DocumentMut = with(given).parse().unwrap();
            let hub = &document["registry"]["docker.io"];
            assert_eq!(hub["mirrors"][0].as_str(), Some("m"), "{given}");
            let ca: Vec<_> = hub["ca"].as_array().unwrap().iter().collect();
            let ca: Vec<_> = ca.iter().filter_map(|one| one.as_str()).collect();
            assert_eq!(ca, ["/own.pem", "/run/ca.pem"], "{given}");
            let other = &document["registry"]["127.0.0.1:5000"]["ca"][0];
            assert_eq!(other.as_str(), Some("/run/ca.pem"), "{given}");
        }
    }

    #[test]
    fn what_is_not_as_it_should_be_is_left_to_buildx() {
        assert!(with_authorities("debug =", &[], Path::new("/run/ca.pem")).is_err());
        assert_eq!(with("registry = 1\n"), "registry = 1\n");
    }
}
