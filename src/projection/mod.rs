//! From journaled events to the main database, behind the bidding and never in its way.
//!
//! A feature that keeps rows about auctions implements [`Projection`]; the [`Projector`] pulls records from the journal in
//! the order of their commit and hands them over, in the same transaction in which it moves the checkpoint. What is
//! written here can be made again from the journal at any time. Nothing here decides anything, and no room waits for it.
//! Of many nodes, one moves projections on; the others look how far it has come.

mod progress;
mod projector;
mod store;

use crate::domain::auction::{Event, Listing, Terms};
use crate::domain::{AuctionId, Seq, Timestamp};
use crate::journal::sql::Positioned;
use crate::journal::{Record, RecordError};
use crate::persistence::{StoreError, Tx};

pub use progress::{LAG_MAX, Progress};
pub use projector::{Deps, Projector};

/// Keeps rows that follow from journaled records.
///
/// A page may be handed over again in part: after a crash, or after a projection was taken in anew. Whoever implements this
/// tells by `(auction, seq)` what is there already.
#[async_trait::async_trait]
pub trait Projection: Send + Sync + 'static {
    /// The name of its checkpoint. It never changes; a new name begins at the first record.
    fn name(&self) -> &'static str;

    /// Writes what follows from `page`: records of many auctions in the order of their commit, those of one auction in
    /// the order of their numbers.
    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError>;

    /// What it wrote last is committed, so that it may be shown. It returns at once. A process that dies before it is
    /// called calls it no more: what must be told is written, not shown.
    fn committed(&self) {}
}

/// Is told what projections have written.
#[async_trait::async_trait]
pub trait Witness: Send + Sync + 'static {
    /// What follows from `page` is written, or may be: the outcome of a commit can be unknown.
    async fn written(&self, page: &[Projected]);
}

/// A journaled record, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Projected {
    /// Its place among the records of all auctions.
    pub position: i64,
    /// Whose it is.
    pub auction: AuctionId,
    /// The record as it was written.
    pub record: Record,
    /// What it says.
    pub fact: Fact,
}

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// The auction was created: record 0.
    Created(Created),
    /// Something happened in it.
    Event(Event),
}

/// A creation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Created {
    /// When.
    pub at: Timestamp,
    /// On which terms.
    pub terms: Terms,
    /// What is for sale.
    pub listing: Listing,
}

impl Projected {
    /// Reads a record.
    pub fn read(positioned: Positioned) -> Result<Self, RecordError> {
        let Positioned { position, auction, record } = positioned;
        let fact = if record.seq == Seq(0) {
            let (_, at, terms, listing) = record.genesis()?;
            Fact::Created(Created { at, terms, listing })
        } else {
            Fact::Event(record.event()?)
        };
        Ok(Self { position, auction, record, fact })
    }

    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match &self.fact {
            Fact::Created(created) => created.at,
            Fact::Event(event) => event.at,
        }
    }
}
