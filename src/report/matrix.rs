//! The summaries of the first and the last job of a matrix.

use std::fmt::Write as _;

use crate::input::matrix::{MatrixPlan, Merge};
use crate::report::text::{code, escape};

/// Where untagged versions of packages are deleted.
const DELETE_DOCS: &str =
    "https://docs.github.com/packages/learn-github-packages/deleting-and-restoring-a-package";

/// Which jobs build what.
pub fn of_plan(plan: &MatrixPlan) -> String {
    let mut text = String::new();
    let what = if plan.publishes {
        "Publishing"
    } else {
        "Building"
    };
    let versions: Vec<&str> = plan
        .images
        .iter()
        .map(|image| image.version.as_str())
        .collect();
    let version = versions.first().copied().unwrap_or_default();
    let count = plan.legs.len();
    let _ = writeln!(text, "### {what} {} in {count} jobs\n", code(version));
    let _ = writeln!(text, "| Job | Runner |\n| --- | --- |");
    for leg in &plan.legs {
        let (name, runner) = (escape(&leg.name()), code(&leg.runner.join(", ")));
        let _ = writeln!(text, "| {name} | {runner} |");
    }
    text
}

/// What is left of legs that were not joined.
pub fn of_unnamed(merge: &Merge, count: usize) -> String {
    let mut text = String::from("### Not published: a leg is missing\n\nNo tag was written.\n");
    if count > 0 {
        let images: Vec<String> = merge
            .plan
            .images
            .iter()
            .flat_map(|image| &image.images)
            .map(|image| code(image))
            .collect();
        let _ = writeln!(
            text,
            "\nThe legs that succeeded have pushed {count} images by their digest. Run the jobs \
             that failed again, and they are used. Otherwise they stay in {} as untagged versions \
             until you [delete them]({DELETE_DOCS}).",
            images.join(", ")
        );
    }
    text
}
