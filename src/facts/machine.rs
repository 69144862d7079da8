//! The machine of the engine: which programs its kernel runs.
//!
//! Reads the kernel's binfmt_misc, as Documentation/admin-guide/binfmt-misc.rst
//! of Linux describes it, where the engine is on this very kernel. A handler
//! counts when it is enabled and has the flag F: its interpreter was opened at
//! registration, so that containers need no copy of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::host::file;
use crate::image::Platform;

/// Where the kernel shows its handlers.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";
/// Where the kernel says which release it is.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// What is known of the engine's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The architecture, as images spell it.
    pub architecture: String,
    /// The architectures that have a handler; `None` when that cannot be seen
    /// from here.
    pub handlers: Option<BTreeSet<String>>,
}

impl Machine {
    /// What `GET /info` says, and what this machine's kernel says when it is the
    /// engine's.
    pub fn inspect(address: &str, architecture: Option<&str>, kernel: &str) -> Option<Self> {
        let platform: Platform = format!("linux/{}", architecture?).parse().ok()?;
        let own = read(Path::new(RELEASE)).unwrap_or_default();
        let is_here = address.starts_with("unix://") && own.trim() == kernel && !kernel.is_empty();
        Some(Self {
            architecture: platform.architecture,
            handlers: is_here.then(|| handlers(Path::new(BINFMT))).flatten(),
        })
    }

    /// The machine of this program, of which nothing else is known.
    pub fn own() -> Self {
        let architecture = std::env::consts::ARCH;
        let known = architecture.parse().map(|one: Platform| one.architecture);
        Self {
            architecture: known.unwrap_or_else(|_| architecture.to_owned()),
            handlers: None,
        }
    }

    /// The platform that its images are for.
    pub fn platform(&self) -> Platform {
        Platform {
            os: "linux".to_owned(),
            architecture: self.architecture.clone(),
            variant: None,
        }
    }

    /// True for a platform whose programs the processor runs itself. An arm64
    /// processor may run arm programs or not: that is not seen from here.
    pub fn runs_natively(&self, platform: &Platform) -> bool {
        let architecture = platform.architecture.as_str();
        platform.os == "linux"
            && (architecture == self.architecture
                || (self.architecture.as_str(), architecture) == ("amd64", "386"))
    }

    /// True for a platform whose programs the kernel hands to a handler; `None`
    /// when it is unknown.
    pub fn has_handler(&self, platform: &Platform) -> Option<bool> {
        let found = self.handlers.as_ref()?.contains(&platform.architecture);
        let may_be_native =
            (self.architecture.as_str(), platform.architecture.as_str()) == ("arm64", "arm");
        (found || !may_be_native).then_some(found)
    }
}

fn read(path: &Path) -> Option<String> {
    file::read_text(path, file::SETTINGS).ok()
}

/// The architectures of the handlers; `None` where binfmt_misc is not mounted,
/// as in a container.
fn handlers(folder: &Path) -> Option<BTreeSet<String>> {
    let status = read(&folder.join("status"))?;
    if status.trim() != "enabled" {
        return Some(BTreeSet::new());
    }
    let entries = fs::read_dir(folder).ok()?.flatten();
    let texts = entries.filter_map(|entry| read(&entry.path()));
    Some(texts.filter_map(|text| architecture(&text)).collect())
}

/// The architecture of one handler that counts.
pub fn architecture(entry: &str) -> Option<String> {
    let field = |name: &str| {
        let mut lines = entry.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let works = entry.lines().next() == Some("enabled") && field("flags:")?.contains('F');
    if !works || field("offset")? != "0" {
        return None;
    }
    let magic = field("magic")?.strip_prefix("7f454c46")?;
    let byte = |at: usize| u8::from_str_radix(magic.get(2 * at - 8..2 * at - 6)?, 16).ok();
    let (class, order) = (byte(4)?, byte(5)?);
    let machine = match order {
        1 => u16::from_le_bytes([byte(18)?, byte(19)?]),
        _ => u16::from_be_bytes([byte(18)?, byte(19)?]),
    };
    of_elf(class == 2, order == 1, machine).map(str::to_owned)
}

/// The architecture that an ELF header names (elf(5), `e_machine`).
fn of_elf(is_64: bool, little: bool, machine: u16) -> Option<&'static str> {
    Some(match (machine, is_64, little) {
        (3, false, true) => "386",
        (8, true, true) => "mips64le",
        (8, true, false) => "mips64",
        (8, false, true) => "mipsle",
        (21, true, true) => "ppc64le",
        (21, true, false) => "ppc64",
        (22, true, false) => "s390x",
        (40, false, true) => "arm",
        (62, true, true) => "amd64",
        (183, true, true) => "arm64",
        (243, true, true) => "riscv64",
        (258, true, true) => "loong64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: &str, flags: &str, magic: &str) -> String {
        format!(
            "{state}\ninterpreter /usr/bin/qemu\nflags: {flags}\noffset 0\nmagic {magic}\nmask ff\n"
        )
    }

    const ARM64: &str = "7f454c460201010000000000000000000200b700";
    const S390X: &str = "7f454c4602020100000000000000000000020016";

    #[test]
    fn a_handler_counts_when_containers_can_use_it() {
        for (text, expected) in [
            (entry("enabled", "POCF", ARM64), Some("arm64")),
            (entry("enabled", "CF", S390X), Some("s390x")),
            (entry("enabled", "OC", ARM64), None),
            (entry("disabled", "F", ARM64), None),
            (entry("enabled", "F", "4d5a"), None),
            ("enabled\nextension .py\nflags: F\n".to_owned(), None),
            (entry("enabled", "F", "7f454c4602"), None),
            (String::new(), None),
        ] {
            assert_eq!(architecture(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn handlers_are_those_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(handlers(folder.path()), None, "it is not mounted");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("status", "enabled\n");
        write("register", "");
        write("qemu-aarch64", &entry("enabled", "F", ARM64));
        write("any-name", &entry("enabled", "F", S390X));
        let expected = ["arm64", "s390x"].map(str::to_owned);
        assert_eq!(handlers(folder.path()), Some(expected.into()));
        write("status", "disabled\n");
        assert_eq!(handlers(folder.path()), Some(BTreeSet::new()));
    }

    #[test]
    fn what_runs_follows_from_processor_and_handlers() {
        let machine = |architecture: &str, handlers: &[&str]| Machine {
            architecture: architecture.to_owned(),
            handlers: Some(handlers.iter().map(|text| (*text).to_owned()).collect()),
        };
        for (machine, platform, natively, handler) in [
            (machine("amd64", &[]), "linux/amd64/v3", true, Some(false)),
            (machine("amd64", &[]), "linux/386", true, Some(false)),
            (
                machine("amd64", &["arm64"]),
                "linux/arm64",
                false,
                Some(true),
            ),
            (
                machine("amd64", &["arm64"]),
                "linux/arm/v7",
                false,
                Some(false),
            ),
            (machine("arm64", &[]), "linux/arm/v7", false, None),
            (
                machine("arm64", &["arm"]),
                "linux/arm/v7",
                false,
                Some(true),
            ),
            (machine("amd64", &[]), "windows/amd64", false, Some(false)),
        ] {
            let parsed: Platform = platform.parse().unwrap();
            assert_eq!(machine.runs_natively(&parsed), natively, "{platform}");
            assert_eq!(machine.has_handler(&parsed), handler, "{platform}");
        }
    }

    #[test]
    fn another_kernel_is_not_looked_at() {
        let far = Machine::inspect("tcp://far:2375", Some("x86_64"), "6.1.0").unwrap();
        assert_eq!((far.architecture.as_str(), far.handlers), ("amd64", None));
        assert_eq!(Machine::inspect("unix:///x", None, "6.1.0"), None);
    }
}
