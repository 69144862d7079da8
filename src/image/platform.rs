//! A platform: operating system, architecture, variant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::image::refused::Refused;

/// A platform as OCI and BuildKit spell it, such as `linux/arm64` or `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// The operating system, a `GOOS` value.
    pub os: String,
    /// The architecture, a `GOARCH` value.
    pub architecture: String,
    /// The variant of the architecture, such as `v7`.
    pub variant: Option<String>,
}

/// The operating systems and architectures that Go, and so BuildKit, knows
/// (`go tool dist list`), and that container images exist for.
const SYSTEMS: [&str; 8] = [
    "linux", "windows", "freebsd", "darwin", "wasip1", "netbsd", "openbsd", "js",
];
const ARCHITECTURES: [&str; 13] = [
    "amd64", "arm64", "arm", "386", "ppc64le", "ppc64", "s390x", "riscv64", "mips64le", "mips64",
    "mipsle", "loong64", "wasm",
];

impl Platform {
    /// Linux on every architecture.
    pub fn of_linux() -> impl Iterator<Item = Self> {
        ARCHITECTURES.into_iter().map(|architecture| Self {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
        })
    }
}

impl FromStr for Platform {
    type Err = Refused;

    /// Parses a platform, with the spellings that BuildKit normalises
    /// (`x86_64`, `aarch64`, `armhf`, an architecture without a system).
    fn from_str(text: &str) -> Result<Self, Refused> {
        let lower = text.trim().to_ascii_lowercase();
        let parts: Vec<&str> = lower.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [one] if *one == "local" => ("linux", std::env::consts::ARCH, None),
            [one] => ("linux", *one, None),
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some(*variant)),
            _ => return Err(unknown_platform()),
        };
        let (architecture, implied) = normalise(architecture);
        let known = SYSTEMS.contains(&os) && ARCHITECTURES.contains(&architecture);
        let variant = variant.or(implied);
        if !known || !variant.is_none_or(is_variant) {
            return Err(unknown_platform());
        }
        Ok(Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant
                .filter(|v| (architecture, *v) != ("arm64", "v8"))
                .map(str::to_owned),
        })
    }
}

impl Platform {
    /// Whether an index lists this platform by that name: BuildKit writes 32-bit
    /// ARM without a variant as `v7`.
    pub fn is_listed_as(&self, listed: &str) -> bool {
        let full = |platform: &Self| {
            let implied = (platform.architecture == "arm").then(|| "v7".to_owned());
            let variant = platform.variant.clone().or(implied);
            (platform.os.clone(), platform.architecture.clone(), variant)
        };
        listed
            .parse::<Self>()
            .is_ok_and(|listed| full(&listed) == full(self))
    }
}

fn is_variant(text: &str) -> bool {
    text.strip_prefix('v')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The Go spelling of an architecture, and the variant that the spelling implies.
fn normalise(architecture: &str) -> (&str, Option<&'static str>) {
    match architecture {
        "x86_64" | "x86-64" => ("amd64", None),
        "aarch64" => ("arm64", None),
        "armhf" => ("arm", Some("v7")),
        "armel" => ("arm", Some("v6")),
        "i386" => ("386", None),
        other => (other, None),
    }
}

fn unknown_platform() -> Refused {
    Refused::new(
        "unknown platform".to_owned(),
        "OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/amd64, linux/arm64, linux/arm/v7",
    )
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|refused: Refused| de::Error::custom(refused.why))
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn good_spellings() {
        for (text, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("armhf", "linux/arm/v7"),
            ("Linux/AMD64", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("windows/amd64", "windows/amd64"),
        ] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn an_index_may_spell_a_platform_otherwise() {
        for (asked, listed, same) in [
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm/v6", "linux/arm/v7", false),
            ("linux/amd64", "linux/arm64", false),
            ("linux/amd64", "unknown/unknown", false),
        ] {
            let asked: Platform = asked.parse().unwrap();
            assert_eq!(asked.is_listed_as(listed), same, "{asked} {listed}");
        }
    }

    #[test]
    fn bad_spellings() {
        for bad in [
            "",
            "linux",
            "linux/",
            "linux/arm/7",
            "a/b/c/d",
            "linux/amd46",
        ] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
