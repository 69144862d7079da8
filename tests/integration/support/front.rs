//! nginx before the lab's open registry: a real server that refuses, is busy,
//! or shows a certificate nobody trusts, on names that the test chooses.

use std::cell::Cell;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::{Lab, run};

/// A running nginx, stopped with the value.
pub(crate) struct Front {
    folder: TempDir,
    nginx: String,
    upstream: String,
    host: String,
    port: u16,
    tls: bool,
    process: Child,
    /// How much of its log was looked at, in bytes.
    seen: Cell<usize>,
}

impl Front {
    /// An nginx that answers as these `location` blocks say, and passes on
    /// everything else.
    pub(crate) fn start(lab: &Lab, locations: &str) -> Self {
        Self::begin(lab, LOOPBACK, false, |_| locations.to_owned())
    }

    /// The same over TLS, with a certificate of nobody's.
    pub(crate) fn untrusted(lab: &Lab) -> Self {
        Self::begin(lab, LOOPBACK, true, |_| String::new())
    }

    /// The same at this address of the machine. It asks for a token, which it gives
    /// to everyone.
    pub(crate) fn with_tokens(lab: &Lab, host: &str) -> Self {
        Self::begin(lab, host, true, |address| {
            let challenge = format!("Bearer realm=\"https://{address}/token\",service=\"lab\"");
            format!(
                "location = /token {{ return 200 '{{\"token\": \"t0k3n\"}}'; }}
location /v2/ {{
  if ($http_authorization = '') {{
    add_header WWW-Authenticate '{challenge}' always;
    return 401;
  }}
  proxy_pass http://{};
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_request_buffering off;
}}",
                lab.open_registry
            )
        })
    }

    fn begin(lab: &Lab, host: &str, tls: bool, locations: impl Fn(&str) -> String) -> Self {
        let upstream = &lab.open_registry;
        let folder = TempDir::new().unwrap();
        let port = free_port();
        if tls {
            make_certificate(&folder, host);
        }
        let config = folder.path().join("nginx.conf");
        let address = format!("{host}:{port}");
        let text = configuration(&folder, &address, upstream, &locations(&address), tls);
        fs::write(&config, text).unwrap();
        let process = command(&lab.nginx, &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let front = Self {
            folder,
            nginx: lab.nginx.clone(),
            upstream: upstream.to_owned(),
            host: host.to_owned(),
            port,
            tls,
            process,
            seen: Cell::new(0),
        };
        front.wait_until(true);
        front
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Its certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// From now on it answers as these blocks say.
    pub(crate) fn answer(&self, locations: &str) {
        let address = self.address();
        let text = configuration(&self.folder, &address, &self.upstream, locations, self.tls);
        fs::write(self.folder.path().join("nginx.conf"), text).unwrap();
        let mut reload = command(&self.nginx, &self.folder);
        let printed = run(reload.args(["-s", "reload"]));
        assert!(printed.success, "{}", printed.err);
    }

    /// From now on it refuses so what is written below `/v2/PREFIX`, and passes on
    /// everything else.
    pub(crate) fn refuse_puts(&self, prefix: &str, status: u16, body: &str) {
        self.answer(&format!(
            "location ~ ^/v2/{prefix} {{
      if ($request_method = PUT) {{ return {status} '{body}'; }}
      proxy_pass http://{};
      proxy_set_header Host $http_host;
    }}\n",
            self.upstream
        ));
    }

    /// What it was asked since the last time, as `METHOD PATH STATUS`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = self.folder.path().join("access.log");
        let all = fs::read_to_string(&log).unwrap();
        let seen = self.seen.replace(all.len());
        all[seen..].lines().map(str::to_owned).collect()
    }

    /// Nobody listens there any more.
    pub(crate) fn kill(&self) {
        self.end("-KILL");
        self.wait_until(false);
    }

    /// It keeps its connections, takes new ones, and answers nothing any more.
    pub(crate) fn freeze(&self) {
        self.end("-STOP");
    }

    /// Sends a signal to the master and its workers at once.
    fn end(&self, signal: &str) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args([signal, "--", &group]).output();
    }

    fn wait_until(&self, listens: bool) {
        for _ in 0..200 {
            if TcpStream::connect(self.address()).is_ok() == listens {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let log = fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
        panic!("nginx on {} should listen: {listens}. {log}", self.port);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.end("-TERM");
        self.end("-CONT");
        let _ = self.process.wait();
    }
}

/// A port of loopback that nobody has.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn command(nginx: &str, folder: &TempDir) -> Command {
    let folder = folder.path();
    let mut command = Command::new(nginx);
    command
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"));
    command
}

const LOOPBACK: &str = "127.0.0.1";

/// A certificate for this address that is marked as an authority's, as `openssl
/// req -x509` makes it in Docker's guide for registries.
fn make_certificate(folder: &TempDir, host: &str) {
    let mut certificate = CertificateParams::new(vec![host.to_owned()]).unwrap();
    certificate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let made = certificate.self_signed(&key).unwrap();
    fs::write(folder.path().join("cert.pem"), made.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
}

fn configuration(
    folder: &TempDir,
    address: &str,
    upstream: &str,
    locations: &str,
    tls: bool,
) -> String {
    let folder = folder.path().display();
    let listen = if tls {
        format!(
            "{address} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem"
        )
    } else {
        address.to_owned()
    };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("  {name}_temp_path {folder}/{name};\n"))
        .collect();
    format!(
        "daemon off;
worker_processes 1;
pid {folder}/pid;
events {{}}
http {{
  log_format request '$request_method $request_uri $status';
  access_log {folder}/access.log request;
  client_max_body_size 0;
{temporary}
  server {{
    listen {listen};
    default_type application/json;
    {locations}
    location / {{
      proxy_pass http://{upstream};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
    }}
  }}
}}
"
    )
}

/// A block that answers every request below `/v2/PREFIX` so.
pub(crate) fn refuse(prefix: &str, status: u16, body: &str) -> String {
    format!("location ~ ^/v2/{prefix} {{ return {status} '{body}'; }}\n")
}
