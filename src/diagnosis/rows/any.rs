//! What any registry may say: the specification's codes, bare statuses, and
//! what happens to connections.

use crate::diagnosis::row::{Condition, Kind, Place, ROW, Responsible, Row, Status};
use crate::registry::Stage;

const PASSING: Row = Row {
    kind: Kind::Passing,
    who: &[Responsible::Nobody],
    ..ROW
};

const OTHER: Row = Row {
    kind: Kind::Other,
    ..ROW
};

pub const ROWS: &[Row] = &[
    Row {
        id: "registry-silent",
        words: &["the registry has stopped answering"],
        kind: Kind::Silent,
        who: &[Responsible::RegistryAdmin],
        meaning: "The registry stopped answering during the push, so the push was ended.",
        fix: "See why {registry} does not answer, then run the job for {image} again; `stall-timeout` says how long a push waits",
        ..ROW
    },
    Row {
        id: "registry-full",
        words: &["no space left on device"],
        who: &[Responsible::RegistryAdmin],
        meaning: "The disk of the registry is full.",
        fix: "Free disk space at {registry}, then run the job for {image} again",
        ..ROW
    },
    Row {
        id: "upload-lost",
        words: &["blob upload unknown", "blob upload invalid"],
        who: &[Responsible::RegistryAdmin],
        meaning: "The registry lost the upload of a layer, or could not store it.",
        fix: "See that {registry} has disk space and that no proxy in front of it limits uploads, then run the job for {image} again",
        ..PASSING
    },
    Row {
        id: "content-unknown",
        words: &[
            "blob unknown",
            "blob_unknown",
            "digest_invalid",
            "digest did not match uploaded content",
        ],
        meaning: "The registry lacks a part of the image, or has not stored it yet. Two pushes to one repository at the same time can cause this.",
        fix: "Run the job for {image} again; if it fails again, see whether {registry} loses what is uploaded",
        ..PASSING
    },
    Row {
        id: "name-without-owner",
        status: Status::Is(400),
        when: &[Condition::NoOwner],
        meaning: "The name {image} has no owner.",
        fix: "Write {suggestion} in place of {given}",
        ..ROW
    },
    Row {
        id: "name-upper-case",
        words: &["must be lowercase"],
        meaning: "Registries accept names in lower case only.",
        fix: "Write {given} in lower case",
        ..ROW
    },
    Row {
        id: "name-invalid",
        words: &["name_invalid", "name invalid", "invalid repository name"],
        meaning: "NAME_INVALID: the registry does not accept this name.",
        fix: "Correct the name {image}: host, owner and image as the registry asks for them",
        ..ROW
    },
    Row {
        id: "bad-request",
        status: Status::Is(400),
        meaning: "The registry did not understand the request. The most common cause is a name that it does not accept.",
        fix: "Check the name {image}: host, owner and image as the registry asks for them",
        ..OTHER
    },
    Row {
        id: "limit",
        status: Status::Is(429),
        meaning: "TOOMANYREQUESTS: the registry limits the number of requests.",
        fix: "Wait a while, then run the job for {image} again",
        ..PASSING
    },
    Row {
        id: "fork",
        status: Status::Refused,
        when: &[Condition::Fork, Condition::Writing],
        who: &[Responsible::Nobody],
        meaning: "A pull request from a fork gets no secrets, and so no login.",
        fix: "Build {image} without pushing it; there is nothing to fix",
        ..ROW
    },
    Row {
        id: "dependabot",
        status: Status::Refused,
        when: &[Condition::Dependabot, Condition::Writing],
        meaning: "Dependabot's runs get Dependabot's secrets only.",
        fix: "Build {image} without pushing it, or store the login for {registry} among Dependabot's secrets too",
        ..ROW
    },
    Row {
        id: "no-login",
        status: Status::Refused,
        when: &[Condition::NoLogin],
        meaning: "UNAUTHORIZED: the registry requires a login, and none was given.",
        fix: "Give a login for {image}: `username` and `password`, an entry of `registry-auth`, or a login step before this one",
        ..ROW
    },
    Row {
        id: "token-denied",
        status: Status::Is(403),
        stage: Some(Stage::Token),
        meaning: "The registry did not issue a token: the credential is wrong, has expired, or may not {scope} here.",
        fix: "Renew the credential for {image}, or give it the right to {scope} there",
        ..ROW
    },
    Row {
        id: "unauthorized",
        status: Status::Is(401),
        meaning: "UNAUTHORIZED: the registry rejected the login.",
        fix: "Check the login for {image}: it is wrong, has expired, or is for another host than {registry}",
        ..ROW
    },
    Row {
        id: "denied",
        status: Status::Is(403),
        who: &[Responsible::RegistryAdmin],
        meaning: "DENIED: the registry knows the login, but does not allow this.",
        fix: "Give the login the right to {scope} on {image}",
        ..ROW
    },
    Row {
        id: "not-found",
        status: Status::Is(404),
        who: &[Responsible::Author, Responsible::RegistryAdmin],
        meaning: "NAME_UNKNOWN: the registry has no such repository, or hides it from this login.",
        fix: "Check the name {image}, and create its repository if the registry does not create it at a push",
        ..OTHER
    },
    Row {
        id: "too-large",
        status: Status::Is(413),
        who: &[Responsible::RegistryAdmin],
        meaning: "The registry, or a proxy in front of it, limits the size of an upload.",
        fix: "Raise the limit of {registry}, or split the largest layer of {image}",
        ..OTHER
    },
    Row {
        id: "server-error",
        status: Status::Server,
        meaning: "The registry, or a proxy in front of it, failed. The image is not at fault.",
        fix: "Run the job for {image} again; if it keeps failing, look at the status of {registry}",
        ..PASSING
    },
    Row {
        id: "certificate",
        words: &[
            "x509:",
            "certificate is not trusted",
            "certificate verify failed",
            "invalid peer certificate",
        ],
        who: &[Responsible::RunnerAdmin],
        meaning: "The registry's certificate is not signed by a trusted authority, or is not valid for this host.",
        fix: "Give the authority of {registry} as `ca-certificates`, which a builder that the run makes trusts too; for the engine it belongs in /etc/docker/certs.d, for another builder in its buildkitd.toml",
        link: "https://docs.docker.com/engine/security/certificates/",
        ..OTHER
    },
    Row {
        id: "login-unreadable",
        words: &[
            "in docker's configuration cannot be read",
            "docker-credential-",
        ],
        who: &[Responsible::RunnerAdmin],
        meaning: "There is a login for this registry, but it could not be read, so the registry was not asked.",
        fix: "Log in to {registry} again for {image}, or give `username` and `password`",
        ..OTHER
    },
    Row {
        id: "plain-http",
        words: &[
            "server gave http response to https client",
            "first record does not look like a tls handshake",
        ],
        who: &[Responsible::RunnerAdmin],
        meaning: "The registry speaks plain HTTP, which builders accept only from this machine.",
        fix: "Give {registry} a certificate, or name it as insecure in the configuration of the engine or builder",
        link: "https://docs.docker.com/build/buildkit/toml-configuration/",
        ..OTHER
    },
    Row {
        id: "no-such-host",
        words: &[
            "no such host",
            "name or service not known",
            "no address associated with hostname",
        ],
        meaning: "The host name could not be resolved.",
        fix: "Check the host in {image}: {registry} is not known from here",
        ..OTHER
    },
    Row {
        id: "connection-refused-on-loopback",
        place: Place::Build,
        words: &["connection refused"],
        when: &[Condition::Loopback],
        meaning: "Nothing answers at that address: the registry is down, or the builder is a container, whose loopback is its own.",
        fix: "See that {registry} runs, for {image}, and give a builder in a container the host's network with `driver-opts: network=host`",
        ..PASSING
    },
    Row {
        id: "connection-refused",
        words: &["connection refused"],
        meaning: "Nothing answers at that address: the registry is down, or the builder is on another network than the runner.",
        fix: "See that {registry} runs and can be reached from the builder, for {image}",
        ..PASSING
    },
    Row {
        id: "connection-lost",
        words: &[
            "connection reset",
            "broken pipe",
            "i/o timeout",
            "tls handshake timeout",
            "use of closed network connection",
            "closed pipe",
            "unexpected eof",
            ": eof",
            "read on closed response body",
            "cannot reuse body",
            "http2:",
            "stream error",
            "connection timed out",
            "deadline exceeded",
            "timeout awaiting response headers",
            "client.timeout exceeded",
            "network is unreachable",
            "no route to host",
            "server misbehaving",
            "temporary failure in name resolution",
        ],
        meaning: "The connection to the registry broke.",
        fix: "Run the job for {image} again",
        ..PASSING
    },
    Row {
        id: "build-cancelled",
        place: Place::Build,
        words: &["canceled: context canceled", "buildkit scheduler error"],
        meaning: "BuildKit cancelled the build, and nobody had asked it to.",
        fix: "Run the job for {image} again",
        ..PASSING
    },
    Row {
        id: "request-failed",
        place: Place::Build,
        words: &[
            "failed to push…failed to copy",
            "failed to do request",
            "context canceled",
        ],
        meaning: "A request to the registry failed without a status that says why.",
        fix: "Run the job for {image} again",
        ..PASSING
    },
    Row {
        id: "push-failed",
        place: Place::Build,
        words: &["failed to push"],
        meaning: "The registry rejected the image with a message that this program does not know.",
        fix: "See what {registry} says of {image}",
        ..OTHER
    },
];

/// For answers that no row fits.
pub const ELSE: Row = Row {
    id: "unknown",
    meaning: "The registry answered {status}.",
    fix: "See what {registry} says of {image}",
    ..OTHER
};

/// For requests that got no answer, for reasons that no row fits.
pub const SILENCE: Row = Row {
    id: "no-answer",
    meaning: "The registry gave no answer.",
    fix: "See that {registry} can be reached from this runner, for {image}",
    ..PASSING
};
