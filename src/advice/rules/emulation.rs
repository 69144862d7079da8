//! Commands that run in emulation, where they would not have to.

use crate::advice::model::{Advice, Measured};
use crate::advice::outline::{Outline, Stage, Step};
use crate::advice::packages::runs;
use crate::advice::question::Question;

/// How long emulation must have taken for another runner to be worth its while, in
/// seconds.
const WORTH_A_RUNNER: f64 = 20.0;
/// Compilers that make programs for other processors when they are told to.
const CROSS: [&str; 2] = ["go build", "go install"];
/// What makes the same files for every processor.
const PORTABLE: [&str; 16] = [
    "npm run ",
    "yarn build",
    "yarn run ",
    "pnpm build",
    "pnpm run ",
    "npx tsc",
    "npx vite build",
    "mvn package",
    "mvn -B package",
    "mvn clean package",
    "mvn -B clean package",
    "./mvnw ",
    "gradle build",
    "./gradlew build",
    "./gradlew bootJar",
    "hugo",
];

/// How the folders are called in which such files are.
const RESULTS: [&str; 7] = ["dist", "build", "out", "public", "static", "www", "_site"];
/// The workflow that builds each platform on a runner of its own.
const WORKFLOW: &str = "jobs:
  image:
    uses: OWNER/stevedore/.github/workflows/publish.yml@v1
    permissions:
      contents: read
      packages: write";

pub fn advise(question: &Question<'_>, outline: &Outline<'_>) -> Vec<Advice> {
    if !question.is_emulated {
        return Vec::new();
    }
    let mut all: Vec<Advice> = Vec::new();
    let mut told = Vec::new();
    for (index, stage) in outline.stages.iter().enumerate() {
        if let Some(advice) = of_stage(question, outline, index, stage) {
            told.push(stage.shown.as_str());
            all.push(advice);
        }
    }
    all.extend(native_runner(question, &told));
    all
}

/// A stage that makes something for others, and need not run where they do.
fn of_stage(
    question: &Question<'_>,
    outline: &Outline<'_>,
    index: usize,
    stage: &Stage,
) -> Option<Advice> {
    let taken = outline.taken_from(index);
    // What begins from it would have its platform.
    let is_free = stage.base.is_none() && stage.platform.is_empty() && !outline.is_a_base(index);
    if !is_free || taken.is_empty() || index + 1 == outline.stages.len() {
        return None;
    }
    let compiles = |all: &'static [&'static str]| {
        move |step: &&Step| step.command().is_some_and(|command| runs(command, all))
    };
    let cross = stage.steps.iter().find(compiles(&CROSS));
    let portable = stage.steps.iter().find(compiles(&PORTABLE));
    let seconds = saved_seconds(question, |step| step.stage == stage.shown);
    if question.is_cheap(seconds) {
        return None;
    }
    let from = from_build_platform(outline.source(&stage.from));
    let (lines, rewrite, why) = match (cross, portable) {
        (Some(step), _) => {
            let between = cross_compiled(outline, stage, step);
            let (first, _) = outline.lines(&stage.from);
            let (_, last) = outline.lines(&step.span);
            let why = "The compiler runs in emulation, and makes programs for other processors by \
                       itself";
            ((first, last), format!("{from}\n{between}"), why)
        }
        (None, Some(_)) if taken.iter().all(|path| is_portable(path)) => {
            let why = "What this stage makes is the same for every processor, so it need not run \
                       in emulation";
            (outline.lines(&stage.from), from, why)
        }
        (None, _) => return None,
    };
    Some(Advice {
        rule: "emulated-compiler".to_owned(),
        file: question.file.to_owned(),
        lines,
        seconds,
        message: format!("{why}. On the builder's own platform the stage runs natively, and once"),
        rewrite,
        into: String::new(),
    })
}

/// True for what build tools call their results: not for a folder with modules of the
/// platform in it.
fn is_portable(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next();
    let last = last.unwrap_or_default();
    RESULTS.contains(&last) || last.ends_with(".jar") || last.ends_with(".war")
}

/// `FROM --platform=$BUILDPLATFORM …`.
fn from_build_platform(from: &str) -> String {
    let rest = from.get(4..).unwrap_or_default().trim_start();
    format!("FROM --platform=$BUILDPLATFORM {rest}")
}

/// The lines from behind `FROM` up to the compiler, which is told for which processor.
fn cross_compiled(outline: &Outline<'_>, stage: &Stage, compiler: &Step) -> String {
    let mut lines = Vec::new();
    for step in &stage.steps {
        let source = outline.source(&step.span);
        if step.span != compiler.span {
            lines.push(source.to_owned());
            continue;
        }
        lines.push("ARG TARGETOS TARGETARCH".to_owned());
        let is_told = source.contains("GOARCH=");
        lines.push(if is_told {
            source.to_owned()
        } else {
            let first = CROSS.iter().filter_map(|begin| source.find(begin)).min();
            let (before, after) = source.split_at(first.unwrap_or(0));
            format!("{before}GOOS=$TARGETOS GOARCH=$TARGETARCH {after}")
        });
        break;
    }
    lines.join("\n")
}

/// What running natively saves of some steps: what they took in emulation, less the
/// same natively where that is known.
fn saved_seconds(question: &Question<'_>, is_one: impl Fn(&Measured) -> bool) -> Option<f64> {
    if question.steps.is_empty() {
        return None;
    }
    let ran = question.steps.iter().filter(|step| is_one(step));
    let emulated = ran.filter(|step| step.emulated && step.number > 0);
    let saved = emulated.map(|step| {
        let same = |other: &Measured| {
            let place = (&step.stage, step.number);
            !other.emulated && (&other.stage, other.number) == place && other.seconds > 0.0
        };
        let native = question.longest_seconds(same);
        (step.seconds - native.unwrap_or_default()).max(0.0)
    });
    Some(saved.sum())
}

/// A runner for each platform, where much else runs in emulation.
fn native_runner(question: &Question<'_>, told: &[&str]) -> Option<Advice> {
    let seconds = saved_seconds(question, |step| !told.contains(&step.stage.as_str()))?;
    (seconds >= WORTH_A_RUNNER).then(|| Advice {
        rule: "emulated-platform".to_owned(),
        file: question.file.to_owned(),
        lines: (1, 1),
        seconds: Some(seconds),
        message: "Commands run in emulation that have to run on the platform of the image. On a \
                  runner of that processor they run natively"
            .to_owned(),
        rewrite: WORKFLOW.to_owned(),
        into: ".github/workflows/publish.yml".to_owned(),
    })
}
