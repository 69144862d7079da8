//! The build arguments, with the expressions in their values replaced.

use crate::input::{BakeInputs, BuildChecks};
use crate::metadata::{self, BuildArgument, Metadata};
use crate::plan::draft::model::ImageDraft;
use crate::plan::findings::{Findings, Level, Notice};

/// The argument by which a build says what its checks do. Source: the Dockerfile
/// reference, "BuildKit built-in build args".
const CHECK: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// The arguments of an image. Those of a bake file are its own: of them only values
/// that `set` gives have expressions.
pub fn fill(draft: &ImageDraft<'_>, metadata: &Metadata, findings: &mut Findings) -> Vec<String> {
    let (inputs, facts) = (&*draft.request.inputs, draft.request.facts);
    let version = metadata.version.as_deref().unwrap_or_default();
    let target = draft.request.target.map(|target| target.name.as_str());
    let mut all = Vec::new();
    for text in &inputs.build_args {
        let of_set = |bake: &BakeInputs| is_set_for(bake, target.unwrap_or_default(), text);
        if target.is_some() && !inputs.bake.as_ref().is_some_and(of_set) {
            all.push(text.clone());
            continue;
        }
        let (context, known) = (&facts.event.context, &facts.event.metadata);
        let filled = metadata::fill_build_arg(text, version, &inputs.metadata, context, known);
        if let BuildArgument::Foreign { expression, .. } = &filled {
            findings
                .notices
                .extend(foreign_expression(text, expression));
        }
        all.push(filled.text().to_owned());
    }
    let is_given = |text: &String| text.split('=').next() == Some(CHECK);
    if inputs.build.checks == BuildChecks::Error && !all.iter().any(is_given) {
        all.push(format!("{CHECK}=error=true"));
    }
    all
}

/// True when `set` gives this argument to the target.
fn is_set_for(bake: &BakeInputs, target: &str, argument: &str) -> bool {
    let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
    bake.argument_of(target, name) == Some(value)
}

fn foreign_expression(argument: &str, expression: &str) -> Option<Notice> {
    let (name, _) = argument.split_once('=')?;
    Some(Notice {
        level: Level::Notice,
        title: "Build argument".to_owned(),
        message: format!(
            "`{name}` is passed on as it stands: {expression:?} is not an expression of the \
             metadata language"
        ),
    })
}
