//! Is a commit among the ancestors of others?

use std::collections::HashSet;

use gix_hash::ObjectId;
use gix_object::{Exists as _, FindExt as _};

use crate::facts::checkout::open::Checkout;
use crate::host::file;

/// Clocks of committers differ. Git takes a day for the most, too, where it
/// stops walking by date.
const SLOP: i64 = 86_400;

/// Answers for the commit of HEAD. Each commit is read once, whatever is asked.
pub struct Ancestry<'a> {
    checkout: &'a Checkout,
    /// No older commit can have it as an ancestor, in seconds since 1970.
    since: i64,
    /// Those that are known not to have it.
    without: HashSet<ObjectId>,
    /// Commits that a shallow clone cut off from their parents.
    shallow: HashSet<ObjectId>,
    buffer: Vec<u8>,
}

impl<'a> Ancestry<'a> {
    pub fn of(checkout: &'a Checkout) -> Option<Self> {
        let date = checkout.committed().ok()?.as_second();
        Some(Self {
            since: date - SLOP,
            without: HashSet::new(),
            shallow: shallow(checkout),
            buffer: Vec::new(),
            checkout,
        })
    }

    /// True when commits are cut off from their parents.
    pub fn is_shallow(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// True when the commit is HEAD's, or HEAD's is among its ancestors.
    pub fn has(&mut self, commit: ObjectId) -> bool {
        let mut left = vec![commit];
        while let Some(commit) = left.pop() {
            if commit == self.checkout.head {
                return true;
            }
            if self.without.insert(commit) {
                self.parents(commit, &mut left);
            }
        }
        false
    }

    /// None where the walk ends: too old, cut off, or not there.
    fn parents(&mut self, commit: ObjectId, left: &mut Vec<ObjectId>) {
        if self.shallow.contains(&commit) {
            return;
        }
        let objects = &self.checkout.objects;
        let Ok(read) = objects.find_commit(&commit, &mut self.buffer) else {
            return;
        };
        if read.time().is_ok_and(|time| time.seconds >= self.since) {
            left.extend(read.parents());
        }
    }
}

impl Checkout {
    /// Whether the first commit is among the ancestors of the second; `None` where the
    /// history that is here does not tell. The first is HEAD's.
    pub fn precedes(&self, first: &str, second: &str) -> Option<bool> {
        let second = ObjectId::from_hex(second.as_bytes()).ok()?;
        if self.sha() != first || !self.objects.exists(&second) {
            return None;
        }
        let mut ancestry = Ancestry::of(self)?;
        let is_shallow = ancestry.is_shallow();
        match ancestry.has(second) {
            true => Some(true),
            false if is_shallow => None,
            false => Some(false),
        }
    }
}

fn shallow(checkout: &Checkout) -> HashSet<ObjectId> {
    let list = checkout.common.join("shallow");
    let text = file::read_text(&list, file::DATA).unwrap_or_default();
    let ids = text.lines().map(|line| ObjectId::from_hex(line.as_bytes()));
    ids.filter_map(Result::ok).collect()
}
