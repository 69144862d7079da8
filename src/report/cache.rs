//! How many steps were cached: one line for log and summary.

use crate::execute::{Count, ImageOutcome};
use crate::plan::Build;

/// The line; `None` where nothing was built or the progress was not seen.
pub fn cached(build: &Build, built: &ImageOutcome) -> Option<String> {
    let counts = built.trace.counts();
    let all: usize = counts.values().map(|count| count.all).sum();
    let cached: usize = counts.values().map(|count| count.cached).sum();
    if all == 0 {
        return None;
    }
    if cached == 0 && !build.cache.from.is_empty() {
        let place = &build.cache.place;
        return Some(format!(
            "cached: no step of {all}. The cache {place} is empty, could not be reached, \
             or holds none of these steps"
        ));
    }
    let of_platform = |(platform, count): (&&str, &Count)| {
        let counted = format!("{} of {} steps", count.cached, count.all);
        if platform.is_empty() {
            counted
        } else {
            format!("{platform} {counted}")
        }
    };
    let list: Vec<String> = counts.iter().map(of_platform).collect();
    Some(format!("cached: {}", list.join(", ")))
}
