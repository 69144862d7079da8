//! The plan as a person reads it: what a dry run prints.

use crate::input::MovingTags;
use crate::plan::image::content::Content;
use crate::plan::lists::distinct;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::error::sanitize;
use crate::image::{ImageName, Registry};
use crate::plan::build::model::Build;
use crate::plan::builder::create::NewBuilder;
use crate::plan::builder::{assign, choice};
use crate::plan::command::exclusions::Exclusions;
use crate::plan::compose::Plan;
use crate::plan::run_files::RunFiles;
use crate::plan::shell::shell_line;

impl Build {
    /// The arguments for buildx, with the run's files in their places, and
    /// without what is to be left out.
    pub fn arguments(&self, files: &RunFiles, exclusions: &Exclusions) -> Vec<std::ffi::OsString> {
        self.arguments.with(files, exclusions)
    }

    /// The command as a shell would take it. `$RUN` stands for the folder that
    /// a run keeps its files in.
    pub fn command_line(&self) -> String {
        shell_line(|files| self.arguments(files, &Exclusions::initial()))
    }

    fn to_json(&self) -> serde_json::Result<Map<String, Value>> {
        let mut fields = match serde_json::to_value(self)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.insert("command".to_owned(), self.command_line().into());
        Ok(fields)
    }
}

impl Plan {
    /// The plan for programs: every field, and the commands.
    ///
    /// # Errors
    /// Never for a plan that was made from text.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        let builds = self
            .builds
            .iter()
            .map(Build::to_json)
            .collect::<serde_json::Result<Vec<_>>>()?;
        if let Some(fields) = value.as_object_mut() {
            let targets: Vec<String> = self
                .builds
                .iter()
                .filter_map(|build| build.target.clone())
                .collect();
            if targets.is_empty() {
                fields.extend(builds.into_iter().flatten())
            } else {
                let builds = builds.into_iter().map(Value::Object);
                let targets = Value::Object(targets.into_iter().zip(builds).collect());
                fields.insert("targets".to_owned(), targets);
                let command = self.together_line();
                fields.extend(command.map(|line| ("command".to_owned(), line.into())));
            }
        }
        serde_json::to_string_pretty(&value)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.builds.iter().try_for_each(|build| build.names(f))?;
        line_if(f, "content", self.content())?;
        line_if(f, "moving tags", &self.moving_names())?;
        list(f, "registry", &self.registries())?;
        line(f, "builder", &self.builder.describe())?;
        for decision in self
            .builder
            .made()
            .into_iter()
            .flat_map(NewBuilder::decisions)
        {
            line(f, "", &decision)?;
        }
        if let Some(nodes) = assign::describe_nodes(&self.builder, &self.platforms()) {
            line(f, "nodes", &nodes)?;
        }
        line(f, "emulation", &self.emulation.describe())?;
        if let Some(refusal) = self.preflight.described_refusal() {
            line(f, "if refused", &refusal)?;
        }
        if let Some(described) = choice::clean_up(self.cleanup) {
            line(f, "clean-up", described)?;
        }
        self.labels(f)?;
        for notice in &self.notices {
            line(f, "note", &format!("{}: {}", notice.title, notice.message))?;
        }
        writeln!(f)?;
        for command in self.builder.made().iter().flat_map(|made| &made.commands) {
            writeln!(f, "{}", command.line())?;
        }
        if let Some(command) = self.together_line() {
            return writeln!(f, "{command}");
        }
        for build in &self.builds {
            writeln!(f, "{}", build.command_line())?;
        }
        Ok(())
    }
}

impl Plan {
    /// How the content goes; empty where nothing is pushed.
    fn content(&self) -> &'static str {
        let mut pushed = self.builds.iter().filter(|build| !build.names.is_empty());
        match pushed.next().map(|build| build.content) {
            Some(Content::ByDigest) => "pushed by its digest; then every tag is written",
            Some(Content::FromEngine) => {
                "built into the engine's store, and pushed with the first tag of each repository; \
                 then the other tags are written"
            }
            Some(Content::WithNames) => "pushed together with all tags",
            None => "",
        }
    }

    /// The names that move, and what becomes of them; empty where there are none.
    fn moving_names(&self) -> String {
        let moving: Vec<&str> = self
            .builds
            .iter()
            .flat_map(|build| &build.names)
            .filter(|name| name.motion.is_moving())
            .filter_map(|name| name.reference.rsplit_once(':'))
            .map(|(_, tag)| tag)
            .collect();
        let is_first = self.builds.iter().all(|build| build.content.is_first());
        let what = match (is_first, self.moving_tags) {
            (false, _) => "written with the content, whatever they stand for",
            (true, MovingTags::Always) => "written last, whatever they stand for",
            (true, MovingTags::Forward) => "written last, unless they stand for something newer",
        };
        if moving.is_empty() {
            return String::new();
        }
        format!("{}: {what}", distinct(&moving).join(", "))
    }

    /// The command that builds several targets.
    fn together_line(&self) -> Option<String> {
        self.together.as_ref()?;
        let together = |files: &RunFiles| self.arguments_together(files, &Exclusions::initial());
        Some(shell_line(|files| together(files).unwrap_or_default()))
    }

    /// Labels and annotations: those of all images, then what a target has beside
    /// them.
    fn labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_all = |values: for<'a> fn(&'a Build) -> &'a Vec<String>| -> Vec<String> {
            let mut builds = self.builds.iter().map(values);
            let first = builds.next().cloned().unwrap_or_default();
            builds.fold(first, |mut common, values| {
                common.retain(|value| values.contains(value));
                common
            })
        };
        let labels = of_all(|build| &build.labels);
        let annotations = of_all(|build| &build.annotations);
        list(f, "labels", &labels)?;
        list(f, "annotations", &annotations)?;
        for build in &self.builds {
            let own_labels = difference(&build.labels, &labels);
            let own_annotations = difference(&build.annotations, &annotations);
            if own_labels.is_empty() && own_annotations.is_empty() {
                continue;
            }
            line(f, "target", build.target.as_deref().unwrap_or_default())?;
            list(f, "labels", &own_labels)?;
            list(f, "annotations", &own_annotations)?;
        }
        Ok(())
    }
}

fn difference(values: &[String], others: &[String]) -> Vec<String> {
    let rest = values.iter().filter(|value| !others.contains(value));
    rest.cloned().collect()
}

impl Build {
    /// What one image is called, and what becomes of it.
    fn names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platforms: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        let platforms = match platforms.as_slice() {
            [] => "the builder's own".to_owned(),
            some => some.join(", "),
        };
        let push = match (
            self.publication.pushes_tags(),
            self.publication.pushes_by_outputs(),
        ) {
            (true, _) => "yes",
            (false, true) => "by `outputs`",
            (false, false) => "no",
        };
        let push = format!("{push}: {}", self.publication.reason);
        let context = format!("{} ({})", self.context.location, self.context.reason);
        if let Some(target) = &self.target {
            line(f, "target", target)?;
        }
        line(f, "version", &self.version)?;
        list(f, "tags", &self.tags)?;
        list(f, "by outputs", &self.pushed_by_outputs)?;
        line(f, "platforms", &platforms)?;
        line(f, "push", &push)?;
        line(f, "context", &context)?;
        if let Some(test) = &self.test {
            let platforms: Vec<String> = test.platforms.iter().map(ToString::to_string).collect();
            line(
                f,
                "test",
                &format!("for {}, before any name is written", platforms.join(", ")),
            )?;
        }
        line(f, "cache", &self.cache.describe())
    }
}

impl Plan {
    /// Every registry of the images and logins, and how it is logged in to.
    fn registries(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.logins.iter().map(ToString::to_string).collect();
        let is_open = |name: &&ImageName| {
            !self
                .logins
                .iter()
                .any(|login| login.registry == name.registry)
        };
        let images = self.images();
        let open: BTreeSet<&Registry> = images
            .iter()
            .filter(is_open)
            .map(|name| &name.registry)
            .collect();
        let without =
            |registry| format!("{registry}, with the login that Docker has for it, if any");
        lines.extend(open.into_iter().map(without));
        lines
    }
}

/// A line of a printed result: its name, and a value that cannot leave the line.
///
/// # Errors
/// When nothing can be written.
pub fn line(f: &mut impl fmt::Write, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "{name:<12}{}", sanitize::visible(value))
}

/// The same, where there is a value.
fn line_if(f: &mut impl fmt::Write, name: &str, value: &str) -> fmt::Result {
    if value.is_empty() {
        Ok(())
    } else {
        line(f, name, value)
    }
}

/// The same for several values, with the name before the first.
///
/// # Errors
/// As [`line()`].
pub fn list(f: &mut impl fmt::Write, name: &str, values: &[String]) -> fmt::Result {
    let mut name = name;
    for value in values {
        line(f, name, value)?;
        name = "";
    }
    Ok(())
}
