//! Package managers: what installs, from which files, and what it keeps.

/// A package manager.
pub struct PackageManager {
    /// How a command begins that installs.
    installs: &'static [&'static str],
    /// How a command begins that builds, and fetches what is missing.
    builds: &'static [&'static str],
    /// The files that say what is installed: the first is needed, the rest is used where
    /// it is there.
    pub manifests: &'static [&'static str],
    /// What installs from those files alone.
    pub fetch: Fetch,
    /// What it keeps between runs.
    pub caches: &'static [&'static str],
}

/// What installs from the files that name the dependencies alone.
pub enum Fetch {
    /// The command itself.
    Same,
    /// The command with these options.
    With(&'static str),
    /// Another command.
    Command(&'static str),
}

/// Those that are known.
const ALL: &[PackageManager] = &[
    PackageManager {
        installs: &["npm ci", "npm install", "npm i"],
        builds: &[],
        manifests: &[
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            ".npmrc",
        ],
        fetch: Fetch::Same,
        caches: &["/root/.npm"],
    },
    PackageManager {
        installs: &["yarn install", "yarn --frozen-lockfile", "yarn --immutable"],
        builds: &[],
        manifests: &["package.json", "yarn.lock", ".yarnrc.yml"],
        fetch: Fetch::Same,
        caches: &["/usr/local/share/.cache/yarn"],
    },
    PackageManager {
        installs: &["pnpm install", "pnpm i"],
        builds: &[],
        manifests: &[
            "package.json",
            "pnpm-lock.yaml",
            "pnpm-workspace.yaml",
            ".npmrc",
        ],
        fetch: Fetch::Same,
        caches: &["/root/.local/share/pnpm/store"],
    },
    PackageManager {
        installs: &[
            "pip install -r",
            "pip3 install -r",
            "pip install --no-cache-dir -r",
            "pip3 install --no-cache-dir -r",
            "python -m pip install -r",
        ],
        builds: &[],
        manifests: &["requirements.txt"],
        fetch: Fetch::Same,
        caches: &["/root/.cache/pip"],
    },
    PackageManager {
        installs: &["poetry install"],
        builds: &[],
        manifests: &["pyproject.toml", "poetry.lock"],
        fetch: Fetch::With("--no-root"),
        caches: &["/root/.cache/pypoetry"],
    },
    PackageManager {
        installs: &["uv sync"],
        builds: &[],
        manifests: &["pyproject.toml", "uv.lock"],
        fetch: Fetch::With("--no-install-project"),
        caches: &["/root/.cache/uv"],
    },
    PackageManager {
        installs: &["go mod download"],
        builds: &["go build", "go install"],
        manifests: &["go.mod", "go.sum"],
        fetch: Fetch::Command("go mod download"),
        caches: &["/go/pkg/mod", "/root/.cache/go-build"],
    },
    PackageManager {
        installs: &["cargo fetch", "cargo chef cook"],
        builds: &["cargo build", "cargo install --path"],
        manifests: &[],
        fetch: Fetch::Same,
        caches: &["/usr/local/cargo/registry"],
    },
    PackageManager {
        installs: &["mvn dependency:go-offline", "mvn -B dependency:go-offline"],
        builds: &[
            "mvn package",
            "mvn -B package",
            "mvn clean package",
            "mvn -B clean package",
            "mvn install",
        ],
        manifests: &["pom.xml"],
        fetch: Fetch::Command("mvn -B dependency:go-offline"),
        caches: &["/root/.m2"],
    },
    PackageManager {
        installs: &["gradle dependencies", "./gradlew dependencies"],
        builds: &[
            "gradle build",
            "./gradlew build",
            "gradle bootJar",
            "./gradlew bootJar",
        ],
        manifests: &[],
        fetch: Fetch::Same,
        caches: &["/root/.gradle"],
    },
    PackageManager {
        installs: &["composer install"],
        builds: &[],
        manifests: &["composer.json", "composer.lock"],
        fetch: Fetch::With("--no-scripts --no-autoloader"),
        caches: &["/root/.composer/cache"],
    },
    PackageManager {
        installs: &["bundle install"],
        builds: &[],
        manifests: &["Gemfile", "Gemfile.lock"],
        fetch: Fetch::Same,
        caches: &["/usr/local/bundle/cache"],
    },
];

/// What a command does with packages.
pub struct Use {
    /// The package manager.
    pub manager: &'static PackageManager,
    /// The command, up to what joins it with the next.
    pub command: String,
    /// True when it is the first, and nothing else comes after it.
    pub is_alone: bool,
    /// True when nothing comes before it.
    pub is_first: bool,
}

/// The first command among those of a `RUN` that installs packages.
pub fn used(run: &str) -> Option<Use> {
    let commands = commands(run);
    let found = commands.iter().enumerate().find_map(|(place, command)| {
        let begins = |all: &[&str]| all.iter().any(|begin| begins_with(command, begin));
        ALL.iter().find_map(|manager| {
            (begins(manager.builds) || begins(manager.installs)).then_some((place, manager))
        })
    });
    let (place, manager) = found?;
    Some(Use {
        manager,
        command: commands[place].clone(),
        is_alone: commands.len() == 1,
        is_first: place == 0,
    })
}

/// The commands that a `RUN` joins, each without variables before it.
pub fn commands(run: &str) -> Vec<String> {
    let lines = run.split(['\n', ';']).flat_map(|line| line.split("&&"));
    let plain = lines.map(|command| {
        let words = command.split_whitespace();
        let words = words.skip_while(|word| is_assignment(word));
        words.collect::<Vec<_>>().join(" ")
    });
    plain
        .filter(|command| !command.is_empty() && !command.starts_with("set "))
        .collect()
}

/// True when one of the commands of a `RUN` begins like one of these.
pub fn runs(run: &str, begins: &[&str]) -> bool {
    let commands = commands(run);
    let mut begins = begins.iter();
    begins.any(|begin| commands.iter().any(|command| command.starts_with(begin)))
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    })
}

fn begins_with(command: &str, begin: &str) -> bool {
    let rest = command.strip_prefix(begin);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_where_they_begin() {
        for (run, command, is_alone) in [
            ("npm ci", "npm ci", true),
            (
                "set -eux; npm ci --omit=dev && npm run build",
                "npm ci --omit=dev",
                false,
            ),
            ("CGO_ENABLED=0 go build -o /a .", "go build -o /a .", true),
            (
                "apt-get update && pip install -r requirements.txt",
                "pip install -r requirements.txt",
                false,
            ),
        ] {
            let found = used(run).unwrap();
            assert_eq!(
                (found.command.as_str(), found.is_alone),
                (command, is_alone)
            );
        }
        for run in ["npm run build", "echo npm ci", "npm cite", "make"] {
            assert!(used(run).is_none(), "{run}");
        }
    }
}
