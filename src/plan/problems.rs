//! What the metadata engine found that a publication cannot go on with, or
//! that the person at the workflow page should know.
use super::*;
pub(super) fn refuse_unpublishable(_: &Metadata, _: bool, _: &mut Vec<InputProblem>) {}
pub(super) fn notices(_: &Metadata) -> Vec<Notice> {
    vec![]
}
pub(super) fn platforms(inputs: &Inputs, _: &mut Vec<String>) -> Vec<Platform> {
    inputs.platforms.clone()
}
pub(super) fn name(
    _: &Inputs,
    _: &RunContext,
    _: &Facts,
    _: &[ImageName],
    _: &[Platform],
    _: &mut Vec<InputProblem>,
) -> Option<Metadata> {
    Some(Metadata::default())
}
