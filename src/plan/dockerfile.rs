//! Where a build of a Dockerfile runs commands: on which platforms.
//!
//! Owns no decision. Follows the Dockerfile reference and BuildKit's
//! dockerfile2llb: only stages that the target needs are built; a stage is of
//! the platform of its `--platform`, of the stage that it begins from, or of the
//! image that is built. What cannot be followed here is `None`, and whoever asks
//! has to expect a command on any platform.

use std::collections::{BTreeMap, BTreeSet};

use parse_dockerfile::{Flag, Instruction, Stage, parse};

use super::expand;
use crate::image::{Platform, reference};

/// Stands for every value that tells of the builder's own platform. It can be
/// no part of a platform or of a stage's name.
const BUILDERS_OWN: &str = "<builder>";
/// The frontends whose grammar this is.
const FRONTEND: &str = "docker/dockerfile";

/// What is asked of a Dockerfile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// The stage that is built; `None` is the last one.
    pub(super) target: Option<&'a str>,
    /// Build arguments, as `NAME=VALUE`.
    pub(super) arguments: &'a [String],
}

impl Question<'_> {
    /// The platforms that commands run on when the image for this platform is
    /// built, without the builder's own as `BUILDPLATFORM` names it.
    pub(super) fn platforms_that_run(&self, platform: &Platform) -> Option<BTreeSet<Platform>> {
        let file = parse(self.text).ok()?;
        let syntax = file.parser_directives.syntax.as_ref();
        let other = syntax.is_some_and(|syntax| !is_dockers_own(syntax.value.value));
        // BuildKit looks for the frontend behind such a line too.
        let hidden = self.text.starts_with("#!");
        if other || hidden || self.gives("BUILDKIT_SYNTAX") {
            return None;
        }
        let mut scope = platform_arguments(platform);
        scope.insert(
            "TARGETSTAGE".to_owned(),
            self.target.unwrap_or("default").to_owned(),
        );
        for (name, value) in &mut scope {
            let given = self
                .arguments
                .iter()
                .rev()
                .find_map(|text| text.strip_prefix(name.as_str()));
            match given {
                Some("") => return None,
                Some(given) if given.starts_with('=') => given[1..].clone_into(value),
                _ => {}
            }
        }
        for argument in file.global_args() {
            self.declare(&argument.arguments.value, &mut scope)?;
        }
        Stages::read(file.stages().collect(), &scope, platform)?.run_by(self.target)
    }

    fn gives(&self, name: &str) -> bool {
        let mut names = self.arguments.iter().map(|text| text.split('=').next());
        names.any(|given| given == Some(name))
    }

    /// `ARG NAME[=DEFAULT]…`: a build argument wins over the default.
    fn declare(&self, text: &str, scope: &mut BTreeMap<String, String>) -> Option<()> {
        for word in expand::words(text)? {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name, Some(default)),
                None => (word.as_str(), None),
            };
            let given = self.arguments.iter().rev().find_map(|text| {
                let (key, value) = text.split_once('=').unwrap_or((text, ""));
                (key == name).then(|| text.contains('=').then_some(value))
            });
            let value = match given {
                // Its value is the environment's, which is not seen from here.
                Some(None) => return None,
                Some(Some(value)) => Some(value.to_owned()),
                None => default.map_or(Some(None), |text| expand::expand(text, scope).map(Some))?,
            };
            if let Some(value) = value {
                scope.insert(name.to_owned(), value);
            }
        }
        Some(())
    }
}

/// True for Docker's own frontend, in any version.
fn is_dockers_own(syntax: &str) -> bool {
    let (name, _, _) = reference::split(syntax);
    let name = name.trim_start_matches("docker.io/");
    name == FRONTEND || name == "docker/dockerfile-upstream"
}

/// The arguments that BuildKit declares by itself.
fn platform_arguments(target: &Platform) -> BTreeMap<String, String> {
    let variant = target.variant.clone().unwrap_or_default();
    [
        ("TARGETPLATFORM", target.to_string()),
        ("TARGETOS", target.os.clone()),
        ("TARGETARCH", target.architecture.clone()),
        ("TARGETVARIANT", variant),
        ("BUILDPLATFORM", BUILDERS_OWN.to_owned()),
        ("BUILDOS", target.os.clone()),
        ("BUILDARCH", BUILDERS_OWN.to_owned()),
        ("BUILDVARIANT", String::new()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The stages with what they are made of.
struct Stages<'text, 'file> {
    stages: Vec<Stage<'text, 'file>>,
    /// For each, the stage that it begins from.
    bases: Vec<Option<usize>>,
    /// For each, its platform; `None` is the builder's own.
    platforms: Vec<Option<Platform>>,
}

impl<'text, 'file> Stages<'text, 'file> {
    fn read(
        stages: Vec<Stage<'text, 'file>>,
        scope: &BTreeMap<String, String>,
        target: &Platform,
    ) -> Option<Self> {
        let froms: Vec<_> = stages.iter().map(|stage| stage.from).collect();
        let mut read = Self {
            stages,
            bases: Vec::new(),
            platforms: Vec::new(),
        };
        for (index, from) in froms.into_iter().enumerate() {
            let image = expand::expand(&from.image.value, scope)?;
            let base = read.find(&image, index)?;
            let given = option(&from.options, "platform");
            let platform = match (base, given) {
                (Some(base), _) => read.platforms.get(base)?.clone(),
                (None, None) => Some(target.clone()),
                (None, Some(text)) => {
                    let text = expand::expand(text, scope)?;
                    match text.contains(BUILDERS_OWN) {
                        true => None,
                        false => Some(text.parse().ok()?),
                    }
                }
            };
            read.bases.push(base);
            read.platforms.push(platform);
        }
        Some(read)
    }

    /// The stage of this name or number before `before`: `Some(None)` for an
    /// image from elsewhere, `None` when that is not known.
    #[allow(clippy::option_option, reason = "nothing, and nothing known, differ")]
    fn find(&self, name: &str, before: usize) -> Option<Option<usize>> {
        if name.contains('$') || name.contains(BUILDERS_OWN) {
            return None;
        }
        if let Ok(number) = name.parse::<usize>() {
            return Some((number < before).then_some(number));
        }
        let named = |stage: &Stage<'_, '_>| {
            let own = stage.from.as_.as_ref();
            own.is_some_and(|(_, own)| own.value.eq_ignore_ascii_case(name))
        };
        let earlier = self.stages.iter().take(before);
        Some(
            earlier
                .enumerate()
                .find(|(_, stage)| named(stage))
                .map(|(index, _)| index),
        )
    }

    fn run_by(&self, target: Option<&str>) -> Option<BTreeSet<Platform>> {
        let count = self.stages.len();
        let last = match target {
            None => count.checked_sub(1)?,
            Some(name) => self.find(name, count)??,
        };
        let mut needed = BTreeSet::new();
        let mut platforms = BTreeSet::new();
        let mut open = vec![last];
        while let Some(index) = open.pop() {
            if !needed.insert(index) {
                continue;
            }
            let base = *self.bases.get(index)?;
            open.extend(base);
            for instruction in self.instructions(index, base) {
                if let Instruction::Run(_) = instruction {
                    platforms.extend(self.platforms.get(index)?.clone());
                }
                for source in sources(instruction) {
                    open.extend(self.find(source, index)?);
                }
            }
        }
        Some(platforms)
    }

    /// What a stage carries out: what its base has left for it, then its own.
    fn instructions(
        &self,
        index: usize,
        base: Option<usize>,
    ) -> impl Iterator<Item = &'file Instruction<'text>> {
        let of = |index: Option<usize>| {
            let stage = index.and_then(|index| self.stages.get(index));
            stage.map_or(&[][..], |stage| stage.instructions)
        };
        let left = of(base).iter().filter_map(|instruction| match instruction {
            Instruction::Onbuild(left) => Some(&*left.instruction),
            _ => None,
        });
        left.chain(of(Some(index)))
    }
}

/// The stages or images that an instruction takes files from.
fn sources<'file>(instruction: &'file Instruction<'_>) -> Vec<&'file str> {
    match instruction {
        Instruction::Copy(copy) => option(&copy.options, "from").into_iter().collect(),
        Instruction::Run(run) => {
            let mounts = run.options.iter().filter(|flag| flag.name.value == "mount");
            let fields = mounts
                .filter_map(|flag| flag.value.as_ref())
                .flat_map(|value| value.value.split(','));
            fields
                .filter_map(|field| field.trim_matches('"').strip_prefix("from="))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn option<'a>(flags: &'a [Flag<'_>], name: &str) -> Option<&'a str> {
    let flag = flags.iter().find(|flag| flag.name.value == name)?;
    flag.value.as_ref().map(|value| value.value.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(
        text: &str,
        target: Option<&str>,
        arguments: &[&str],
        platform: &str,
    ) -> Option<String> {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let question = Question {
            text,
            target,
            arguments: &arguments,
        };
        let platforms = question.platforms_that_run(&platform.parse().unwrap())?;
        let list: Vec<String> = platforms.iter().map(ToString::to_string).collect();
        Some(list.join(" "))
    }

    #[test]
    fn a_run_is_on_the_platform_of_its_stage() {
        for (text, expected) in [
            ("FROM scratch\nCOPY . /\n", ""),
            ("FROM alpine\nRUN true\n", "linux/arm64"),
            ("from alpine\nrun true\n", "linux/arm64"),
            ("FROM alpine\nRUN <<EOF\ntrue\nFROM x\nEOF\n", "linux/arm64"),
            ("FROM alpine\nCOPY <<EOF /run.sh\nRUN true\nEOF\n", ""),
            ("# escape=`\nFROM alpine\nRUN a `\n b\n", "linux/arm64"),
            ("FROM alpine\n# RUN true\nCMD [\"RUN\"]\n", ""),
            ("FROM --platform=$BUILDPLATFORM alpine\nRUN true\n", ""),
            ("FROM --platform=${BUILDPLATFORM} alpine\nRUN true\n", ""),
            ("FROM --platform=$BUILDOS/$BUILDARCH alpine\nRUN true\n", ""),
            (
                "FROM --platform=$TARGETPLATFORM alpine\nRUN true\n",
                "linux/arm64",
            ),
            (
                "FROM --platform=linux/${TARGETARCH} alpine\nRUN true\n",
                "linux/arm64",
            ),
            (
                "FROM --platform=linux/s390x alpine\nRUN true\n",
                "linux/s390x",
            ),
            (
                "FROM --platform=$BUILDPLATFORM alpine AS build\nRUN true\nFROM scratch\nCOPY --from=build /a /\n",
                "",
            ),
            (
                "FROM alpine AS build\nRUN true\nFROM --platform=$BUILDPLATFORM alpine\nCOPY --from=build /a /\n",
                "linux/arm64",
            ),
            // A stage has the platform of the stage that it begins from.
            (
                "FROM --platform=$BUILDPLATFORM alpine AS base\nFROM base\nRUN true\n",
                "",
            ),
            ("FROM alpine AS Base\nRUN true\nFROM base\n", "linux/arm64"),
        ] {
            let found = runs(text, None, &[], "linux/arm64");
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn only_stages_that_the_target_needs_count() {
        let text = "FROM alpine AS test\nRUN true\nFROM alpine AS tools\nRUN true\nFROM scratch AS app\nCOPY . /\nFROM app AS last\nRUN --mount=type=bind,from=tools,target=/t true\n";
        for (target, expected) in [
            (Some("app"), ""),
            (Some("APP"), ""),
            (Some("2"), ""),
            (Some("test"), "linux/arm64"),
            (None, "linux/arm64"),
        ] {
            let found = runs(text, target, &[], "linux/arm64");
            assert_eq!(found.as_deref(), Some(expected), "{target:?}");
        }
        let mounted = "FROM --platform=linux/s390x alpine AS tools\nRUN true\nFROM --platform=$BUILDPLATFORM alpine\nRUN --mount=type=bind,from=tools,target=/t true\n";
        assert_eq!(
            runs(mounted, None, &[], "linux/arm64").as_deref(),
            Some("linux/s390x")
        );
        let unneeded = "FROM alpine AS a\nRUN true\nFROM scratch\nCOPY --from=1 /x /\n";
        assert_eq!(
            runs(unneeded, None, &[], "linux/arm64").as_deref(),
            Some("")
        );
    }

    #[test]
    fn arguments_choose_stages_and_platforms() {
        let text = "ARG WHERE=$BUILDPLATFORM\nFROM --platform=${WHERE} alpine\nRUN true\n";
        for (arguments, expected) in [
            (vec![], Some("")),
            (vec!["WHERE=linux/s390x"], Some("linux/s390x")),
            (vec!["OTHER=linux/s390x"], Some("")),
            (vec!["WHERE=nowhere"], None),
            (vec!["WHERE"], None),
        ] {
            let found = runs(text, None, &arguments, "linux/arm64");
            assert_eq!(found.as_deref(), expected, "{arguments:?}");
        }
        let choice = "FROM --platform=$BUILDPLATFORM alpine AS build-amd64\nRUN true\nFROM alpine AS build-arm64\nRUN true\nFROM build-${TARGETARCH}\n";
        assert_eq!(runs(choice, None, &[], "linux/amd64").as_deref(), Some(""));
        assert_eq!(
            runs(choice, None, &[], "linux/arm64").as_deref(),
            Some("linux/arm64")
        );
        let default = "ARG A='x y' B=\"linux/s390x\"\nFROM --platform=${C:-$B} alpine\nRUN true\n";
        assert_eq!(
            runs(default, None, &[], "linux/arm64").as_deref(),
            Some("linux/s390x")
        );
    }

    #[test]
    fn what_a_stage_leaves_for_those_that_begin_from_it_counts_there() {
        let text = "FROM scratch AS base\nONBUILD RUN true\nFROM base\nCOPY . /\n";
        assert_eq!(
            runs(text, None, &[], "linux/arm64").as_deref(),
            Some("linux/arm64")
        );
        assert_eq!(
            runs(text, Some("base"), &[], "linux/arm64").as_deref(),
            Some("")
        );
    }

    #[test]
    fn what_cannot_be_followed_is_not_guessed() {
        for (text, target, arguments) in [
            ("", None, vec![]),
            ("no Dockerfile", None, vec![]),
            ("# syntax=example.com/mine\nFROM a\n", None, vec![]),
            ("FROM a\n", None, vec!["BUILDKIT_SYNTAX=example.com/mine"]),
            ("FROM a AS b\n", Some("c"), vec![]),
            ("FROM ${A%x}\n", None, vec![]),
            ("FROM a-$BUILDARCH\n", None, vec![]),
            ("FROM a\nCOPY --from=$B /a /\n", None, vec![]),
        ] {
            let found = runs(text, target, &arguments, "linux/arm64");
            assert_eq!(found, None, "{text}");
        }
        let known = "# syntax=docker/dockerfile:1\nFROM a\n";
        assert_eq!(runs(known, None, &[], "linux/arm64").as_deref(), Some(""));
    }

    proptest::proptest! {
        /// Whatever the text is, the answer is one and nothing breaks.
        #[test]
        fn any_text(text in "((FROM|RUN|ARG|COPY|ONBUILD|#|--from=|--mount=|--platform=|AS|<<E|E|\\$\\{?|[a-z]=?|[-:}\"'\\\\\\[,0]|\\n| ){1,3}){0,30}") {
            let _ = runs(&text, None, &["a=b"], "linux/arm64");
            let _ = runs(&format!("FROM a AS b\n{text}\nFROM b\n"), Some("b"), &[], "linux/arm64");
        }
    }
}
