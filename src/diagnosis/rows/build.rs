//! What a build says by itself.

use crate::diagnosis::row::{Condition, Kind, Place, ROW, Responsible, Row};

const BUILD: Row = Row {
    place: Place::Build,
    kind: Kind::Other,
    ..ROW
};

const STORE: &str = "https://docs.docker.com/engine/storage/containerd/";

/// A path to copy that is not where it is copied from.
const NOT_FOUND: &[&str] = &[
    "failed to compute cache key…not found",
    "failed to calculate checksum of ref…not found",
    "failed to compute cache key…no such file or directory",
];

/// The scanner for `sbom`, which no workflow and no Dockerfile names.
pub const SCANNER: &[Row] = &[Row {
    id: "sbom-scanner",
    when: &[Condition::Scanner],
    kind: Kind::Other,
    meaning: "`sbom` needs the image {image}, which lists what is in the result, and the builder could not pull it.",
    fix: "Set `sbom: generator=IMAGE` to a copy of {image} that the builder can pull, or leave `sbom` out",
    link: "https://docs.docker.com/build/metadata/attestations/sbom/",
    ..ROW
}];

pub const ROWS: &[Row] = &[
    Row {
        id: "git-login",
        words: &[
            "could not read username",
            "could not read password",
            "authentication failed for",
        ],
        meaning: "The repository is private, the token may not read it, or there is no such repository on {git-host}. `github-token` is for this repository alone.",
        fix: "Give the build a token that may read the repository on {git-host}, as `GIT_AUTH_TOKEN=TOKEN` in `secrets`",
        link: "https://docs.docker.com/build/building/secrets/#git-authentication-for-remote-contexts",
        ..BUILD
    },
    Row {
        id: "index-annotations",
        words: &["index annotations not supported for single platform export"],
        meaning: "An annotation is for an index, and an image for one platform without attestations has none.",
        fix: "Write `manifest:` in place of `index:` in `annotations`, or set `provenance: true`",
        ..BUILD
    },
    Row {
        id: "base-without-platform",
        words: &["no match for platform in manifest"],
        meaning: "The image {subject} is not made for {platform}.",
        fix: "Take {platform} out of `platforms`, or use another base image than {subject}",
        ..BUILD
    },
    Row {
        id: "base-not-found",
        words: &["failed to resolve source metadata…: not found"],
        meaning: "The registry has no such tag.",
        fix: "Correct the name or tag of the base image {subject}",
        ..BUILD
    },
    Row {
        id: "no-emulator",
        place: Place::Step,
        words: &["exec format error"],
        meaning: "A step ran a program for another architecture: there is no emulator for {platform}, or the base image is of the wrong platform.",
        fix: "Set `emulation: auto`, which installs an emulator for {platform} where a `RUN` needs one; or build it on a runner of that platform",
        ..BUILD
    },
    Row {
        id: "disk-full",
        place: Place::Step,
        words: &["no space left on device"],
        who: &[Responsible::Author, Responsible::RunnerAdmin],
        meaning: "The disk that the build uses is full.",
        fix: "Free disk space before the build, build fewer `platforms` at once, or use a larger runner",
        ..BUILD
    },
    Row {
        id: "message-too-large",
        words: &["received message larger than max"],
        meaning: "BuildKit limits the size of its messages. Disk space is not the cause.",
        fix: "Make the build smaller: fewer stages, fewer arguments, shorter logs",
        ..BUILD
    },
    Row {
        id: "resources-exhausted",
        words: &["resourceexhausted", "resource exhausted"],
        who: &[Responsible::Author, Responsible::RunnerAdmin],
        meaning: "The machine that the build runs on has run out of disk or memory.",
        fix: "Free disk space before the build, build fewer `platforms` at once, or use a larger runner",
        ..BUILD
    },
    Row {
        id: "privileges-requested",
        words: &["additional privileges requested"],
        meaning: "The bake file asks for something that has to be allowed, such as reading files outside the workspace.",
        fix: "Set `allow` to what the log says after `--allow=`, such as `fs.read=../lib`",
        ..BUILD
    },
    Row {
        id: "path-not-in-stage",
        words: NOT_FOUND,
        when: &[Condition::FromStage],
        meaning: "A `COPY --from` names a path that the other stage or image does not have.",
        fix: "Correct {path} in that `COPY --from`, or make the other stage put it there",
        ..BUILD
    },
    Row {
        id: "path-not-found",
        words: NOT_FOUND,
        meaning: "The path is not there, or a line of .dockerignore excludes it, or the context is a Git address, which does not see the files of earlier steps.",
        fix: "Bring {path} into the build context: check its spelling and .dockerignore, and set `context: .` if an earlier step makes it",
        ..BUILD
    },
    Row {
        id: "dockerfile-not-found",
        words: &["failed to read dockerfile…no such file or directory"],
        meaning: "There is no Dockerfile where the build looks for it.",
        fix: "Set `file` to the path of the Dockerfile, or bring it into the build context",
        ..BUILD
    },
    Row {
        id: "driver-cache-export",
        words: &["cache export is not supported for the docker driver"],
        meaning: "The engine's own builder exports a cache only with the containerd image store.",
        fix: "Set `driver: docker-container` for `cache-to`, or switch the engine to the containerd image store",
        link: STORE,
        ..BUILD
    },
    Row {
        id: "driver-attestation",
        words: &["attestation is not supported for the docker driver"],
        meaning: "The engine's own builder attests only with the containerd image store.",
        fix: "Set `driver: docker-container` for attestations, or switch the engine to the containerd image store",
        link: STORE,
        ..BUILD
    },
    Row {
        id: "driver-platforms",
        words: &["multi-platform build is not supported for the docker driver"],
        meaning: "The engine's own builder builds several platforms only with the containerd image store.",
        fix: "Set `driver: docker-container` for several `platforms`, or switch the engine to the containerd image store",
        link: STORE,
        ..BUILD
    },
    Row {
        id: "cache-service-old",
        words: &["this legacy service is shutting down"],
        meaning: "The builder speaks version 1 of GitHub's cache service, which was shut down. The image is not at fault.",
        fix: "Use BuildKit 0.20 or newer, which speaks version 2, for `type=gha` in `cache-from` and `cache-to`",
        link: "https://docs.docker.com/build/cache/backends/gha/",
        ..BUILD
    },
    Row {
        id: "cache-service",
        words: &[
            "failed to reserve cache",
            "blobnotfound",
            "artifactcache.actions.githubusercontent.com",
            "actions.githubusercontent.com/twirp",
        ],
        kind: Kind::Passing,
        who: &[Responsible::Nobody],
        meaning: "GitHub's cache service failed, not the image.",
        fix: "Run the job again; with `ignore-error=true` in `cache-to` such a failure does not fail the build",
        ..BUILD
    },
    Row {
        id: "cache-blob",
        words: &["error writing layer blob"],
        when: &[Condition::NoRegistry],
        kind: Kind::Passing,
        who: &[Responsible::Nobody],
        meaning: "The cache could not be written. The image is not at fault.",
        fix: "Run the job again; with `ignore-error=true` in `cache-to` such a failure does not fail the build",
        ..BUILD
    },
];
