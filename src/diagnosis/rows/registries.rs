//! What other registries say that have words of their own.

use crate::diagnosis::row::{Condition, Kind, Place, ROW, Responsible, Row, Status};

const HUB: Row = Row {
    place: Place::DockerHub,
    ..ROW
};

pub const ROWS: &[Row] = &[
    Row {
        id: "hub-no-namespace",
        status: Status::Refused,
        when: &[Condition::NoNamespace, Condition::Writing],
        meaning: "Without a namespace the name means Docker's official images, library/{name}.",
        fix: "Write docker.io/NAMESPACE/{name} in place of {given}, with the account on Docker Hub as NAMESPACE",
        ..HUB
    },
    Row {
        id: "hub-credential",
        words: &["incorrect username or password"],
        meaning: "Docker Hub does not know this user with this password.",
        fix: "Renew the login for {image}: a user name, not an e-mail address, and an access token",
        link: "https://app.docker.com/settings/personal-access-tokens",
        ..HUB
    },
    Row {
        id: "hub-pull-denied",
        words: &["pull access denied"],
        meaning: "There is no such image, or it is private and the login may not read it.",
        fix: "Check the name {image}, and log in to docker.io if it is private",
        ..HUB
    },
    Row {
        id: "hub-push-denied",
        words: &[
            "push access denied",
            "insufficient_scope",
            "insufficient scopes",
            "requested access to the resource is denied",
        ],
        meaning: "The namespace is not that of the login, or its access token may not {scope}.",
        fix: "Check the namespace in {image}, and use an access token with the permission Read & Write",
        link: "https://app.docker.com/settings/personal-access-tokens",
        ..HUB
    },
    Row {
        id: "hub-pull-limit",
        place: Place::Any,
        words: &["pull rate limit", "docker.com/increase-rate-limit"],
        kind: Kind::Other,
        meaning: "Docker Hub limits the number of pulls from one address, and hosted runners share addresses.",
        fix: "Log in to docker.io, by an entry of `registry-auth`, or take the base image from a mirror",
        link: "https://docs.docker.com/docker-hub/usage/",
        ..ROW
    },
    Row {
        id: "ecr-no-repository",
        place: Place::Ecr,
        words: &["the repository with name…does not exist in the registry"],
        who: &[Responsible::RegistryAdmin],
        meaning: "There is no such repository, and the registry does not create one at a push. Its name is the part after the host.",
        fix: "Create the repository of {image} in Amazon ECR, or correct the name",
        link: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-create.html",
        ..ROW
    },
    Row {
        id: "ecr-policy",
        place: Place::Ecr,
        words: &[
            "no identity-based policy",
            "not authorized to perform: ecr:",
        ],
        who: &[Responsible::RegistryAdmin],
        meaning: "The role's policy does not allow what a push needs.",
        fix: "Allow the role to push to {image} in its IAM policy",
        link: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html",
        ..ROW
    },
    Row {
        id: "ecr-expired",
        place: Place::Ecr,
        words: &["authorization token has expired"],
        meaning: "A login to Amazon ECR expires after 12 hours.",
        fix: "Log in to {registry} again in this job, for {image}",
        ..ROW
    },
    Row {
        id: "google-permission",
        place: Place::Google,
        words: &["artifactregistry.repositories."],
        who: &[Responsible::RegistryAdmin],
        meaning: "The account may not do it, the repository does not exist, or the host is that of another region.",
        fix: "Grant the account roles/artifactregistry.writer on the repository of {image}, and check project, repository and region in the name",
        link: "https://cloud.google.com/artifact-registry/docs/access-control",
        ..ROW
    },
    Row {
        id: "quay-access",
        place: Place::Quay,
        words: &["access to the requested resource is not authorized"],
        who: &[Responsible::RegistryAdmin],
        meaning: "The robot account lacks the permission, or there is no such repository.",
        fix: "Give the robot account the permission {right} on {image}, or create the repository",
        ..ROW
    },
    Row {
        id: "harbor-access",
        place: Place::Harbor,
        words: &["unauthorized to access repository"],
        who: &[Responsible::RegistryAdmin],
        meaning: "There is no such project, or the account has no role in it that allows it.",
        fix: "Give the account a role in the project {image-owner} of {image} that may {scope}, or create the project",
        ..ROW
    },
];
