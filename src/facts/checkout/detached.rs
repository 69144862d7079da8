//! The ref of a detached HEAD.
//!
//! Looks at what points at the commit, in the order in which `git show
//! --pretty=%D` lists it (tags, remote branches, branches), then at what has it
//! among its ancestors.

use gix_hash::ObjectId;
use gix_object::FindExt as _;
use gix_ref::file::ReferenceExt as _;

use crate::facts::checkout::ancestry::Ancestry;
use crate::facts::checkout::open::{Checkout, Error, unreadable};

const BRANCHES: &str = "refs/heads/";
const REMOTES: &str = "refs/remotes/";
const TAGS: &str = "refs/tags/";

/// A ref, and the commit that it leads to.
struct RefTip {
    name: String,
    commit: ObjectId,
}

impl Checkout {
    pub fn detached_ref(&self) -> Result<String, Error> {
        let tips: Vec<RefTip> = self.tips()?;
        let here = |scope: &'static str| {
            let names = tips
                .iter()
                .filter(|tip| tip.commit == self.head)
                .map(|tip| tip.name.as_str());
            names.filter(move |name| name.starts_with(scope))
        };
        // The last tag by name; of remote branches likewise; of branches the
        // first, since the list of `git show` runs backwards and the original
        // takes the end of it.
        here(TAGS)
            .last()
            .map(str::to_owned)
            .or_else(|| here(REMOTES).find_map(pull_request))
            .or_else(|| here(BRANCHES).next().map(str::to_owned))
            .or_else(|| here(REMOTES).filter_map(remote_branch).last())
            .or_else(|| self.descendant(&tips))
            .ok_or_else(|| Error::NoRef(self.sha()))
    }

    /// Branches, remote branches and tags, sorted by name. What leads nowhere
    /// is left out.
    fn tips(&self) -> Result<Vec<RefTip>, Error> {
        let platform = self.references.iter().map_err(unreadable)?;
        let mut tips = Vec::new();
        for mut reference in platform.all()?.filter_map(Result::ok) {
            let name = reference.name.as_bstr().to_string();
            if ![BRANCHES, REMOTES, TAGS]
                .iter()
                .any(|scope| name.starts_with(scope))
            {
                continue;
            }
            if let Ok(commit) = reference.peel_to_id(&self.references, &self.objects) {
                tips.push(RefTip { name, commit });
            }
        }
        tips.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tips)
    }

    /// What has the commit among its ancestors: the branch committed to last,
    /// else such a remote branch, else the first tag by name.
    fn descendant(&self, tips: &[RefTip]) -> Option<String> {
        let mut ancestry = Ancestry::of(self)?;
        let mut newest = |scope| {
            let dated = self.newest_first(tips, scope);
            let mut names = dated.into_iter();
            let found = names.find(|tip| ancestry.has(tip.commit))?;
            Some(found.name.as_str())
        };
        if let Some(branch) = newest(BRANCHES) {
            return Some(branch.to_owned());
        }
        if let Some(remote) = newest(REMOTES) {
            return pull_request(remote).or_else(|| remote_branch(remote));
        }
        let mut tags = tips.iter().filter(|tip| tip.name.starts_with(TAGS));
        let tag = tags.find(|tip| ancestry.has(tip.commit))?;
        Some(tag.name.clone())
    }

    fn newest_first<'a>(&self, tips: &'a [RefTip], scope: &str) -> Vec<&'a RefTip> {
        let mut buffer = Vec::new();
        let mut date = |commit: ObjectId| {
            let commit = self.objects.find_commit(&commit, &mut buffer).ok()?;
            Some(commit.time().ok()?.seconds)
        };
        // `origin/HEAD` stands for one of the others.
        let branches = tips
            .iter()
            .filter(|tip| tip.name.starts_with(scope))
            .filter(|tip| scope != REMOTES || !is_remote_head(&tip.name));
        let mut dated: Vec<_> = branches.map(|tip| (date(tip.commit), tip)).collect();
        dated.sort_by_key(|(date, _)| std::cmp::Reverse(*date));
        dated.into_iter().map(|(_, tip)| tip).collect()
    }
}

fn is_remote_head(name: &str) -> bool {
    name.strip_prefix(REMOTES)
        .and_then(|name| name.split_once('/'))
        .is_some_and(|(_, branch)| branch == "HEAD")
}

/// `refs/remotes/pull/7/merge`, as actions/checkout fetches a pull request, is
/// `refs/pull/7/merge`.
fn pull_request(name: &str) -> Option<String> {
    let rest = name.strip_prefix(REMOTES)?;
    let (number, state) = rest.strip_prefix("pull/")?.split_once('/')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let known = matches!(state, "merge" | "head");
    (digits && known).then(|| format!("refs/{rest}"))
}

/// The branch of `refs/remotes/REMOTE/BRANCH`.
fn remote_branch(name: &str) -> Option<String> {
    let (_, branch) = name.strip_prefix(REMOTES)?.split_once('/')?;
    (branch != "HEAD").then(|| format!("{BRANCHES}{branch}"))
}
