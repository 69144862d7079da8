//! What GitHub's container registries say.
//!
//! The order of the refusals: a limit first, for it comes as a 403; then the
//! owner, the credential's scopes, the package's own access list; then what a
//! read-only token is told, by the event, the permission, the policy.

use crate::diagnosis::row::{Condition, Kind, Place, ROW, Responsible, Row, Status};
use crate::registry::Stage;

const GITHUB: Row = Row {
    place: Place::Github,
    ..ROW
};
const BY_HOST: Row = Row {
    place: Place::GithubHost,
    ..ROW
};

/// What is said of a token that may not write organisation packages, and of
/// personal accounts just the same.
const CREATE: &str = "not allowed to create organization package";
const WRITE: &str = "not allowed to write organization package";

const FORK: &str = "A pull request from a fork gets a read-only token, whatever `permissions` says, and no secrets.";
const DEPENDABOT: &str =
    "Dependabot's runs get a read-only token by default, and Dependabot's secrets only.";
const ADD_PERMISSION: &str = "Add `permissions: packages: write` to the job that publishes {image}";

pub const ROWS: &[Row] = &[
    Row {
        id: "github-secondary-limit",
        words: &["secondary rate limit"],
        kind: Kind::Passing,
        who: &[Responsible::Nobody],
        meaning: "GitHub limits the number of requests. Permissions are not the cause.",
        fix: "Wait some minutes, then run the job for {image} again",
        ..GITHUB
    },
    Row {
        id: "github-no-such-owner",
        words: &["owner not found"],
        meaning: "There is no account {image-owner}.",
        fix: "Write {suggestion} in place of {given}, or correct the owner",
        ..GITHUB
    },
    Row {
        id: "github-other-account-of-cache",
        words: &["requested installation does not exist"],
        when: &[Condition::OwnOwner],
        meaning: "{image} is this repository's owner's, so another reference is not: the workflow's token is valid for one account only, and a cache reference to another one makes {registry} refuse it as a whole.",
        fix: "Look for another account than {image-owner} in `cache-from` and `cache-to`, beside {image}",
        ..GITHUB
    },
    Row {
        id: "github-other-account",
        words: &["requested installation does not exist"],
        meaning: "{image-owner} is another account than this repository's owner, and the workflow's token is valid for that one only.",
        fix: "Write {suggestion} in place of {given}",
        ..GITHUB
    },
    Row {
        id: "github-scopes",
        words: &["does not match expected scopes"],
        meaning: "The password is a personal access token without {scope}:packages, or a fine-grained one, which the registry does not accept.",
        fix: "Leave `password` out for {image}, so that `github-token` is used with `permissions: packages: {scope}`; or make a classic token with the scope {scope}:packages",
        link: "{tokens}",
        ..GITHUB
    },
    Row {
        id: "github-package-access-of-password",
        words: &[
            "permission_denied: write_package",
            "permission_denied: read_package",
        ],
        when: &[Condition::Password],
        who: &[Responsible::PackageAdmin],
        meaning: "The login is valid, but its user has no role {right} on the package.",
        fix: "Give the user of the password the role {right} on {image}; when the password is the workflow's own token, add {repository} under Manage Actions access instead",
        link: "{package-settings}",
        ..GITHUB
    },
    Row {
        id: "github-package-access-linked",
        words: &[
            "permission_denied: write_package",
            "permission_denied: read_package",
        ],
        when: &[Condition::LinkedElsewhere],
        who: &[Responsible::PackageAdmin],
        meaning: "The package is linked to {linked}, and this repository has no role {right} on it. No API can do this.",
        fix: "Open the settings of the package {image}: Manage Actions access, Add Repository, {repository}, role {right}",
        link: "{package-settings}",
        ..GITHUB
    },
    Row {
        id: "github-package-access",
        words: &[
            "permission_denied: write_package",
            "permission_denied: read_package",
        ],
        who: &[Responsible::PackageAdmin],
        meaning: "The token may do it, but this repository has no role {right} on the package: it was first pushed by hand or with another token, or the repository was recreated or moved. No API can do this.",
        fix: "Open the settings of the package {image}: Manage Actions access, Add Repository, {repository}, role {right}",
        link: "{package-settings}",
        ..GITHUB
    },
    Row {
        id: "github-read-only-fork",
        words: &[CREATE, WRITE],
        when: &[Condition::Fork],
        who: &[Responsible::Nobody],
        meaning: FORK,
        fix: "Build {image} without pushing it; there is nothing to fix",
        ..GITHUB
    },
    Row {
        id: "github-read-only-dependabot",
        words: &[CREATE, WRITE],
        when: &[Condition::Dependabot],
        meaning: DEPENDABOT,
        fix: "Build {image} without pushing it, or add `permissions: packages: write` to the job",
        ..GITHUB
    },
    Row {
        id: "github-permission-missing",
        words: &[CREATE, WRITE],
        when: &[Condition::PermissionMissing],
        meaning: "The job's token has no permission `packages`.",
        fix: ADD_PERMISSION,
        ..GITHUB
    },
    Row {
        id: "github-create-in-organisation",
        words: &[CREATE],
        when: &[Condition::OrganisationOwner],
        who: &[Responsible::Author, Responsible::OrganisationOwner],
        meaning: "The package does not exist yet, and either the job's token lacks `packages: write` or {image-owner} does not let it be made.",
        fix: "Add `permissions: packages: write` to the job that publishes {image}; if it is there, an owner of {image-owner} allows the creation of packages",
        link: "{org-package-policy}",
        ..GITHUB
    },
    Row {
        id: "github-write-in-organisation",
        words: &[WRITE],
        when: &[Condition::OrganisationOwner],
        who: &[Responsible::Author, Responsible::OrganisationOwner],
        meaning: "The package exists, and the job's token is read-only: it lacks `packages: write`, or a policy of {image-owner} withholds it.",
        fix: "Add `permissions: packages: write` to the job that publishes {image}; if it is there, an owner of {image-owner} looks at the policy for packages",
        link: "{org-package-policy}",
        ..GITHUB
    },
    Row {
        id: "github-read-only-of-user",
        words: &[CREATE, WRITE],
        when: &[Condition::UserOwner],
        who: &[Responsible::Author, Responsible::RepositoryAdmin],
        meaning: "The job's token is read-only. The registry says `organization` of personal accounts too.",
        fix: "Add `permissions: packages: write` to the job that publishes {image}; if it is there, allow it in the repository's workflow permissions",
        link: "{workflow-permissions}",
        ..GITHUB
    },
    Row {
        id: "github-read-only",
        words: &[CREATE, WRITE],
        who: &[
            Responsible::Author,
            Responsible::RepositoryAdmin,
            Responsible::OrganisationOwner,
        ],
        meaning: "The job's token is read-only, by the job's `permissions`, by the repository's workflow permissions, or, if {image-owner} is an organisation, by its policy: {org-package-policy}",
        fix: "Add `permissions: packages: write` to the job that publishes {image}; if it is there, look at the workflow permissions, then at the organisation's policy for packages",
        link: "{workflow-permissions}",
        ..GITHUB
    },
    Row {
        id: "github-token-revoked",
        words: &["user cannot be authenticated with the token"],
        meaning: "The token of the login has expired or was revoked.",
        fix: "Log in to {registry} again in this job, for {image}, with a valid token",
        ..GITHUB
    },
    Row {
        id: "github-denied-fork",
        status: Status::Refused,
        when: &[Condition::Fork, Condition::Writing],
        who: &[Responsible::Nobody],
        meaning: FORK,
        fix: "Build {image} without pushing it; there is nothing to fix",
        ..BY_HOST
    },
    Row {
        id: "github-denied-dependabot",
        status: Status::Refused,
        when: &[Condition::Dependabot, Condition::Writing],
        meaning: DEPENDABOT,
        fix: "Build {image} without pushing it, or add `permissions: packages: write` to the job",
        ..BY_HOST
    },
    Row {
        id: "github-denied-permission",
        status: Status::Is(403),
        when: &[Condition::PermissionMissing, Condition::Writing],
        meaning: "The job's token has no permission `packages`.",
        fix: ADD_PERMISSION,
        ..BY_HOST
    },
    Row {
        id: "github-no-login-to-write",
        status: Status::Refused,
        when: &[Condition::NoLogin, Condition::Writing],
        meaning: "{registry} was asked without a login.",
        fix: "Give a login for {image}: leave `password` out and add `permissions: packages: write` to the job, and `github-token` is used",
        ..BY_HOST
    },
    Row {
        id: "github-no-login-to-read",
        status: Status::Refused,
        when: &[Condition::NoLogin],
        meaning: "Without a login {registry} shows public packages only: this one is private, or does not exist.",
        fix: "Give a login for {image}: `github-token` with `permissions: packages: read`, or `username` and `password`",
        ..BY_HOST
    },
    Row {
        id: "github-token-denied",
        status: Status::Is(403),
        stage: Some(Stage::Token),
        meaning: "The credential has expired or is wrong, or it may not read a private package. A stale login breaks public packages too, and so does a cache reference to another account.",
        fix: "Renew the credential for {image}, or log out of {registry} to read what is public",
        ..BY_HOST
    },
    Row {
        id: "github-denied",
        status: Status::Is(403),
        when: &[Condition::Writing],
        who: &[Responsible::Author, Responsible::PackageAdmin],
        meaning: "Either the job's token lacks `packages: write`, or this repository has no role Write on the package.",
        fix: "Add `permissions: packages: write` to the job that publishes {image}; if it is there, add {repository} with the role Write under Manage Actions access in the package's settings",
        link: "{package-settings}",
        ..BY_HOST
    },
    Row {
        id: "github-upload-expired",
        words: &["blob upload unknown", "blob upload invalid"],
        kind: Kind::Passing,
        meaning: "{registry} lost the upload of a layer. It ends uploads that take about 10 minutes.",
        fix: "Push {image} again; if it fails again, split its largest layer",
        ..BY_HOST
    },
    Row {
        id: "github-layer-too-large",
        status: Status::Is(413),
        kind: Kind::Other,
        meaning: "{registry} takes layers of up to 10 GB.",
        fix: "Split the largest layer of {image}",
        ..BY_HOST
    },
    Row {
        id: "github-limit",
        status: Status::Is(429),
        kind: Kind::Passing,
        who: &[Responsible::Nobody],
        meaning: "GitHub limits the number of requests. The pause that it asks for is too short.",
        fix: "Wait a while, then run the job for {image} again",
        ..BY_HOST
    },
];
