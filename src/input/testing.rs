//! Inputs for tests.

use crate::host::Host;
use crate::input::inputs::Inputs;
use crate::input::raw::RawInputs;
use crate::input::spec::ActionKind;

/// The inputs of a step that is given these, and what is wrong with them.
pub fn parsed(given: &[(&str, &str)]) -> (Inputs, Vec<String>) {
    let nowhere = std::path::Path::new("/nowhere");
    let host = Host::with(&[], nowhere, jiff::Timestamp::UNIX_EPOCH);
    let mut raw = RawInputs::from_environment(ActionKind::Publish, &host);
    for (name, value) in given {
        raw.set(name, value);
    }
    let (inputs, problems) = Inputs::parse(&raw, &host);
    (inputs, problems.iter().map(ToString::to_string).collect())
}
