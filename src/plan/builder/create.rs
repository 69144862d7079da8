//! The commands that make a builder, as docker/setup-buildx-action gives them to
//! buildx: `create`, one more for each further node, then `inspect --bootstrap`.
//!
//! Certificates and a configuration given as text are files of the run; the
//! commands name them by placeholders, as the build's arguments do.

use serde::{Serialize, Serializer};

use crate::facts::Facts;
use crate::image::{Platform, Registry};
use crate::input::Inputs;
use crate::input::builder::{BuilderInputs, Cleanup, Driver};
use crate::plan::builder::create_command::{CreateCommand, CreateStep};
use crate::plan::builder::node::{BuilderNode, nodes};

/// A builder that the run makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewBuilder {
    /// Its name.
    pub name: String,
    /// What it is made with.
    #[serde(serialize_with = "as_text")]
    pub driver: Driver,
    /// True when a container of the local engine is to be it.
    pub needs_engine: bool,
    /// True when it is made by way of a context of the Docker CLI.
    pub needs_context: bool,
    /// True when its build cache is kept for the next run.
    pub keeps_state: bool,
    /// True when it is not removed at the end.
    pub stays: bool,
    /// What makes it, in this order: a command for each node, and one more that
    /// waits for them.
    pub commands: Vec<CreateCommand>,
    /// What it is made of.
    pub nodes: Vec<BuilderNode>,
    /// The registries for which it has the network of its machine: they are on
    /// loopback there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_network: Vec<Registry>,
    /// The registries for which it trusts `ca-certificates`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusts: Vec<Registry>,
}

fn as_text<S: Serializer>(driver: &Driver, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(driver)
}

impl NewBuilder {
    /// The builder that the inputs describe. `named` is the name that the
    /// workflow gave it.
    pub fn of(inputs: &Inputs, facts: &Facts, named: Option<&str>) -> Self {
        let own = &inputs.own_builder;
        let driver = own.own_driver();
        let name = match named {
            Some(name) => name,
            None if own.keep_state || own.cleanup == Cleanup::Nothing => {
                &facts.builder.lasting_name
            }
            None => &facts.builder.unique_name,
        };
        let needs_engine = driver == Driver::DockerContainer && own.first.endpoint.is_none();
        let needs_context = needs_engine && facts.docker.endpoint.needs_context();
        let makings: Vec<CreateStep> = own
            .nodes()
            .enumerate()
            .map(|(index, node)| CreateStep::of(own, node, index, needs_context))
            .collect();
        let mut created = Self {
            name: name.to_owned(),
            driver,
            needs_engine,
            needs_context,
            keeps_state: own.keep_state,
            stays: own.cleanup == Cleanup::Nothing,
            commands: Vec::new(),
            nodes: nodes(own, name, makings),
            host_network: Vec::new(),
            trusts: Vec::new(),
        };
        created.write_commands(own);
        created
    }

    pub fn write_commands(&mut self, own: &BuilderInputs) {
        let nodes = own.nodes().zip(&self.nodes).enumerate();
        let commands = nodes.map(|(index, (node, made))| {
            let first = (index == 0).then_some(self.driver);
            let begin = CreateCommand::begin(&self.name, first, node.name.as_deref());
            made.making.command(begin, &node.platforms)
        });
        self.commands = commands.chain([self.wait()]).collect();
    }
}

impl NewBuilder {
    /// The commands that make the builder anew of these nodes, each with these
    /// platforms. Their names are those that they have had.
    pub fn recreate_commands(&self, nodes: &[(usize, Vec<Platform>)]) -> Vec<CreateCommand> {
        let known = nodes
            .iter()
            .filter_map(|(index, platforms)| Some((self.nodes.get(*index)?, platforms)));
        let commands = known.enumerate().map(|(position, (node, platforms))| {
            let first = (position == 0).then_some(self.driver);
            let begin = CreateCommand::begin(&self.name, first, Some(&node.name));
            node.making.command(begin, platforms)
        });
        commands.collect()
    }

    /// The nodes of these places, with what the inputs give to them.
    pub fn pinned(&self, indexes: impl Iterator<Item = usize>) -> Vec<(usize, Vec<Platform>)> {
        let node = |index: usize| Some((index, self.nodes.get(index)?.platforms.clone()));
        indexes.filter_map(node).collect()
    }

    /// The command that waits until every node is up, and tells of them.
    pub fn wait(&self) -> CreateCommand {
        CreateCommand::of(&["inspect", "--bootstrap", &self.name])
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::facts::Endpoint;
    use crate::plan::testing::{facts, inputs};

    fn first_command(given: &[(&str, &str)], settings: Endpoint) -> String {
        let inputs = inputs(given);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.docker.endpoint = settings;
        NewBuilder::of(&inputs, &facts, Some("b")).commands[0].line()
    }

    #[test]
    fn certificates_of_the_environment_become_a_context() {
        let endpoint = |context: Option<&str>| Endpoint {
            host: Some("tcp://far:2376".to_owned()),
            certificates: Some("/certificates".into()),
            context: context.map(str::to_owned),
        };
        for (given, settings, expected) in [
            (vec![], endpoint(None), " stevedore-engine"),
            (vec![], endpoint(Some("far")), "network.host'"),
            (vec![], Endpoint::default(), "network.host'"),
            (vec![("endpoint", "there")], endpoint(None), " there"),
            (
                vec![("driver", "kubernetes")],
                endpoint(None),
                "network.host'",
            ),
        ] {
            let command = first_command(&given, settings);
            assert!(command.ends_with(expected), "{given:?}: {command}");
        }
    }
}
