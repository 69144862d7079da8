//! How many steps of a build were cached, for each platform.
//!
//! Read from the plain progress, which names a step once and then says what has
//! come of it:
//!
//! ```text
//! #8 [linux/arm64 build 2/3] RUN make
//! #8 CACHED
//! ```
//!
//! A step whose layer comes from a cache elsewhere, for another step to run on,
//! says that in place of `CACHED`:
//!
//! ```text
//! #8 extracting sha256:… 0.1s done
//! #8 DONE 0.5s
//! ```

use std::collections::BTreeMap;

use crate::image::Platform;

/// The steps of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// By the number of the vertex: its platform, and whether it was cached.
    vertices: BTreeMap<String, (String, bool)>,
}

/// The steps of one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that were cached.
    pub cached: usize,
    /// All of them.
    pub all: usize,
}

impl Steps {
    /// Takes a line of the progress in.
    pub fn read(&mut self, vertex: &str, text: &str) {
        // What a command prints has a time before it.
        let is_fetched = text.starts_with("sha256:") || text.starts_with("extracting sha256:");
        if text == "CACHED" || is_fetched {
            if let Some((_, is_cached)) = self.vertices.get_mut(vertex) {
                *is_cached = true;
            }
        } else if let Some(platform) = platform_of(text) {
            let step = (platform, false);
            self.vertices.entry(vertex.to_owned()).or_insert(step);
        }
    }

    /// How many there were, by platform; under an empty name those of a build
    /// for one platform, which BuildKit does not name.
    pub fn counts(&self) -> BTreeMap<&str, Count> {
        let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
        for (platform, is_cached) in self.vertices.values() {
            let count = counts.entry(platform).or_default();
            count.all += 1;
            count.cached += usize::from(*is_cached);
        }
        counts
    }
}

/// The platform of a step: `[PLATFORM STAGE 2/3] RUN make`. What begins a stage
/// is none, as a base image is not built.
fn platform_of(text: &str) -> Option<String> {
    let (inside, instruction) = text.strip_prefix('[')?.split_once("] ")?;
    let mut words = inside.split(' ');
    let (number, of) = words.next_back()?.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(number) || !is_number(of) || instruction.starts_with("FROM ") {
        return None;
    }
    let first = words.next().unwrap_or_default();
    // `linux/amd64->arm64` is built on the one for the other.
    let platform = match (first.split_once("->"), first.split_once('/')) {
        (Some((_, target)), Some((os, _))) => format!("{os}/{target}"),
        _ => first.to_owned(),
    };
    let parsed = platform.contains('/').then(|| platform.parse::<Platform>());
    let platform = parsed.and_then(Result::ok);
    Some(platform.map_or_else(String::new, |platform| platform.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, usize, usize)> {
        let mut steps = Steps::default();
        for line in text.lines() {
            let (vertex, text) = line.split_once(' ').unwrap();
            steps.read(vertex, text);
        }
        let counts = steps.counts().into_iter();
        counts
            .map(|(platform, count)| (platform.to_owned(), count.cached, count.all))
            .collect()
    }

    #[test]
    fn steps_are_counted_for_each_platform() {
        let text = "1 [internal] load build definition from Dockerfile
2 [linux/amd64 internal] load metadata for r/b:1
3 [linux/amd64 base 1/2] FROM r/b:1@sha256:0
3 CACHED
4 [linux/amd64 base 2/2] RUN make
4 ...
4 [linux/amd64 base 2/2] RUN make
4 CACHED
5 [linux/amd64->arm64 base 2/2] RUN make
5 DONE 0.3s
6 [linux/arm64 stage-1 1/1] COPY [a, b/] /
6 CACHED
7 exporting to image
7 CACHED";
        let counts = [("linux/amd64", 1, 1), ("linux/arm64", 1, 2)]
            .map(|(name, cached, all)| (name.to_owned(), cached, all));
        assert_eq!(read(text), counts);
    }

    #[test]
    fn a_step_that_is_fetched_from_a_cache_was_cached() {
        let text = "5 [1/3] FROM r/b:1@sha256:0
5 extracting sha256:1 0.1s done
5 DONE 0.3s
6 [2/3] RUN make
6 sha256:2 1.05MB / 3.2MB 0.2s
6 DONE 0.4s
7 [3/3] COPY . /
7 extracting sha256:3
7 extracting sha256:3 0.1s done
7 DONE 0.5s
8 [other 2/2] RUN print
8 0.1 extracting sha256:4
8 DONE 0.5s";
        assert_eq!(read(text), [(String::new(), 2, 3)]);
    }

    #[test]
    fn one_platform_has_no_name() {
        let text = "5 [2/3] RUN make\n5 CACHED\n6 [build 3/3] RUN make\n7 0.1 [9/9] RUN fake";
        assert_eq!(read(text), [(String::new(), 1, 2)]);
    }
}
