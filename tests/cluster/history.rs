//! What was seen from outside: every bid with all that its bidder was told, and every push that a watcher got. Times count
//! from the start of the scenario, so that a history can also be written by hand.

use std::time::Duration;

use bidhub::domain::AccountId;
use serde_json::Value;

/// A bid that got its verdict.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whose.
    pub account: AccountId,
    /// The bidder's own name for it.
    pub key: String,
    /// What was sent, each time the same.
    pub request: Value,
    /// The verdict.
    pub verdict: Value,
    /// When it was sent first.
    pub sent_at: Duration,
    /// When the verdict came.
    pub told_at: Duration,
    /// The node that gave the verdict.
    pub node: usize,
    /// What came of the sends before the last.
    pub tries: Tries,
}

/// How often a bid had to be sent again, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tries {
    /// The hub said `unavailable`, or another code that leaves the key open.
    pub unavailable: u32,
    /// The connection ended.
    pub cut: u32,
    /// No answer came in time.
    pub silent: u32,
}

impl std::ops::AddAssign for Tries {
    fn add_assign(&mut self, other: Self) {
        self.unavailable += other.unavailable;
        self.cut += other.cut;
        self.silent += other.silent;
    }
}

/// What one watcher got, in order.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The node that it watched at.
    pub node: usize,
    /// What it got.
    pub seen: Vec<Seen>,
}

/// Something that a watcher got.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A state in place of events: at the first join, after a gap too long, or for another log.
    Fresh {
        /// The history that the numbers count in.
        log: String,
        /// The number up to which the state goes.
        seq: u64,
    },
    /// An event, pushed or as the answer to a resume.
    Event(Value),
}

impl Told {
    /// True if the bid stands.
    pub fn accepted(&self) -> bool {
        self.verdict["type"] == "bid_accepted"
    }

    /// The number of the bid, if it stands.
    pub fn seq(&self) -> Option<u64> {
        self.verdict["seq"].as_u64().filter(|_| self.accepted())
    }

    /// What was offered.
    pub fn offered(&self) -> i64 {
        self.request["amount"].as_i64().or(self.request["max"].as_i64()).unwrap_or_default()
    }
}
