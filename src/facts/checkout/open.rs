//! Opens the checkout of a folder.

use std::io;
use std::path::{Path, PathBuf};

use gix_hash::ObjectId;
use gix_object::FindExt as _;
use gix_ref::file::{self, ReferenceExt as _};
use jiff::Timestamp;

use crate::error::InputProblem;
use crate::facts::checkout::origin;
use crate::host;

/// Why a checkout cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error("nothing is checked out in {}", .0.display())]
    None(PathBuf),
    /// It has no commit yet.
    #[error("nothing has been committed in the checkout")]
    NoCommit,
    /// Its files are not as Git writes them, or in a newer form.
    #[error("the checkout cannot be read: {0}")]
    Unreadable(String),
    /// HEAD is detached where no ref leads.
    #[error(
        "the checkout is at {0}, and no branch, tag or pull request that was fetched has that commit"
    )]
    NoRef(String),
}

impl Error {
    /// The same as a problem of the input that asks for the checkout.
    pub fn of_input(&self, input: &str) -> InputProblem {
        let accepted = match self {
            Self::None(_) => "`workflow`, or a step with actions/checkout before this one",
            Self::NoCommit | Self::Unreadable(_) => "`workflow`, or a checkout that git can read",
            Self::NoRef(_) => {
                "`workflow`, or a checkout of a branch or tag (with actions/checkout, \
                 `fetch-depth: 0` brings all of them)"
            }
        };
        InputProblem::new(input, "git", self.to_string(), accepted)
    }
}

pub fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Unreadable(error.to_string())
}

/// A checkout that can be asked.
pub struct Checkout {
    pub references: file::Store,
    pub objects: gix_odb::Handle,
    /// What all worktrees of the repository share.
    pub common: PathBuf,
    pub head: ObjectId,
}

impl Checkout {
    /// Finds the checkout that a folder is in.
    ///
    /// # Errors
    /// When there is none, or it has no commit, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        check_before_discovery(folder)?;
        let (found, _) =
            gix_discover::upwards(folder).map_err(|_| Error::None(folder.to_owned()))?;
        let (own, _) = found.into_repository_and_work_tree_directories();
        // A linked worktree has a HEAD of its own, and shares the rest.
        let common =
            match gix_discover::path::from_plain_file_relative_to_file(&own.join("commondir")) {
                Some(path) => path.map_err(unreadable)?,
                None => own.clone(),
            };
        for name in ["config", "packed-refs"] {
            check_file(&common.join(name))?;
        }
        let kind = object_format(&common)?;
        let references = if own == common {
            file::Store::at(own, kind)
        } else {
            file::Store::for_linked_worktree(own, common.clone(), kind)
        };
        let objects = gix_odb::at(common.join("objects"), kind).map_err(unreadable)?;
        let head = head(&references, &objects)?;
        Ok(Self {
            references,
            objects,
            common,
            head,
        })
    }

    /// The commit, in hexadecimal.
    pub fn sha(&self) -> String {
        self.head.to_string()
    }

    /// When it was committed.
    ///
    /// # Errors
    /// When the commit is not there, or has no such date.
    pub fn committed(&self) -> Result<Timestamp, Error> {
        let mut buffer = Vec::new();
        let commit = self.objects.find_commit(&self.head, &mut buffer);
        let time = commit.and_then(|commit| commit.time());
        Timestamp::from_second(time.map_err(unreadable)?.seconds).map_err(unreadable)
    }

    /// The full ref: the branch, or for a detached HEAD the tag, pull request
    /// or branch that it most likely came from.
    ///
    /// # Errors
    /// When no ref leads to the commit.
    pub fn git_ref(&self) -> Result<String, Error> {
        let head = self.references.find("HEAD").map_err(unreadable)?;
        match head.target.try_name() {
            Some(branch) => Ok(branch.as_bstr().to_string()),
            None => self.detached_ref(),
        }
    }

    /// `OWNER/NAME` of the remote `origin`, when it is on this host.
    pub fn repository_on(&self, host: &str) -> Option<String> {
        let config = config(&self.common).ok()?;
        let url = config.string("remote.origin.url")?;
        origin::repository_on(host, &url.to_string())
    }
}

/// The libraries that read Git's files read whatever is there to its end, a device
/// and a pipe too. What it takes to find the checkout is looked at before.
fn check_before_discovery(folder: &Path) -> Result<(), Error> {
    for place in folder.ancestors() {
        let git = place.join(".git");
        check_file(&git)?;
        let own = if git.is_file() {
            gix_discover::path::from_gitdir_file(&git).map_err(unreadable)?
        } else if git.is_dir() {
            git
        } else {
            place.to_owned()
        };
        for name in ["HEAD", "commondir"] {
            check_file(&own.join(name))?;
        }
        if own != place {
            break;
        }
    }
    Ok(())
}

fn check_file(path: &Path) -> Result<(), Error> {
    match host::file::check(path, host::file::DATA) {
        Err(error) if path.exists() && !path.is_dir() => {
            Err(Error::Unreadable(format!("{} {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn config(common: &Path) -> Result<gix_config::File, Error> {
    gix_config::File::from_path_no_includes(common.join("config"), gix_config::Source::Local)
        .map_err(unreadable)
}

/// The hash that names objects, and a refusal of refs in a form that would read
/// as if there were none.
fn object_format(common: &Path) -> Result<gix_hash::Kind, Error> {
    let config = config(common)?;
    let value = |key: &str| config.string(key).map(|value| value.to_string());
    if let Some(storage) = value("extensions.refstorage").filter(|storage| storage != "files") {
        let why = format!("its refs are kept as {storage}, which is not supported");
        return Err(Error::Unreadable(why));
    }
    match value("extensions.objectformat").as_deref() {
        None => Ok(gix_hash::Kind::Sha1),
        Some(name) => name
            .parse()
            .map_err(|_| Error::Unreadable(format!("its objects are named by {name}"))),
    }
}

fn head(references: &file::Store, objects: &gix_odb::Handle) -> Result<ObjectId, Error> {
    let mut head = references.find("HEAD").map_err(unreadable)?;
    if let Some(branch) = head.target.try_name() {
        let found = references.try_find(branch).map_err(unreadable)?;
        if found.is_none() {
            return Err(Error::NoCommit);
        }
    }
    head.peel_to_id(references, objects).map_err(unreadable)
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        unreadable(error)
    }
}
