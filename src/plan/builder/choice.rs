//! What builds: the engine's own BuildKit, a builder that exists, or one that
//! is made for the run.

use crate::error::InputProblem;
use crate::facts::{Engine, Facts};
use crate::image::Platform;
use crate::input::CacheEntry;
use crate::input::Inputs;
use crate::input::build::output::{Exporter, Output};
use crate::input::builder::{Cleanup, Driver};
use crate::plan::builder::classic_store;
use crate::plan::builder::model::{Builder, BuilderChoice, CONTAINERD_DOCS};
use crate::plan::cache::model::Cache;
use crate::plan::findings::{Level, Notice};
use crate::plan::image::publication::Publication;
use crate::plan::lists::distinct;

/// The privilege that engines do not give to builds unless they are told to.
const INSECURE: &str = "security.insecure";

/// What one image asks of a builder.
#[derive(Clone, Copy)]
pub struct BuilderRequest<'a> {
    pub inputs: &'a Inputs,
    pub facts: &'a Facts,
    pub platforms: &'a [Platform],
    pub publication: &'a Publication,
    pub cache: &'a Cache,
}

/// One builder for all images: the first that is needed beside the engine's own,
/// which can do what that one can.
pub fn for_all<'a>(
    requests: impl Iterator<Item = BuilderRequest<'a>>,
) -> Result<Builder, InputProblem> {
    let all = requests.map(decide).collect::<Result<Vec<_>, _>>()?;
    let is_own = |builder: &Builder| builder.choice != BuilderChoice::Engine;
    let needed = all.iter().position(is_own).unwrap_or_default();
    let builder = all.into_iter().nth(needed);
    Ok(builder.unwrap_or_else(|| Builder::engine("nothing is built")))
}

/// True when the engine's own BuildKit would do, caches aside.
pub fn is_engine(request: BuilderRequest<'_>) -> bool {
    let alone = BuilderRequest {
        cache: &Cache::default(),
        ..request
    };
    decide(alone).is_ok_and(|builder| builder.choice == BuilderChoice::Engine)
}

/// The builder for one image.
pub fn decide(request: BuilderRequest<'_>) -> Result<Builder, InputProblem> {
    let BuilderRequest {
        inputs,
        facts,
        platforms,
        publication,
        cache,
    } = request;
    let own = &inputs.own_builder;
    let asked = own.asks_for_own();
    if let (Some(name), Some(input)) = (&inputs.builder, asked)
        && facts.builder.existing.is_none()
    {
        check_name(name)?;
        let reason = format!("`{input}`; there is no builder {name} yet");
        return Ok(Builder::for_run(inputs, facts, Some(name), reason));
    }
    if let Some(name) = &inputs.builder {
        return Ok(named_builder(name, "`builder`"));
    }
    if let Some(input) = asked {
        let reason = format!("`{input}`");
        return Ok(Builder::for_run(inputs, facts, None, reason));
    }
    if let (Some(chosen), None) = (&facts.chosen_builder, own.driver) {
        return Ok(named_builder(&chosen.name, &chosen.by));
    }
    match &facts.engine {
        Engine::Running {
            version,
            containerd_store,
        } => {
            let mut missing = missing(inputs, platforms, cache, *containerd_store);
            if !containerd_store {
                missing.extend(classic_store::dropped_features(inputs, publication));
            }
            by_engine(
                inputs,
                facts,
                &distinct(&missing),
                version,
                *containerd_store,
            )
        }
        Engine::Absent(_) | Engine::Forbidden(_) => Ok(Builder::engine("no builder is named")),
        Engine::Unasked => match inputs.unnamed_content() {
            Some(input) if own.driver.is_none() => {
                let reason = format!("`{input}`; the engine was not asked");
                Ok(Builder::for_run(inputs, facts, None, reason))
            }
            _ => Ok(Builder::engine(
                "no builder is named; the engine was not asked",
            )),
        },
    }
}

/// What of the inputs comes to nothing with this builder.
pub fn notices(inputs: &Inputs, builder: &Builder) -> Option<Notice> {
    let idle = inputs.own_builder.keep_state && builder.choice == BuilderChoice::Engine;
    idle.then(|| Notice {
        level: Level::Notice,
        title: "Builder".to_owned(),
        message: "`keep-state` has no effect: the engine's own builder keeps its cache by \
                  itself. It applies to `driver: docker-container`"
            .to_owned(),
    })
}

/// What a builder that is to stay would lose with the run: what it is reached by.
pub fn problems(inputs: &Inputs, builder: &Builder) -> Option<InputProblem> {
    let made = builder.made().filter(|made| made.stays)?;
    let why = if inputs.own_builder.secrets().next().is_some() {
        "keeps the builder, but the certificates in BUILDER_NODE_…_AUTH_TLS_… go with the run"
    } else if made.needs_context {
        "keeps the builder, but the engine's certificates are known to this run alone"
    } else {
        return None;
    };
    let accepted =
        "builder or all; or a builder that docker/setup-buildx-action makes before this step";
    Some(InputProblem::new("cleanup", "none", why, accepted))
}

/// What is taken away after the run, where that is not the default.
pub fn clean_up(cleanup: Cleanup) -> Option<&'static str> {
    match cleanup {
        Cleanup::Builder => None,
        Cleanup::Nothing => Some("nothing, as `cleanup` says"),
        Cleanup::All => Some(
            "the builder and emulators that the run makes, and the image's tags in the \
             engine, as `cleanup` says",
        ),
    }
}

/// The engine's own where it can do everything, else one for the run.
fn by_engine(
    inputs: &Inputs,
    facts: &Facts,
    missing: &[String],
    version: &str,
    containerd_store: bool,
) -> Result<Builder, InputProblem> {
    let store = if containerd_store {
        "containerd"
    } else {
        "classic"
    };
    let engine = format!("Docker Engine {version} with the {store} image store");
    if missing.is_empty() {
        return Ok(Builder::engine(&format!("{engine} can do it")));
    }
    let reason = format!("{engine} cannot do {}", missing.join(", "));
    if inputs.own_builder.driver == Some(Driver::Docker) {
        let accepted = format!(
            "no `driver`, so that a builder is made for the run; \
             or an engine with the containerd image store ({CONTAINERD_DOCS})"
        );
        return Err(InputProblem::new("driver", "docker", reason, accepted));
    }
    Ok(Builder::for_run(inputs, facts, None, reason))
}

/// What the plan asks for that the engine's own BuildKit cannot do.
fn missing(
    inputs: &Inputs,
    platforms: &[Platform],
    cache: &Cache,
    containerd_store: bool,
) -> Vec<String> {
    let mut missing = Vec::new();
    if !containerd_store && platforms.len() > 1 {
        missing.push("several platforms".to_owned());
    }
    if !containerd_store && inputs.build.attestations.are_asked_for() {
        missing.push("attestations".to_owned());
    }
    let mut contexts = inputs.build.build_contexts.iter();
    if !containerd_store && contexts.any(|entry| entry.text.contains("=oci-layout://")) {
        missing.push("build-contexts from an OCI layout".to_owned());
    }
    let outputs = &inputs.build.outputs;
    if !containerd_store && outputs.iter().any(is_archive) {
        missing.push("an image in an archive".to_owned());
    }
    missing.extend(inputs.unnamed_content().map(str::to_owned));
    if outputs.iter().any(rewrites_timestamps) {
        missing.push("outputs with rewrite-timestamp".to_owned());
    }
    if outputs.iter().any(Output::pushes_by_digest) {
        missing.push("outputs with push-by-digest".to_owned());
    }
    if inputs.build.allow.iter().any(|what| what == INSECURE) {
        missing.push(format!("allow {INSECURE}"));
    }
    let exports: &[&str] = if containerd_store {
        &["inline", "registry", "local", "gha"]
    } else {
        &["inline"]
    };
    let imports: &[&str] = if containerd_store {
        &["registry", "local", "gha"]
    } else {
        &["registry", "local"]
    };
    for (what, entries, known) in [
        ("cache-to", &cache.to, exports),
        ("cache-from", &cache.from, imports),
    ] {
        let kinds = entries.iter().map(CacheEntry::kind);
        let unknown = kinds.filter(|kind| !known.contains(kind));
        let named = |kind| {
            if cache.added {
                "a cache for the next run".to_owned()
            } else {
                format!("{what} of type {kind}")
            }
        };
        missing.extend(unknown.map(named));
    }
    missing
}

/// An image in a file, which engines write out of the containerd store only.
fn is_archive(output: &Output) -> bool {
    match output.exporter {
        Exporter::Oci => true,
        Exporter::Docker => output.attribute("dest").is_some(),
        _ => false,
    }
}

/// An image in the engine's store with the times of its files changed: an engine
/// unpacks every image, which BuildKit refuses beside that.
fn rewrites_timestamps(output: &Output) -> bool {
    let is_asked = output
        .asked_for()
        .any(|(name, _)| name == "rewrite-timestamp");
    is_asked && output.is_image() && !is_archive(output)
}

/// buildx's rule for the name of a builder that is made.
fn check_name(name: &str) -> Result<(), InputProblem> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if starts && name.chars().all(plain) && name != "default" {
        return Ok(());
    }
    Err(InputProblem::new(
        "builder",
        name,
        "can be no name of a new builder",
        "a letter, then letters, digits, `.`, `_` and `-`; not `default`",
    ))
}

fn named_builder(name: &str, reason: &str) -> Builder {
    Builder {
        choice: BuilderChoice::Named(name.to_owned()),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{engine, facts, inputs, publication};

    fn decided(given: &[(&str, &str)], engine: Engine, platforms: &str) -> Result<String, String> {
        let inputs = inputs(given);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.engine = engine;
        let platforms: Vec<Platform> = platforms
            .split(',')
            .map(|one| one.parse().unwrap())
            .collect();
        let publication = publication(&inputs, &facts);
        let cache = Cache::given(&inputs);
        let decided = decide(BuilderRequest {
            inputs: &inputs,
            facts: &facts,
            platforms: &platforms,
            publication: &publication,
            cache: &cache,
        });
        decided
            .map(|builder| builder.to_string())
            .map_err(|problem| problem.to_string())
    }

    /// The builder of a build for its own platform, without caches.
    fn chosen(inputs: &Inputs, facts: &Facts) -> Builder {
        let publication = publication(inputs, facts);
        let request = BuilderRequest {
            inputs,
            facts,
            platforms: &[],
            publication: &publication,
            cache: &Cache::default(),
        };
        decide(request).unwrap()
    }

    const TWO: &str = "linux/amd64,linux/arm64";

    #[test]
    fn the_engine_builds_what_its_store_can_hold() {
        for (store, given, platforms, expected) in [
            (true, vec![], TWO, "engine"),
            (true, vec![("all-or-none", "true")], TWO, "all-or-none"),
            (true, vec![("cache-to", "type=gha,mode=max")], TWO, "engine"),
            (
                true,
                vec![("cache-from", "ghcr.io/a/b:cache")],
                TWO,
                "engine",
            ),
            (
                true,
                vec![("cache-to", "type=s3,bucket=b")],
                TWO,
                "cache-to of type s3",
            ),
            (false, vec![], "linux/arm64", "engine"),
            (
                false,
                vec![("cache-to", "type=inline")],
                "linux/arm64",
                "engine",
            ),
            (false, vec![("cache-from", "a/b")], "linux/arm64", "engine"),
            (false, vec![], TWO, "several platforms"),
            (
                false,
                vec![("cache-to", "a/b")],
                "linux/arm64",
                "cache-to of type registry",
            ),
            (false, vec![("sbom", "true")], "linux/arm64", "attestations"),
            (true, vec![("sbom", "true")], "linux/arm64", "engine"),
            (
                false,
                vec![("annotations", "a=b")],
                "linux/arm64",
                "annotations",
            ),
            (true, vec![("annotations", "a=b")], "linux/arm64", "engine"),
            (
                true,
                vec![("outputs", "type=registry,rewrite-timestamp=true")],
                TWO,
                "outputs with rewrite-timestamp",
            ),
            (
                true,
                vec![("outputs", "type=docker,rewrite-timestamp=true")],
                "linux/arm64",
                "outputs with rewrite-timestamp",
            ),
            (
                true,
                vec![("outputs", "type=oci,dest=a.tar,rewrite-timestamp=true")],
                "linux/arm64",
                "engine",
            ),
            (
                false,
                vec![("build-contexts", "base=oci-layout:///layout:latest")],
                "linux/arm64",
                "build-contexts from an OCI layout",
            ),
            (
                false,
                vec![("annotations", "a=b"), ("load", "true")],
                "linux/arm64",
                "engine",
            ),
            (
                false,
                vec![("annotations", "a=b"), ("load", "true"), ("push", "true")],
                "linux/arm64",
                "annotations",
            ),
            (
                false,
                vec![(
                    "outputs",
                    "type=registry,compression=zstd,oci-mediatypes=true",
                )],
                "linux/arm64",
                "outputs with compression, outputs with oci-mediatypes",
            ),
            (
                false,
                vec![("outputs", "type=image,rewrite-timestamp=true,push=true")],
                "linux/arm64",
                "outputs with rewrite-timestamp",
            ),
            (
                false,
                vec![(
                    "outputs",
                    "type=registry,compression=gzip,oci-mediatypes=false,name=a/b:1",
                )],
                "linux/arm64",
                "engine",
            ),
            (
                false,
                vec![("outputs", "type=image,compression=zstd")],
                "linux/arm64",
                "engine",
            ),
            (
                false,
                vec![("outputs", "type=oci,dest=a.tar")],
                "linux/arm64",
                "an image in an archive",
            ),
            (
                false,
                vec![("outputs", "type=docker,dest=a.tar")],
                "linux/arm64",
                "an image in an archive",
            ),
            (
                true,
                vec![(
                    "outputs",
                    "type=image,push-by-digest=true,name=a/b,push=true",
                )],
                "linux/arm64",
                "outputs with push-by-digest",
            ),
            (
                true,
                vec![("outputs", "type=oci,dest=a.tar")],
                TWO,
                "engine",
            ),
            (
                true,
                vec![("allow", "security.insecure")],
                "linux/arm64",
                "allow security.insecure",
            ),
            (
                false,
                vec![("cache-from", "type=gha")],
                "linux/arm64",
                "cache-from of type gha",
            ),
        ] {
            let decided = decided(&given, engine(store), platforms).unwrap();
            let start = match expected {
                "engine" => "builder the engine's own: ",
                _ => "builder stevedore-$RUN, made for this run with the driver docker-container: ",
            };
            assert!(decided.starts_with(start), "{given:?}: {decided}");
            let is_why = decided.ends_with(&format!("cannot do {expected}"));
            assert!(expected == "engine" || is_why, "{given:?}: {decided}");
        }
        let decided = decided(&[("cache-to", "type=s3")], engine(false), TWO).unwrap();
        assert!(
            decided.ends_with("cannot do several platforms, cache-to of type s3"),
            "{decided}"
        );
    }

    #[test]
    fn the_engine_alone_is_refused_what_it_cannot_do() {
        let problem = decided(&[("driver", "docker")], engine(false), TWO).unwrap_err();
        assert!(
            problem.starts_with("driver: \"docker\": Docker Engine 28.0.0 with the classic"),
            "{problem}"
        );
        assert!(problem.contains(CONTAINERD_DOCS), "{problem}");
        assert!(decided(&[("driver", "docker")], engine(true), TWO).is_ok());
    }

    #[test]
    fn what_the_workflow_says_comes_before_what_the_engine_can() {
        for (given, expected) in [
            (vec![("builder", "mine")], "builder mine: `builder`"),
            (vec![("builder", "auto")], "builder the engine's own: "),
            (
                vec![("driver", "kubernetes")],
                "builder stevedore-$RUN, made for this run with the driver kubernetes: `driver`",
            ),
            (
                vec![("builder", "mine"), ("driver-opts", "network=host")],
                "builder mine, made for this run with the driver docker-container: `driver-opts`; there is no builder mine yet",
            ),
        ] {
            let decided = decided(&given, engine(true), TWO).unwrap();
            assert!(decided.starts_with(expected), "{given:?}: {decided}");
        }
        let name = [
            ("builder", "1 b"),
            ("driver", "remote"),
            ("endpoint", "tcp://a:1"),
        ];
        assert!(
            decided(&name, engine(true), TWO)
                .unwrap_err()
                .contains("new builder")
        );
    }

    #[test]
    fn what_is_there_is_used_and_not_made() {
        let inputs = inputs(&[("builder", "mine"), ("driver", "docker-container")]);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.builder.existing = Some("docker-container".to_owned());
        let builder = chosen(&inputs, &facts);
        assert_eq!(builder.choice, BuilderChoice::Named("mine".to_owned()));

        facts.builder.existing = None;
        for kept in [("keep-state", "true"), ("cleanup", "none")] {
            let given = [("driver", "docker-container"), kept];
            let inputs = crate::plan::testing::inputs(&given);
            facts.builder.left = None;
            let made = chosen(&inputs, &facts);
            assert_eq!(made.made().unwrap().name, facts.builder.lasting_name);
            facts.builder.left = Some("docker-container".to_owned());
            let left = BuilderChoice::Named(facts.builder.lasting_name.clone());
            assert_eq!(chosen(&inputs, &facts).choice, left);
        }
    }

    #[test]
    fn a_builder_that_stays_must_be_reached_later_too() {
        let kept = inputs(&[("driver", "docker-container"), ("cleanup", "none")]);
        let mut facts = facts(&kept, "FROM scratch\n");
        let refused = |facts: &Facts| {
            let builder = chosen(&kept, facts);
            problems(&kept, &builder).is_some()
        };
        assert!(!refused(&facts));
        facts.docker.endpoint.host = Some("tcp://far:2376".to_owned());
        facts.docker.endpoint.certificates = Some("/certificates".into());
        assert!(refused(&facts));
    }

    #[test]
    fn an_engine_is_needed_only_where_it_builds() {
        for (given, needs) in [
            (vec![], true),
            (vec![("builder", "mine")], false),
            (vec![("driver", "docker-container")], true),
            (vec![("endpoint", "far")], false),
            (vec![("driver", "kubernetes")], false),
            (vec![("driver", "remote"), ("endpoint", "tcp://a:1")], false),
        ] {
            let inputs = inputs(&given);
            let facts = facts(&inputs, "FROM scratch\n");
            let builder = chosen(&inputs, &facts);
            assert_eq!(builder.needs_engine(), needs, "{given:?}");
        }
    }
}
