//! Every environment variable the program reads or sets, documented once.
//!
//! Owns names only. Inputs (`INPUT_*`) are named after the table in
//! `input::spec`; everything else stands here.

/// Set to `true` by GitHub's runner: log lines become workflow commands.
pub const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
/// The name of the event, such as `push`.
pub const GITHUB_EVENT_NAME: &str = "GITHUB_EVENT_NAME";
/// The file with the event's payload, JSON.
pub const GITHUB_EVENT_PATH: &str = "GITHUB_EVENT_PATH";
/// The fully formed ref of the event.
pub const GITHUB_REF: &str = "GITHUB_REF";
/// The commit of the event.
pub const GITHUB_SHA: &str = "GITHUB_SHA";
/// `OWNER/NAME`.
pub const GITHUB_REPOSITORY: &str = "GITHUB_REPOSITORY";
/// Who started the run.
pub const GITHUB_ACTOR: &str = "GITHUB_ACTOR";
/// The GitHub server, such as `https://github.com`.
pub const GITHUB_SERVER_URL: &str = "GITHUB_SERVER_URL";
/// The server's REST API, such as `https://api.github.com`.
pub const GITHUB_API_URL: &str = "GITHUB_API_URL";
/// The number of the run.
pub const GITHUB_RUN_ID: &str = "GITHUB_RUN_ID";
/// The attempt of the run, from 1.
pub const GITHUB_RUN_ATTEMPT: &str = "GITHUB_RUN_ATTEMPT";
/// The folder of the checkout.
pub const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
/// The file that outputs are appended to.
pub const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";
/// The file that variables for later steps are appended to.
pub const GITHUB_ENV: &str = "GITHUB_ENV";
/// The file that state for the post step is appended to.
pub const GITHUB_STATE: &str = "GITHUB_STATE";
/// The file that the job summary is appended to.
pub const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// The job's temporary folder, emptied by the runner after it.
pub const RUNNER_TEMP: &str = "RUNNER_TEMP";
/// The folder of tools, which the runner keeps from job to job.
pub const RUNNER_TOOL_CACHE: &str = "RUNNER_TOOL_CACHE";
/// `github-hosted` or `self-hosted`.
pub const RUNNER_ENVIRONMENT: &str = "RUNNER_ENVIRONMENT";
/// The job's token for the services of GitHub Actions.
pub const ACTIONS_RUNTIME_TOKEN: &str = "ACTIONS_RUNTIME_TOKEN";
/// Where those services are.
pub const ACTIONS_RUNTIME_URL: &str = "ACTIONS_RUNTIME_URL";
/// The token by which a job with `id-token: write` asks for an identity.
pub const ACTIONS_ID_TOKEN_REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// Where it asks for it.
pub const ACTIONS_ID_TOKEN_REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
/// What the names of the runner's tokens, and of where they are used, start with.
pub const RUNNER_TOKENS: [&str; 2] = ["ACTIONS_RUNTIME_", "ACTIONS_ID_TOKEN_REQUEST_"];
/// What all variables of GitHub Actions' own services start with.
pub const ACTIONS: &str = "ACTIONS_";
/// The credentials by which buildx reaches an `s3` cache.
pub const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The secret of those.
pub const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// What goes with them where they are temporary.
pub const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// Where version 2 of the cache service is.
pub const ACTIONS_RESULTS_URL: &str = "ACTIONS_RESULTS_URL";
/// Where version 1 of the cache service is.
pub const ACTIONS_CACHE_URL: &str = "ACTIONS_CACHE_URL";
/// Set when the cache service is version 2.
pub const ACTIONS_CACHE_SERVICE_V2: &str = "ACTIONS_CACHE_SERVICE_V2";
/// What the job may do with caches: `none`, `read`, `write` or `write-only`.
pub const ACTIONS_CACHE_MODE: &str = "ACTIONS_CACHE_MODE";
/// `1` when the run was started with debug logging.
pub const RUNNER_DEBUG: &str = "RUNNER_DEBUG";

/// The clock of tags and labels, RFC 3339, in place of the machine's.
pub const STEVEDORE_NOW: &str = "STEVEDORE_NOW";
/// What main left for post, read as `STATE_…`: what is to be taken away, JSON.
pub const STATE_TAKE_DOWN: &str = "stevedore_take_down";

/// Where Docker's configuration is, in place of `~/.docker`.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// The context to use, in place of the configuration's current one.
pub const DOCKER_CONTEXT: &str = "DOCKER_CONTEXT";
/// The engine's address.
pub const DOCKER_HOST: &str = "DOCKER_HOST";
/// The folder with `ca.pem`, `cert.pem`, `key.pem` for the engine.
pub const DOCKER_CERT_PATH: &str = "DOCKER_CERT_PATH";
/// Not empty when the engine is spoken to over TLS.
pub const DOCKER_TLS_VERIFY: &str = "DOCKER_TLS_VERIFY";
/// Where buildx keeps its builders, in place of `buildx` beside Docker's configuration.
pub const BUILDX_CONFIG: &str = "BUILDX_CONFIG";
/// The builder that the environment has chosen.
pub const BUILDX_BUILDER: &str = "BUILDX_BUILDER";
/// Which log lines a Rust program shows.
pub const RUST_LOG: &str = "RUST_LOG";
/// How buildx tells its progress.
pub const BUILDKIT_PROGRESS: &str = "BUILDKIT_PROGRESS";
/// Makes buildx attest nothing unless it is asked to.
pub const BUILDX_METADATA_WARNINGS: &str = "BUILDX_METADATA_WARNINGS";
/// Whether a build has a summary, for docker/build-push-action.
pub const DOCKER_BUILD_SUMMARY: &str = "DOCKER_BUILD_SUMMARY";
/// Whether the record of a build is kept, for docker/build-push-action.
pub const DOCKER_BUILD_RECORD_UPLOAD: &str = "DOCKER_BUILD_RECORD_UPLOAD";
/// Whether build checks become annotations, for docker/build-push-action.
pub const DOCKER_BUILD_CHECKS_ANNOTATIONS: &str = "DOCKER_BUILD_CHECKS_ANNOTATIONS";
/// Whether buildx attests nothing by itself.
pub const BUILDX_NO_DEFAULT_ATTESTATIONS: &str = "BUILDX_NO_DEFAULT_ATTESTATIONS";
/// Gives the default context as a URL with a query, not with a fragment.
pub const BUILDX_SEND_GIT_QUERY_AS_INPUT: &str = "BUILDX_SEND_GIT_QUERY_AS_INPUT";
/// Makes a pull request's own commit the default context, not its merge commit.
pub const DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF: &str = "DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF";
/// The socket of the SSH agent.
pub const SSH_AUTH_SOCK: &str = "SSH_AUTH_SOCK";
/// Where BuildKit is, for the driver `remote` without an `endpoint`.
pub const BUILDKIT_HOST: &str = "BUILDKIT_HOST";
/// What the names of a node's certificates and key start with: a number and
/// `_AUTH_TLS_CACERT`, `_AUTH_TLS_CERT` or `_AUTH_TLS_KEY` follow. PEM; secrets.
pub const BUILDER_NODE: &str = "BUILDER_NODE_";
/// The runner's name, which no two jobs have at the same time.
pub const RUNNER_NAME: &str = "RUNNER_NAME";
/// The file with the certificate authorities that programs trust.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// The user's home.
pub const HOME: &str = "HOME";
/// Where programs are looked for.
pub const PATH: &str = "PATH";
/// The time zone of dates in tags, as the C library reads it.
pub const TZ: &str = "TZ";

/// Use the pull request's head commit in place of the merge commit.
pub const DOCKER_METADATA_PR_HEAD_SHA: &str = "DOCKER_METADATA_PR_HEAD_SHA";
/// How many characters a short commit has, 7 by default.
pub const DOCKER_METADATA_SHORT_SHA_LENGTH: &str = "DOCKER_METADATA_SHORT_SHA_LENGTH";
/// Whether `metadata` exports its outputs as variables too, `true` by default.
pub const DOCKER_METADATA_SET_OUTPUT_ENV: &str = "DOCKER_METADATA_SET_OUTPUT_ENV";
/// What the names of these variables start with.
pub const DOCKER_METADATA_OUTPUT: &str = "DOCKER_METADATA_OUTPUT_";
/// Which objects get annotations, such as `manifest,index`.
pub const DOCKER_METADATA_ANNOTATIONS_LEVELS: &str = "DOCKER_METADATA_ANNOTATIONS_LEVELS";
