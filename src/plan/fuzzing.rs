//! What fuzz targets reach of this module.

use crate::image::Platform;
use crate::plan::dockerfile::commands::Question;

/// Follows a Dockerfile for these platforms; how many of them are known.
pub fn follow_dockerfile(
    text: &str,
    target: Option<&str>,
    arguments: &[String],
    platforms: &[Platform],
) -> usize {
    let question = Question {
        text,
        target,
        arguments,
    };
    let Some(mut read) = question.read() else {
        return 0;
    };
    let known = platforms
        .iter()
        .filter_map(|platform| read.platforms_that_run(platform));
    known.count()
}
