//! Why a run stopped.

use std::fmt;
use std::io;

use crate::diagnosis::{Diagnosis, FailedStep};
use crate::error::sanitize::{LAST_WORDS, WORDS, clean, clean_lines};
use crate::host::Signal;
use crate::image::{Digest, ImageName, Platform};
use crate::plan::{Check, Part};
use crate::units::bytes;

/// Where to read how Docker is installed.
const INSTALL_DOCS: &str = "https://docs.docker.com/engine/install/";
/// Where to read who may use Docker.
const SOCKET_DOCS: &str = "https://docs.docker.com/engine/install/linux-postinstall/";
/// Where to read how buildx is installed.
const BUILDX_DOCS: &str = "https://github.com/docker/buildx#installing";

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no engine to build with.
    #[error(
        "there is no Docker engine: {reason}. Start one, or install it: {INSTALL_DOCS}; \
         or name a `builder` that is elsewhere"
    )]
    NoEngine {
        /// What was tried.
        reason: String,
    },
    /// There is an engine, which this user may not use.
    #[error(
        "the user that this step runs as may not use the Docker engine: {reason}. Add that user to \
         the group that owns the socket, usually `docker`, and start the runner again: \
         {SOCKET_DOCS}"
    )]
    EngineForbidden {
        /// What was tried.
        reason: String,
    },
    /// There is no buildx.
    #[error(
        "there is no buildx beside this program, on PATH or among the plugins of the Docker CLI. \
         Install it: {BUILDX_DOCS}"
    )]
    NoBuildx,
    /// The run's own files could not be written.
    #[error("{what}: {source}")]
    Files {
        /// Which file.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A builder could not be made.
    #[error(
        "the builder {name} could not be made with the driver {driver}: {}. {advice}",
        clean_lines(message, LAST_WORDS)
    )]
    Builder {
        /// Its name.
        name: String,
        /// Its driver.
        driver: String,
        /// buildx's last words.
        message: String,
        /// What to look at.
        advice: String,
    },
    /// Nodes of the builder cannot be reached, and the others are not enough.
    #[error("{}", not_enough(name, lost, without_node, advice, build.as_deref()))]
    Nodes {
        /// The builder.
        name: String,
        /// The nodes.
        lost: Vec<UnreachableNode>,
        /// The platforms that no other node can build.
        without_node: Vec<Platform>,
        /// What to look at.
        advice: String,
        /// How the build failed, when it had begun.
        build: Option<Box<Error>>,
    },
    /// An emulator could not be installed.
    #[error(
        "the emulators for {architectures} could not be installed with {image}: {why}. \
         Either build with `driver: docker-container`, which brings its own, or install them on \
         the machine beforehand and set `emulation: none`"
    )]
    Emulator {
        /// Which.
        architectures: String,
        /// The image that was to do it.
        image: String,
        /// What failed.
        why: String,
    },
    /// buildx did not start.
    #[error("{program} did not start: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The builder waits for a cache, and does nothing else any more.
    #[error(
        "the builder {name} still waits for a cache that does not answer, and builds nothing \
         else until it is restarted. Restart its BuildKit (of the engine's own builder that is \
         Docker itself) and run the job again with `cache: none`, or without that entry in \
         `cache-from`"
    )]
    Stuck {
        /// Its name.
        name: String,
    },
    /// Full versions exist already, of something else.
    #[error("{} of the versions exist already", .0.len())]
    Versions(Vec<String>),
    /// Registries would refuse what the run is about to send them.
    #[error("{} of the registries' answers stop the run before anything is built", .0.len())]
    Refused(Vec<Denial>),
    /// buildx ended with an error.
    #[error("{}", build_failed(*code, message, diagnosis.as_deref(), step.as_deref()))]
    Build {
        /// Its exit code, when it was not ended by a signal.
        code: Option<i32>,
        /// Its last words.
        message: String,
        /// What they mean, where that is known.
        diagnosis: Option<Box<Diagnosis>>,
        /// The step that failed, when one did; its place is in the repository.
        step: Option<Box<FailedStep>>,
    },
    /// A platform of the image is larger than it may be; no name was written.
    #[error("{}", too_large(image, platforms))]
    TooLarge {
        /// The image.
        image: String,
        /// Which, and how large.
        platforms: Vec<TooLarge>,
    },
    /// The test of the image failed; no name was written.
    #[error("{}", test_failed(image, failed))]
    Test {
        /// The image.
        image: String,
        /// How.
        failed: Box<FailedTest>,
    },
    /// Another image of the run failed, so this one gets no name.
    #[error(
        "no tag of this image is written, as another image or registry failed and `all-or-none` is \
         set"
    )]
    Withheld,
    /// Some references could not be pushed.
    #[error("{} of the images could not be pushed", .0.len())]
    Push(Vec<FailedPush>),
    /// Some of several targets were not published; the others were.
    #[error("{} of the targets failed", .0.len())]
    Targets(Vec<(String, Error)>),
    /// The run was cancelled.
    #[error("cancelled; nothing more is built or pushed")]
    Cancelled(Signal),
    /// A panic: whoever catches it knows where.
    #[error("a bug in Stevedore ended the run")]
    Bug,
    /// A repository lacks what legs have pushed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Missing(Vec<MissingPart>),
    /// The parts that the legs pushed do not make up one image.
    #[error("what the legs have pushed cannot be joined: {0}. Run all jobs of the workflow again")]
    Unfit(String),
    /// buildx pushed a part and reported no digest to join it by.
    #[error("buildx reported no digest, so what this leg has pushed cannot be joined")]
    NoDigest,
    /// A registry does not hold what was pushed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Differs(Vec<Difference>),
}

/// What a leg has pushed, and a repository lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPart {
    image: ImageName,
    digest: Digest,
    leg: String,
    link: String,
}

impl MissingPart {
    /// That of a leg.
    pub fn of(image: &ImageName, part: &Part) -> Self {
        Self {
            image: image.clone(),
            digest: part.digest.clone(),
            leg: part.leg.clone(),
            link: part.link.clone(),
        }
    }
}

impl fmt::Display for MissingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            image,
            digest,
            leg,
            link,
        } = self;
        write!(
            f,
            "{image} does not have {digest}, which the leg {leg} has pushed: was it deleted as \
             untagged? Run that job again: {link}"
        )
    }
}

/// How the test of an image failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedTest {
    /// For which platform.
    pub platform: Platform,
    /// Its exit code, when it was not ended by a signal.
    pub code: Option<i32>,
    /// The last lines that it printed.
    pub last_lines: String,
}

/// A platform that is larger than it may be, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    pub platform: String,
    pub size: u64,
    pub limit: u64,
}

fn too_large(image: &str, platforms: &[TooLarge]) -> String {
    let all: Vec<String> = platforms
        .iter()
        .map(|one| {
            format!(
                "{} takes {}, and may take {}",
                one.platform,
                bytes(one.size),
                bytes(one.limit)
            )
        })
        .collect();
    format!(
        "{image} is larger than `size-limit` allows: {}. No tag was written; the content is there \
         by its digest. Make the image smaller, or raise `size-limit`",
        all.join("; ")
    )
}

fn test_failed(image: &str, failed: &FailedTest) -> String {
    let FailedTest {
        platform,
        code,
        last_lines,
        ..
    } = failed;
    let how = match code {
        Some(code) => format!("with exit code {code}"),
        None => "on a signal".to_owned(),
    };
    let words = clean_lines(last_lines, LAST_WORDS);
    format!(
        "`test` failed for {platform} {how}, so no tag was written. Try it with \
         `docker run --rm -it --platform {platform} {image}`.\n{words}"
    )
}

impl From<Signal> for Error {
    fn from(signal: Signal) -> Self {
        Self::Cancelled(signal)
    }
}

impl Error {
    /// What makes an error of a file of the run that could not be written.
    pub fn files(what: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Files {
            what: what.to_owned(),
            source,
        }
    }
}

/// A registry that refuses, and what that means.
#[derive(Debug)]
pub struct Denial {
    /// What was asked.
    pub check: Check,
    /// What the answer means.
    pub diagnosis: Box<Diagnosis>,
}

/// The references of an image that could not be pushed, for one reason.
#[derive(Debug)]
pub struct FailedPush {
    /// The repository.
    pub image: ImageName,
    /// The references.
    pub references: Vec<String>,
    /// How often it was tried; 0 when the registry refused another tag already.
    pub tries: u32,
    /// Why.
    pub diagnosis: Diagnosis,
}

/// How what is in a registry differs from what was pushed.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// The registry does not hold it.
    #[error(
        "{reference} was pushed, but its registry answers MANIFEST_UNKNOWN: \
         something deletes it, or the name leads elsewhere from here than from the engine"
    )]
    NotThere {
        /// The reference.
        reference: String,
    },
    /// The registry holds something else.
    #[error(
        "{reference} is {found} in the registry, but {expected} was pushed. \
         Something else has pushed this tag meanwhile: let runs of this workflow wait for each \
         other with a `concurrency` group"
    )]
    Digest {
        /// The reference.
        reference: String,
        /// What buildx pushed.
        expected: String,
        /// What the registry has.
        found: String,
    },
    /// Platforms that were asked for are not in it.
    #[error(
        "{reference} was pushed without {missing}, which `platforms` asks for: the builder left \
         them out. It holds {found}"
    )]
    Platforms {
        /// The reference.
        reference: String,
        /// The platforms that are missing.
        missing: String,
        /// The platforms that are there.
        found: String,
    },
}

fn build_failed(
    code: Option<i32>,
    message: &str,
    diagnosis: Option<&Diagnosis>,
    step: Option<&FailedStep>,
) -> String {
    let code = code.map_or_else(String::new, |code| format!(" with exit code {code}"));
    let words = clean_lines(message, LAST_WORDS);
    let mut failed = format!("buildx failed{code}: {words}");
    if let Some(step) = step.filter(|step| !step.printed.is_empty()) {
        let printed = clean_lines(&step.printed.join("\n"), LAST_WORDS);
        failed = format!(
            "{failed}\n{} printed last:\n{printed}",
            clean(&step.name, WORDS)
        );
    }
    match diagnosis {
        Some(diagnosis) => format!("{diagnosis}\n{failed}"),
        None => failed,
    }
}

fn not_enough(
    name: &str,
    lost: &[UnreachableNode],
    without_node: &[Platform],
    advice: &str,
    build: Option<&Error>,
) -> String {
    let nodes: Vec<String> = lost
        .iter()
        .map(|node| format!("{}: {}", node.shown, clean(&node.reason, WORDS)))
        .collect();
    let what = match nodes.len() {
        1 => "a node",
        _ => "nodes",
    };
    let list = nodes.join("; ");
    let mut text = format!("{what} of the builder {name} cannot be reached, {list}");
    if !without_node.is_empty() {
        let list: Vec<String> = without_node.iter().map(ToString::to_string).collect();
        text += &format!(". No other node can build {}", list.join(", "));
    }
    text += &format!(". {advice}");
    match build {
        Some(build) => format!("{text}\n{build}"),
        None => text,
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.diagnosis)
    }
}

impl fmt::Display for FailedPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\nNot pushed: {}",
            self.diagnosis,
            self.references.join(", ")
        )?;
        match self.tries {
            0 | 1 => Ok(()),
            tries => write!(f, ", tried {tries} times"),
        }
    }
}

/// A node that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreachableNode {
    /// Its place among the nodes of the builder.
    pub(crate) index: usize,
    /// Its name and where it is.
    pub(crate) shown: String,
    /// Why.
    pub(crate) reason: String,
}
