//! What BuildKit's progress tells, whichever form it comes in.
//!
//! Source: BuildKit, `client.SolveStatus` and `util/progress/progressui`.

/// Something that became known of a vertex.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// What the vertex is known by: its digest, or its number.
    pub vertex: &'a str,
    /// When that was, in seconds since whatever the source counts from.
    pub at: f64,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What becomes known of vertices.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<'a> {
    /// Its name, such as `[linux/arm64 build 2/3] RUN make`.
    Named(&'a str),
    /// It has begun, or goes on.
    Started,
    /// Something that it does.
    Status(Status<'a>),
    /// What its program has printed: any bytes, not only whole lines.
    Logged(&'a [u8]),
    /// It has ended.
    Ended(End<'a>),
}

/// Something that a vertex does, such as `pushing layers`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status<'a> {
    /// What it is, in BuildKit's words.
    pub id: &'a str,
    /// How many bytes, or whatever it counts, are done.
    pub current: u64,
    /// How many there are; 0 where nobody knows.
    pub total: u64,
    /// How long it has taken so far, in seconds.
    pub seconds: f64,
    /// True when it is done. A push that failed or was cancelled says so too.
    pub is_done: bool,
}

/// How a vertex ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End<'a> {
    /// It is done. It may go on all the same: a base image is resolved, then pulled.
    Done,
    /// It was cached.
    Cached,
    /// It was given up, since another has failed.
    Canceled,
    /// It has failed, for this reason.
    Failed(&'a str),
}
