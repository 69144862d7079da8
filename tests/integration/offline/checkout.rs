//! `context: git` and local runs, in real repositories that git has made. The
//! program itself sees no git: its PATH has none.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Place, Printed, run};

/// The date of the first commit; each later one is a day after the last.
const FIRST: i64 = 1_700_000_000;

/// A repository, made step by step.
struct Repository {
    place: Place,
    folder: PathBuf,
    commits: i64,
}

impl Repository {
    fn empty() -> Self {
        let place = Place::new();
        let folder = place.path("repository");
        let new = Self {
            place,
            folder: folder.clone(),
            commits: 0,
        };
        std::fs::create_dir(folder).unwrap();
        new.git("init --quiet --initial-branch=main");
        new
    }

    /// With one commit on `main`.
    fn new() -> Self {
        let mut new = Self::empty();
        new.commit();
        new
    }

    fn git(&self, arguments: &str) -> String {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let printed = run(&mut self.command(&words));
        assert!(printed.success, "git {arguments}: {}", printed.err);
        printed.out.trim().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let date = format!("{} +0200", FIRST + self.commits * 86_400);
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "a")
            .env("GIT_AUTHOR_EMAIL", "a@example.com")
            .env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
            .env("GIT_COMMITTER_NAME", "c")
            .env("GIT_COMMITTER_EMAIL", "c@example.com")
            .env("GIT_COMMITTER_DATE", date);
        command
    }

    fn commit(&mut self) -> String {
        self.git("commit --quiet --allow-empty --message=one");
        self.commits += 1;
        self.git("rev-parse HEAD")
    }

    /// The metadata action in this folder.
    fn action(&self) -> Printed {
        let mut command = self.place.stevedore(["metadata"]);
        command
            .current_dir(&self.folder)
            .env("PATH", "/nonexistent")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_REF", "refs/heads/of-the-event")
            .env("GITHUB_SHA", "0000000000000000000000000000000000000000")
            .env("GITHUB_REPOSITORY", "acme/app")
            .env("GITHUB_API_URL", "http://127.0.0.1:1")
            .env("INPUT_CONTEXT", "git")
            .env(
                "INPUT_TAGS",
                "type=raw,value=at-{{commit_date 'YYYY-MM-DDTHHmmss'}}",
            );
        run(&mut command)
    }

    /// The ref that the action takes; commit and date are those of HEAD.
    fn found(&self) -> String {
        let printed = self.action();
        assert!(printed.success, "{}", printed.out);
        let line = |name: &str| {
            let line = printed.out.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        assert_eq!(line("sha: "), self.git("rev-parse HEAD"));
        let date = Command::new("date")
            .args(["--utc", "+at-%Y-%m-%dT%H%M%S", "--date"])
            .arg(format!("@{}", self.git("log -1 --format=%ct")))
            .output()
            .unwrap();
        let date = String::from_utf8(date.stdout).unwrap();
        assert!(printed.out.contains(&date), "{date} {}", printed.out);
        line("ref: ")
    }
}

#[test]
fn a_branch_is_its_own_ref() {
    let repository = Repository::new();
    assert_eq!(repository.found(), "refs/heads/main");
    repository.git("checkout --quiet -b feature/x");
    repository.git("tag v1");
    assert_eq!(repository.found(), "refs/heads/feature/x");
}

#[test]
fn a_detached_head_on_a_tag_is_the_tag() {
    let mut repository = Repository::new();
    repository.git("tag v1.0.0");
    repository.commit();
    repository.git("tag --annotate --message=x release/v1.1.0");
    repository.git("checkout --quiet refs/tags/v1.0.0");
    assert_eq!(repository.found(), "refs/tags/v1.0.0");
    repository.git("checkout --quiet release/v1.1.0");
    assert_eq!(repository.found(), "refs/tags/release/v1.1.0");
    // Of several the last by name, which `git show` lists first.
    repository.git("tag v9");
    repository.git("tag v10");
    assert_eq!(repository.found(), "refs/tags/v9");
}

#[test]
fn a_pull_requests_merge_commit_is_its_ref() {
    let mut repository = Repository::new();
    repository.git("checkout --quiet -b topic");
    repository.commit();
    repository.git("checkout --quiet main");
    repository.commit();
    repository.git("merge --quiet --no-ff --no-edit topic");
    // As actions/checkout fetches it.
    repository.git("update-ref refs/remotes/pull/15/merge HEAD");
    repository.git("checkout --quiet --detach refs/remotes/pull/15/merge");
    repository.git("branch --quiet --force main HEAD^1");
    assert_eq!(repository.found(), "refs/pull/15/merge");
    repository.git("pack-refs --all");
    assert_eq!(repository.found(), "refs/pull/15/merge");
}

#[test]
fn a_detached_head_on_a_branch_is_the_branch() {
    let repository = Repository::new();
    repository.git("checkout --quiet --detach");
    assert_eq!(repository.found(), "refs/heads/main");
    repository.git("update-ref refs/remotes/origin/main HEAD");
    assert_eq!(repository.found(), "refs/heads/main");
    repository.git("branch --quiet --delete main");
    repository.git("update-ref refs/remotes/origin/feature/x HEAD");
    repository.git("update-ref --no-deref -d refs/remotes/origin/main");
    repository.git("symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/feature/x");
    assert_eq!(repository.found(), "refs/heads/feature/x");
}

#[test]
fn a_commit_in_between_is_on_what_has_it_and_is_newest() {
    let mut repository = Repository::new();
    let first = repository.git("rev-parse HEAD");
    repository.commit();
    repository.git("checkout --quiet -b newer");
    repository.commit();
    repository.git("checkout --quiet --orphan elsewhere");
    repository.commit();
    repository.git(&format!("checkout --quiet --detach {first}"));
    assert_eq!(repository.found(), "refs/heads/newer");
    // Without branches, remote ones; `origin/HEAD` is none of them.
    repository.git("update-ref refs/remotes/origin/next newer");
    repository.git("symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/next");
    repository.git("tag later newer");
    repository.git("branch --quiet -D main newer");
    assert_eq!(repository.found(), "refs/heads/next");
    repository.git("symbolic-ref --delete refs/remotes/origin/HEAD");
    repository.git("update-ref -d refs/remotes/origin/next");
    assert_eq!(repository.found(), "refs/tags/later");
}

#[test]
fn a_commit_that_no_ref_has_is_refused_with_advice() {
    let mut repository = Repository::new();
    repository.git("checkout --quiet --detach");
    repository.commit();
    let printed = repository.action();
    assert_eq!(printed.code, Some(1));
    assert!(
        printed
            .out
            .contains("::error title=Input::context: \"git\": the checkout is at")
    );
    assert!(printed.out.contains("fetch-depth: 0"), "{}", printed.out);
}

#[test]
fn packed_objects_and_refs_are_read() {
    let mut repository = Repository::new();
    let first = repository.git("rev-parse HEAD");
    for _ in 0..5 {
        repository.commit();
    }
    repository.git("tag --annotate --message=x v1");
    repository.git("gc --quiet --aggressive --prune=now");
    assert_eq!(repository.found(), "refs/heads/main");
    repository.git("checkout --quiet v1");
    assert_eq!(repository.found(), "refs/tags/v1");
    repository.git(&format!("checkout --quiet {first}"));
    assert_eq!(repository.found(), "refs/heads/main");
}

#[test]
fn a_shallow_clone_is_enough() {
    let mut origin = Repository::new();
    origin.commit();
    origin.git("tag v1");
    let url = format!("file://{}", origin.folder.display());
    let mut clone = Repository::empty();
    clone.git(&format!("remote add origin {url}"));
    clone.commits = origin.commits;
    clone.git("fetch --quiet --depth=1 origin +refs/tags/v1:refs/tags/v1");
    clone.git("checkout --quiet refs/tags/v1");
    assert_eq!(clone.found(), "refs/tags/v1");
    clone.git("tag --delete v1");
    clone.git("fetch --quiet --depth=1 --no-tags origin +refs/heads/main:refs/remotes/origin/main");
    assert_eq!(clone.found(), "refs/heads/main");
    clone.git("update-ref -d refs/remotes/origin/main");
    assert_eq!(clone.action().code, Some(1));
}

#[test]
fn worktrees_and_submodules_are_checkouts() {
    let mut repository = Repository::new();
    let main = repository.folder.clone();
    let worktree = repository.place.path("worktree");
    repository.git(&format!(
        "worktree add --quiet -b aside {}",
        worktree.display()
    ));
    repository.folder = worktree;
    repository.commit();
    assert_eq!(repository.found(), "refs/heads/aside");
    repository.git("checkout --quiet --detach");
    repository.git("tag v1");
    assert_eq!(repository.found(), "refs/tags/v1");

    let mut outer = Repository::new();
    outer.git(&format!(
        "-c protocol.file.allow=always submodule --quiet add {} part",
        main.display()
    ));
    outer.folder = outer.folder.join("part");
    assert_eq!(outer.found(), "refs/heads/main");
}

#[test]
fn a_folder_within_the_checkout_is_enough() {
    let mut repository = Repository::new();
    repository.folder = repository.folder.join("a/b");
    std::fs::create_dir_all(&repository.folder).unwrap();
    assert_eq!(repository.found(), "refs/heads/main");
}

#[test]
fn a_checkout_of_another_user_is_read() {
    let repository = Repository::new();
    if std::fs::metadata(&repository.folder).unwrap().uid() != 0 {
        eprintln!("left out: only root can give files away");
        return;
    }
    let mut chown = Command::new("chown");
    chown
        .args(["--recursive", "4321:4321"])
        .arg(&repository.folder);
    assert!(run(&mut chown).success);
    let refused = run(&mut repository.command(&["status"]));
    assert!(refused.err.contains("dubious ownership"), "{}", refused.err);
    let printed = repository.action();
    assert!(
        printed.out.contains("\nref: refs/heads/main\n"),
        "{}",
        printed.out
    );
}

#[test]
fn objects_may_be_named_by_sha_256() {
    let mut repository = Repository::empty();
    std::fs::remove_dir_all(repository.folder.join(".git")).unwrap();
    repository.git("init --quiet --initial-branch=main --object-format=sha256");
    let sha = repository.commit();
    assert_eq!(sha.len(), 64);
    assert_eq!(repository.found(), "refs/heads/main");
}

#[test]
fn what_cannot_be_read_is_said() {
    let reftable = Repository::empty();
    std::fs::remove_dir_all(reftable.folder.join(".git")).unwrap();
    reftable.git("init --quiet --initial-branch=main --ref-format=reftable");
    let broken = Repository::new();
    std::fs::write(broken.folder.join(".git/refs/heads/main"), "nonsense\n").unwrap();
    let mut none = Repository::empty();
    none.folder = none.place.path("home");
    for (repository, why) in [
        (&Repository::empty(), "nothing has been committed"),
        (&reftable, "its refs are kept as reftable"),
        (&broken, "the checkout cannot be read"),
        (&none, "nothing is checked out"),
    ] {
        let printed = repository.action();
        assert_eq!(printed.code, Some(1), "{}", printed.out);
        assert!(printed.out.contains(why), "{why}: {}", printed.out);
        assert!(
            printed.out.contains("Accepted: `workflow`"),
            "{}",
            printed.out
        );
    }
}

/// `publish --dry-run`, with these arguments, in the checkout.
fn dry_run(repository: &Repository, arguments: &[&str]) -> Printed {
    let mut all = vec!["publish", "--dry-run"];
    all.extend(arguments);
    let mut command = repository.place.stevedore(all);
    let printed = run(command
        .current_dir(&repository.folder)
        .env("PATH", "/nonexistent"));
    assert!(printed.success, "{}", printed.err);
    printed
}

#[test]
fn a_local_run_takes_what_is_not_said_from_the_checkout() {
    let repository = Repository::new();
    std::fs::write(repository.folder.join("Dockerfile"), "FROM scratch\n").unwrap();
    repository.git("remote add origin https://token:hunter2@github.com/Acme/App.git");
    repository.git("checkout --quiet -b next");
    let sha = repository.git("rev-parse HEAD");
    let printed = dry_run(&repository, &[]);
    assert!(
        printed.out.contains("ghcr.io/acme/app:next"),
        "{}",
        printed.out
    );
    assert!(printed.out.contains(&format!("revision={sha}")));
    assert!(
        printed.err.contains("as checked out here"),
        "{}",
        printed.err
    );
    assert!(!printed.err.contains("hunter2"));

    let said = dry_run(
        &repository,
        &["--ref", "refs/tags/v1", "--repository", "a/b"],
    );
    assert!(said.out.contains("ghcr.io/a/b:v1"), "{}", said.out);
    assert!(said.out.contains(&format!("revision={sha}")));
    // A branch is not the ref of a pull request.
    let pull = dry_run(&repository, &["--event-name", "pull_request"]);
    assert!(pull.out.contains("ghcr.io/acme/app:pr-1"), "{}", pull.out);

    let mut command = repository.place.stevedore(["metadata"]);
    command
        .current_dir(&repository.folder)
        .args(["--with", "tags=type=raw,value={{commit_date 'YYYYMMDD'}}"]);
    let printed = run(&mut command);
    assert!(
        printed.out.contains("tags        20231114"),
        "{}",
        printed.out
    );
}

#[test]
fn an_event_file_says_more_than_the_checkout() {
    let repository = Repository::new();
    std::fs::write(repository.folder.join("Dockerfile"), "FROM scratch\n").unwrap();
    let file = crate::support::root().join("examples/events/push-tag.json");
    let printed = dry_run(&repository, &["--event-file", file.to_str().unwrap()]);
    assert!(
        printed.out.contains("ghcr.io/acme/hit-counter:v0.2.0"),
        "{}",
        printed.out
    );
    // A payload does not tell who started the run.
    assert_eq!(printed.err, "GITHUB_ACTOR octocat: made up\n");
}

#[test]
fn publish_has_the_same_choice() {
    let repository = Repository::new();
    std::fs::write(repository.folder.join("Dockerfile"), "FROM scratch\n").unwrap();
    repository.git("tag v3");
    repository.git("checkout --quiet v3");
    let printed = dry_run(
        &repository,
        &["--ref", "refs/heads/main", "--with", "metadata-context=git"],
    );
    assert!(
        printed.out.contains("ghcr.io/owner/repository:v3"),
        "{}",
        printed.out
    );
}
