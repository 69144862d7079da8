//! A Git server on this machine that asks for a token, as GitHub's does: Git's
//! own `http-backend` behind a few lines of HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::run;

/// A server of the repositories in a folder.
pub(crate) struct GitServer {
    pub(crate) url: String,
    refused: Arc<AtomicUsize>,
    admitted: Arc<AtomicUsize>,
}

impl GitServer {
    /// Serves who brings this token.
    pub(crate) fn start(root: PathBuf, token: &str) -> Self {
        Self::start_for(root, "x-access-token", token)
    }

    /// Serves this user.
    pub(crate) fn start_for(root: PathBuf, user: &str, password: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (refused, admitted) = (Arc::default(), Arc::default());
        let server = Self {
            url,
            refused: Arc::clone(&refused),
            admitted: Arc::clone(&admitted),
        };
        let login = STANDARD.encode(format!("{user}:{password}"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, login) = (root.clone(), login.clone());
                let (refused, admitted) = (Arc::clone(&refused), Arc::clone(&admitted));
                thread::spawn(move || {
                    let count = if answer(stream, &root, &login) {
                        admitted
                    } else {
                        refused
                    };
                    count.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// How many requests were refused and admitted.
    pub(crate) fn requests(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::SeqCst);
        (count(&self.refused), count(&self.admitted))
    }
}

/// Makes a bare repository of these files; its commit.
pub(crate) fn repository(root: &Path, name: &str, files: &[(&str, &str)]) -> String {
    let work = root.join("work");
    std::fs::create_dir_all(&work).unwrap();
    for (file, text) in files {
        std::fs::write(work.join(file), text).unwrap();
    }
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
        let printed = run(git.args(arguments).current_dir(&work));
        assert!(printed.success, "{arguments:?}: {}", printed.err);
        printed.out.trim().to_owned()
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    let bare = root.join(name);
    git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    git(&["rev-parse", "HEAD"])
}

/// Answers one request; false when it has no login.
fn answer(mut stream: TcpStream, root: &Path, login: &str) -> bool {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let header = |name: &str| {
        let found = lines.iter().filter_map(|line| line.split_once(": "));
        let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    };
    let given = header("Authorization").unwrap_or_default();
    // The scheme's name is in any case (RFC 9110, 11.1).
    let scheme = given
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    if scheme.map(|(_, given)| given) != Some(login) {
        let _ = stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        return false;
    }
    let length = header("Content-Length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let mut words = lines[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut backend = Command::new("git");
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("Content-Type").unwrap_or_default())
        .env(
            "HTTP_CONTENT_ENCODING",
            header("Content-Encoding").unwrap_or_default(),
        )
        .env(
            "HTTP_GIT_PROTOCOL",
            header("Git-Protocol").unwrap_or_default(),
        )
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = backend.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&body).unwrap();
    let printed = child.wait_with_output().unwrap().stdout;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n");
    let _ = stream.write_all(&printed);
    true
}
