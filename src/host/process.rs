//! What holds for this process as a whole, and for those that it starts.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;

use rustix::process::{Resource, Rlimit, setrlimit};

/// The hidden command by which a program is started so that it ends with us.
pub const END_WITH_PARENT: &str = "end-with-parent";
/// What a shell ends with when a program cannot be started.
const NOT_STARTED: u8 = 127;

/// Memory holds passwords: it is never written to a file, neither ours nor that
/// of the programs that we start and that are given some.
pub fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Where the system refuses there is nothing to do about it.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // The limit does not hold where the kernel hands a core to a program, as
        // on Ubuntu.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Becomes this program, which the kernel kills when `parent`, who started us,
/// is no more: also when that was killed and could not do it.
///
/// It is a command of its own since only the process itself can ask for that,
/// between being made and becoming the program.
#[allow(
    clippy::disallowed_methods,
    reason = "a step of starting a program that `Command` prepared"
)]
pub fn end_with_parent(parent: u32, command: &[OsString]) -> u8 {
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    let Some((program, arguments)) = command.split_first() else {
        return NOT_STARTED;
    };
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
        // It follows the thread that started us: the main one, which lasts.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        let is_there = i32::try_from(parent).is_ok_and(|id| getppid() == Pid::from_raw(id));
        if !is_there {
            return NOT_STARTED;
        }
    }
    let error = std::process::Command::new(program).args(arguments).exec();
    let program = program.display();
    let _ = writeln!(io::stderr(), "{program} did not start: {error}");
    NOT_STARTED
}
