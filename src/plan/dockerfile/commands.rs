//! Where a build of a Dockerfile runs commands: on which platforms.
//!
//! Owns no decision. Follows the Dockerfile reference and BuildKit's
//! dockerfile2llb: only stages that the target needs are built; a stage is of
//! the platform of its `--platform`, of the stage that it begins from, or of the
//! image that is built. What cannot be followed here is `None`, and whoever asks
//! has to expect a command on any platform.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parse_dockerfile::Dockerfile;

use crate::image::Platform;
use crate::plan::dockerfile::frontend;
use crate::plan::dockerfile::stages::Stages;
use crate::plan::dockerfile::variables::{self, BUILDERS_OWN, Scope, WorkBudget};

/// What is asked of a Dockerfile.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Its text.
    pub text: &'a str,
    /// The stage that is built; `None` is the last one.
    pub target: Option<&'a str>,
    /// Build arguments, as `NAME=VALUE`.
    pub arguments: &'a [String],
}

impl<'a> Question<'a> {
    /// Reads the Dockerfile, where its grammar is known.
    pub fn read(self) -> Option<Read<'a>> {
        let file = frontend::parse(self.text)?;
        let arguments: BTreeMap<&str, Option<&str>> = self
            .arguments
            .iter()
            .map(|text| match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (text.as_str(), None),
            })
            .collect();
        if arguments.contains_key("BUILDKIT_SYNTAX") {
            return None;
        }
        let mut names = HashMap::new();
        for (index, stage) in file.stages().enumerate() {
            if let Some((_, own)) = &stage.from.as_ {
                names.entry(own.value.to_ascii_lowercase()).or_insert(index);
            }
        }
        Some(Read {
            work: WorkBudget::for_text(self.text.len()),
            target: self.target,
            file,
            arguments,
            names,
        })
    }
}

/// A Dockerfile that can be followed.
pub struct Read<'a> {
    file: Dockerfile<'a>,
    target: Option<&'a str>,
    /// By their names; without a value where that is the environment's.
    arguments: BTreeMap<&'a str, Option<&'a str>>,
    /// The stages by their names in small letters.
    names: HashMap<String, usize>,
    /// What is left for all platforms together.
    work: WorkBudget,
}

impl Read<'_> {
    /// The platforms that commands run on when the image for this platform is
    /// built, without the builder's own as `BUILDPLATFORM` names it.
    pub fn platforms_that_run(&mut self, platform: &Platform) -> Option<BTreeSet<Platform>> {
        Some(self.run_on(platform)?.into_iter().flatten().collect())
    }

    /// True when a command runs on any platform, the builder's own included, when
    /// the image for this platform is built.
    pub fn runs(&mut self, platform: &Platform) -> Option<bool> {
        Some(!self.run_on(platform)?.is_empty())
    }

    /// The platforms that commands run on; `None` is the builder's own.
    fn run_on(&mut self, platform: &Platform) -> Option<BTreeSet<Option<Platform>>> {
        let scope = self.scope(platform)?;
        let Self {
            file, names, work, ..
        } = self;
        let stages = Stages::read(file, names, &scope, platform, work)?;
        stages.run_by(self.target, work)
    }

    /// The images that stages begin from or copy from, as references.
    pub fn images(&mut self, platform: &Platform) -> Option<BTreeSet<String>> {
        let scope = self.scope(platform)?;
        let Self {
            file, names, work, ..
        } = self;
        Stages::read(file, names, &scope, platform, work)?.images(work)
    }

    /// The arguments that are known before the first stage.
    fn scope(&mut self, platform: &Platform) -> Option<Scope> {
        let mut scope = platform_arguments(platform);
        let stage = self.target.unwrap_or("default");
        scope.insert("TARGETSTAGE".to_owned(), stage.to_owned());
        for (name, value) in &mut scope {
            match self.arguments.get(name.as_str()) {
                // Its value is the environment's, which is not seen from here.
                Some(None) => return None,
                Some(Some(given)) => (*given).clone_into(value),
                None => {}
            }
        }
        let Self { file, work, .. } = self;
        for argument in file.global_args() {
            declare(&argument.arguments.value, &self.arguments, &mut scope, work)?;
        }
        Some(scope)
    }
}

/// `ARG NAME[=DEFAULT]…`: a build argument wins over the default.
fn declare(
    text: &str,
    arguments: &BTreeMap<&str, Option<&str>>,
    scope: &mut Scope,
    work: &mut WorkBudget,
) -> Option<()> {
    work.spend(text.len())?;
    for word in variables::split_words(text)? {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name, Some(default)),
            None => (word.as_str(), None),
        };
        let value = match arguments.get(name) {
            // Its value is the environment's, which is not seen from here.
            Some(None) => return None,
            Some(Some(value)) => {
                work.spend(value.len())?;
                Some((*value).to_owned())
            }
            None => match default {
                Some(text) => Some(variables::expand(text, scope, work)?),
                None => None,
            },
        };
        if let Some(value) = value {
            scope.insert(name.to_owned(), value);
        }
    }
    Some(())
}

/// The arguments that BuildKit declares by itself.
fn platform_arguments(target: &Platform) -> Scope {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

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
        let platforms = question
            .read()?
            .platforms_that_run(&platform.parse().unwrap())?;
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
    fn a_run_on_the_builder_s_own_platform_is_one() {
        let cross = "FROM --platform=$BUILDPLATFORM alpine AS build\nRUN true\nFROM scratch\nCOPY --from=build /a /\n";
        let copies = "FROM alpine\nCOPY . /\n";
        let unseen = "FROM ${A%x}\n";
        for (text, expected) in [(cross, Some(true)), (copies, Some(false)), (unseen, None)] {
            let question = Question {
                text,
                target: None,
                arguments: &[],
            };
            let read = question.read();
            let found = read.and_then(|mut read| read.runs(&"linux/arm64".parse().unwrap()));
            assert_eq!(found, expected, "{text}");
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

    /// `ARG A1=$A0$A0…` and so on: ten times as long with each line.
    fn bomb() -> String {
        let line = |at: usize| format!("ARG A{at}={}\n", format!("$A{}", at - 1).repeat(10));
        let lines: String = (1..=12).map(line).collect();
        format!("ARG A0=0123456789\n{lines}FROM a\nRUN true\n")
    }

    #[test]
    fn what_takes_more_than_its_length_allows_is_not_known() {
        let stages = |count: usize| (0..count).map(|at| format!("FROM a AS s{at}\n"));
        let copies = |count: usize| (0..count).map(|at| format!("COPY --from=s{at} / /\n"));
        let left = "ONBUILD COPY --from=s1 / /\n".repeat(15_000);
        let of_base: String = (0..15_000).map(|at| format!("FROM b AS s{at}\n")).collect();
        let every: String = copies(15_000).collect();
        for (text, known) in [
            (bomb(), false),
            (
                format!(
                    "ARG A={}x{}\nFROM $A\n",
                    "${B:-".repeat(20_000),
                    "}".repeat(20_000)
                ),
                false,
            ),
            (
                format!(
                    "ARG A={}\n{}FROM a\n",
                    "x".repeat(50_000),
                    "ARG B=$A\n".repeat(50_000)
                ),
                false,
            ),
            (
                format!("FROM a AS b\n{left}{of_base}FROM a\n{every}"),
                false,
            ),
            (stages(40_000).collect(), true),
            (stages(20_000).chain(copies(20_000)).collect(), true),
            (format!("FROM a\n{}", "RUN true\n".repeat(100_000)), true),
        ] {
            let begun = Instant::now();
            let found = runs(&text, None, &[], "linux/arm64");
            assert_eq!(found.is_some(), known, "{}", &text[..60]);
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", &text[..60]);
        }
    }

    #[test]
    fn an_argument_is_known_by_its_whole_name() {
        let text = "FROM --platform=$TARGETPLATFORM a\nRUN true\n";
        for (arguments, expected) in [
            (vec!["TARGETPLATFORM=linux/s390x"], Some("linux/s390x")),
            (
                vec!["TARGETPLATFORM=linux/s390x", "TARGETPLATFORMS=x"],
                Some("linux/s390x"),
            ),
            (vec!["TARGETPLATFORM"], None),
        ] {
            let found = runs(text, None, &arguments, "linux/arm64");
            assert_eq!(found.as_deref(), expected, "{arguments:?}");
        }
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
