//! The event that started the run: the `GITHUB_*` variables and the payload.
//!
//! Owns [`RunContext`]. Reads only the fields that are used and tolerates
//! everything else in a payload: payloads grow fields, and forks of the runner
//! leave some out. Asks nothing of the world; what the payload lacks is for
//! `facts` to find out.

mod made_up;
mod payload;
mod read;

pub use payload::Payload;

/// What is known of the run before anything is asked of the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunContext {
    /// `GITHUB_EVENT_NAME`, such as `push`.
    pub event_name: String,
    /// `GITHUB_REF`, fully formed, such as `refs/tags/v1.2.3`.
    pub git_ref: String,
    /// `GITHUB_SHA`: the commit that the event stands for.
    pub sha: String,
    /// `GITHUB_REPOSITORY`: `OWNER/NAME`, in the owner's spelling.
    pub repository: String,
    /// `GITHUB_ACTOR`: who started the run.
    pub actor: String,
    /// `GITHUB_SERVER_URL`, without a trailing slash.
    pub server_url: String,
    /// `GITHUB_API_URL`, without a trailing slash.
    pub api_url: String,
    /// `GITHUB_RUN_ID`.
    pub run_id: String,
    /// `GITHUB_RUN_ATTEMPT`.
    pub run_attempt: String,
    /// What the event says, from the file at `GITHUB_EVENT_PATH`.
    pub payload: Payload,
}

impl RunContext {
    /// True for `pull_request`, `pull_request_target` and their kin.
    pub fn is_pull_request(&self) -> bool {
        self.event_name.starts_with("pull_request")
    }
}
