//! What no registry accepts: tags and image names that the original passes on.
//!
//! Follows the OCI distribution specification 1.1 for tags, and the reference
//! grammar of `distribution/reference` for names.

use oci_client::Reference;

use crate::error::InputProblem;
use crate::input::images::ImageRule;

const TAG: &str = "up to 128 letters, digits, `_`, `.`, `-`, of which the first is no `.` or `-`";

/// Why a tag is not `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub(super) fn tag_problem(tag: &str) -> Option<(String, String)> {
    let why = if tag.starts_with(['.', '-']) {
        format!(
            "gives the tag {tag:?}; a tag cannot start with {:?}",
            tag.chars().next()?
        )
    } else if tag.len() > 128 {
        format!("gives a tag of {} characters", tag.len())
    } else {
        return None;
    };
    Some((why, TAG.to_owned()))
}

/// Why an image's name, in lower case, is none.
pub(super) fn image_problem(image: &ImageRule, name: &str) -> Option<InputProblem> {
    let whole = format!("{name}:latest");
    let last = name.rsplit('/').next().unwrap_or_default();
    let why = match whole.parse::<Reference>() {
        _ if last.contains(['@', ':']) => "an image name has no tag or digest".to_owned(),
        Ok(_) => return None,
        Err(error) => error.to_string(),
    };
    let accepted = "[HOST[:PORT]/]PATH in lower case, such as ghcr.io/owner/name";
    let (line, column) = image.position;
    Some(InputProblem::new("images", &image.name, why, accepted).at(line, column))
}
