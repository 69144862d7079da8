//! What one rule gives for one event.

use crate::input::MetadataInputs;
use crate::input::metadata::flavor::Latest;
use crate::input::metadata::tags::{RefEvent, ShaFormat, TagKind, TagRule, VersionRule};
use crate::metadata::expressions::{Expressions, render_fields, render_python};
use crate::metadata::pep440::PythonVersion;
use crate::metadata::regex::Searcher;
use crate::metadata::semantic::SemVer;
use crate::metadata::template;

/// What came of a rule.
#[derive(Debug)]
pub enum Outcome {
    /// A tag, not yet fit for a registry.
    Tag {
        /// With prefix and suffix.
        value: String,
        /// Whether it makes `latest`.
        latest: bool,
        /// Whether it stands for a pre-release. A suffix such as `-alpine` does not count.
        prerelease: bool,
    },
    /// The event is not one for this rule.
    OtherEvent(String),
    /// The rule gave nothing for another reason.
    Nothing(String),
}

/// Applies rules one after the other.
pub struct Rules<'a> {
    pub inputs: &'a MetadataInputs,
    pub expressions: Expressions<'a>,
    pub searcher: Searcher,
    /// What the original warns of, in its words.
    pub warnings: Vec<String>,
}

/// A version's text, or why there is none.
type Found<T> = Result<T, Outcome>;

impl Rules<'_> {
    /// Applies one rule.
    ///
    /// # Errors
    /// Says what is wrong with the rule.
    pub fn apply(&mut self, rule: &TagRule) -> Result<Outcome, String> {
        match self.expressions.render(&rule.enable)?.as_str() {
            "true" => {}
            "false" => return Ok(Outcome::Nothing("enable is false".to_owned())),
            other => return Err(format!("enable is {other:?}, not true or false")),
        }
        match &rule.kind {
            TagKind::Schedule { pattern } => self.schedule(rule, pattern),
            TagKind::Semver(version) => self.semver(rule, version),
            TagKind::Pep440(version) => self.pep440(rule, version),
            TagKind::Match {
                pattern,
                group,
                value,
            } => self.matching(rule, pattern, group, value),
            TagKind::Edge { branch } => self.edge(rule, branch),
            TagKind::Ref(event) => self.reference(rule, *event),
            TagKind::Raw { value } => {
                let value = self.expressions.render(value)?;
                self.tag(rule, &value, false)
            }
            TagKind::Sha(format) => self.sha(rule, *format),
        }
    }

    /// The tag of a value that may look like any version.
    fn tag(&self, rule: &TagRule, value: &str, latest: bool) -> Result<Outcome, String> {
        self.release(rule, value, latest, is_prerelease(value))
    }

    /// Puts prefix and suffix around a value; `latest` is what `auto` means.
    fn release(
        &self,
        rule: &TagRule,
        value: &str,
        latest: bool,
        prerelease: bool,
    ) -> Result<Outcome, String> {
        let flavor = &self.inputs.flavor;
        let prefix = rule.prefix.as_ref().unwrap_or(&flavor.prefix);
        let suffix = rule.suffix.as_ref().unwrap_or(&flavor.suffix);
        let prefix = self.expressions.render(prefix)?;
        let suffix = self.expressions.render(suffix)?;
        let value = format!("{prefix}{value}{suffix}");
        if value.is_empty() {
            return Ok(Outcome::Nothing("its value is empty".to_owned()));
        }
        let latest = match flavor.latest {
            Latest::Auto => latest,
            Latest::Always => true,
            Latest::Never => false,
        };
        Ok(Outcome::Tag {
            value,
            latest,
            prerelease,
        })
    }

    fn schedule(&self, rule: &TagRule, pattern: &str) -> Result<Outcome, String> {
        let event = &self.expressions.context.event_name;
        if !event.contains("schedule") {
            return Ok(Outcome::OtherEvent(format!(
                "the event is {event}, not schedule"
            )));
        }
        let value = self.expressions.render_schedule(pattern)?;
        self.tag(rule, &value, false)
    }

    /// The template's value, or the Git tag when there is no template.
    fn version_text(&self, template: &str) -> Result<Found<String>, String> {
        if !template.is_empty() {
            return self.expressions.render(template).map(Ok);
        }
        Ok(match self.expressions.tag() {
            Some(tag) => Ok(tag.to_owned()),
            None => Err(self.not_a("tag")),
        })
    }

    fn not_a(&self, kind: &str) -> Outcome {
        let git_ref = &self.expressions.context.git_ref;
        Outcome::OtherEvent(format!("{git_ref:?} is not a {kind}"))
    }

    /// The text that a `semver` or `pep440` rule reads as a version.
    fn candidate(&mut self, rule: &VersionRule) -> Result<Found<String>, String> {
        let mut text = match self.version_text(&rule.value)? {
            Ok(text) => text,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let pattern = &rule.matching;
        if !pattern.is_empty() {
            match self.searcher.search(pattern, "", &text)? {
                None => self
                    .warnings
                    .push(format!("{pattern} does not match {text}.")),
                Some(groups) => {
                    let group = groups.into_iter().nth(1).flatten();
                    text = group.ok_or_else(|| {
                        format!(
                            "match={pattern} has no group that matches in {text:?}; put what \
                                 is the version in parentheses"
                        )
                    })?;
                }
            }
        }
        Ok(Ok(text.replace('/', "-")))
    }

    fn semver(&mut self, rule: &TagRule, version: &VersionRule) -> Result<Outcome, String> {
        let text = match self.candidate(version)? {
            Ok(text) => text,
            Err(outcome) => return Ok(outcome),
        };
        let Some(semantic) = SemVer::parse(&text) else {
            self.warnings.push(format!(
                "{text} is not a valid semver. More info: https://semver.org/"
            ));
            return Ok(Outcome::Nothing(format!(
                "{text:?} is not a semantic version"
            )));
        };
        let prerelease = semantic.is_prerelease();
        if prerelease && !template::is_raw(&version.pattern) {
            return self.release(rule, &semantic.text(), false, true);
        }
        let value = render_fields(&version.pattern, &semantic.fields())?;
        self.release(rule, &value, !prerelease, prerelease)
    }

    fn pep440(&mut self, rule: &TagRule, version: &VersionRule) -> Result<Outcome, String> {
        let text = match self.candidate(version)? {
            Ok(text) => text,
            Err(outcome) => return Ok(outcome),
        };
        let Some(python) = PythonVersion::parse(&text) else {
            self.warnings.push(format!(
                "{text} does not conform to PEP 440. More info: https://www.python.org/dev/peps/pep-0440"
            ));
            return Ok(Outcome::Nothing(format!(
                "{text:?} is not a Python version"
            )));
        };
        if python.is_final() {
            let value = render_python(&version.pattern, &text, &python)?;
            return self.release(rule, &value, true, false);
        }
        let prerelease = python.is_prerelease();
        if template::is_raw(&version.pattern) {
            return self.release(rule, &text, false, prerelease);
        }
        self.release(rule, &python.text(), false, prerelease)
    }

    fn matching(
        &mut self,
        rule: &TagRule,
        pattern: &str,
        group: &str,
        value: &str,
    ) -> Result<Outcome, String> {
        let text = match self.version_text(value)? {
            Ok(text) => text,
            Err(outcome) => return Ok(outcome),
        };
        let (source, flags) = delimited(pattern).unwrap_or((pattern, ""));
        let Some(groups) = self.searcher.search(source, flags, &text)? else {
            self.warnings
                .push(format!("{pattern} does not match {text}."));
            return Ok(Outcome::Nothing(format!(
                "{pattern} does not match {text:?}"
            )));
        };
        // Only the canonical spelling of a number names a group.
        let at = group
            .parse::<usize>()
            .ok()
            .filter(|at| at.to_string() == group);
        let Some(value) = at.and_then(|at| groups.into_iter().nth(at)).flatten() else {
            self.warnings.push(format!(
                "Group {group} does not exist for {pattern} pattern."
            ));
            return Ok(Outcome::Nothing(format!(
                "{pattern} has no group {group} in {text:?}"
            )));
        };
        self.tag(rule, &value, true)
    }

    fn edge(&self, rule: &TagRule, branch: &str) -> Result<Outcome, String> {
        let Some(current) = self.expressions.branch() else {
            return Ok(self.not_a("branch"));
        };
        let default = self.expressions.facts.repository.default_branch.as_deref();
        let wanted = if branch.is_empty() {
            default
        } else {
            Some(branch)
        };
        if wanted != Some(current) {
            let wanted = wanted.unwrap_or("not known");
            let why = format!("the branch is {current}, its branch is {wanted}");
            return Ok(Outcome::OtherEvent(why));
        }
        self.tag(rule, "edge", false)
    }

    fn reference(&self, rule: &TagRule, event: RefEvent) -> Result<Outcome, String> {
        let git_ref = self.expressions.context.git_ref.as_str();
        let (value, kind) = match event {
            RefEvent::Branch => (self.expressions.branch(), "branch"),
            RefEvent::Tag => (self.expressions.tag(), "tag"),
            RefEvent::PullRequest => {
                let number = git_ref
                    .strip_prefix("refs/pull/")
                    .map(|rest| rest.strip_suffix("/merge").unwrap_or(rest));
                (number, "pull request")
            }
        };
        match value {
            Some(value) => self.tag(rule, value, event == RefEvent::Tag),
            None => Ok(self.not_a(kind)),
        }
    }

    fn sha(&self, rule: &TagRule, format: ShaFormat) -> Result<Outcome, String> {
        let sha = &self.expressions.context.sha;
        if sha.is_empty() {
            return Ok(Outcome::OtherEvent("the event has no commit".to_owned()));
        }
        match format {
            ShaFormat::Long => self.tag(rule, sha, false),
            ShaFormat::Short => self.tag(rule, &self.expressions.short_sha()?, false),
        }
    }
}

fn is_prerelease(version: &str) -> bool {
    SemVer::parse(version).is_some_and(|version| version.is_prerelease())
        || PythonVersion::parse(version).is_some_and(|version| version.is_prerelease())
}

/// `/source/flags`, in one line.
fn delimited(pattern: &str) -> Option<(&str, &str)> {
    if pattern.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return None;
    }
    let (source, flags) = pattern.strip_prefix('/')?.rsplit_once('/')?;
    (!source.is_empty()).then_some((source, flags))
}

/// Replaces what no tag can hold, a run of it by one `-`.
pub fn sanitize(tag: &str) -> String {
    let mut clean = String::with_capacity(tag.len());
    let mut replaced = false;
    for c in tag.chars() {
        let good = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if good {
            clean.push(c);
        } else if !replaced {
            clean.push('-');
        }
        replaced = !good;
    }
    clean
}
