//! What names mean in the templates of rules, labels and annotations.
//!
//! Owns the functions `branch`, `tag`, `sha`, `base_ref`, `commit_date`,
//! `is_default_branch`, `is_not_default_branch`, `date`, the name `target`, and the
//! sets of names that patterns of `schedule` and `pep440` rules see.

use std::rc::Rc;

use crate::event::RunContext;
use crate::input::MetadataInputs;
use crate::input::metadata::inputs::ShortShaLength;
use crate::metadata::facts::Facts;
use crate::metadata::moment::{self, ZonedNow};
use crate::metadata::pep440::PythonVersion;
use crate::metadata::template::{self, Function, Functions, Hash, Object, Value};

/// Renders templates for one event.
pub struct Expressions<'a> {
    pub context: &'a RunContext,
    pub facts: &'a Facts,
    pub short_sha_length: &'a ShortShaLength,
    global: Value,
    schedule: Value,
}

const GLOBAL: [(&str, usize); 8] = [
    ("branch", 0),
    ("tag", 0),
    ("sha", 0),
    ("base_ref", 0),
    ("commit_date", 2),
    ("is_default_branch", 0),
    ("is_not_default_branch", 0),
    ("date", 2),
];
const SCHEDULE: [(&str, usize); 2] = [("date", 2), ("commit_date", 2)];
const PYTHON: [(&str, usize); 5] = [
    ("raw", 0),
    ("version", 0),
    ("major", 0),
    ("minor", 0),
    ("patch", 0),
];

/// Functions, and what else has a name beside them.
fn names(
    functions: &[(&'static str, usize)],
    others: impl IntoIterator<Item = (Rc<str>, Value)>,
) -> Value {
    let function = |&(name, arity): &(&'static str, usize)| {
        (name.into(), Value::Function(Function { name, arity }))
    };
    Object {
        entries: functions.iter().map(function).chain(others).collect(),
        text: None,
    }
    .into_value()
}

impl<'a> Expressions<'a> {
    pub fn new(context: &'a RunContext, facts: &'a Facts, inputs: &'a MetadataInputs) -> Self {
        let target = inputs
            .target
            .iter()
            .map(|name| ("target".into(), name.as_str().into()));
        Self {
            context,
            facts,
            short_sha_length: &inputs.short_sha_length,
            global: names(&GLOBAL, target),
            schedule: names(&SCHEDULE, []),
        }
    }

    /// The same, where `version` is the image's too.
    pub fn with_version(mut self, version: &str) -> Self {
        self.global = names(&GLOBAL, [("version".into(), version.into())]);
        self
    }

    /// True for a name that a value of a build argument may use.
    pub fn knows(name: &str) -> bool {
        name == "version" || GLOBAL.iter().any(|(known, _)| *known == name)
    }

    /// Renders the template of a value, a label and so on.
    pub fn render(&self, template: &str) -> Result<String, String> {
        template::render(template, &self.global, self)
    }

    /// Renders the pattern of a `schedule` rule.
    pub fn render_schedule(&self, pattern: &str) -> Result<String, String> {
        template::render(pattern, &self.schedule, self)
    }

    pub fn branch(&self) -> Option<&'a str> {
        self.context.git_ref.strip_prefix("refs/heads/")
    }

    pub fn tag(&self) -> Option<&'a str> {
        self.context.git_ref.strip_prefix("refs/tags/")
    }

    /// The first characters of the commit.
    pub fn short_sha(&self) -> Result<String, String> {
        let length = match self.short_sha_length {
            ShortShaLength::Characters(length) => *length,
            ShortShaLength::Invalid(text) => {
                return Err(format!(
                    "DOCKER_METADATA_SHORT_SHA_LENGTH is {text:?}, and no number"
                ));
            }
        };
        // A negative or broken length counts as JavaScript's substring has it.
        let kept = |at: &usize| f64::from(u32::try_from(*at).unwrap_or(u32::MAX)) < length.trunc();
        let characters = self.context.sha.chars().enumerate();
        Ok(characters
            .take_while(|(at, _)| kept(at))
            .map(|(_, c)| c)
            .collect())
    }

    fn base_ref(&self) -> String {
        let payload = &self.context.payload;
        if self.tag().is_some()
            && let Some(base) = payload.tagged_on()
        {
            base.strip_prefix("refs/heads/").unwrap_or(base).to_owned()
        } else if self.context.git_ref.starts_with("refs/pull/") {
            payload.base_branch().unwrap_or_default().to_owned()
        } else {
            String::new()
        }
    }

    fn is_default_branch(&self) -> bool {
        // Events that always run on the default branch's last commit.
        const ALWAYS: [&str; 4] = ["create", "discussion", "issues", "schedule"];
        let branch = self.branch().unwrap_or(&self.context.git_ref);
        let default = self.context.payload.default_branch();
        let event = &self.context.event_name;
        !branch.is_empty()
            && (default == Some(branch) || ALWAYS.iter().any(|name| event.contains(name)))
    }

    fn date(
        &self,
        function: &str,
        params: &[Value],
        options: Option<&Hash>,
    ) -> Result<Value, String> {
        let time = match function {
            "commit_date" => self.facts.commit_date.unwrap_or(self.facts.now),
            _ => self.facts.now,
        };
        let ([format], Some(options)) = (params, options) else {
            return Err(format!(
                "{function} takes one date format, such as {{{{{function} 'YYYYMMDD'}}}}"
            ));
        };
        let mut zone = &Value::from("UTC");
        for (key, value) in options {
            if key != "tz" {
                return Err(format!("{function} takes no argument {key:?}, only tz"));
            }
            zone = value;
        }
        let zone = match zone {
            Value::Text(zone) if !zone.is_empty() => zone,
            _ => {
                return Err(format!(
                    "tz of {function} is not a time zone such as 'Europe/Paris'"
                ));
            }
        };
        let format = match format {
            Value::Text(format) => format,
            Value::Undefined | Value::Null | Value::Boolean(false) => "",
            Value::Number(number) if *number == 0.0 => "",
            _ => return Err(format!("{function} takes a date format in quotes")),
        };
        let clock = ZonedNow {
            local: self.facts.time_zone.clone(),
        };
        moment::format(&clock.moment(time, zone), format).map(Value::from)
    }
}

impl Functions for Expressions<'_> {
    fn call(
        &self,
        function: &str,
        this: &Value,
        params: &[Value],
        options: Option<&Hash>,
    ) -> Result<Value, String> {
        let boolean = |value: bool| Value::from(if value { "true" } else { "false" });
        Ok(match function {
            "branch" => self.branch().unwrap_or_default().into(),
            "tag" => self.tag().unwrap_or_default().into(),
            "sha" => self.short_sha()?.into(),
            "base_ref" => self.base_ref().into(),
            "is_default_branch" => boolean(self.is_default_branch()),
            // The original asks the object that the name was found on.
            "is_not_default_branch" => {
                if this.function("is_default_branch") {
                    boolean(!self.is_default_branch())
                } else {
                    return Err("is_not_default_branch is used inside another value".to_owned());
                }
            }
            "date" | "commit_date" => self.date(function, params, options)?,
            other => return Err(format!("there is no function {other:?}")),
        })
    }
}

/// Renders the pattern of a `pep440` rule.
pub fn render_python(pattern: &str, raw: &str, version: &PythonVersion) -> Result<String, String> {
    struct Python<'a>(&'a str, &'a PythonVersion);
    impl Functions for Python<'_> {
        fn call(
            &self,
            function: &str,
            _: &Value,
            _: &[Value],
            _: Option<&Hash>,
        ) -> Result<Value, String> {
            Ok(match function {
                "raw" => self.0.into(),
                "version" => self.1.text().into(),
                "major" => self.1.component(0),
                "minor" => self.1.component(1),
                _ => self.1.component(2),
            })
        }
    }
    template::render(pattern, &names(&PYTHON, []), &Python(raw, version))
}

/// Renders a pattern over plain values.
pub fn render_fields(pattern: &str, fields: &Value) -> Result<String, String> {
    struct NoFunctions;
    impl Functions for NoFunctions {
        fn call(
            &self,
            function: &str,
            _: &Value,
            _: &[Value],
            _: Option<&Hash>,
        ) -> Result<Value, String> {
            Err(format!("there is no function {function:?}"))
        }
    }
    template::render(pattern, fields, &NoFunctions)
}
