//! Dependencies that are installed again whenever any file has changed.

use crate::advice::model::Advice;
use crate::advice::outline::{Outline, Stage, Step, StepKind};
use crate::advice::packages::{Fetch, Use, used};
use crate::advice::question::Question;

/// How many stages are looked at that one begins from.
const BASES: usize = 20;

pub fn advise(question: &Question<'_>, outline: &Outline<'_>, stage: &Stage) -> Option<Advice> {
    let copied = stage.steps.iter().position(Step::copies_everything)?;
    let after = stage.steps[copied..].iter().enumerate();
    let (place, found) = after
        .filter_map(|(place, step)| Some((copied + place, used(step.command()?)?)))
        .next()?;
    let step = &stage.steps[place];
    if step.has_cache_mount() || is_fetched_before(outline, stage, copied, &found) {
        return None;
    }
    let seconds = question.seconds(&stage.shown, step.number);
    if question.is_cheap(seconds) {
        return None;
    }
    let rewrite = own_layer(question, outline, stage, (copied, place), &found);
    let (lines, rewrite, remedy) = match rewrite {
        Some(rewrite) => {
            let first = outline.line(stage.steps[copied].span.start);
            let (_, last) = outline.lines(&step.span);
            let remedy = "Installed from the files that name them alone, they are cached until \
                          those files change";
            ((first, last), rewrite, remedy)
        }
        None => {
            let remedy = "A builder that is kept between runs also keeps what a cache mount holds";
            let rewrite = with_cache_mount(outline.source(&step.span), &found);
            (outline.lines(&step.span), rewrite, remedy)
        }
    };
    Some(Advice {
        rule: "dependencies-after-source".to_owned(),
        file: question.file.to_owned(),
        lines,
        seconds,
        message: format!(
            "`{}` runs after everything is copied, so it runs again whenever any file has \
             changed. {remedy}",
            found.command
        ),
        rewrite,
        into: String::new(),
    })
}

/// True when the same package manager runs before everything is copied, in this stage
/// or in one that it begins from.
fn is_fetched_before(outline: &Outline<'_>, stage: &Stage, copied: usize, found: &Use) -> bool {
    let is_same = |step: &Step| {
        let other = step.command().and_then(used);
        other.is_some_and(|other| std::ptr::eq(other.manager, found.manager))
    };
    if stage.steps[..copied].iter().any(is_same) {
        return true;
    }
    let mut base = stage.base;
    let mut left = BASES;
    while let (Some(index), true) = (base, left > 0) {
        let stage = &outline.stages[index];
        if stage.steps.iter().any(is_same) {
            return true;
        }
        base = stage.base;
        left -= 1;
    }
    false
}

/// The lines with a layer for the dependencies; `None` where those lines cannot be
/// moved, or the files that name the dependencies are not known.
fn own_layer(
    question: &Question<'_>,
    outline: &Outline<'_>,
    stage: &Stage,
    (copied, place): (usize, usize),
    found: &Use,
) -> Option<String> {
    let between = &stage.steps[copied + 1..place];
    let is_in_the_way = |step: &Step| matches!(step.kind, StepKind::Setting | StepKind::Arg(_));
    if between.iter().any(is_in_the_way) || !found.is_first {
        return None;
    }
    let is_folder = |step: &&Step| matches!(step.kind, StepKind::Workdir);
    let (folders, between): (Vec<&Step>, Vec<&Step>) = between.iter().partition(is_folder);
    let StepKind::CopyContext {
        destination, flags, ..
    } = &stage.steps[copied].kind
    else {
        return None;
    };
    if !folders.is_empty() && !destination.starts_with('/') {
        // The copy would go elsewhere.
        return None;
    }
    let files = manifests(question, found)?;
    let source = |step: &Step| outline.source(&step.span).to_owned();
    let run = source(&stage.steps[place]);
    let fetch = match found.manager.fetch {
        Fetch::Same if found.is_alone => run.get(4..)?.trim().to_owned(),
        Fetch::Same => found.command.clone(),
        Fetch::With(options) => format!("{} {options}", found.command),
        Fetch::Command(fetch) => fetch.to_owned(),
    };
    let folder = destination.trim_end_matches('/');
    let mut lines: Vec<String> = folders.into_iter().map(source).collect();
    lines.extend([
        format!("COPY {flags}{} {folder}/", files.join(" ")),
        format!("RUN {fetch}"),
        source(&stage.steps[copied]),
    ]);
    lines.extend(between.into_iter().map(source));
    let is_done = found.is_alone && (fetch == found.command || run.ends_with(&fetch));
    if !is_done {
        lines.push(without_install(&run, found).unwrap_or(run));
    }
    Some(lines.join("\n"))
}

/// What is left of `RUN npm ci && npm run build` when the installation has a layer of
/// its own.
fn without_install(source: &str, found: &Use) -> Option<String> {
    if !matches!(found.manager.fetch, Fetch::Same) {
        return None;
    }
    let rest = source.get(4..)?.trim_start().strip_prefix(&found.command)?;
    let rest = rest.trim_start().strip_prefix("&&")?;
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
    Some(format!("RUN {rest}"))
}

/// The files that name the dependencies, as far as they are there.
fn manifests(question: &Question<'_>, found: &Use) -> Option<Vec<String>> {
    let all = found.manager.manifests;
    // `pip install -r requirements/prod.txt`
    let words: Vec<&str> = found.command.split(' ').collect();
    let given = words.iter().position(|word| *word == "-r");
    let given = given.and_then(|at| words.get(at + 1));
    if let Some(given) = given {
        let is_plain = given
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        return is_plain.then(|| vec![(*given).to_owned()]);
    }
    let needed = *all.first()?;
    let is_there = |name: &&&str| match question.context {
        Some(context) => context.names.contains(**name),
        None => all[..all.len().min(2)].contains(*name),
    };
    let there: Vec<String> = all
        .iter()
        .filter(is_there)
        .map(|name| (*name).to_owned())
        .collect();
    there.iter().any(|name| name == needed).then_some(there)
}

fn with_cache_mount(source: &str, found: &Use) -> String {
    let mounts = found.manager.caches.iter();
    let mounts: String = mounts
        .map(|cache| format!("--mount=type=cache,target={cache} "))
        .collect();
    let command = source.get(4..).unwrap_or_default().trim_start();
    // Nothing would be in it.
    let command = command.replace("--no-cache-dir ", "");
    format!("RUN {mounts}{command}")
}
