//! Connections to Redis: one server, a primary that sentinels name, or a cluster. What goes through here is the truth of
//! the hub, so nothing is sent again behind the caller's back: a command whose connection broke has an unknown outcome,
//! and the caller is told so. The connection itself comes back by itself.

/// Redis did not do what was asked, or did not say so.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RedisError {
    /// The address makes no sense.
    #[error("redis: {0}")]
    Address(String),
    /// It could not be asked: what was asked was not done.
    #[error("redis cannot be reached: {0}")]
    Unreachable(String),
    /// It was asked and did not answer: whether it was done is unknown.
    #[error("redis did not answer: {0}")]
    Unanswered(String),
    /// It answered with an error.
    #[error("redis refused: {0}")]
    Refused(String),
}
