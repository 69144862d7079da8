//! The input `outputs`: where the result of a build goes.
//!
//! Owns [`Output`]. An entry reaches buildx as it was given; this only looks
//! into it, as docker/build-push-action and buildx do.

use crate::error::InputProblem;
use crate::input::grammar::boolean;
use crate::input::grammar::csv::{self, ENTRY, QuoteError};
use crate::input::grammar::list::Entry;

/// One entry of `outputs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The entry, as it was given.
    pub text: String,
    /// What makes the result.
    pub exporter: Exporter,
    /// The folder, when the entry is nothing else.
    folder: Option<String>,
    attributes: Vec<(String, String)>,
    /// True when the option `--push` stands beside it.
    has_option: bool,
}

/// A kind of result, as BuildKit names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// A folder; also a path alone.
    Local,
    /// The files in an archive.
    Tar,
    /// An image in an archive, as OCI lays it out.
    Oci,
    /// An image in the engine, or in an archive for it.
    Docker,
    /// An image in the builder's store or a registry.
    Image,
    /// An image in a registry.
    Registry,
    /// Something else.
    Other,
}

const ACCEPTED: &str =
    "an exporter such as type=local,dest=out; quotes around a whole field, such as \"name=a,b\"";

/// What is accepted where an exporter pushes.
const PUSHING: &str = "type=image,push=true or type=registry; or no `push` in this entry";

impl Output {
    /// Looks into an entry.
    ///
    /// # Errors
    /// When its quotes do not pair up, or an exporter that may not push is to.
    pub fn parse(entry: &Entry) -> Result<Self, InputProblem> {
        let refused = |error: QuoteError| {
            let problem = InputProblem::new("outputs", &entry.text, error.to_string(), ACCEPTED);
            problem.at(entry.line, error.column)
        };
        let records = csv::records(&entry.text, ENTRY).map_err(refused)?;
        // One field that does not start with `type=` is a folder, whatever it says.
        let folder = match records.first().map(|record| record.fields.as_slice()) {
            None => Some(String::new()),
            Some([one]) if !one.starts_with("type=") => Some(one.clone()),
            Some(_) => None,
        };
        let attributes = match &folder {
            Some(_) => Vec::new(),
            None => csv::attributes(&entry.text).map_err(refused)?,
        };
        let exporter = match &folder {
            Some(_) => Exporter::Local,
            None => exporter(&attributes),
        };
        // The engine's own builder pushes what `docker` or `moby` makes, too, whatever
        // the event. Nothing here would check or report that.
        let can_push = matches!(exporter, Exporter::Image | Exporter::Registry);
        let push = csv::value(&attributes, "push");
        if !can_push && push.is_some_and(|push| boolean::parse(push) != Some(false)) {
            let why = "only the exporters `image` and `registry` may push";
            return Err(InputProblem::new("outputs", &entry.text, why, PUSHING).at(entry.line, 1));
        }
        Ok(Self {
            text: entry.text.clone(),
            exporter,
            folder,
            attributes,
            has_option: false,
        })
    }

    /// The same beside the option `--push`, by which buildx pushes every image that
    /// it does not write to a file.
    #[must_use]
    pub fn with_push(mut self) -> Self {
        self.has_option = matches!(self.exporter, Exporter::Image | Exporter::Registry);
        self
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        csv::value(&self.attributes, name)
    }

    /// The attributes that ask for something: those that are not switched off.
    pub fn asked_for(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| boolean::parse(value) != Some(false))
    }

    fn is_true(&self, name: &str) -> bool {
        self.attribute(name).and_then(boolean::parse) == Some(true)
    }

    /// True when it is pushed.
    pub fn pushes(&self) -> bool {
        self.has_option || self.pushes_by_itself()
    }

    /// True when it is pushed without any option beside it.
    pub fn pushes_by_itself(&self) -> bool {
        match self.exporter {
            Exporter::Registry => self.attribute("push").and_then(boolean::parse) != Some(false),
            Exporter::Image => self.is_true("push"),
            _ => false,
        }
    }

    /// True when it is pushed without any tag, to be put into an index later.
    pub fn pushes_by_digest(&self) -> bool {
        self.pushes() && self.is_true("push-by-digest")
    }

    /// The same result, as far as anything is said of it beside that it is pushed,
    /// and under which name.
    pub fn without_push(&self) -> Option<Self> {
        let is_kept =
            |(name, _): &&(String, String)| !["type", "push", "name"].contains(&name.as_str());
        let mut attributes = vec![("type".to_owned(), "image".to_owned())];
        attributes.extend(self.attributes.iter().filter(is_kept).cloned());
        (attributes.len() > 1).then(|| Self {
            text: csv::entry(&attributes),
            exporter: Exporter::Image,
            folder: None,
            attributes,
            has_option: false,
        })
    }

    /// True when it makes an image, which has names.
    pub fn is_image(&self) -> bool {
        matches!(
            self.exporter,
            Exporter::Image | Exporter::Registry | Exporter::Oci | Exporter::Docker
        )
    }

    /// True when it says itself what the image is called: by `name`, or by
    /// having no tag at all.
    pub fn names_the_image(&self) -> bool {
        self.is_image() && (self.attribute("name").is_some() || self.is_true("push-by-digest"))
    }

    /// The names in `name`, which commas separate.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.attribute("name").unwrap_or_default().split(',');
        names.map(str::trim).filter(|name| !name.is_empty())
    }

    /// The file or folder that it is written to.
    pub fn path(&self) -> Option<&str> {
        self.attribute("dest").or(self.folder.as_deref())
    }
}

fn exporter(attributes: &[(String, String)]) -> Exporter {
    match csv::value(attributes, "type") {
        Some("local") => Exporter::Local,
        Some("tar") => Exporter::Tar,
        Some("oci") => Exporter::Oci,
        Some("docker") => Exporter::Docker,
        Some("image") => Exporter::Image,
        Some("registry") => Exporter::Registry,
        _ => Exporter::Other,
    }
}

/// True when the result is loaded into an engine. As in
/// docker/build-push-action, nothing after a path alone counts.
pub fn has_docker_exporter(outputs: &[Output]) -> bool {
    let mut counted = outputs.iter().take_while(|output| output.folder.is_none());
    counted.any(|output| output.exporter == Exporter::Docker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Output {
        Output::parse(&Entry {
            text: text.to_owned(),
            ..Entry::default()
        })
        .unwrap()
    }

    #[test]
    fn only_images_and_registries_are_pushed_to() {
        let parse = |text: &str| {
            let text = text.to_owned();
            Output::parse(&Entry {
                text,
                ..Entry::default()
            })
        };
        for text in [
            "type=docker,push=true",
            "type=moby,push=1,name=a/b:1",
            "type=oci,dest=o.tar,Push=T",
            "type=local,dest=o,push=maybe",
        ] {
            let problem = parse(text).unwrap_err().to_string();
            assert!(problem.contains("may push"), "{problem}");
        }
        for text in [
            "type=docker,push=false",
            "type=moby",
            "type=image,push=true",
            "type=registry,push=true",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn each_kind_is_known() {
        for (text, exporter, pushes, path) in [
            ("./out", Exporter::Local, false, Some("./out")),
            ("type=local,dest=out", Exporter::Local, false, Some("out")),
            ("type=tar,dest=o.tar", Exporter::Tar, false, Some("o.tar")),
            (
                "type=oci, dest = o.tar",
                Exporter::Oci,
                false,
                Some("o.tar"),
            ),
            ("type=docker", Exporter::Docker, false, None),
            ("type=registry", Exporter::Registry, true, None),
            (
                "type=image,\"name=a/b,c/d\",push=true",
                Exporter::Image,
                true,
                None,
            ),
            ("type=image,push=1", Exporter::Image, true, None),
            ("type=image", Exporter::Image, false, None),
            ("type=cacheonly", Exporter::Other, false, None),
            (
                "type = docker",
                Exporter::Local,
                false,
                Some("type = docker"),
            ),
            ("", Exporter::Local, false, Some("")),
        ] {
            let output = output(text);
            assert_eq!(output.exporter, exporter, "{text}");
            assert_eq!(output.pushes(), pushes, "{text}");
            assert_eq!(output.path(), path, "{text}");
        }
    }

    #[test]
    fn some_say_what_the_image_is_called() {
        assert!(output("type=image,name=a/b,push=true").names_the_image());
        assert!(output("type=image,push-by-digest=true").names_the_image());
        assert!(!output("type=registry").names_the_image());
        assert!(!output("type=local,dest=out,name=x").names_the_image());
    }

    #[test]
    fn a_docker_exporter_counts_unless_a_path_stands_before_it() {
        let all = |texts: &[&str]| texts.iter().map(|text| output(text)).collect::<Vec<_>>();
        assert!(has_docker_exporter(&all(&[
            "type=local,dest=x",
            "type=docker"
        ])));
        assert!(!has_docker_exporter(&all(&["./out", "type=docker"])));
        assert!(!has_docker_exporter(&all(&["type=oci,dest=x"])));
    }

    #[test]
    fn quotes_in_a_wrong_place_are_refused() {
        let entry = Entry {
            text: "type=local,dest=a\"b".to_owned(),
            line: 2,
            column: 1,
        };
        let problem = Output::parse(&entry).unwrap_err();
        assert_eq!(problem.position, Some((2, 18)));
    }
}
