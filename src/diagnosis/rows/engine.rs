//! What happens to the engine or builder, and to the programs that it runs.

use crate::diagnosis::row::{Kind, Place, ROW, Responsible, Row};

const ENGINE: Row = Row {
    place: Place::Build,
    kind: Kind::Other,
    who: &[Responsible::RunnerAdmin],
    ..ROW
};

pub const ROWS: &[Row] = &[
    Row {
        id: "engine-forbidden",
        words: &["permission denied while trying to connect to the docker"],
        meaning: "The user that the step runs as is not allowed to open the engine's socket.",
        fix: "Add that user to the group that owns the socket, usually `docker`, and start the runner again",
        link: "https://docs.docker.com/engine/install/linux-postinstall/",
        ..ENGINE
    },
    Row {
        id: "engine-gone",
        words: &[
            "unavailable: error reading from server",
            "code = unavailable desc = error reading from server",
            "code = unavailable desc = closing transport",
            "unavailable: closing transport",
            "cannot connect to the docker daemon",
        ],
        meaning: "The engine or builder stopped, or the connection to it broke, during the build.",
        fix: "Look at the log of the engine or builder on its machine: often it was killed for lack of memory. Then run the job again",
        ..ENGINE
    },
    Row {
        id: "name-taken",
        // containerd's store, of a name that two builds put into it at once.
        words: &["\": already exists"],
        who: &[Responsible::Author],
        meaning: "Another build on the same engine created this name at the same moment.",
        fix: "Run the job again. Give jobs that share an engine tags of their own",
        ..ENGINE
    },
    Row {
        id: "step-killed",
        place: Place::Step,
        words: &[
            "did not complete successfully: exit code: 137",
            "did not complete successfully: cannot allocate memory",
        ],
        who: &[Responsible::Author, Responsible::RunnerAdmin],
        meaning: "A program of the Dockerfile was killed, which the kernel does when memory runs out.",
        fix: "Use a larger runner, build fewer `platforms` at once, or let the step use less memory",
        ..ENGINE
    },
];
