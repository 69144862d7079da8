//! The references of a run, and how far each has come.

use std::collections::HashSet;

use crate::diagnosis::{Diagnosis, Kind};
use crate::execute::buildx::export::Export;
use crate::execute::buildx::references::{in_full, is_named};
use crate::execute::error::{Error, FailedPush};
use crate::image::{Digest, ImageName, Reference, Tag, reference};
use crate::plan::{Build, pushed_by_builder};

/// A failed push in the words of a build, which is how diagnoses know it.
pub fn push_failure_text(reference: &str, why: &str) -> String {
    format!("ERROR: failed to push {reference}: {why}")
}

/// One reference that is to be pushed.
#[derive(Debug)]
pub struct Push {
    /// `HOST/NAME:TAG`, or `HOST/NAME@DIGEST` where it is pushed by its digest alone.
    pub reference: Reference,
    /// How often a push of it has failed.
    pub tries: u32,
    /// How far it is.
    pub state: State,
    /// What was pushed, where the image can have several digests: an exporter with a
    /// name of its own makes its own.
    pub digest: Option<Digest>,
}

impl Push {
    /// A reference that is still to be pushed; none for text that is no reference.
    fn due(reference: &str) -> Option<Self> {
        Some(Self {
            reference: Reference::parse(reference).ok()?,
            tries: 0,
            state: State::Due,
            digest: None,
        })
    }

    fn is_due(&self) -> bool {
        matches!(self.state, State::Due)
    }

    /// The image's name as the workflow spells it.
    pub fn name(&self) -> &str {
        &self.reference.spelt
    }

    /// What a registry knows it by: its tag, or its digest where it has none.
    pub fn tag(&self) -> Option<&str> {
        let digest = self.reference.digest.as_ref().map(Digest::as_str);
        self.reference.tag.as_ref().map(Tag::as_str).or(digest)
    }

    /// Its repository.
    pub fn image(&self) -> &ImageName {
        &self.reference.name
    }

    fn is_of(&self, reference: &str) -> bool {
        self.reference.in_full() == reference::in_full(reference)
    }
}

/// How far the push of a reference is.
#[derive(Debug, Default)]
pub enum State {
    /// To be pushed, for the first time or again.
    #[default]
    Due,
    /// In the registry.
    Done,
    /// Left where it is, at something newer.
    KeptBack,
    /// Written, and put back to what it stood for.
    PutBack,
    /// Given up.
    Failed(Diagnosis),
}

/// Every reference of an image, in the plan's order; none when nothing is pushed.
#[derive(Debug, Default)]
pub struct Pushes(Vec<Push>);

impl Pushes {
    /// All references of the image, none of them pushed yet. What exporters push
    /// apart is known once it is pushed, or has failed: nobody else can push it.
    pub fn of(build: &Build) -> Self {
        let tags = build
            .tags
            .iter()
            .filter(|_| build.publication.pushes_tags());
        Self(tags.filter_map(|tag| Push::due(tag)).collect())
    }

    /// Takes in what exporters have pushed apart; all of it when the build ended well.
    pub fn record_separate(
        &mut self,
        apart: &[String],
        export: &Export,
        image: Option<&Digest>,
        success: bool,
    ) {
        for reference in apart {
            if !success && !is_named(&export.pushed, reference) {
                continue;
            }
            self.add(reference);
            let Some(push) = self.find(reference) else {
                continue;
            };
            push.state = State::Done;
            push.digest = export.digest_of(reference).or(image).cloned();
            if push.reference.tag.is_none() {
                push.reference.digest.clone_from(&push.digest);
            }
        }
    }

    /// Takes a reference in that an entry of `outputs` pushes under a name of its
    /// own, so that it is tried again, or told, like any other.
    pub fn add(&mut self, reference: &str) {
        if self.image(reference).is_none() {
            self.0.extend(Push::due(reference));
        }
    }

    /// What is left to be pushed is in its repositories under its digest, and stays so.
    pub fn leave_names(&mut self, digest: &Digest) {
        let names = self.due_repositories();
        let by_digest = names.iter().filter_map(|name| {
            let mut push = Push::due(&format!("{name}@{digest}"))?;
            push.state = State::Done;
            push.digest = Some(digest.clone());
            Some(push)
        });
        self.0 = by_digest.collect();
    }

    /// All of them, and how far each is.
    pub fn names(&self) -> impl Iterator<Item = (&Reference, &State)> {
        self.0.iter().map(|push| (&push.reference, &push.state))
    }

    /// True where nothing is pushed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are in their registry.
    pub fn done(&self) -> impl Iterator<Item = &Push> {
        self.0
            .iter()
            .filter(|push| matches!(push.state, State::Done))
    }

    /// Notes that a reference is in its registry, and stands for this.
    pub fn record_kept(&mut self, reference: &str, digest: &Digest) {
        if let Some(push) = self.find(reference) {
            push.state = State::Done;
            push.digest = Some(digest.clone());
        }
    }

    /// Those that were left where they are.
    pub fn kept_back(&self) -> impl Iterator<Item = &Push> {
        self.0
            .iter()
            .filter(|push| matches!(push.state, State::KeptBack))
    }

    /// Notes that a reference stands again for what it stood for.
    pub fn put_back(&mut self, reference: &str) {
        if let Some(push) = self.find(reference) {
            push.state = State::PutBack;
        }
    }

    /// Writes no name of this image.
    pub fn leave_out(&mut self, image: &ImageName) {
        self.0
            .retain(|push| !push.is_due() || push.image() != image);
    }

    /// Leaves a reference where it is.
    pub fn keep_back(&mut self, reference: &str) {
        if let Some(push) = self.find(reference) {
            push.state = State::KeptBack;
        }
    }

    /// True when every one of them is in its registry, or left where it is, and there
    /// is one.
    pub fn are_all_done(&self) -> bool {
        !self.0.is_empty() && self.done().chain(self.kept_back()).count() == self.0.len()
    }

    /// Those that were given up, with why.
    pub fn failed(&self) -> impl Iterator<Item = (&Push, &Diagnosis)> {
        self.0.iter().filter_map(|push| match &push.state {
            State::Failed(diagnosis) => Some((push, diagnosis)),
            _ => None,
        })
    }

    /// What could not be pushed, as the error of the run.
    pub fn failures(&self) -> Result<(), Error> {
        let mut failures: Vec<FailedPush> = Vec::new();
        for (push, diagnosis) in self.failed() {
            let same = failures
                .iter_mut()
                .find(|other| other.image == *push.image() && other.diagnosis.id == diagnosis.id);
            match same {
                Some(other) => other.references.push(push.reference.to_string()),
                None => failures.push(FailedPush {
                    image: push.image().clone(),
                    references: vec![push.reference.to_string()],
                    tries: push.tries,
                    diagnosis: diagnosis.clone(),
                }),
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(Error::Push(failures))
        }
    }

    /// The images that are on GitHub's container registry, each once.
    pub fn github_images(&self) -> Vec<ImageName> {
        let mut images: Vec<ImageName> = self.done().map(|push| push.image().clone()).collect();
        images.retain(|image| image.registry.is_github());
        images.sort();
        images.dedup();
        images
    }

    /// The references that are still to be pushed.
    pub fn due(&self) -> Vec<String> {
        let due = self.0.iter().filter(|push| push.is_due());
        due.map(|push| push.reference.to_string()).collect()
    }

    /// The repositories of those, each once, as the workflow spells them.
    pub fn due_repositories(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for push in self.0.iter().filter(|push| push.is_due()) {
            if names.iter().all(|name| name != push.name()) {
                names.push(push.name().to_owned());
            }
        }
        names
    }

    /// The first of those in each repository.
    pub fn first_due(&self) -> Vec<&Reference> {
        let mut first: Vec<&Reference> = Vec::new();
        for push in self.0.iter().filter(|push| push.is_due()) {
            if first.iter().all(|other| other.name != *push.image()) {
                first.push(&push.reference);
            }
        }
        first
    }

    /// The repositories that a builder pushes to, where content goes by its digest.
    pub fn repositories_of_builder(&self) -> Vec<String> {
        let due = self.due_repositories();
        let pushed = pushed_by_builder(due.iter().map(String::as_str));
        pushed.into_iter().map(str::to_owned).collect()
    }

    /// The reference that is to be pushed first in the repository of this one; of
    /// content that is pushed by its digest, no name is told.
    pub fn due_in(&self, repository: &str) -> Option<String> {
        let (name, ..) = reference::split(repository);
        let image = reference::name(name)?;
        let mut due = self.0.iter().filter(|push| push.is_due());
        let first = due.find(|push| *push.image() == image)?;
        Some(first.reference.to_string())
    }

    /// True when something is in this repository.
    pub fn is_in(&self, image: &ImageName) -> bool {
        self.done().any(|push| push.image() == image)
    }

    /// The references that are not to be pushed any more.
    pub fn settled(&self) -> Vec<String> {
        let settled = self.0.iter().filter(|push| !push.is_due());
        settled.map(|push| push.reference.to_string()).collect()
    }

    /// True when a reference is not to be pushed any more.
    pub fn is_settled(&self, reference: &str) -> bool {
        let mut due = self.0.iter().filter(|push| push.is_due());
        !due.any(|push| push.is_of(reference))
    }

    /// The most tries that one of those has behind it which are to be pushed.
    pub fn tries(&self) -> u32 {
        let due = self.0.iter().filter(|push| push.is_due());
        due.map(|push| push.tries).max().unwrap_or(0)
    }

    /// Takes in what a build has pushed; all of it when it ended well.
    pub fn record_export(&mut self, export: &Export, success: bool) {
        let pushed: HashSet<String> = in_full(&export.pushed).collect();
        for push in &mut self.0 {
            let is_pushed = || pushed.contains(&push.reference.in_full());
            if push.is_due() && (success || is_pushed()) {
                push.state = State::Done;
            }
        }
    }

    /// Notes that a reference is in its registry.
    pub fn record_success(&mut self, reference: &str) {
        if let Some(push) = self.find(reference) {
            push.state = State::Done;
        }
    }

    /// Notes a failed try, after which the reference is tried again where that
    /// can help. A registry that refuses an image refuses every tag of it, and one
    /// that is silent takes none of its images.
    /// Returns the number of the try.
    pub fn fail(&mut self, reference: &str, diagnosis: &Diagnosis, attempts: u32) -> u32 {
        let tries = self.fail_alone(reference, diagnosis, attempts);
        let Some(image) = self.image(reference).cloned() else {
            return 0;
        };
        let fails_too = |other: &ImageName| match diagnosis.kind {
            Kind::Denied => *other == image,
            Kind::Silent => other.registry == image.registry,
            Kind::Passing | Kind::Other => false,
        };
        for push in &mut self.0 {
            if push.is_due() && fails_too(push.image()) {
                push.state = State::Failed(diagnosis.clone());
            }
        }
        tries
    }

    /// The same for content without a name: where it is given up, so are all names in
    /// its repository.
    pub fn fail_content(&mut self, reference: &str, diagnosis: &Diagnosis, attempts: u32) -> u32 {
        let tries = self.fail(reference, diagnosis, attempts);
        if !self.is_given_up(reference) {
            return tries;
        }
        let image = self.image(reference).cloned();
        for push in &mut self.0 {
            if push.is_due() && Some(push.image()) == image.as_ref() {
                push.state = State::Failed(diagnosis.clone());
            }
        }
        tries
    }

    /// The same for a name alone, whose content its repository has taken.
    /// Returns the number of the try.
    pub fn fail_alone(&mut self, reference: &str, diagnosis: &Diagnosis, attempts: u32) -> u32 {
        let Some(push) = self.find(reference) else {
            return 0;
        };
        push.tries += 1;
        let tries = push.tries;
        if diagnosis.kind != Kind::Passing || tries >= attempts {
            push.state = State::Failed(diagnosis.clone());
        }
        tries
    }

    /// The repository of a reference.
    pub fn image(&self, reference: &str) -> Option<&ImageName> {
        let push = self.0.iter().find(|push| push.is_of(reference));
        push.map(Push::image)
    }

    /// True for a reference that was given up.
    pub fn is_given_up(&self, reference: &str) -> bool {
        self.failed().any(|(push, _)| push.is_of(reference))
    }

    fn find(&mut self, reference: &str) -> Option<&mut Push> {
        self.0.iter_mut().find(|push| push.is_of(reference))
    }
}
