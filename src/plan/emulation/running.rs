//! The platforms that an image runs commands on.

use std::collections::BTreeSet;

use crate::image::Platform;
use crate::plan::dockerfile::commands::Question;
use crate::plan::draft::model::ImageDraft;
use crate::plan::draft::run_commands::question;

/// The platforms that commands run on.
pub fn running(draft: &ImageDraft<'_>, platforms: &[Platform]) -> BTreeSet<Platform> {
    let mut read = question(draft.request, &draft.source).and_then(Question::read);
    let of = |platform: &Platform| {
        let read = read.as_mut();
        let known = read.and_then(|read| read.platforms_that_run(platform));
        known.unwrap_or_else(|| BTreeSet::from([platform.clone()]))
    };
    platforms.iter().flat_map(of).collect()
}
