//! The names of vertices, as BuildKit's Dockerfile frontend makes them.
//!
//! Source: BuildKit, `frontend/dockerfile/dockerfile2llb`, `prefixCommand`.

use crate::image::Platform;

/// A step of a Dockerfile: `[linux/amd64->arm64 build 2/3] RUN make`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The platform of the image; empty in a build for one, which BuildKit does not
    /// name.
    pub platform: String,
    /// The platform that it runs on, where that is another.
    pub runs_on: Option<String>,
    /// The stage; empty where there is one.
    pub stage: String,
    /// Which of the stage's steps it is.
    pub number: usize,
    /// What it does, such as `RUN make`.
    pub instruction: String,
}

impl Step {
    /// Reads a name; `None` for one that is not a step's.
    pub fn parse(name: &str) -> Option<Self> {
        let (inside, instruction) = name.strip_prefix('[')?.split_once("] ")?;
        let mut words = inside.split(' ');
        let (number, of) = words.next_back()?.split_once('/')?;
        of.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        let number = number.parse().ok()?;
        let words: Vec<&str> = words.collect();
        let first = words.first().copied().unwrap_or_default();
        // `linux/amd64->arm64` is built on the one for the other.
        let (runs_on, target) = match (first.split_once("->"), first.split_once('/')) {
            (Some((runs_on, target)), Some((os, _))) => {
                (platform(runs_on), platform(&format!("{os}/{target}")))
            }
            _ => (None, platform(first)),
        };
        let stage = match target {
            Some(_) => words.get(1..).unwrap_or_default(),
            None => &words[..],
        };
        Some(Self {
            platform: target.unwrap_or_default(),
            runs_on,
            stage: stage.join(" "),
            number,
            instruction: instruction.to_owned(),
        })
    }

    /// True for what begins a stage: a base image is not built.
    pub fn is_base(&self) -> bool {
        self.instruction.starts_with("FROM ")
    }
}

fn platform(text: &str) -> Option<String> {
    let platform = text.contains('/').then(|| text.parse::<Platform>())?;
    Some(platform.ok()?.to_string())
}

/// The target of `[api linux/amd64 2/3] RUN make` or `[api] exporting to image`, and
/// the name without it.
pub fn without_target(name: &str) -> Option<(&str, String)> {
    let (inside, rest) = name.strip_prefix('[')?.split_once(']')?;
    Some(match inside.split_once(' ') {
        Some((target, inside)) => (target, format!("[{inside}]{rest}")),
        None => (inside, rest.trim_start().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_a_platform_a_stage_and_a_number() {
        for (name, platform, runs_on, stage, number) in [
            (
                "[linux/amd64 build 2/3] RUN make",
                "linux/amd64",
                None,
                "build",
                2,
            ),
            (
                "[linux/amd64->arm64 a 1/1] RUN x",
                "linux/arm64",
                Some("linux/amd64"),
                "a",
                1,
            ),
            ("[3/3] COPY [a, b/] /", "", None, "", 3),
            ("[build 3/3] COPY . .", "", None, "build", 3),
            (
                "[linux/arm/v7 stage-1 1/1] FROM x",
                "linux/arm/v7",
                None,
                "stage-1",
                1,
            ),
        ] {
            let step = Step::parse(name).unwrap();
            let found = (step.platform.as_str(), step.runs_on.as_deref());
            assert_eq!(found, (platform, runs_on), "{name}");
            assert_eq!(
                (step.stage.as_str(), step.number),
                (stage, number),
                "{name}"
            );
        }
        for name in [
            "[internal] load build definition from Dockerfile",
            "[linux/amd64 internal] load metadata for r/b:1",
            "exporting to image",
            "0.1 [9/9] RUN fake",
        ] {
            assert_eq!(Step::parse(name), None, "{name}");
        }
    }
}
