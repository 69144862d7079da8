//! A plan, and what it takes to carry it out.

use crate::event::RunContext;
use crate::execute::cleanup_record::record::Record;
use crate::execute::early_checks::EarlyChecks;
use crate::execute::workdir::run_dir::RunFolder;
use crate::facts::Facts;
use crate::host::Host;
use crate::input::SecretValues;
use crate::plan::Plan;

/// A plan, and what it takes to carry it out.
pub struct Scope<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The values of the credentials that the plan names.
    pub secrets: SecretValues<'a>,
    /// The event, as GitHub tells it.
    pub context: &'a RunContext,
    /// Where engine, buildx and the user's Docker are.
    pub facts: &'a Facts,
    /// The machine.
    pub host: &'a Host,
    /// Where the run keeps its files.
    pub folder: &'a RunFolder,
    /// What is to be taken away after it.
    pub record: &'a Record<'a>,
    /// The checks that were started before the plan was final.
    pub early_checks: Option<EarlyChecks>,
}
