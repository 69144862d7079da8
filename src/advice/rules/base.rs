//! A base image that moves without a word.

use crate::advice::model::Advice;
use crate::advice::outline::{Outline, Stage};
use crate::advice::question::Question;
use crate::image::reference;

pub fn advise(question: &Question<'_>, outline: &Outline<'_>) -> Option<Advice> {
    let found = outline.stages.iter().find(|stage| is_unpinned(stage));
    found.map(|stage| {
        let (name, ..) = reference::split(&stage.image);
        let from = outline.source(&stage.from);
        let pinned = format!("{name}:<version>@sha256:<digest>");
        Advice {
            rule: "moving-base".to_owned(),
            file: question.file.to_owned(),
            lines: outline.lines(&stage.from),
            seconds: None,
            message: format!(
                "`{}` stands for another image at any time, and every layer above it is then built \
                 again. Name a version, and its digest: `docker buildx imagetools inspect {name}:<version>` \
                 prints it",
                stage.image
            ),
            rewrite: from.replacen(&stage.image, &pinned, 1),
            into: String::new(),
        }
    })
}

/// True for an image without a tag or digest, or with `latest`.
fn is_unpinned(stage: &Stage) -> bool {
    let image = stage.image.as_str();
    if image.is_empty() || image == "scratch" || image.contains('$') {
        return false;
    }
    let (_, tag, digest) = reference::split(image);
    digest.is_none() && tag.is_none_or(|tag| tag == "latest")
}
