//! The stages of a Dockerfile and their instructions, with the numbers that BuildKit
//! gives to steps.
//!
//! Source: BuildKit, `frontend/dockerfile/dockerfile2llb` (`stage-N`, `cmdTotal`).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use parse_dockerfile::{Command, Dockerfile, Flag, Instruction, Source};

use crate::plan;

/// A Dockerfile.
pub struct Outline<'a> {
    /// Its text.
    text: &'a str,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// Where its lines end.
    ends: Vec<usize>,
    /// What others copy from each of them.
    taken: Vec<Vec<String>>,
    /// Those that others begin from.
    bases: HashSet<usize>,
}

/// One stage.
#[derive(Default)]
pub struct Stage {
    /// Its name as BuildKit shows it; empty where there is one stage.
    pub shown: String,
    /// The stage that it begins from.
    pub base: Option<usize>,
    /// The image that it begins from, where that is not a stage.
    pub image: String,
    /// The value of `--platform`; empty without one.
    pub platform: String,
    /// Where its `FROM` is.
    pub from: Range<usize>,
    /// Its instructions.
    pub steps: Vec<Step>,
    /// How many of them make a step of the build.
    numbered: usize,
}

/// One instruction.
pub struct Step {
    /// The number that BuildKit gives it; 0 for one that makes no step.
    pub number: usize,
    /// What it is.
    pub kind: StepKind,
    /// Where it is.
    pub span: Range<usize>,
}

/// What an instruction does, as far as it matters.
pub enum StepKind {
    /// `RUN`: what it runs, and its flags as they are written.
    Run {
        /// The command, with those of here-documents.
        command: String,
        /// The flags.
        flags: String,
    },
    /// `COPY` or `ADD` from the context.
    CopyContext {
        /// What is copied.
        sources: Vec<String>,
        /// Where to.
        destination: String,
        /// The flags.
        flags: String,
    },
    /// `COPY --from`: from which stage or image, and what.
    CopyFrom(String, Vec<String>),
    /// `ARG`: its name.
    Arg(String),
    /// `WORKDIR`.
    Workdir,
    /// `USER`, `ENV`, `SHELL`: they change what others do.
    Setting,
    /// Anything else.
    Other,
}

impl<'a> Outline<'a> {
    /// Reads a Dockerfile; `None` for one that is not valid, or in another language.
    pub fn read(text: &'a str) -> Option<Self> {
        let file = plan::read_dockerfile(text)?;
        let spans = spans(text, &file);
        let mut stages: Vec<Stage> = Vec::new();
        let mut names: HashMap<String, usize> = HashMap::new();
        let count = file.stages().count();
        for (instruction, span) in file.instructions.iter().zip(spans) {
            if let Instruction::From(from) = instruction {
                let own = from.as_.as_ref().map(|(_, name)| name.value.to_string());
                let image = from.image.value.to_string();
                let base = names.get(&image.to_ascii_lowercase()).copied();
                let shown = own.clone().unwrap_or(format!("stage-{}", stages.len()));
                stages.push(Stage {
                    shown: if count > 1 { shown } else { String::new() },
                    base,
                    image: if base.is_some() { String::new() } else { image },
                    platform: option(&from.options, "platform").unwrap_or_default(),
                    from: span,
                    steps: Vec::new(),
                    numbered: 0,
                });
                if let Some(own) = own {
                    let index = stages.len() - 1;
                    names.entry(own.to_ascii_lowercase()).or_insert(index);
                }
            } else if let Some(stage) = stages.last_mut() {
                let number = if makes_a_step(instruction) {
                    stage.next_number()
                } else {
                    0
                };
                stage.steps.push(Step {
                    number,
                    kind: kind(instruction, text),
                    span,
                });
            }
        }
        let mut taken = vec![Vec::new(); stages.len()];
        for step in stages.iter().flat_map(|stage| &stage.steps) {
            let StepKind::CopyFrom(from, paths) = &step.kind else {
                continue;
            };
            let named = names.get(&from.to_ascii_lowercase()).copied();
            let index = named.or_else(|| from.parse().ok());
            if let Some(taken) = index.and_then(|index: usize| taken.get_mut(index)) {
                taken.extend(paths.iter().cloned());
            }
        }
        Some(Self {
            text,
            ends: text.match_indices('\n').map(|(end, _)| end).collect(),
            bases: stages.iter().filter_map(|stage| stage.base).collect(),
            stages,
            taken,
        })
    }

    /// The line of a place, from 1.
    pub fn line(&self, place: usize) -> usize {
        self.ends.partition_point(|end| *end < place) + 1
    }

    /// The text of an instruction.
    pub fn source(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The first and the last line of an instruction.
    pub fn lines(&self, span: &Range<usize>) -> (usize, usize) {
        let last = span.end.saturating_sub(1).max(span.start);
        (self.line(span.start), self.line(last))
    }

    /// The names of the stages that run on the builder's own platform.
    pub fn native_stages(&self) -> BTreeSet<String> {
        let mut native: Vec<bool> = Vec::new();
        for stage in &self.stages {
            let of_base = stage.base.and_then(|base| native.get(base).copied());
            native.push(of_base.unwrap_or_else(|| stage.platform.contains("BUILDPLATFORM")));
        }
        let stages = self.stages.iter().zip(native);
        stages
            .filter(|(_, native)| *native)
            .map(|(stage, _)| stage.shown.clone())
            .collect()
    }

    /// What others copy from this stage.
    pub fn taken_from(&self, index: usize) -> &[String] {
        self.taken.get(index).map(Vec::as_slice).unwrap_or_default()
    }

    /// True when a stage begins from this one.
    pub fn is_a_base(&self, index: usize) -> bool {
        self.bases.contains(&index)
    }
}

impl Stage {
    fn next_number(&mut self) -> usize {
        let is_pulled = self.base.is_none() && self.image != "scratch";
        self.numbered += 1;
        self.numbered + usize::from(is_pulled)
    }
}

impl Step {
    /// What it runs.
    pub fn command(&self) -> Option<&str> {
        match &self.kind {
            StepKind::Run { command, .. } => Some(command),
            _ => None,
        }
    }

    /// True when a cache of the builder is mounted into it.
    pub fn has_cache_mount(&self) -> bool {
        match &self.kind {
            StepKind::Run { flags, .. } => flags.contains("type=cache"),
            _ => false,
        }
    }

    /// True when all of the context is copied.
    pub fn copies_everything(&self) -> bool {
        match &self.kind {
            StepKind::CopyContext { sources, .. } => sources
                .iter()
                .any(|source| matches!(source.as_str(), "." | "./" | "/" | "*" | "./*")),
            _ => false,
        }
    }
}

/// Where each instruction is, without comments and blank lines behind it.
fn spans(text: &str, file: &Dockerfile<'_>) -> Vec<Range<usize>> {
    let starts: Vec<usize> = file.instructions.iter().map(start).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let spans = starts.iter().zip(ends);
    spans
        .map(|(start, end)| {
            let mut source = text.get(*start..end).unwrap_or_default();
            loop {
                source = source.trim_end();
                match source.rfind('\n') {
                    Some(at) if source[at..].trim_start().starts_with('#') => {
                        source = &source[..at];
                    }
                    _ => break,
                }
            }
            *start..*start + source.len()
        })
        .collect()
}

fn start(instruction: &Instruction<'_>) -> usize {
    let keyword = match instruction {
        Instruction::Add(it) => &it.add,
        Instruction::Arg(it) => &it.arg,
        Instruction::Cmd(it) => &it.cmd,
        Instruction::Copy(it) => &it.copy,
        Instruction::Entrypoint(it) => &it.entrypoint,
        Instruction::Env(it) => &it.env,
        Instruction::Expose(it) => &it.expose,
        Instruction::From(it) => &it.from,
        Instruction::Healthcheck(it) => &it.healthcheck,
        Instruction::Label(it) => &it.label,
        Instruction::Maintainer(it) => &it.maintainer,
        Instruction::Onbuild(it) => &it.onbuild,
        Instruction::Run(it) => &it.run,
        Instruction::Shell(it) => &it.shell,
        Instruction::Stopsignal(it) => &it.stopsignal,
        Instruction::User(it) => &it.user,
        Instruction::Volume(it) => &it.volume,
        Instruction::Workdir(it) => &it.workdir,
        _ => return 0,
    };
    keyword.span.start
}

fn makes_a_step(instruction: &Instruction<'_>) -> bool {
    matches!(
        instruction,
        Instruction::Add(_) | Instruction::Copy(_) | Instruction::Run(_) | Instruction::Workdir(_)
    )
}

fn kind(instruction: &Instruction<'_>, text: &str) -> StepKind {
    match instruction {
        Instruction::Run(run) => {
            let mut command = match &run.arguments {
                Command::Shell(shell) => without_continuations(shell.value),
                Command::Exec(words) => {
                    let words = words.value.iter().map(|word| word.value.as_ref());
                    words.collect::<Vec<_>>().join(" ")
                }
                _ => String::new(),
            };
            for document in &run.here_docs {
                command += "\n";
                command += &document.value;
            }
            StepKind::Run {
                command,
                flags: flags(&run.options, text),
            }
        }
        Instruction::Copy(copy) => match option(&copy.options, "from") {
            Some(from) => StepKind::CopyFrom(from, paths(&copy.src)),
            None => copied(&copy.src, &copy.dest.value, flags(&copy.options, text)),
        },
        Instruction::Add(add) => copied(&add.src, &add.dest.value, flags(&add.options, text)),
        Instruction::Arg(arg) => {
            let name = arg.arguments.value.split(['=', ' ']).next();
            StepKind::Arg(name.unwrap_or_default().trim().to_owned())
        }
        Instruction::Workdir(_) => StepKind::Workdir,
        Instruction::Env(_) | Instruction::Shell(_) | Instruction::User(_) => StepKind::Setting,
        _ => StepKind::Other,
    }
}

fn copied(sources: &[Source<'_>], destination: &str, flags: String) -> StepKind {
    StepKind::CopyContext {
        sources: paths(sources),
        destination: destination.to_owned(),
        flags,
    }
}

fn paths(sources: &[Source<'_>]) -> Vec<String> {
    let paths = sources.iter().filter_map(|source| match source {
        Source::Path(path) => Some(path.value.to_string()),
        _ => None,
    });
    paths.collect()
}

fn without_continuations(text: &str) -> String {
    text.replace("\\\r\n", " ").replace("\\\n", " ")
}

/// The flags as they are written, each with a blank behind it.
fn flags(flags: &[Flag<'_>], text: &str) -> String {
    let mut written = String::new();
    for flag in flags {
        let value = flag.value.as_ref();
        let end = value.map_or(flag.name.span.end, |value| value.span.end);
        written += "--";
        written += text.get(flag.name.span.start..end).unwrap_or_default();
        written += " ";
    }
    written
}

fn option(flags: &[Flag<'_>], name: &str) -> Option<String> {
    let flag = flags.iter().find(|flag| flag.name.value == name)?;
    Some(flag.value.as_ref()?.value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_the_numbers_of_buildkit() {
        let text = "# syntax=docker/dockerfile:1\nARG V=1\nFROM golang:1 AS build\nWORKDIR /src\nARG X=a\n\
                    COPY --chown=1:1 . .\nRUN --mount=type=cache,target=/c go build \\\n  -o /a .\n\n# why\n\
                    FROM scratch\nCOPY --from=build /a /\nFROM build\nRUN <<EOF\nmake\nEOF\n";
        let outline = Outline::read(text).unwrap();
        let found: Vec<(String, usize, (usize, usize))> = outline
            .stages
            .iter()
            .flat_map(|stage| {
                let steps = stage.steps.iter().filter(|step| step.number > 0);
                steps.map(|step| (stage.shown.clone(), step.number, outline.lines(&step.span)))
            })
            .collect();
        let expected = [
            ("build", 2, (4, 4)),
            ("build", 3, (6, 6)),
            ("build", 4, (7, 8)),
            ("stage-1", 1, (12, 12)),
            ("stage-2", 1, (14, 16)),
        ]
        .map(|(stage, number, lines)| (stage.to_owned(), number, lines));
        assert_eq!(found, expected);
        let build = &outline.stages[0];
        assert!(build.steps[2].copies_everything());
        assert!(build.steps[3].has_cache_mount());
        assert_eq!(build.steps[3].command(), Some("go build    -o /a ."));
        assert_eq!(outline.stages[2].steps[0].command().unwrap().trim(), "make");
        assert_eq!(outline.taken_from(0), ["/a"]);
        let cross = "FROM --platform=$BUILDPLATFORM a AS b\nFROM b AS c\nFROM scratch\n";
        let native = Outline::read(cross).unwrap().native_stages();
        assert_eq!(native.into_iter().collect::<Vec<_>>(), ["b", "c"]);
        assert!(outline.is_a_base(0) && !outline.is_a_base(1));
        match &build.steps[2].kind {
            StepKind::CopyContext { flags, .. } => assert_eq!(flags, "--chown=1:1 "),
            _ => panic!("a copy"),
        }
    }

    #[test]
    fn other_languages_are_not_read() {
        assert!(Outline::read("# syntax=example/other:1\nFROM a\n").is_none());
        assert!(Outline::read("not a Dockerfile").is_none());
    }
}
