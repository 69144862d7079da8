//! A stand-in for version 2 of GitHub's cache service, as far as BuildKit uses
//! it: four calls, and blobs as Azure keeps them. It keeps GitHub's rules: who is
//! asked shows a token; its scopes say what is read, in their order, and where
//! is written; what is there is never overwritten.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The calls, below this path.
pub(crate) const CALLS: &str = "/twirp/github.actions.results.api.v1.CacheService/";

/// A token as the runner has it, which BuildKit reads and does not verify: for
/// each scope whether it may be read (1) and written (2).
pub(crate) fn runtime_token(scopes: &[(&str, u8)]) -> String {
    token_until(scopes, 4_102_444_800)
}

/// The same with the time at which it expires.
pub(crate) fn token_until(scopes: &[(&str, u8)], expires: u64) -> String {
    let scope = |(name, permission): &(&str, u8)| json!({"Scope": name, "Permission": permission});
    let access = Value::Array(scopes.iter().map(scope).collect()).to_string();
    let claims = json!({"ac": access, "exp": expires, "nbf": 0});
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let signature = URL_SAFE_NO_PAD.encode("signature");
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// What the service knows of a token: scopes, in order, with what is allowed.
fn scopes(request: &Request) -> Option<Vec<(String, u64)>> {
    let header = request.headers.get("authorization")?.to_str().ok()?;
    let claims = header.strip_prefix("Bearer ")?.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let access: Value = serde_json::from_str(claims["ac"].as_str()?).ok()?;
    let scope = |one: &Value| {
        Some((
            one["Scope"].as_str()?.to_owned(),
            one["Permission"].as_u64()?,
        ))
    };
    access.as_array()?.iter().map(scope).collect()
}

/// Something that is kept.
struct Entry {
    scope: String,
    key: String,
    version: String,
    /// Its bytes, once all of them are there.
    content: Option<Vec<u8>>,
    /// Parts of them by the names that the client gives.
    blocks: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
struct State {
    address: String,
    entries: Vec<Entry>,
    /// The calls, in order: name, and key.
    calls: Vec<(String, String)>,
}

/// The service, as long as this value lives.
pub(crate) struct CacheService {
    server: MockServer,
    state: Shared,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl CacheService {
    pub(crate) async fn start() -> Self {
        let server = MockServer::builder().disable_request_recording();
        let server = server.start().await;
        let state = Shared::default();
        state.lock().address = server.uri();
        Mock::given(any())
            .respond_with(state.clone())
            .mount(&server)
            .await;
        Self { server, state }
    }

    /// Its address, for the runner's variable.
    pub(crate) fn url(&self) -> String {
        format!("{}/", self.server.uri())
    }

    /// The scopes that something is kept in, each once.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let state = self.state.lock();
        let kept = state.entries.iter().filter(|entry| entry.content.is_some());
        let mut scopes: Vec<String> = kept.map(|entry| entry.scope.clone()).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// The keys that this call was made for, since this was last asked for any.
    pub(crate) fn take_calls(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.state.lock().calls)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Respond for Shared {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.lock();
        let path = request.url.path();
        if let Some(number) = path.strip_prefix("/blobs/") {
            let entry = state.entries.get_mut(number.parse::<usize>().unwrap());
            return entry.unwrap().answer(request);
        }
        let Some(call) = path.strip_prefix(CALLS) else {
            return ResponseTemplate::new(404);
        };
        let Some(scopes) = scopes(request) else {
            return refused(401, "unauthenticated");
        };
        let body: Value = request.body_json().unwrap();
        let key = body["key"].as_str().unwrap().to_owned();
        state.calls.push((call.to_owned(), key.clone()));
        match call {
            "GetCacheEntryDownloadURL" => state.find(&body, &scopes),
            "CreateCacheEntry" => state.create(key, &body, &scopes),
            "FinalizeCacheEntryUpload" => state.finalize(&key, &body, &scopes),
            _ => refused(404, "bad_route"),
        }
    }
}

fn refused(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"code": code, "msg": code}))
}

/// The one scope that a token may write to.
fn written(scopes: &[(String, u64)]) -> Option<&str> {
    let mut all = scopes.iter();
    let found = all.find(|(_, permission)| permission & 2 != 0);
    found.map(|(name, _)| name.as_str())
}

impl State {
    /// Scope by scope: the key itself, else the newest that begins with one of
    /// `restore_keys`.
    fn find(&self, body: &Value, scopes: &[(String, u64)]) -> ResponseTemplate {
        let version = body["version"].as_str().unwrap();
        let key = body["key"].as_str().unwrap();
        let begins = body["restore_keys"].as_array().unwrap();
        let begins: Vec<&str> = begins.iter().filter_map(Value::as_str).collect();
        for (scope, _) in scopes.iter().filter(|(_, permission)| permission & 1 != 0) {
            let kept = |entry: &(usize, &Entry)| {
                let Entry {
                    scope: own,
                    version: of,
                    content,
                    ..
                } = entry.1;
                own == scope && of == version && content.is_some()
            };
            let kept: Vec<_> = self.entries.iter().enumerate().filter(kept).collect();
            let exact = kept.iter().find(|(_, entry)| entry.key == key);
            let mut newest = kept.iter().rev();
            let begun =
                newest.find(|(_, entry)| begins.iter().any(|one| entry.key.starts_with(one)));
            if let Some((number, entry)) = exact.or(begun) {
                return ResponseTemplate::new(200).set_body_json(json!({
                    "ok": true,
                    "matched_key": entry.key,
                    "signed_download_url": self.blob(*number),
                }));
            }
        }
        ResponseTemplate::new(200).set_body_json(json!({"ok": false}))
    }

    fn create(&mut self, key: String, body: &Value, scopes: &[(String, u64)]) -> ResponseTemplate {
        let Some(scope) = written(scopes) else {
            return refused(403, "permission_denied");
        };
        let version = body["version"].as_str().unwrap();
        let is_same =
            |entry: &Entry| entry.scope == scope && entry.key == key && entry.version == version;
        if self.entries.iter().any(is_same) {
            return refused(409, "already_exists");
        }
        self.entries.push(Entry {
            scope: scope.to_owned(),
            key,
            version: version.to_owned(),
            content: None,
            blocks: BTreeMap::new(),
        });
        let url = self.blob(self.entries.len() - 1);
        ResponseTemplate::new(200).set_body_json(json!({"ok": true, "signed_upload_url": url}))
    }

    fn finalize(&self, key: &str, body: &Value, scopes: &[(String, u64)]) -> ResponseTemplate {
        let scope = written(scopes);
        let is_it = |entry: &&Entry| Some(entry.scope.as_str()) == scope && entry.key == key;
        let found = self.entries.iter().find(is_it);
        let size = found.and_then(|entry| entry.content.as_ref()).map(Vec::len);
        // As a number or, as 64 bits are written in JSON, a string.
        let given = body["size_bytes"].to_string();
        let is_whole = size.is_some_and(|size| given.trim_matches('"') == size.to_string());
        ResponseTemplate::new(200).set_body_json(json!({"ok": is_whole, "entry_id": "1"}))
    }

    fn blob(&self, number: usize) -> String {
        format!("{}/blobs/{number}?sig=x", self.address)
    }
}

impl Entry {
    /// As Azure's blob storage answers: a blob as a whole, or in blocks that a
    /// list puts in order; and read from a byte on.
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let query = |name: &str| {
            let mut pairs = request.url.query_pairs();
            let found = pairs.find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let answer = |status| ResponseTemplate::new(status).insert_header("x-ms-request-id", "1");
        if request.method.as_str() != "PUT" {
            let content = self.content.as_deref().unwrap();
            let range = request.headers.get("x-ms-range");
            let begin = range.and_then(|range| {
                let range = range.to_str().ok()?.strip_prefix("bytes=")?;
                range.split('-').next()?.parse::<usize>().ok()
            });
            return answer(if begin.is_some() { 206 } else { 200 })
                .set_body_bytes(&content[begin.unwrap_or_default()..]);
        }
        match query("comp").as_deref() {
            Some("block") => {
                let name = query("blockid").unwrap();
                self.blocks.insert(name, request.body.clone());
            }
            Some("blocklist") => {
                let list = String::from_utf8(request.body.clone()).unwrap();
                let names = list.split("<Latest>").skip(1);
                let names = names.map(|rest| rest.split('<').next().unwrap());
                let content = names.flat_map(|name| self.blocks[name].clone());
                self.content = Some(content.collect());
            }
            _ => self.content = Some(request.body.clone()),
        }
        answer(201)
    }
}
