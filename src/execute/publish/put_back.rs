//! All names or none: names that were written are put back to what they stood for.

use tracing::info;

use crate::execute::outcome::{Conclusion, ImageOutcome};
use crate::execute::publish::all::AllImages;
use crate::registry::RequestError;

impl AllImages<'_> {
    /// Puts the names of these images back. What cannot be put back is told.
    pub async fn put_back(&self, all: &mut [ImageOutcome]) {
        for built in all {
            if !built.before.is_empty() {
                built.ending = Conclusion::Failure;
            }
            for before in std::mem::take(&mut built.before) {
                let reference = &before.reference;
                let text = reference.to_string();
                let (Some(tag), Some(manifest)) = (&reference.tag, &before.manifest) else {
                    built.warnings.push(format!(
                        "{text} is written, and stood for nothing before: not every registry lets \
                         a name be deleted. Delete it there"
                    ));
                    continue;
                };
                match self.client.write_name(&reference.name, tag, manifest).await {
                    Ok(()) => {
                        info!("{text} is put back");
                        built.pushes.put_back(&text);
                    }
                    Err(stop) => {
                        let why = match stop {
                            RequestError::Unknown(why) => why,
                            RequestError::Refused(refusal) => refusal.words,
                        };
                        let digest = manifest.digest();
                        built.warnings.push(format!(
                            "{text} is written, and could not be put back to {digest}: {why}"
                        ));
                    }
                }
            }
        }
    }
}
