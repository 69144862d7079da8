//! Asks a cache service, before anything is built, for a cache that does not exist.
//!
//! BuildKit asks in the same way, and would wait without end for one that
//! accepts connections and does not answer. Follows
//! <https://github.com/tonistiigi/go-actions-cache>.

use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::json;
use tracing::info;

use crate::execute::scope::Scope;
use crate::plan::{Service, ServiceCheck};
use crate::{env_vars, http};

/// The name of a cache that does not exist.
const KEY: &str = "stevedore-preflight";
/// Tells apart caches of the same name; any is as good as another.
const VERSION: &str = "0";
/// How much of an answer is read, in bytes.
const MOST: usize = 32 * 1024;

impl Scope<'_> {
    /// Asks.
    ///
    /// # Errors
    /// With the reason why a build would get nothing from it, in words that hold
    /// no token.
    pub async fn ask_service(&self, check: &ServiceCheck, within: Duration) -> Result<(), String> {
        let attempt = Instant::now();
        let service = &check.service;
        let asked = tokio::time::timeout(within, self.status(check)).await;
        let took = attempt.elapsed().as_millis();
        let why = match asked {
            Err(_) => format!("did not answer in {} s", within.as_secs_f64()),
            Ok(Err(why)) => why,
            Ok(Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                "refuses the job's token".to_owned()
            }
            Ok(Ok(_)) => {
                info!("preflight: the cache service at {service} answers ({took} ms)");
                return Ok(());
            }
        };
        info!("preflight: the cache service at {service} is left out ({took} ms): {why}");
        Err(format!("{service}: {why}"))
    }

    /// The status of the answer, once all of it is there.
    async fn status(&self, check: &ServiceCheck) -> Result<StatusCode, String> {
        let url = &check.service.url;
        let url = Url::parse(url).map_err(|error| format!("its address is not a URL: {error}"))?;
        let builder = http::builder(self.secrets.authorities()).redirect(Policy::none());
        let builder = if is_loopback(&url) {
            builder.no_proxy()
        } else {
            builder
        };
        // It reads the machine's certificates.
        let client = tokio::task::spawn_blocking(|| builder.build())
            .await
            .map_err(|error| error.to_string())?
            .map_err(error_text)?;
        let token = self.token(check);
        let request = question(&client, &check.service).bearer_auth(token);
        let mut response = request.send().await.map_err(error_text)?;
        let mut read = 0;
        while let Some(bytes) = response.chunk().await.map_err(error_text)? {
            read += bytes.len();
            if read > MOST {
                break;
            }
        }
        Ok(response.status())
    }

    /// What BuildKit is given: the job's, unless an entry has its own.
    fn token(&self, check: &ServiceCheck) -> String {
        let mut entries = check.entries.iter();
        let own = entries.find_map(|entry| entry.attribute("token").map(str::to_owned));
        let token = || {
            self.host
                .var(env_vars::ACTIONS_RUNTIME_TOKEN)
                .map(str::to_owned)
        };
        own.or_else(token).unwrap_or_default()
    }
}

fn question(client: &Client, service: &Service) -> RequestBuilder {
    let base = service.url.trim_end_matches('/');
    if service.is_version_2 {
        let call = "twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL";
        let body = json!({"key": KEY, "restore_keys": [], "version": VERSION});
        client.post(format!("{base}/{call}")).json(&body)
    } else {
        let query = format!("keys={KEY}&version={VERSION}");
        client
            .get(format!("{base}/_apis/artifactcache/cache?{query}"))
            .header("Accept", "application/json;api-version=6.0-preview.1")
    }
}

/// As in BuildKit, no proxy stands between us and this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// Why, without the address, which may let anybody in who knows it.
fn error_text(error: reqwest::Error) -> String {
    http::innermost(&error.without_url())
}
