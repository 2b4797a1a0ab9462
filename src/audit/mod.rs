//! Auditing logs: whether what stands in a journal, or in an exported log, is what the rules gave and nobody changed.
//!
//! An audit reads and compares. It never repairs, never writes and never asks a running hub.

pub mod allowances;
pub mod export;
pub mod journal;

mod public_rules;

#[cfg(test)]
mod fixture;

use crate::domain::Seq;
use crate::journal::RecordError;

/// The first thing that is wrong with a log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("seq {seq}: {fault}")]
pub struct Finding {
    /// The number of the record at fault; of a missing record, the number that it should have.
    pub seq: Seq,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read, is of a format unknown here, or does not follow in the hash chain.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// There is no such record, though there are later ones or the head counts it.
    #[error("the record is missing")]
    Missing,
    /// The row or line that should hold it is no record.
    #[error("no record: {0}")]
    NoRecord(String),
    /// It was written under an older right than the record before it.
    #[error("it was written under epoch {found}, after one of epoch {before}")]
    Epoch {
        /// The epoch of the record before.
        before: u64,
        /// Its own.
        found: u64,
    },
    /// The rules of the auction give something else.
    #[error("{0}")]
    Rules(String),
    /// The log was created for another auction.
    #[error("it is the creation of another auction")]
    OtherAuction,
    /// The head of the log says another digest.
    #[error("its digest is not the one that the head of the log holds")]
    Head,
    /// The head of the log ends before it.
    #[error("it stands beyond the head of the log")]
    BeyondHead,
    /// There are records, but no log that they belong to.
    #[error("the log of its auction is gone")]
    NoLog,
}

impl Finding {
    fn new(seq: Seq, fault: impl Into<Fault>) -> Self {
        Self { seq, fault: fault.into() }
    }
}

/// What was found to be right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Logs.
    pub auctions: u64,
    /// Events, the creations not counted.
    pub events: u64,
    /// Accepted bids among them.
    pub bids: u64,
}

impl std::ops::AddAssign for Checked {
    fn add_assign(&mut self, other: Self) {
        self.auctions += other.auctions;
        self.events += other.events;
        self.bids += other.bids;
    }
}
