//! What the plan of a matrix says in place of other inputs.

use crate::input::choices::{Preflight, VersionTags};
use crate::input::inputs::Inputs;
use crate::input::matrix::PlannedLeg;
use crate::input::metadata::images::ImageRule;

impl Inputs {
    /// Takes over what the plan of a leg says. Registries were asked before by the job
    /// that has planned.
    pub fn take_leg(&mut self) {
        let Some(leg) = self.leg.clone() else {
            return;
        };
        self.platforms.clone_from(&leg.leg().platforms);
        self.platforms_given = true;
        if let Some(image) = leg.image(None) {
            let names = image.images.iter();
            self.metadata.images = names.map(ImageRule::named).collect();
        }
        self.references.clear();
        self.preflight = Preflight::Off;
        self.moving_tags = leg.plan.moving_tags;
        if leg.is_joined() {
            // Both are up to the job that names.
            self.version_tags = VersionTags::Overwrite;
            self.all_or_none = false;
        } else {
            self.version_tags = leg.plan.version_tags;
            self.all_or_none = leg.plan.all_or_none;
        }
        if let Some(bake) = &mut self.bake
            && !leg.leg().targets.is_empty()
        {
            bake.targets.clone_from(&leg.leg().targets);
        }
    }

    /// What needs content that goes to a registry without a name, as its input is called.
    pub fn unnamed_content(&self) -> Option<&'static str> {
        let is_joined = self.leg.as_ref().is_some_and(PlannedLeg::is_joined);
        let of_leg = is_joined.then_some("plan");
        let of_size = (!self.size_limit.is_none()).then_some("size-limit");
        self.all_or_none
            .then_some("all-or-none")
            .or(of_leg)
            .or(of_size)
    }
}
