//! The input `runners`: which runner builds which platforms.

use crate::error::InputProblem;
use crate::image::Platform;

/// GitHub's own runners: what is built on which, where the workflow says nothing.
const DEFAULTS: [(&str, &str); 2] = [("linux/arm*", "ubuntu-24.04-arm"), ("*", "ubuntu-24.04")];
/// What a runner runs by itself, by its architecture.
const NATIVE: [(&str, &[&str]); 2] = [
    ("ubuntu-24.04", &["amd64", "386"]),
    ("ubuntu-24.04-arm", &["arm64", "arm"]),
];

/// Which runner builds which platforms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runners(Vec<(String, Vec<String>)>);

impl Runners {
    /// Reads lines such as `linux/arm64=self-hosted, arm64`.
    pub fn parse(text: &str) -> (Self, Vec<InputProblem>) {
        let mut all = Vec::new();
        let mut problems = Vec::new();
        let lines = text.lines().enumerate();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let (prefix, labels) = line.split_once('=').unwrap_or((line, ""));
            let labels: Vec<String> = labels
                .split(',')
                .map(|label| label.trim().to_owned())
                .filter(|label| !label.is_empty())
                .collect();
            let prefix = prefix.trim().to_ascii_lowercase();
            if labels.is_empty() || prefix.is_empty() {
                let why = "is not a platform and the labels of a runner";
                let accepted = "PLATFORM=LABEL, such as linux/arm64=ubuntu-24.04-arm or \
                                linux/arm*=self-hosted, arm64";
                let problem = InputProblem::new("runners", line, why, accepted);
                problems.push(problem.at(index + 1, 1));
                continue;
            }
            all.push((prefix, labels));
        }
        (Self(all), problems)
    }

    /// The labels of the runner for a platform: those of the longest prefix.
    pub fn labels(&self, platform: &Platform) -> Vec<String> {
        let text = platform.to_string();
        let own = self
            .0
            .iter()
            .filter(|(prefix, _)| is_prefix(prefix, &text))
            .max_by_key(|(prefix, _)| prefix.trim_end_matches('*').len());
        own.map_or_else(
            || vec![default_for(&text).to_owned()],
            |(_, labels)| labels.clone(),
        )
    }

    /// Where a platform is emulated, for want of a runner of its kind. A runner that the
    /// workflow names is taken for one.
    pub fn emulating_runner(&self, platform: &Platform) -> Option<String> {
        let labels = self.labels(platform);
        let [label] = labels.as_slice() else {
            return None;
        };
        let (_, native) = NATIVE.iter().find(|(runner, _)| runner == label)?;
        let is_native = platform.os == "linux" && native.contains(&platform.architecture.as_str());
        (!is_native).then(|| label.clone())
    }
}

fn default_for(platform: &str) -> &'static str {
    let found = DEFAULTS
        .iter()
        .find(|(prefix, _)| is_prefix(prefix, platform));
    found.map_or("ubuntu-24.04", |(_, runner)| runner)
}

/// `linux/arm` is a prefix of `linux/arm/v7` alone, `linux/arm*` of `linux/arm64` too.
fn is_prefix(prefix: &str, platform: &str) -> bool {
    match prefix.strip_suffix('*') {
        Some(prefix) => platform.starts_with(prefix),
        None => {
            let rest = platform.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let text = "*=any\nlinux/arm*=self-hosted, arm\n\nlinux/arm/v7=pi";
        let (runners, problems) = Runners::parse(text);
        assert_eq!(problems, []);
        for (platform, labels) in [
            ("linux/amd64", vec!["any"]),
            ("linux/arm64", vec!["self-hosted", "arm"]),
            ("linux/arm/v6", vec!["self-hosted", "arm"]),
            ("linux/arm/v7", vec!["pi"]),
        ] {
            assert_eq!(runners.labels(&platform.parse().unwrap()), labels);
        }
    }

    #[test]
    fn a_platform_without_a_runner_of_its_own_is_emulated() {
        let runners = Runners::default();
        for (platform, label, is_emulated) in [
            ("linux/amd64", "ubuntu-24.04", false),
            ("linux/arm64", "ubuntu-24.04-arm", false),
            ("linux/arm/v7", "ubuntu-24.04-arm", false),
            ("linux/riscv64", "ubuntu-24.04", true),
        ] {
            let platform = platform.parse().unwrap();
            assert_eq!(runners.labels(&platform), [label]);
            assert_eq!(runners.emulating_runner(&platform).is_some(), is_emulated);
        }
    }

    #[test]
    fn what_names_no_runner_is_refused() {
        for bad in ["linux/arm64", "linux/arm64= ,", "=ubuntu-24.04"] {
            let (_, problems) = Runners::parse(&format!("*=a\n{bad}"));
            assert_eq!(problems[0].position, Some((2, 1)), "{bad}");
        }
    }
}
