//! Files that somebody else may have written: the only way to read one.
//!
//! A workspace, a folder that jobs share and a configuration can hold a link to
//! a device, a pipe that nobody writes to, or more than fits into memory. Only
//! regular files are read, and none further than the caller's limit.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// One kibibyte.
const KIB: usize = 1024;
/// The limit for what people and programs write as settings, in bytes.
pub const SETTINGS: usize = KIB * KIB;
/// The limit for what programs write for programs, in bytes.
pub const DATA: usize = 32 * KIB * KIB;

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is larger.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that reads a file to its end"
)]
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large from one that just fits.
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.by_ref().take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(too_large(most));
    }
    Ok(bytes)
}

/// Reads a whole file of at most `most` bytes of UTF-8.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path, most: usize) -> io::Result<String> {
    let text = String::from_utf8(read(path, most)?);
    text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "is not UTF-8"))
}

/// Looks at a file that a library reads by itself.
///
/// # Errors
/// When it is not there, is not a regular file, or is larger than `most` bytes.
pub fn check(path: &Path, most: usize) -> io::Result<()> {
    let file = fs::metadata(path)?;
    if !file.is_file() {
        return Err(not_regular());
    }
    if file.len() > u64::try_from(most).unwrap_or(u64::MAX) {
        Err(too_large(most))
    } else {
        Ok(())
    }
}

/// A size as people write it.
pub fn size(bytes: usize) -> String {
    match bytes / (KIB * KIB) {
        0 => format!("{} KiB", bytes / KIB),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

fn open(path: &Path) -> io::Result<File> {
    // To open a device can do something by itself.
    if !fs::metadata(path)?.is_file() {
        return Err(not_regular());
    }
    // What has taken its place since must not block either.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_regular())
    }
}

fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "is not a regular file")
}

fn too_large(most: usize) -> io::Error {
    let text = format!("is larger than {}, which is the limit", size(most));
    io::Error::new(ErrorKind::FileTooLarge, text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("text"), "12345").unwrap();
        fs::write(path("bytes"), b"\xff").unwrap();
        symlink("/dev/zero", path("endless")).unwrap();
        symlink("text", path("link")).unwrap();
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        for (name, most, expected) in [
            ("text", 5, Ok("12345")),
            ("link", 5, Ok("12345")),
            ("text", 4, Err("is larger than 0 KiB, which is the limit")),
            ("bytes", 5, Err("is not UTF-8")),
            ("endless", 5, Err("is not a regular file")),
            ("pipe", 5, Err("is not a regular file")),
            (".", 5, Err("is not a regular file")),
        ] {
            let read = read_text(&path(name), most).map_err(|error| error.to_string());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read, expected, "{name}");
        }
        for (name, most, fits) in [
            ("text", 5, true),
            ("text", 4, false),
            ("endless", 5, false),
            ("pipe", 5, false),
            ("nothing", 5, false),
        ] {
            assert_eq!(check(&path(name), most).is_ok(), fits, "{name}");
        }
        let missing = read(&path("nothing"), 5).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_the_kernel_makes_up_as_it_is_read_is_read() {
        assert!(
            !read_text(Path::new("/proc/self/status"), SETTINGS)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn sizes_are_as_people_write_them() {
        assert_eq!(size(SETTINGS), "1 MiB");
        assert_eq!(size(64 * KIB), "64 KiB");
    }
}
