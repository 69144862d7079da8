//! The inputs about the builder, from strings to types.
//!
//! What goes together and what does not is what `buildx create` says of its
//! drivers; it is checked here, so that it is said before anything is started.

use crate::input::grammar::platform;
use serde::Deserialize;

use crate::document::yaml;
use crate::env_vars;
use crate::host::Host;
use crate::image::Platform;
use crate::input::builder::model::{
    BuilderInputs, Cleanup, DaemonConfig, Driver, EmulationWish, Node, Tls,
};
use crate::input::grammar::list::Grammar;
use crate::input::reader::Reader;

/// An entry of `append`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    platforms: String,
    #[serde(default)]
    driver_opts: Vec<String>,
    #[serde(default)]
    buildkitd_flags: String,
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Reader<'_> {
    pub fn builder(&mut self, host: &Host) -> BuilderInputs {
        let mut inputs = BuilderInputs {
            driver: self.driver(),
            first: Node {
                name: None,
                endpoint: self.text("endpoint"),
                platforms: self.node_platforms(),
                driver_opts: self.driver_opts(),
                buildkitd_flags: self.text("buildkitd-flags"),
                tls: Tls::of_node(0, host),
            },
            append: self.append(host),
            config: self.daemon_config(host),
            keep_state: self.boolean("keep-state"),
            cleanup: self.cleanup(),
            emulation: self.emulation(),
            binfmt_image: self.raw.get("binfmt-image").to_owned(),
        };
        if inputs.driver == Some(Driver::Remote) && inputs.first.endpoint.is_none() {
            inputs.first.endpoint = host.var(env_vars::BUILDKIT_HOST).map(str::to_owned);
        }
        self.check_builder(&inputs);
        inputs
    }

    fn driver(&mut self) -> Option<Driver> {
        let text = self.text("driver")?;
        let driver = Driver::parse(&text);
        if driver.is_none() {
            self.refuse(
                "driver",
                &text,
                "is not a supported driver",
                Driver::ACCEPTED,
            );
        }
        driver
    }

    /// Lines to the letter: quotes and commas belong to buildx, which reads
    /// each as fields of CSV.
    fn driver_opts(&mut self) -> Vec<String> {
        let lines = self.raw.get("driver-opts").lines().map(str::trim);
        let options: Vec<String> = lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        for option in options.iter().filter(|option| !option.contains('=')) {
            self.refuse(
                "driver-opts",
                option,
                "has no `=`",
                "KEY=VALUE, one a line, such as image=moby/buildkit:v0.31.1",
            );
        }
        options
    }

    fn node_platforms(&mut self) -> Vec<Platform> {
        let list = self.list("builder-platforms", Grammar::Commas);
        self.platforms_of("builder-platforms", list.iter().map(String::as_str))
    }

    fn platforms_of<'a>(
        &mut self,
        input: &str,
        list: impl Iterator<Item = &'a str>,
    ) -> Vec<Platform> {
        let mut platforms = Vec::new();
        for text in list {
            match platform::parse(input, text) {
                Ok(platform) => platforms.push(platform),
                Err(problem) => self.problems.push(problem),
            }
        }
        platforms
    }

    fn append(&mut self, host: &Host) -> Vec<Node> {
        const NAME: &str = "append";
        const ACCEPTED: &str = "a YAML list of nodes with name, endpoint, platforms, driver-opts \
                                (a list) and buildkitd-flags";
        let text = self.raw.get(NAME);
        if text.is_empty() {
            return Vec::new();
        }
        let entries: Vec<Entry> = match yaml::read(text) {
            Ok(entries) => entries,
            Err(unreadable) => {
                self.problems.push(unreadable.of_input(NAME, "", ACCEPTED));
                return Vec::new();
            }
        };
        let mut nodes = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let list = entry.platforms.split(',').map(str::trim);
            let platforms = self.platforms_of(NAME, list.filter(|text| !text.is_empty()));
            nodes.push(Node {
                name: non_empty(&entry.name),
                endpoint: non_empty(&entry.endpoint),
                platforms,
                driver_opts: entry.driver_opts,
                buildkitd_flags: non_empty(&entry.buildkitd_flags),
                tls: Tls::of_node(index + 1, host),
            });
        }
        nodes
    }

    fn daemon_config(&mut self, host: &Host) -> Option<DaemonConfig> {
        let file = self.text("buildkitd-config");
        let text = self.text("buildkitd-config-inline");
        match (file, text) {
            (Some(file), Some(_)) => {
                let why = "`buildkitd-config-inline` is given too";
                self.refuse("buildkitd-config", &file, why, "one of the two");
                None
            }
            (Some(file), None) => {
                let path = host.path(&file);
                if !path.is_file() {
                    let accepted = "the path of a file, relative to the workspace";
                    self.refuse("buildkitd-config", &file, "is not there", accepted);
                }
                Some(DaemonConfig::File(path))
            }
            (None, text) => text.map(DaemonConfig::Text),
        }
    }

    /// `true` and `false` as docker/setup-buildx-action takes them.
    fn cleanup(&mut self) -> Cleanup {
        let values = [
            ("builder", Cleanup::Builder),
            ("true", Cleanup::Builder),
            ("none", Cleanup::Nothing),
            ("false", Cleanup::Nothing),
            ("all", Cleanup::All),
        ];
        let accepted = "builder (or true), none (or false), or all";
        self.choice("cleanup", accepted, &values, Cleanup::Builder)
    }

    fn emulation(&mut self) -> EmulationWish {
        let values = [
            ("auto", EmulationWish::Auto),
            ("none", EmulationWish::Never),
            ("force", EmulationWish::Always),
        ];
        let accepted = "auto, none or force";
        self.choice("emulation", accepted, &values, EmulationWish::Auto)
    }

    /// What a driver does not go together with.
    fn check_builder(&mut self, inputs: &BuilderInputs) {
        let driver = inputs.own_driver();
        let own = inputs.asks_for_own();
        if let (Some(Driver::Docker), Some(input)) = (inputs.driver, own) {
            let why = "`driver: docker` is the engine's own BuildKit, which takes no such setting";
            let accepted = "nothing; or another `driver`";
            self.refuse(input, "", why, accepted);
            return;
        }
        if inputs.keep_state && driver != Driver::DockerContainer {
            let why = format!("the driver {driver} keeps no state of its own");
            self.refuse("keep-state", "true", &why, "`driver: docker-container`");
        }
        match driver {
            Driver::Remote => self.check_remote(inputs),
            Driver::Kubernetes => {
                for endpoint in inputs.nodes().filter_map(|node| node.endpoint.as_deref()) {
                    let why = "the driver kubernetes takes its cluster from the kubeconfig";
                    self.refuse("endpoint", endpoint, why, "nothing; KUBECONFIG in `env`");
                }
            }
            Driver::Docker | Driver::DockerContainer => {}
        }
    }

    fn check_remote(&mut self, inputs: &BuilderInputs) {
        for (index, node) in inputs.nodes().enumerate() {
            let place = if index == 0 { "endpoint" } else { "append" };
            if node.endpoint.is_none() {
                let why = "the driver remote needs to know where BuildKit is";
                let accepted =
                    "an address such as tcp://buildkit.example:1234 or unix:///run/buildkit.sock";
                self.refuse(place, "", why, accepted);
            }
            if let Some(flags) = &node.buildkitd_flags {
                self.refuse("buildkitd-flags", flags, RUNS_ALREADY, "nothing");
            }
        }
        if inputs.config.is_some() {
            self.refuse("buildkitd-config", "", RUNS_ALREADY, "nothing");
        }
    }
}

/// Why the driver remote takes no settings of buildkitd.
const RUNS_ALREADY: &str =
    "the driver remote uses a buildkitd that runs already, with settings of its own";

#[cfg(test)]
mod tests {
    use crate::secret::Secret;
    use std::path::Path;

    use super::*;
    use crate::input::inputs::Inputs;
    use crate::input::raw::RawInputs;
    use crate::input::spec::ActionKind;

    fn parse(inputs: &[(&str, &str)], environment: &[(&str, &str)]) -> (Inputs, Vec<String>) {
        let host = Host::with(
            environment,
            Path::new("/nowhere"),
            jiff::Timestamp::UNIX_EPOCH,
        );
        let mut raw = RawInputs::from_environment(ActionKind::Publish, &host);
        for (name, value) in inputs {
            raw.set(name, value);
        }
        let (inputs, problems) = Inputs::parse(&raw, &host);
        (inputs, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_given_asks_for_nothing() {
        let (inputs, problems) = parse(&[], &[]);
        assert!(problems.is_empty());
        assert_eq!(inputs.own_builder.asks_for_own(), None);
        assert_eq!(inputs.own_builder.cleanup, Cleanup::Builder);
        assert!(inputs.own_builder.binfmt_image.contains("binfmt:qemu-v"));
    }

    #[test]
    fn every_setting_of_a_builder_asks_for_one() {
        for (name, value) in [
            ("driver", "docker-container"),
            ("endpoint", "far"),
            ("builder-platforms", "linux/amd64"),
            ("driver-opts", "network=host"),
            ("buildkitd-flags", "--debug"),
            ("buildkitd-config-inline", "debug = true"),
            ("append", "- endpoint: far"),
        ] {
            let (inputs, problems) = parse(&[(name, value)], &[]);
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(inputs.own_builder.asks_for_own(), Some(name));
        }
        for (name, value) in [("driver", "docker"), ("keep-state", "true")] {
            let (inputs, _) = parse(&[(name, value)], &[]);
            assert_eq!(inputs.own_builder.asks_for_own(), None, "{name}");
        }
    }

    #[test]
    fn driver_options_are_lines_with_their_quotes() {
        let text = "image=moby/buildkit:master\n\n  \"env.no_proxy=a,b\"\n";
        let (inputs, problems) = parse(&[("driver-opts", text)], &[]);
        assert!(problems.is_empty());
        assert_eq!(
            inputs.own_builder.first.driver_opts,
            ["image=moby/buildkit:master", "\"env.no_proxy=a,b\""]
        );
    }

    #[test]
    fn nodes_are_read_with_their_certificates() {
        let append = "- name: arm\n  endpoint: tcp://b:1234\n  platforms: linux/arm64, linux/arm/v7\n  driver-opts:\n    - servername=b\n- endpoint: tcp://c:1234\n";
        let (inputs, problems) = parse(
            &[
                ("driver", "remote"),
                ("endpoint", "tcp://a:1234"),
                ("append", append),
            ],
            &[
                ("BUILDER_NODE_0_AUTH_TLS_KEY", "key-0"),
                ("BUILDER_NODE_2_AUTH_TLS_CACERT", "authority-2"),
            ],
        );
        assert!(problems.is_empty(), "{problems:?}");
        let builder = &inputs.own_builder;
        assert_eq!(builder.append[0].name.as_deref(), Some("arm"));
        assert_eq!(builder.append[0].platforms.len(), 2);
        assert_eq!(builder.append[0].driver_opts, ["servername=b"]);
        assert!(builder.append[0].tls.key.is_none());
        let secrets: Vec<&str> = builder.secrets().map(Secret::expose).collect();
        assert_eq!(secrets, ["key-0", "authority-2"]);
    }

    #[test]
    fn the_address_of_a_remote_buildkit_may_come_from_the_environment() {
        let (inputs, problems) = parse(
            &[("driver", "remote")],
            &[(env_vars::BUILDKIT_HOST, "tcp://a:1")],
        );
        assert!(problems.is_empty());
        assert_eq!(
            inputs.own_builder.first.endpoint.as_deref(),
            Some("tcp://a:1")
        );
    }

    #[test]
    fn cleanup_knows_the_spellings_of_setup_buildx() {
        for (text, expected) in [
            ("true", Cleanup::Builder),
            ("builder", Cleanup::Builder),
            ("false", Cleanup::Nothing),
            ("none", Cleanup::Nothing),
            ("all", Cleanup::All),
        ] {
            let (inputs, _) = parse(&[("cleanup", text)], &[]);
            assert_eq!(inputs.own_builder.cleanup, expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (inputs, said) in [
            (vec![("driver", "cloud")], "driver: \"cloud\""),
            (
                vec![("driver", "docker"), ("driver-opts", "network=host")],
                "driver-opts: `driver: docker`",
            ),
            (vec![("driver", "remote")], "endpoint: the driver remote"),
            (
                vec![
                    ("driver", "remote"),
                    ("endpoint", "tcp://a:1"),
                    ("buildkitd-flags", "--debug"),
                ],
                "buildkitd-flags: \"--debug\"",
            ),
            (
                vec![("driver", "kubernetes"), ("endpoint", "far")],
                "endpoint: \"far\"",
            ),
            (
                vec![("driver", "kubernetes"), ("keep-state", "true")],
                "keep-state: \"true\"",
            ),
            (
                vec![
                    ("buildkitd-config", "a.toml"),
                    ("buildkitd-config-inline", "debug = true"),
                ],
                "buildkitd-config: \"a.toml\"",
            ),
            (
                vec![("buildkitd-config", "a.toml")],
                "buildkitd-config: \"a.toml\": is not there",
            ),
            (
                vec![("driver-opts", "network")],
                "driver-opts: \"network\": has no `=`",
            ),
            (
                vec![("append", "- endpoint: a\n  platform: linux/arm64\n")],
                "append (line",
            ),
            (
                vec![("append", "- platforms: linux/arm46")],
                "append: \"linux/arm46\"",
            ),
            (vec![("cleanup", "some")], "cleanup: \"some\""),
            (vec![("emulation", "yes")], "emulation: \"yes\""),
        ] {
            let (_, problems) = parse(&inputs, &[]);
            assert_eq!(problems.len(), 1, "{inputs:?}: {problems:?}");
            assert!(problems[0].starts_with(said), "{}", problems[0]);
        }
    }
}
