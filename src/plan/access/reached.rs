//! The registries that a builder talks to: those of the images that are pushed, of
//! caches, and of the images that a build begins from, as far as they are known.

use crate::image::{Platform, Registry, reference};
use crate::input::Inputs;
use crate::input::builder::Driver;
use crate::plan::access::preflight;
use crate::plan::builder::create::NewBuilder;
use crate::plan::builder::model::{Builder, BuilderChoice};
use crate::plan::dockerfile::commands::Question;
use crate::plan::draft::model::ImageDraft;
use crate::plan::draft::run_commands;
use crate::plan::findings::{Level, Notice};

/// Where the references of a Dockerfile without a registry lead, and the frontend
/// that it names.
const ALWAYS: fn() -> Registry = Registry::docker_hub;

/// The registries of all images, each once.
fn registries(drafts: &[ImageDraft<'_>]) -> Vec<Registry> {
    let all: Vec<Registry> = drafts.iter().flat_map(of_image).chain([ALWAYS()]).collect();
    crate::plan::lists::distinct(&all)
}

fn of_image(draft: &ImageDraft<'_>) -> Vec<Registry> {
    let pushed = preflight::repositories(draft)
        .into_iter()
        .map(|name| name.registry);
    pushed.chain(bases(draft)).collect()
}

/// Those of the images that the build begins from: in the Dockerfile, and in
/// contexts that are images.
fn bases(draft: &ImageDraft<'_>) -> Vec<Registry> {
    let platforms = draft.platforms.iter().cloned();
    // The builder's own platform is not known here, and chooses no registry.
    let any = "linux/amd64".parse::<Platform>().ok();
    let any = any.filter(|_| draft.platforms.is_empty());
    let mut read = run_commands::dockerfile(draft.request, &draft.source).and_then(Question::read);
    let images = platforms
        .chain(any)
        .filter_map(|platform| read.as_mut()?.images(&platform));
    let contexts = draft.build_contexts.iter().filter_map(|given| {
        let (_, image) = given.split_once("=docker-image://")?;
        Some(image.to_owned())
    });
    let references = images.flatten().chain(contexts);
    let names = references.filter_map(|text| reference::name(&text));
    names.map(|name| name.registry).collect()
}

impl Builder {
    /// Lets a builder that the run makes reach the registries of these images; what
    /// to know of those that it will not reach.
    pub fn reach(&mut self, inputs: &Inputs, drafts: &[ImageDraft<'_>]) -> Option<Notice> {
        let BuilderChoice::Created(created) = &mut self.choice else {
            return None;
        };
        let unreached = created.reach(inputs, &registries(drafts));
        (!unreached.is_empty()).then(|| Notice {
            level: Level::Warning,
            title: "Builder".to_owned(),
            message: format!(
                "{} is on the loopback of a machine, which a builder's container reaches with \
                 `driver-opts: network=host` alone. Without it, the build will end with \
                 `connection refused`",
                list(&unreached)
            ),
        })
    }
}

fn list(registries: &[Registry]) -> String {
    let names: Vec<String> = registries.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl NewBuilder {
    /// Lets it reach these registries: those on loopback by the network of its
    /// machine, all of them by the authorities that are given. Gives back those
    /// that it will not reach.
    fn reach(&mut self, inputs: &Inputs, registries: &[Registry]) -> Vec<Registry> {
        let own = &inputs.own_builder;
        let local: Vec<Registry> = registries
            .iter()
            .filter(|one| one.is_loopback())
            .cloned()
            .collect();
        let mut unreached = Vec::new();
        if self.driver == Driver::DockerContainer && !local.is_empty() {
            for (node, made) in own.nodes().zip(&mut self.nodes) {
                match node.network() {
                    Some(network) if network == "host" => {}
                    None if node.is_here() => {
                        made.making.use_host_network();
                        self.host_network.clone_from(&local);
                    }
                    _ => unreached.clone_from(&local),
                }
            }
        }
        let is_configured = matches!(self.driver, Driver::DockerContainer | Driver::Kubernetes);
        if is_configured && !inputs.authorities.is_empty() {
            self.trusts = registries.to_vec();
            for (index, made) in self.nodes.iter_mut().enumerate() {
                made.making.write_config(index);
            }
        }
        self.write_commands(own);
        unreached
    }

    /// What was decided about it without being asked.
    pub fn decisions(&self) -> impl Iterator<Item = String> {
        let network = (!self.host_network.is_empty()).then(|| {
            format!(
                "builder network: the host's, since containers do not reach this machine's \
                 loopback otherwise: {}",
                list(&self.host_network)
            )
        });
        let trust = (!self.trusts.is_empty()).then(|| {
            let names = list(&self.trusts);
            format!("builder certificates: `ca-certificates` are trusted for {names}")
        });
        network.into_iter().chain(trust)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunContext;
    use crate::plan::builder::buildx_features;
    use crate::plan::builder::create_command::CreateCommand;
    use crate::plan::draft::request::ImageRequest;
    use crate::plan::findings::Findings;
    use crate::plan::testing::{facts, inputs};

    #[test]
    fn registries_of_images_caches_bases_and_contexts_are_known() {
        let dockerfile = "ARG BASE=a\nFROM $BASE AS b\nFROM b\nCOPY --from=copied.example/x /a /\n\
                          RUN --mount=from=mounted.example/x,target=/x true\nFROM scratch\n";
        for (given, expected) in [
            (
                vec![("push", "true")],
                "pushed.example docker.io copied.example mounted.example",
            ),
            (
                vec![
                    ("push", "false"),
                    ("build-args", "BASE=base.example:5000/a"),
                    ("cache-from", "cached.example/a"),
                    ("cache-to", "type=registry,ref=kept.example/a"),
                    ("build-contexts", "c=docker-image://context.example/a\nd=."),
                ],
                "kept.example cached.example base.example:5000 copied.example mounted.example \
                 context.example docker.io",
            ),
            (
                vec![
                    ("push", "false"),
                    ("outputs", "type=image,name=named.example/a,push=true"),
                ],
                "pushed.example named.example docker.io copied.example mounted.example",
            ),
        ] {
            let given = [
                given,
                vec![("images", "pushed.example/a"), ("context", ".")],
            ]
            .concat();
            let inputs = inputs(&given);
            let facts = facts(&inputs, dockerfile);
            let wanted = ImageRequest::single(&inputs, &RunContext::default(), &facts);
            let mut findings = Findings::default();
            let support = buildx_features::decide(&inputs, None, &mut findings);
            let draft = ImageDraft::of(&wanted, &RunContext::default(), support, &mut findings);
            let found: Vec<String> = registries(&[draft])
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found.join(" "), expected, "{given:?}");
        }
    }

    fn reaching(given: &[(&str, &str)], registries: &[&str]) -> (NewBuilder, Vec<Registry>) {
        let inputs = inputs(given);
        let facts = facts(&inputs, "FROM scratch\n");
        let registries: Vec<Registry> = registries
            .iter()
            .map(|one| Registry::parse(one).unwrap())
            .collect();
        let mut created = NewBuilder::of(&inputs, &facts, Some("b"));
        let unreached = created.reach(&inputs, &registries);
        (created, unreached)
    }

    #[test]
    fn loopback_is_reached_by_the_hosts_network_where_nothing_else_is_asked_for() {
        let (near, far) = ("127.0.0.1:5000", "ghcr.io");
        for (given, registry, gets_it, warns) in [
            (vec![], near, true, false),
            (vec![], far, false, false),
            (
                vec![("endpoint", "unix:///run/docker.sock")],
                near,
                true,
                false,
            ),
            (vec![("endpoint", "ssh://far")], near, false, true),
            (vec![("driver-opts", "network=host")], near, false, false),
            (
                vec![("driver-opts", "image=x,network=mine")],
                near,
                false,
                true,
            ),
            (vec![("append", "- endpoint: far")], near, true, true),
            (vec![("driver", "kubernetes")], near, false, false),
            (
                vec![("driver", "remote"), ("endpoint", "tcp://a:1")],
                near,
                false,
                false,
            ),
        ] {
            let (created, unreached) = reaching(&given, &[far, registry]);
            let line = created.commands[0].line();
            let has_it = line.contains(" --driver-opt network=host")
                && given.iter().all(|one| one.1 != "network=host");
            assert_eq!(
                (has_it, !unreached.is_empty()),
                (gets_it, warns),
                "{given:?}: {line}"
            );
            assert_eq!(
                created.decisions().count(),
                usize::from(gets_it),
                "{given:?}"
            );
        }
    }

    #[test]
    fn authorities_are_in_the_configuration_of_every_node() {
        let own = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let pem = own.cert.pem();
        let certificates = ("ca-certificates", pem.as_str());
        let config = ("buildkitd-config-inline", "debug = true");
        let remote = [
            certificates,
            ("driver", "remote"),
            ("endpoint", "tcp://a:1"),
        ];
        for (given, expected) in [
            (vec![certificates], vec!["$RUN/buildkitd.toml"]),
            (vec![certificates, config], vec!["$RUN/buildkitd.toml"]),
            (
                vec![certificates, config, ("append", "- endpoint: far")],
                vec!["$RUN/buildkitd.toml", "$RUN/buildkitd-append.toml"],
            ),
            (remote.to_vec(), vec![]),
        ] {
            let (created, _) = reaching(&given, &["ghcr.io"]);
            let lines = created
                .commands
                .iter()
                .map(CreateCommand::line)
                .collect::<Vec<_>>()
                .join(" ");
            let named = lines.split(' ').filter(|word| word.ends_with(".toml"));
            assert_eq!(named.collect::<Vec<_>>(), expected, "{lines}");
            assert_eq!(
                created.decisions().count(),
                usize::from(!expected.is_empty())
            );
        }
    }
}
