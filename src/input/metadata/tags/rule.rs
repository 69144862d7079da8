//! One rule of the input `tags`, and what kinds there are.

/// One line of the input `tags`.
#[derive(Clone, Debug, PartialEq)]
pub struct TagRule {
    /// The line, as it was given.
    pub text: String,
    /// Line and column in the input, from 1; line 0 for a rule of our own.
    pub position: (usize, usize),
    /// What the rule does.
    pub kind: TagKind,
    /// Template that yields `true` or `false`.
    pub enable: String,
    /// Rules of higher priority run first; NaN is like any other number.
    pub priority: f64,
    /// Template put before the tag; the flavour's when there is none.
    pub prefix: Option<String>,
    /// Template put after the tag; the flavour's when there is none.
    pub suffix: Option<String>,
    /// Attributes that no rule of this kind reads.
    pub unread: Vec<String>,
}

/// What a rule does, with the attributes of its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum TagKind {
    /// On `schedule` events, the date or a fixed word.
    Schedule {
        /// Template with `date` and `commit_date`.
        pattern: String,
    },
    /// A semantic version from a Git tag or a value.
    Semver(VersionRule),
    /// A Python version from a Git tag or a value.
    Pep440(VersionRule),
    /// Part of a Git tag or a value, by regular expression.
    Match {
        /// A JavaScript regular expression, bare or as `/…/flags`.
        pattern: String,
        /// Which group to take, as it was given.
        group: String,
        /// Template; the Git tag when it is empty.
        value: String,
    },
    /// `edge` on one branch.
    Edge {
        /// The branch; the default branch when it is empty.
        branch: String,
    },
    /// The branch, tag or pull request of the event.
    Ref(RefEvent),
    /// A fixed value.
    Raw {
        /// Template.
        value: String,
    },
    /// The commit.
    Sha(ShaFormat),
}

/// The attributes of `semver` and `pep440` rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRule {
    /// Template over the version's parts.
    pub pattern: String,
    /// Template; the Git tag when it is empty.
    pub value: String,
    /// Regular expression whose first group is the version; all when empty.
    pub matching: String,
}

/// `event=` of a `ref` rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefEvent {
    /// `refs/heads/…`
    Branch,
    /// `refs/tags/…`
    Tag,
    /// `refs/pull/…`
    PullRequest,
}

/// `format=` of a `sha` rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaFormat {
    /// The first characters, 7 unless the environment says otherwise.
    Short,
    /// All of it.
    Long,
}
