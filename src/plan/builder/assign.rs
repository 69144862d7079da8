//! Which node of a builder builds which platform.

use std::collections::BTreeSet;

use crate::image::Platform;
use crate::input::builder::Driver;
use crate::plan::builder::create::NewBuilder;
use crate::plan::builder::model::Builder;

/// A node that can be reached, and the platforms that it says it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachableNode {
    /// Its place among the nodes of the builder.
    pub index: usize,
    /// Its own platform first, those that it emulates among the others.
    pub runs: Vec<Platform>,
}

/// Which of the nodes that are left builds what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAssignment {
    /// The platforms of each node, by its place among the nodes of the builder.
    pub pins: Vec<(usize, Vec<Platform>)>,
    /// The platforms that none of them can build.
    pub without_node: Vec<Platform>,
}

impl NewBuilder {
    /// Gives every platform to one of the nodes that are left: the one that the
    /// inputs say, else one of that processor, else one that emulates it. What
    /// runs no command is built by any.
    pub fn assign_platforms(
        &self,
        all: &[Platform],
        running: &BTreeSet<Platform>,
        able: &[ReachableNode],
    ) -> NodeAssignment {
        let mut spread = NodeAssignment {
            pins: self.pinned(able.iter().map(|node| node.index)),
            without_node: Vec::new(),
        };
        let is_pinned = self.nodes.iter().any(|node| !node.platforms.is_empty());
        for platform in all {
            let mut pins = spread.pins.iter();
            if pins.any(|(_, pins)| pins.contains(platform)) {
                continue;
            }
            let any = self.driver == Driver::DockerContainer || !running.contains(platform);
            match position(platform, any, able) {
                Some(at) if is_pinned => spread.pins[at].1.push(platform.clone()),
                Some(_) => {}
                None => spread.without_node.push(platform.clone()),
            }
        }
        spread
    }
}

/// The node for a platform; where `any` will do, the first one at last.
fn position(platform: &Platform, any: bool, able: &[ReachableNode]) -> Option<usize> {
    let native = |node: &ReachableNode| {
        let own = node.runs.first();
        own.is_some_and(|own| {
            (&own.os, &own.architecture) == (&platform.os, &platform.architecture)
        })
    };
    let runs = |node: &ReachableNode| node.runs.contains(platform);
    let both = |node: &ReachableNode| native(node) && runs(node);
    let found = able.iter().position(both);
    found
        .or_else(|| able.iter().position(runs))
        .or_else(|| (any && !able.is_empty()).then_some(0))
}

/// Which node builds which platform, as far as the inputs say it.
pub fn describe_nodes(builder: &Builder, platforms: &[Platform]) -> Option<String> {
    let made = builder.made().filter(|made| made.nodes.len() > 1)?;
    let node_of = |platform: &&Platform| {
        let mut nodes = made.nodes.iter();
        nodes.find(|node| node.platforms.contains(platform))
    };
    let free: Vec<String> = platforms
        .iter()
        .filter(|one| node_of(one).is_none())
        .map(ToString::to_string)
        .collect();
    if platforms.is_empty() || !free.is_empty() {
        let why = match free.as_slice() {
            [] => "no platform is named".to_owned(),
            free => format!("none is given {}", free.join(", ")),
        };
        return Some(format!(
            "each platform goes to the first of {} nodes that says it runs it, emulated \
             or not: {why}",
            made.nodes.len()
        ));
    }
    let shares: Vec<String> = made
        .nodes
        .iter()
        .map(|node| {
            let own: Vec<String> = platforms
                .iter()
                .filter(|one| node.platforms.contains(one))
                .map(ToString::to_string)
                .collect();
            if own.is_empty() {
                format!("nothing on {}", node.display_name())
            } else {
                format!("{} on {}", own.join(", "), node.display_name())
            }
        })
        .collect();
    Some(shares.join("; "))
}

#[cfg(test)]
mod tests {
    use crate::plan::builder::create_command::CreateCommand;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::plan::builder::model::BuilderChoice;
    use crate::plan::testing::{facts, inputs};

    const BOTH: &str = "linux/amd64,linux/arm64";
    const TWO: &[(&str, &str)] = &[
        ("driver", "remote"),
        ("endpoint", "tcp://a:1"),
        ("builder-platforms", "linux/amd64,linux/arm/v7"),
        (
            "append",
            "- endpoint: tcp://me:hunter2@b:1\n  platforms: linux/arm64,linux/arm/v7\n",
        ),
    ];

    fn made(given: &[(&str, &str)]) -> NewBuilder {
        let inputs = inputs(given);
        NewBuilder::of(&inputs, &facts(&inputs, ""), Some("Mine"))
    }

    fn platforms(text: &str) -> Vec<Platform> {
        let all = text.split(',').filter(|one| !one.is_empty());
        all.map(|one| one.parse().unwrap()).collect()
    }

    fn decided(given: &[(&str, &str)], all: &str) -> Option<String> {
        let builder = Builder {
            choice: BuilderChoice::Created(made(given)),
            reason: String::new(),
        };
        describe_nodes(&builder, &platforms(all))
    }

    fn able(index: usize, runs: &str) -> ReachableNode {
        let runs = platforms(runs);
        ReachableNode { index, runs }
    }

    /// `NODE=PLATFORMS` for each node, then the platforms that have none; the
    /// image is for amd64 and arm64.
    fn spread(given: &[(&str, &str)], running: &str, able: &[ReachableNode]) -> String {
        let names = |all: &[Platform]| {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            all.join(",")
        };
        let running = platforms(running).into_iter().collect();
        let spread = made(given).assign_platforms(&platforms(BOTH), &running, able);
        let pins = spread.pins.iter();
        let pins = pins.map(|(at, pins)| format!("{at}={} ", names(pins)));
        format!(
            "{}without={}",
            pins.collect::<String>(),
            names(&spread.without_node)
        )
    }

    #[test]
    fn the_log_says_which_node_builds_what() {
        for (given, all, expected) in [
            (
                TWO,
                BOTH,
                "linux/amd64 on Mine0 (tcp://a:1); linux/arm64 on Mine1 (tcp://me:…@b:1)",
            ),
            // The last node that asks for a platform has it.
            (
                TWO,
                "linux/arm/v7",
                "nothing on Mine0 (tcp://a:1); linux/arm/v7 on Mine1 (tcp://me:…@b:1)",
            ),
            (
                TWO,
                "linux/amd64,linux/s390x",
                "each platform goes to the first of 2 nodes that says it runs it, emulated \
                 or not: none is given linux/s390x",
            ),
        ] {
            assert_eq!(decided(given, all).unwrap(), expected);
        }
        assert_eq!(decided(&TWO[..2], BOTH), None);
    }

    #[test]
    fn what_a_lost_node_was_to_build_goes_to_one_that_can() {
        for (running, left, expected) in [
            // Both are there: as the inputs say.
            (
                BOTH,
                vec![able(0, "linux/amd64"), able(1, "linux/arm64")],
                "0=linux/amd64 1=linux/arm64,linux/arm/v7 without=",
            ),
            // The other emulates it.
            (
                BOTH,
                vec![able(0, "linux/amd64,linux/386,linux/arm64")],
                "0=linux/amd64,linux/arm64 without=",
            ),
            (
                BOTH,
                vec![able(0, "linux/amd64")],
                "0=linux/amd64 without=linux/arm64",
            ),
            // What runs no command is built anywhere.
            (
                "",
                vec![able(0, "linux/amd64")],
                "0=linux/amd64,linux/arm64 without=",
            ),
            ("", vec![], "without=linux/amd64,linux/arm64"),
        ] {
            assert_eq!(spread(TWO, running, &left), expected, "{left:?}");
        }
    }

    #[test]
    fn names_are_made_up_around_those_that_are_given() {
        let append = "- name: mine1\n- name: other\n- endpoint: b\n- endpoint: c\n";
        let given = [("driver", "docker-container"), ("append", append)];
        let names: Vec<String> = made(&given)
            .nodes
            .into_iter()
            .map(|node| node.name)
            .collect();
        assert_eq!(names, ["Mine0", "mine1", "other", "Mine2", "Mine3"]);
    }

    #[test]
    fn thousands_of_nodes_are_named_in_no_time() {
        let append = "- endpoint: tcp://b:1\n  platforms: linux/arm64\n".repeat(2500);
        let begun = Instant::now();
        let nodes = made(&[TWO[0], TWO[1], ("append", &append)]).nodes;
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(nodes[2500].name, "Mine2500");
        let pinned = nodes.iter().filter(|node| !node.platforms.is_empty());
        assert_eq!(pinned.count(), 1);
    }

    #[test]
    fn a_node_of_the_processor_comes_before_one_that_emulates_it() {
        let append = "- endpoint: tcp://b:1\n  platforms: linux/arm64\n- endpoint: tcp://c:1\n";
        let three = [&TWO[..3], &[("append", append)]].concat();
        let left = [
            able(0, "linux/amd64,linux/arm64"),
            able(2, "linux/arm64,linux/amd64"),
        ];
        let expected = "0=linux/amd64,linux/arm/v7 2=linux/arm64 without=";
        assert_eq!(spread(&three, BOTH, &left), expected);
    }

    #[test]
    fn buildkits_own_image_emulates_without_saying_so() {
        let append = ("append", "- endpoint: ssh://b\n  platforms: linux/arm64\n");
        let given = [("endpoint", "ssh://a"), append];
        let left = [able(0, "linux/amd64")];
        let expected = "0=linux/amd64,linux/arm64 without=";
        assert_eq!(spread(&given, BOTH, &left), expected);
    }

    #[test]
    fn a_builder_is_made_again_of_what_is_left() {
        let made = made(&[TWO, &[("driver-opts", "servername=a")]].concat());
        let lines = |nodes: &[(usize, Vec<Platform>)]| -> Vec<String> {
            made.recreate_commands(nodes)
                .iter()
                .map(CreateCommand::line)
                .collect()
        };
        assert_eq!(
            lines(&[(0, platforms("linux/arm64")), (1, vec![])]),
            [
                "docker buildx create --name Mine --driver remote --node Mine0 --driver-opt \
                 servername=a --platform linux/arm64 tcp://a:1",
                "docker buildx create --name Mine --append --node Mine1 tcp://me:hunter2@b:1",
            ]
        );
        assert_eq!(
            lines(&[(1, vec![])]),
            ["docker buildx create --name Mine --driver remote --node Mine1 tcp://me:hunter2@b:1"]
        );
    }
}
