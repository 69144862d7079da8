//! The input `size-limit`: how large an image may be, for each platform.

use crate::error::InputProblem;
use crate::image::Platform;
use crate::units;

/// How large an image may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SizeLimit(Vec<(Option<Platform>, u64)>);

impl SizeLimit {
    /// Reads sizes, separated by commas or lines: `200MB` for all platforms,
    /// `linux/arm64=150MB` for one.
    pub fn parse(text: &str) -> (Self, Vec<InputProblem>) {
        let (mut limits, mut problems) = (Vec::new(), Vec::new());
        let entries = text.split(['\n', ',']).map(str::trim);
        for entry in entries.filter(|entry| !entry.is_empty()) {
            let read = match entry.split_once('=') {
                None => units::parse_bytes(entry).map(|bytes| (None, bytes)),
                Some((platform, size)) => {
                    let platform = platform.trim().parse::<Platform>().ok();
                    platform
                        .zip(units::parse_bytes(size))
                        .map(|(platform, bytes)| (Some(platform), bytes))
                }
            };
            match read {
                Some(limit) => limits.push(limit),
                None => problems.push(InputProblem::new(
                    "size-limit",
                    entry,
                    "is not a size",
                    "SIZE or PLATFORM=SIZE, such as 200MB or linux/arm64=150MiB",
                )),
            }
        }
        (Self(limits), problems)
    }

    /// True where there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The limit for a platform, in bytes: its own before that for all.
    pub fn of(&self, platform: &str) -> Option<u64> {
        let own = |limit: &&(Option<Platform>, u64)| {
            let of = limit.0.as_ref();
            of.is_some_and(|one| one.is_listed_as(platform))
        };
        let all = |limit: &&(Option<Platform>, u64)| limit.0.is_none();
        let found = self.0.iter().find(own);
        let found = found.or_else(|| self.0.iter().find(all));
        found.map(|(_, bytes)| *bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_may_have_a_limit_of_its_own() {
        let (limit, problems) = SizeLimit::parse("200MB\nlinux/arm64=1.5 MiB,");
        assert!(problems.is_empty() && !limit.is_none());
        assert_eq!(limit.of("linux/amd64"), Some(200_000_000));
        assert_eq!(limit.of("linux/arm64"), Some(1_572_864));
        let (none, problems) = SizeLimit::parse("200 apples, x=1MB, linux/arm64=");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(none.of("linux/amd64"), None);
    }
}
