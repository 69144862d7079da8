//! The inputs `bake-files`, `targets` and `set`: several images, one for each
//! target of a bake file. <https://docs.docker.com/build/bake/>

use crate::error::InputProblem;
use crate::input::grammar::csv;
use crate::input::grammar::list::Style;
use crate::input::metadata::full_reference::Reference;
use crate::input::reader::Reader;

/// Which targets are built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BakeInputs {
    /// `bake-files`, as buildx takes them.
    pub files: Vec<String>,
    /// `targets`: names of targets and groups; empty means `default`.
    pub targets: Vec<String>,
    /// `set`: what is changed in the files, as `TARGET.KEY=VALUE`.
    pub set: Vec<String>,
}

/// A secret of a target, as an entry of `secret` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretSpec {
    /// The name that the Dockerfile knows it by.
    pub id: String,
    /// The variable that holds it.
    pub variable: Option<String>,
    /// The file that holds it.
    pub file: Option<String>,
}

impl SecretSpec {
    /// Takes `type=env,id=NAME,env=VARIABLE` or `id=NAME,src=FILE` apart.
    pub fn parse(entry: &str) -> Self {
        let attributes = csv::attributes(entry).unwrap_or_default();
        let value = |name: &str| csv::value(&attributes, name).map(str::to_owned);
        let file = value("src").or_else(|| value("source"));
        let is_variable = value("type").as_deref() == Some("env");
        let (variable, file) = match (value("env"), is_variable) {
            (Some(variable), _) => (Some(variable), file),
            (None, true) => (file, None),
            (None, false) => (None, file),
        };
        Self {
            id: value("id").unwrap_or_default(),
            variable,
            file,
        }
    }

    /// True when it reads this variable.
    pub fn reads(&self, variable: &str) -> bool {
        let is_named = self.variable.is_none() && self.file.is_none();
        self.variable.as_deref() == Some(variable) || (is_named && self.id == variable)
    }
}

impl BakeInputs {
    /// The value of a build argument that `set` gives to a target.
    pub fn argument_of(&self, target: &str, argument: &str) -> Option<&str> {
        self.set.iter().rev().find_map(|entry| {
            let (name, value) = entry.split_once('=')?;
            let mut parts = name.trim_end_matches('+').splitn(3, '.');
            let (pattern, key) = (parts.next()?, parts.next()?);
            let is_it = key == "args" && parts.next()? == argument;
            (is_it && matches(pattern, target)).then_some(value)
        })
    }

    /// The values that `set` gives to a key of a target.
    pub fn set_for<'a>(
        &'a self,
        target: &'a str,
        keys: &'a [&'a str],
    ) -> impl Iterator<Item = &'a str> {
        self.set.iter().filter_map(move |entry| {
            let (name, value) = entry.split_once('=')?;
            let mut parts = name.trim_end_matches('+').split('.');
            let (pattern, key) = (parts.next()?, parts.next()?);
            (matches(pattern, target) && keys.contains(&key)).then_some(value)
        })
    }
}

/// True for a target that a pattern of `set` means: `*` is any text, `?` any
/// character.
pub fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = pattern.trim_start_matches('*');
            let mut tails = (0..=name.len()).filter_map(|at| name.get(at..));
            rest.is_empty() || tails.any(|tail| matches(rest, tail))
        }
        (Some(expected), Some(c)) if expected == '?' || expected == c => {
            let rest = |text: &str, c: char| text.get(c.len_utf8()..).map(str::to_owned);
            match (rest(pattern, expected), rest(name, c)) {
                (Some(pattern), Some(name)) => matches(&pattern, &name),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Where bake has no key.
const NOWHERE: &str = "";

/// What is said of one image, and where it is said of a target: in the file,
/// under this key.
const OF_ONE_IMAGE: [(&str, &str); 19] = [
    ("context", "context"),
    ("file", "dockerfile"),
    ("target", "target"),
    ("build-args", "args"),
    ("build-contexts", "contexts"),
    ("secrets", "secret"),
    ("secret-envs", "secret"),
    ("secret-files", "secret"),
    ("ssh", "ssh"),
    ("outputs", "output"),
    ("call", "call"),
    ("no-cache-filters", "no-cache-filter"),
    ("add-hosts", "extra-hosts"),
    ("network", "network"),
    ("shm-size", "shm-size"),
    ("ulimit", "ulimits"),
    ("cgroup-parent", NOWHERE),
    ("cache-from", "cache-from"),
    ("cache-to", "cache-to"),
];

impl Reader<'_> {
    /// `None` when one image is built, without bake. `references` are the entries
    /// of `tags` that name one image.
    pub fn bake(&mut self, references: &[Reference]) -> Option<BakeInputs> {
        let bake = BakeInputs {
            files: self.texts("bake-files", Style::COMMAS),
            targets: self.texts("targets", Style::COMMAS),
            set: self.texts("set", Style::VERBATIM),
        };
        if bake.files.is_empty() {
            for (name, given) in [("targets", &bake.targets), ("set", &bake.set)] {
                if let Some(first) = given.first() {
                    let accepted = "`bake-files` beside it, such as docker-bake.hcl";
                    self.refuse(
                        name,
                        first,
                        "is about a bake file, and none is given",
                        accepted,
                    );
                }
            }
            return None;
        }
        for (name, key) in OF_ONE_IMAGE {
            if self.raw.given(name).is_some() {
                let why = "is about one image, and `bake-files` makes several";
                let accepted = match key {
                    NOWHERE => "a step of its own: bake files cannot say it".to_owned(),
                    key => {
                        let set = match key {
                            "secret" => "secrets",
                            "args" | "contexts" | "extra-hosts" => &format!("{key}.NAME"),
                            key => key,
                        };
                        format!("`{key}` of the target in the bake file, or `set: TARGET.{set}=…`")
                    }
                };
                self.problems
                    .push(InputProblem::new(name, "", why, accepted));
            }
        }
        for reference in references {
            let why = "is the reference of one image, and `bake-files` makes several";
            let accepted = "rules such as type=ref,event=branch; the names stand in the bake file";
            self.refuse("tags", &reference.text, why, accepted);
        }
        Some(bake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::testing;

    fn parsed(given: &[(&str, &str)]) -> (Option<BakeInputs>, Vec<String>) {
        let (inputs, problems) = testing::parsed(given);
        (inputs.bake, problems)
    }

    #[test]
    fn files_make_it_bake() {
        let given = [
            ("bake-files", "docker-bake.hcl, more.json"),
            ("targets", "api\nweb"),
            ("set", "*.args.A=1,2"),
        ];
        let (bake, problems) = parsed(&given);
        let bake = bake.unwrap();
        assert_eq!(bake.files, ["docker-bake.hcl", "more.json"]);
        assert_eq!(bake.targets, ["api", "web"]);
        assert_eq!(bake.set, ["*.args.A=1,2"]);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(parsed(&[]).0, None);
    }

    #[test]
    fn secrets_are_taken_apart_as_buildx_does() {
        for (entry, variable, file) in [
            ("type=env,id=x,env=A", Some("A"), None),
            ("type=env,id=x,src=A", Some("A"), None),
            ("id=x,env=A,src=f", Some("A"), Some("f")),
            ("id=x,source=f", None, Some("f")),
            ("id=x", None, None),
        ] {
            let spec = SecretSpec::parse(entry);
            let found = (spec.variable.as_deref(), spec.file.as_deref());
            assert_eq!(
                (spec.id.as_str(), found),
                ("x", (variable, file)),
                "{entry}"
            );
        }
        assert!(SecretSpec::parse("id=x,env=A").reads("A"));
        assert!(SecretSpec::parse("id=A").reads("A"));
        assert!(!SecretSpec::parse("id=A,src=f").reads("A"));
    }

    #[test]
    fn set_is_about_the_targets_of_its_pattern() {
        let inputs = BakeInputs {
            set: vec![
                "a*i.secrets=id=x,env=A".to_owned(),
                "web.secrets+=id=y".to_owned(),
                "*.secret.z=env=B".to_owned(),
                "api.tags=t".to_owned(),
            ],
            ..BakeInputs::default()
        };
        let values =
            |target| -> Vec<&str> { inputs.set_for(target, &["secret", "secrets"]).collect() };
        assert_eq!(values("api"), ["id=x,env=A", "env=B"]);
        assert_eq!(values("web"), ["id=y", "env=B"]);
        for (pattern, name, expected) in [
            ("*", "", true),
            ("a?c", "abc", true),
            ("a*c*", "abcabd", true),
            ("a*c", "abcd", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_about_one_image_is_refused_with_its_place() {
        let given = [
            ("bake-files", "docker-bake.hcl"),
            ("build-args", "A=secret"),
            ("tags", "ghcr.io/a/b:1"),
        ];
        let (_, problems) = parsed(&given);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].starts_with("build-args: is about one image"),
            "{problems:?}"
        );
        assert!(
            problems[0].ends_with("`set: TARGET.args.NAME=…`"),
            "{problems:?}"
        );
        assert!(
            problems[1].starts_with("tags: \"ghcr.io/a/b:1\""),
            "{problems:?}"
        );
        let (_, problems) = parsed(&[("targets", "api")]);
        assert!(problems[0].contains("none is given"), "{problems:?}");
    }
}
