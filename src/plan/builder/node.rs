//! The nodes of a builder that the run makes: which builds what, and what is
//! made when some of them are out of reach.
//!
//! buildx gives a platform to the node that it is pinned to only where every
//! platform of the build is pinned to some node. Otherwise each goes to the
//! first node that says it runs it, emulated or not: so the pins of a builder
//! that lost a node are written anew.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::image::Platform;
use crate::input::builder::BuilderInputs;
use crate::plan::builder::create_command::CreateStep;

/// A node of a builder that the run makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuilderNode {
    /// The name that buildx knows it by.
    pub name: String,
    /// Where it is, without a password; none where that is the engine of this
    /// machine or a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The platforms that the inputs give to it.
    pub platforms: Vec<Platform>,
    #[serde(skip)]
    pub making: CreateStep,
}

/// The nodes of the inputs, as buildx names them and gives platforms to them:
/// a platform belongs to the last node that asks for it.
pub fn nodes(own: &BuilderInputs, builder: &str, makings: Vec<CreateStep>) -> Vec<BuilderNode> {
    let mut names = Names::of(builder);
    let last: HashMap<&Platform, usize> = own
        .nodes()
        .enumerate()
        .flat_map(|(index, node)| node.platforms.iter().map(move |one| (one, index)))
        .collect();
    let nodes = own.nodes().zip(makings).enumerate();
    let made = nodes.map(|(index, (node, making))| {
        let own = node.platforms.iter();
        BuilderNode {
            name: names.next(node.name.as_deref()),
            endpoint: node.endpoint.as_deref().map(without_password),
            platforms: own
                .filter(|one| last.get(one) == Some(&index))
                .cloned()
                .collect(),
            making,
        }
    });
    made.collect()
}

/// The names of the nodes so far.
struct Names<'a> {
    builder: &'a str,
    /// In small letters.
    taken: HashSet<String>,
    /// No smaller number is free.
    number: usize,
}

impl<'a> Names<'a> {
    fn of(builder: &'a str) -> Self {
        Self {
            builder,
            taken: HashSet::new(),
            number: 0,
        }
    }

    /// The name of the next node. Where none is given, buildx makes it up: the
    /// builder's, with the first number that is free.
    fn next(&mut self, given: Option<&str>) -> String {
        let name = match given {
            Some(name) => name.to_owned(),
            None => self.next_free_name(),
        };
        self.taken.insert(name.to_ascii_lowercase());
        name
    }

    fn next_free_name(&mut self) -> String {
        loop {
            let name = format!("{}{}", self.builder, self.number);
            self.number += 1;
            if !self.taken.contains(&name.to_ascii_lowercase()) {
                return name;
            }
        }
    }
}

/// An address as it may be shown.
pub fn without_password(endpoint: &str) -> String {
    let Some((scheme, rest)) = endpoint.split_once("://") else {
        return endpoint.to_owned();
    };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((login, _)) if login.contains(':') => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:…{}", &rest[login.len()..])
        }
        _ => endpoint.to_owned(),
    }
}

impl BuilderNode {
    /// Whether that is its name; buildx writes all names in small letters.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What a person finds it by.
    pub fn display_name(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{} ({endpoint})", self.name),
            None => self.name.clone(),
        }
    }
}
