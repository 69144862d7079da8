//! `apt-get update` in a layer of its own, which goes stale.

use crate::advice::model::Advice;
use crate::advice::outline::{Outline, Stage};
use crate::advice::packages::{commands, runs};
use crate::advice::question::Question;

const UPDATES: [&str; 2] = ["apt-get update", "apt update"];
const INSTALLS: [&str; 2] = ["apt-get install", "apt install"];

pub fn advise(question: &Question<'_>, outline: &Outline<'_>, stage: &Stage) -> Option<Advice> {
    let pair = stage.steps.windows(2).find_map(|pair| {
        let (update, install) = (pair[0].command()?, pair[1].command()?);
        let is_apart = runs(update, &UPDATES) && !runs(update, &INSTALLS);
        let is_alone = commands(update).len() == 1;
        (is_apart && is_alone && runs(install, &INSTALLS) && !runs(install, &UPDATES))
            .then_some(pair)
    })?;
    let [update, install] = pair else {
        return None;
    };
    let command = outline.source(&install.span).get(4..)?.trim_start();
    if command.starts_with("--") || command.starts_with("<<") || command.starts_with('[') {
        return None;
    }
    Some(Advice {
        rule: "stale-package-lists".to_owned(),
        file: question.file.to_owned(),
        lines: (
            outline.line(update.span.start),
            outline.lines(&install.span).1,
        ),
        seconds: question.seconds(&stage.shown, update.number),
        message:
            "`apt-get update` is cached by itself, so a later change of the packages installs \
                  from old lists, which fails once a package has moved on"
                .to_owned(),
        rewrite: format!("RUN apt-get update && {command}"),
        into: String::new(),
    })
}
