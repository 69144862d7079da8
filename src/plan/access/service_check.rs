//! Which cache services are asked, before anything is built, if they answer.

use crate::input::CacheEntry;
use serde::Serialize;

use crate::input::Preflight;
use crate::plan::cache::service::Service;
use crate::plan::draft::model::ImageDraft;

/// A service that is asked before anything is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceCheck {
    /// The service.
    pub service: Service,
    /// The entries that are kept there.
    #[serde(skip)]
    pub entries: Vec<CacheEntry>,
}

/// The services of all images, each once.
pub fn checks(drafts: &[ImageDraft<'_>], mode: Preflight) -> Vec<ServiceCheck> {
    let mut checks: Vec<ServiceCheck> = Vec::new();
    if mode == Preflight::Off {
        return checks;
    }
    for draft in drafts {
        let facts = &draft.request.facts.cache;
        for entry in draft.cache.entries() {
            let Some(service) = Service::of(entry, facts) else {
                continue;
            };
            let same = checks.iter_mut().find(|check| check.service == service);
            let entry = entry.clone();
            match same {
                Some(check) if check.entries.contains(&entry) => {}
                Some(check) => check.entries.push(entry),
                None => checks.push(ServiceCheck {
                    service,
                    entries: vec![entry],
                }),
            }
        }
    }
    checks
}
