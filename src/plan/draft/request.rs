//! What is asked for: one image, or one for each target of a bake file.

use std::borrow::Cow;

use crate::event::RunContext;
use crate::facts::{Facts, Target, Workspace};
use crate::input::Inputs;
use crate::plan::draft::bake_target;
use crate::plan::findings::Findings;
use crate::plan::image::output_names::{self, OutputNames};
use crate::plan::image::publication::{self, Publication};

/// What one image is made from.
pub struct ImageRequest<'a> {
    pub inputs: Cow<'a, Inputs>,
    pub facts: &'a Facts,
    pub workspace: &'a Workspace,
    /// The target of a bake file that it is.
    pub target: Option<&'a Target>,
}

impl<'a> ImageRequest<'a> {
    /// The one image of inputs without bake files.
    pub fn single(inputs: &'a Inputs, context: &RunContext, facts: &'a Facts) -> Self {
        let resolved = output_names::without_tag(inputs, context);
        Self {
            inputs: resolved.map_or(Cow::Borrowed(inputs), Cow::Owned),
            facts,
            workspace: &facts.workspace,
            target: None,
        }
    }

    /// The image of a target.
    pub fn target(
        target: &'a Target,
        inputs: &Inputs,
        context: &RunContext,
        facts: &'a Facts,
        findings: &mut Findings,
    ) -> Self {
        Self {
            inputs: Cow::Owned(bake_target::resolve(target, inputs, context, findings)),
            facts,
            workspace: &target.workspace,
            target: Some(target),
        }
    }

    /// Whether it is pushed, which is one of its decisions.
    pub fn publication(
        &self,
        named: &OutputNames,
        context: &RunContext,
        nowhere: bool,
        findings: &mut Findings,
    ) -> Publication {
        let mut publication = publication::decide(&self.inputs, named, context, nowhere);
        if self.target.is_some() {
            // A target calls it so.
            publication.reason = publication.reason.replace("`outputs`", "`output`");
        }
        findings.decide(&publication);
        findings.notices.extend(publication.notice.clone());
        publication
    }
}
