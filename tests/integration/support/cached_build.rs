//! A build that no other run has in its cache, and what its runs say of caches.

use crate::support::{Lab, Place, event};
use lab_runner::{Step, StepRun};

/// A build that no other run has in its cache.
pub(crate) struct Build {
    pub(crate) place: Place,
    mark: String,
}

impl Build {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        let mark = place.mark();
        let build = Self { place, mark };
        build.ends_with("two");
        build
    }

    /// A part of a name that no other build has.
    pub(crate) fn mark(&self) -> String {
        self.mark.to_lowercase()
    }

    /// Changes what the second of the two steps does.
    pub(crate) fn ends_with(&self, word: &str) {
        let mark = &self.mark;
        let dockerfile = format!(
            "ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo {mark} > /one\nRUN echo {word}-{mark} > /two\n"
        );
        self.place.write("workspace/Dockerfile", &dockerfile);
    }

    /// A push to the default branch.
    pub(crate) fn publish(&self, lab: &Lab, image: &str) -> Step {
        lab.step(&self.place)
            .event("push", event("push-branch"))
            .git_ref("refs/heads/main")
            .tool_cache(self.place.path("tools"))
            .with("images", image)
            .with("build-args", format!("BASE={}", lab.open_base))
    }

    /// Empties the engine's builder of this build, and of nothing else; how many
    /// steps it held.
    pub(crate) fn forget(&self) -> usize {
        let printed = self.place.forget(&self.mark);
        let removed = printed.lines().filter(|line| line.contains("true"));
        removed.count()
    }
}

pub(crate) fn green(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    assert!(run.leftovers.is_empty(), "{:?}", run.leftovers);
    assert!(run.orphans.is_empty(), "{:?}", run.orphans);
    assert!(run.outputs["digest"].starts_with("sha256:"), "{}", run.log);
    assert_eq!(run.outputs["published"], run.outputs["tags"], "{}", run.log);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
}

pub(crate) fn warnings(run: &StepRun) -> Vec<&str> {
    let all = run.annotations.iter();
    let ours = all.filter(|a| a.title.as_deref() == Some("Publish"));
    ours.map(|a| a.message.as_str()).collect()
}

/// The one warning is about the cache.
pub(crate) fn warns(run: &StepRun, about: &[&str]) {
    let warnings = warnings(run);
    assert_eq!(warnings.len(), 1, "{}", run.log);
    assert!(warnings[0].contains("the image is not at fault"));
    for part in about {
        assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
    }
}
