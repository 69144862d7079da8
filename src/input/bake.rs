//! The inputs `bake-files`, `targets` and `set`: several images, one for each
//! target of a bake file. <https://docs.docker.com/build/bake/>

use super::list::Style;
use super::reader::Reader;
use super::reference::Reference;
use crate::error::InputProblem;

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
    pub(super) fn bake(&mut self, references: &[Reference]) -> Option<BakeInputs> {
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
    use super::super::spec::Part;
    use super::super::{Inputs, RawInputs};
    use super::*;
    use crate::host::Host;

    fn parsed(given: &[(&str, &str)]) -> (Option<BakeInputs>, Vec<String>) {
        let nowhere = std::path::Path::new("/nowhere");
        let host = Host::with(&[], nowhere, jiff::Timestamp::UNIX_EPOCH);
        let mut raw = RawInputs::from_environment(Part::Publish, &host);
        for (name, value) in given {
            raw.set(name, value);
        }
        let (inputs, problems) = Inputs::parse(&raw, &host);
        (
            inputs.bake,
            problems.iter().map(ToString::to_string).collect(),
        )
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
