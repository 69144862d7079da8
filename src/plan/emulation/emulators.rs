//! What is done about platforms that the builder does not run by itself.
//!
//! Owns [`Emulation`]. Programs of another processor run only where a `RUN`
//! asks for it: without one there is nothing to emulate, whatever the image is
//! for. What the builder can run is known from its kernel's handlers or its
//! driver; otherwise the builder is asked when the run starts.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Machine};
use crate::image::Platform;
use crate::input::builder::{Driver, EmulationWish};
use crate::input::{Inputs, TestPlatforms};
use crate::plan::builder::model::{Builder, BuilderChoice};
use crate::plan::draft::model::ImageDraft;
use crate::plan::emulation::running;
use crate::plan::findings::{Level, Notice};

/// What is done about platforms that the builder does not run by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Emulation {
    /// The platforms on which commands run, and which are not the machine's own;
    /// where the machine is not known yet, all of them.
    pub platforms: Vec<Platform>,
    /// What is done.
    pub step: EmulationStep,
    /// True when handlers are installed without a look at those that are there.
    #[serde(skip)]
    pub is_forced: bool,
    /// Why.
    pub reason: String,
}

/// What is done before the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmulationStep {
    /// Nothing: there is nothing to run.
    #[default]
    NotNeeded,
    /// Nothing: emulators are there, the kernel's or the builder's own.
    Present,
    /// Nothing, as the workflow wants it, although something will not run.
    Refused,
    /// Nothing, as the workflow wants it; nobody looked what will run.
    NotLookedAt,
    /// Handlers are installed in the engine's kernel.
    Install(Handlers),
    /// The builder says what it can run; what it cannot is installed, when there
    /// is an engine to do it with.
    Ask(Option<Handlers>),
}

/// Handlers to install.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handlers {
    /// The image that installs them.
    pub image: String,
    /// The architectures to install, as that image spells them.
    pub architectures: Vec<String>,
}

impl Handlers {
    /// Handlers for these platforms.
    pub fn of<'a>(image: &str, platforms: impl IntoIterator<Item = &'a Platform>) -> Self {
        let all = platforms.into_iter();
        let architectures: BTreeSet<&str> = all.map(|one| one.architecture.as_str()).collect();
        Self {
            image: image.to_owned(),
            architectures: architectures.into_iter().map(str::to_owned).collect(),
        }
    }
}

pub fn decide(
    drafts: &[ImageDraft<'_>],
    inputs: &Inputs,
    facts: &Facts,
    builder: &Builder,
) -> Emulation {
    let drafts: Vec<&ImageDraft<'_>> = drafts
        .iter()
        .filter(|draft| draft.publication.builds())
        .collect();
    if drafts.is_empty() {
        return Emulation::new(Vec::new(), EmulationStep::NotNeeded, "nothing is built");
    }
    // Where nobody has told, another machine is taken to be as this one, and the
    // engine's may be any.
    let machine = facts.machine.clone().unwrap_or_else(Machine::own);
    let any = facts.machine.is_none() && builder.choice == BuilderChoice::Engine;
    let native = |platform: &Platform| !any && machine.runs_natively(platform);
    let foreign = |platform: &&Platform| !native(platform);
    let own = [machine.platform()];
    let built_for = |draft: &ImageDraft<'_>| match draft.platforms.as_slice() {
        [] if any => Vec::new(),
        [] => own.to_vec(),
        some => some.to_vec(),
    };
    let all: Vec<Platform> = drafts.iter().flat_map(|draft| built_for(draft)).collect();
    let platforms = crate::plan::lists::distinct(&all);
    let wish = inputs.own_builder.emulation;
    if wish == EmulationWish::Always {
        let asked: Vec<Platform> = platforms.iter().filter(foreign).cloned().collect();
        return force_emulation(inputs, asked);
    }
    let tested = tested_platforms(inputs, &platforms);
    let running: BTreeSet<Platform> = drafts
        .iter()
        .flat_map(|draft| running::running(draft, &built_for(draft)))
        .chain(tested.iter().cloned())
        .collect();
    let running: Vec<Platform> = running.iter().filter(foreign).cloned().collect();
    // The engine runs the tests, and a builder's own emulators are of no use to it.
    let is_tested = facts.machine.is_some() && tested.iter().any(|one| foreign(&one));
    if running.is_empty() {
        let reason = if platforms.iter().all(native) {
            NATIVE
        } else {
            NO_RUN
        };
        return Emulation::new(running, EmulationStep::NotNeeded, reason);
    }
    if any && wish == EmulationWish::Auto {
        let handlers = Handlers::of(&inputs.own_builder.binfmt_image, &running);
        let step = EmulationStep::Ask(Some(handlers));
        return Emulation::new(running, step, "the engine's machine is not known yet");
    }
    match (&builder.choice, wish) {
        _ if is_tested => by_kernel(inputs, &machine, running),
        (BuilderChoice::Created(made), _) if made.driver == Driver::DockerContainer => {
            let nodes = inputs.own_builder.nodes();
            let native: BTreeSet<&Platform> = nodes.flat_map(|node| &node.platforms).collect();
            let emulated = running.into_iter().filter(|one| !native.contains(one));
            Emulation::new(emulated.collect(), EmulationStep::Present, OWN)
        }
        (BuilderChoice::Named(name), _)
            if facts.builder.driver_of(name) == Some(Driver::DockerContainer.as_str()) =>
        {
            Emulation::new(running, EmulationStep::Present, OWN)
        }
        (BuilderChoice::Engine, _) => by_kernel(inputs, &machine, running),
        (_, EmulationWish::Never) => {
            Emulation::new(running, EmulationStep::NotLookedAt, "`emulation: none`")
        }
        _ => Emulation::new(running, EmulationStep::Ask(None), "nodes differ"),
    }
}

/// The platforms that `test` is run for, where it is run for all.
fn tested_platforms<'a>(inputs: &Inputs, platforms: &'a [Platform]) -> &'a [Platform] {
    match (&inputs.test, inputs.test_platforms) {
        (Some(_), TestPlatforms::All) => platforms,
        _ => &[],
    }
}

const NATIVE: &str = "every platform is the machine's own";
const NO_RUN: &str = "no RUN is for a platform that is not the machine's own";
const OWN: &str = "BuildKit's image brings its own emulators";

fn force_emulation(inputs: &Inputs, platforms: Vec<Platform>) -> Emulation {
    let reason = "`emulation: force`";
    if platforms.is_empty() {
        return Emulation::new(platforms, EmulationStep::NotNeeded, NATIVE);
    }
    let handlers = Handlers::of(&inputs.own_builder.binfmt_image, &platforms);
    Emulation {
        is_forced: true,
        ..Emulation::new(platforms, EmulationStep::Install(handlers), reason)
    }
}

/// The engine's own BuildKit runs what its kernel runs.
fn by_kernel(inputs: &Inputs, machine: &Machine, running: Vec<Platform>) -> Emulation {
    let unknown = running.iter().any(|one| machine.has_handler(one).is_none());
    let lacks = |one: &&Platform| machine.has_handler(one) == Some(false);
    let lacking: Vec<Platform> = running.iter().filter(lacks).cloned().collect();
    let image = &inputs.own_builder.binfmt_image;
    let never = inputs.own_builder.emulation == EmulationWish::Never;
    match (unknown, lacking.is_empty(), never) {
        (_, false, true) => Emulation::new(lacking, EmulationStep::Refused, "`emulation: none`"),
        (true, _, true) => Emulation::new(running, EmulationStep::NotLookedAt, "`emulation: none`"),
        (true, _, false) => {
            let handlers = Handlers::of(image, &running);
            let step = EmulationStep::Ask(Some(handlers));
            Emulation::new(running, step, "the engine's kernel is not seen from here")
        }
        (false, true, _) => {
            Emulation::new(running, EmulationStep::Present, "the kernel has handlers")
        }
        (false, false, false) => {
            let handlers = Handlers::of(image, &lacking);
            let step = EmulationStep::Install(handlers);
            Emulation::new(running, step, "the kernel has no handler for them")
        }
    }
}

impl Emulation {
    fn new(platforms: Vec<Platform>, step: EmulationStep, reason: &str) -> Self {
        Self {
            platforms,
            step,
            is_forced: false,
            reason: reason.to_owned(),
        }
    }

    /// The platforms, for a sentence.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        names.join(", ")
    }

    /// What is done, and why, for a table.
    pub fn describe(&self) -> String {
        let (names, reason) = (self.names(), &self.reason);
        match &self.step {
            EmulationStep::NotNeeded => format!("none: {reason}"),
            EmulationStep::Present if self.platforms.is_empty() => format!("none: {reason}"),
            EmulationStep::Present => format!("{names}, {SLOW}: {reason}"),
            EmulationStep::Refused => format!("none, although {names} need it: {reason}"),
            EmulationStep::NotLookedAt => {
                format!(
                    "none is installed for {names}, whether the builder runs it or not: {reason}"
                )
            }
            EmulationStep::Install(handlers) => format!(
                "{names}, {SLOW}: {reason}, so {} installs {}",
                handlers.image,
                handlers.architectures.join(", ")
            ),
            EmulationStep::Ask(_) => {
                format!("the builder is asked whether it can run {names}: {reason}")
            }
        }
    }

    /// What will not work.
    pub fn notice(&self) -> Option<Notice> {
        (self.step == EmulationStep::Refused).then(|| Notice {
            level: Level::Warning,
            title: "Emulation".to_owned(),
            message: cannot_run(&self.names(), "the engine's kernel has no handler for it"),
        })
    }
}

/// Why emulation is not a goal.
const SLOW: &str = "emulated, several times slower than on a runner of that processor";

/// The warning about platforms that will not run.
pub fn cannot_run(names: &str, why: &str) -> String {
    format!(
        "RUN steps for {names} will fail with `exec format error`: {why}. \
         `emulation: auto` installs an emulator where the engine allows it, \
         and `driver: docker-container` brings its own"
    )
}

impl fmt::Display for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "emulation {}", self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunContext;
    use crate::plan::builder::buildx_features;
    use crate::plan::builder::choice;
    use crate::plan::builder::choice::BuilderRequest;
    use crate::plan::cache::model::Cache;
    use crate::plan::draft::request::ImageRequest;
    use crate::plan::findings::Findings;
    use crate::plan::image::context::ContextKind;
    use crate::plan::testing::{engine, facts, inputs, publication};

    const RUN: &str = "FROM a\nRUN true\n";
    const NO_RUN_HERE: &str = "FROM a\nCOPY . /\n";

    struct Case<'a> {
        given: &'a [(&'a str, &'a str)],
        dockerfile: &'a str,
        kind: ContextKind,
        handlers: Option<&'a [&'a str]>,
        platforms: &'a str,
    }

    impl Default for Case<'_> {
        fn default() -> Self {
            Self {
                given: &[],
                dockerfile: RUN,
                kind: ContextKind::Local,
                handlers: Some(&[]),
                platforms: "linux/amd64,linux/arm64,linux/s390x",
            }
        }
    }

    impl Case<'_> {
        /// On an amd64 engine with the containerd image store.
        fn decided(&self) -> Emulation {
            let inputs = inputs(self.given);
            let mut facts = facts(&inputs, self.dockerfile);
            facts.engine = engine(true);
            facts.machine = Some(Machine {
                architecture: "amd64".to_owned(),
                handlers: self
                    .handlers
                    .map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
            });
            let platforms: Vec<Platform> = self
                .platforms
                .split(',')
                .filter(|text| !text.is_empty())
                .map(|one| one.parse().unwrap())
                .collect();
            let (inputs, facts) = (&inputs, &facts);
            let (publication, cache) = (publication(inputs, facts), Cache::default());
            let builder = choice::decide(BuilderRequest {
                inputs,
                facts,
                platforms: &platforms,
                publication: &publication,
                cache: &cache,
            })
            .unwrap();
            let wanted = ImageRequest::single(inputs, &facts.event.context.0, facts);
            let mut findings = Findings::default();
            let support = buildx_features::decide(inputs, None, &mut findings);
            let mut draft = ImageDraft::of(&wanted, &RunContext::default(), support, &mut findings);
            draft.source.kind = self.kind.clone();
            draft.platforms = platforms;
            decide(&[draft], inputs, facts, &builder)
        }
    }

    fn install(architectures: &[&str]) -> EmulationStep {
        EmulationStep::Install(Handlers {
            image: "binfmt:1".to_owned(),
            architectures: architectures.iter().map(|one| (*one).to_owned()).collect(),
        })
    }

    /// Whatever builds the image, the engine runs its test.
    #[test]
    fn a_test_of_all_platforms_is_emulated_by_the_engine() {
        const TEST: (&str, &str) = ("test", "true");
        const ALL: (&str, &str) = ("test-platforms", "all");
        const OWN: (&str, &str) = ("driver", "docker-container");
        let image = ("binfmt-image", "binfmt:1");
        for (given, step) in [
            (vec![image, TEST, ALL], install(&["arm64", "s390x"])),
            (vec![image, TEST, ALL, OWN], install(&["arm64", "s390x"])),
            (vec![image, TEST, OWN], EmulationStep::NotNeeded),
            (vec![image, ALL], EmulationStep::NotNeeded),
        ] {
            let case = Case {
                given: &given,
                dockerfile: NO_RUN_HERE,
                ..Case::default()
            };
            assert_eq!(case.decided().step, step, "{given:?}");
        }
    }

    #[test]
    fn only_what_is_missing_is_installed_and_only_for_a_run() {
        let image = ("binfmt-image", "binfmt:1");
        for (case, step, names) in [
            (
                Case::default(),
                install(&["arm64", "s390x"]),
                "linux/arm64, linux/s390x",
            ),
            (
                Case {
                    handlers: Some(&["arm64"]),
                    ..Case::default()
                },
                install(&["s390x"]),
                "linux/arm64, linux/s390x",
            ),
            (
                Case {
                    handlers: Some(&["arm64", "s390x"]),
                    ..Case::default()
                },
                EmulationStep::Present,
                "linux/arm64, linux/s390x",
            ),
            (
                Case {
                    dockerfile: NO_RUN_HERE,
                    ..Case::default()
                },
                EmulationStep::NotNeeded,
                "",
            ),
            (
                Case {
                    platforms: "linux/amd64,linux/386",
                    ..Case::default()
                },
                EmulationStep::NotNeeded,
                "",
            ),
            (
                Case {
                    platforms: "",
                    ..Case::default()
                },
                EmulationStep::NotNeeded,
                "",
            ),
            // What is not seen may hold a RUN.
            (
                Case {
                    dockerfile: NO_RUN_HERE,
                    kind: ContextKind::Remote,
                    ..Case::default()
                },
                install(&["arm64", "s390x"]),
                "linux/arm64, linux/s390x",
            ),
            (
                Case {
                    dockerfile: "FROM ${A%b}\n",
                    ..Case::default()
                },
                install(&["arm64", "s390x"]),
                "linux/arm64, linux/s390x",
            ),
            // A native image may need a foreign stage.
            (
                Case {
                    dockerfile: "FROM --platform=linux/riscv64 a\nRUN true\n",
                    platforms: "",
                    ..Case::default()
                },
                install(&["riscv64"]),
                "linux/riscv64",
            ),
        ] {
            let given = [image];
            let emulation = Case {
                given: &given,
                ..case
            }
            .decided();
            assert_eq!(emulation.step, step, "{emulation}");
            assert_eq!(emulation.names(), names, "{emulation}");
            assert_eq!(emulation.notice(), None);
        }
    }

    #[test]
    fn none_installs_nothing_and_says_what_will_fail() {
        let given = [("emulation", "none")];
        let lacking = Case {
            given: &given,
            handlers: Some(&["arm64"]),
            ..Case::default()
        }
        .decided();
        assert_eq!(lacking.step, EmulationStep::Refused);
        let notice = lacking.notice().unwrap();
        assert!(
            notice
                .message
                .starts_with("RUN steps for linux/s390x will fail with `exec format error`"),
            "{}",
            notice.message
        );
        for handlers in [None, Some(&["arm64", "s390x"][..])] {
            let there = Case {
                given: &given,
                handlers,
                ..Case::default()
            }
            .decided();
            let step = match handlers {
                Some(_) => EmulationStep::Present,
                None => EmulationStep::NotLookedAt,
            };
            assert_eq!(there.step, step);
        }
    }

    #[test]
    fn force_installs_for_every_foreign_platform() {
        let given = [("emulation", "force"), ("binfmt-image", "binfmt:1")];
        let forced = Case {
            given: &given,
            dockerfile: NO_RUN_HERE,
            handlers: Some(&["arm64"]),
            ..Case::default()
        }
        .decided();
        assert_eq!(forced.step, install(&["arm64", "s390x"]));
        let native = Case {
            given: &given,
            platforms: "linux/amd64",
            ..Case::default()
        }
        .decided();
        assert_eq!(native.step, EmulationStep::NotNeeded);
    }

    #[test]
    fn builders_elsewhere_are_asked_and_containers_bring_their_own() {
        for (given, dockerfile, step) in [
            (
                vec![("driver", "docker-container")],
                RUN,
                EmulationStep::Present,
            ),
            (
                vec![("driver", "docker-container"), ("emulation", "none")],
                RUN,
                EmulationStep::Present,
            ),
            (
                vec![("driver", "remote"), ("endpoint", "tcp://a:1")],
                RUN,
                EmulationStep::Ask(None),
            ),
            (
                vec![("driver", "kubernetes")],
                RUN,
                EmulationStep::Ask(None),
            ),
            (vec![("builder", "mine")], RUN, EmulationStep::Ask(None)),
            (
                vec![("builder", "mine"), ("emulation", "none")],
                RUN,
                EmulationStep::NotLookedAt,
            ),
            (
                vec![("driver", "kubernetes")],
                NO_RUN_HERE,
                EmulationStep::NotNeeded,
            ),
        ] {
            let emulation = Case {
                given: &given,
                dockerfile,
                ..Case::default()
            }
            .decided();
            assert_eq!(emulation.step, step, "{given:?}");
        }
    }

    #[test]
    fn a_node_for_a_platform_emulates_nothing() {
        let given = [("append", "- endpoint: far\n  platforms: linux/arm64\n")];
        let emulation = Case {
            given: &given,
            ..Case::default()
        }
        .decided();
        assert_eq!(emulation.names(), "linux/s390x");
    }

    #[test]
    fn where_the_kernel_is_not_seen_the_builder_is_asked() {
        let asked = Case {
            handlers: None,
            ..Case::default()
        }
        .decided();
        assert!(matches!(asked.step, EmulationStep::Ask(Some(_))), "{asked}");
    }
}
