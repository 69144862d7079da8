//! What no registry accepts: tags and image names that the original passes on.

use crate::error::InputProblem;
use crate::image::{ImageName, Tag};
use crate::input::metadata::images::ImageRule;

/// Why no registry accepts a tag, and what it accepts.
pub fn tag_problem(tag: &str) -> Option<(String, String)> {
    let refused = Tag::parse(tag).err()?;
    Some((format!("gives {tag:?}: {}", refused.why), refused.accepted))
}

/// Why an image's name, in lower case, is none.
pub fn image_problem(image: &ImageRule, name: &str) -> Option<InputProblem> {
    let refused = ImageName::parse(name).err()?;
    let (line, column) = image.position;
    let problem = InputProblem::new("images", &image.name, refused.why, refused.accepted);
    Some(problem.at(line, column))
}
