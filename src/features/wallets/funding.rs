//! Setting money aside, for a bid that needs it or because its owner asks: one transaction, begun anew when it was in
//! another's way.

use serde_json::json;

use super::{CONFLICTS_MAX, store};
use crate::clock::Clock;
use crate::domain::auction::{Rejection, Terms};
use crate::domain::{AccountId, AuctionId, Money};
use crate::ledger::{self, Book, Limits, Refusal, Set, Target};
use crate::notify::{self, Note, NoteKind};
use crate::persistence::Db;
use crate::room::{Funding, Raise};

/// What is set aside for bids.
#[derive(Clone, Debug)]
pub struct Holds {
    db: Db,
    clock: Clock,
    limits: Limits,
}

impl Holds {
    /// Holds in `db`, within `limits` where staff has set no others for a wallet.
    pub fn new(db: Db, clock: Clock, limits: Limits) -> Self {
        Self { db, clock, limits }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sets the allowance of `bidder`, and tells them what was set aside for it.
    pub(super) async fn set(&self, book: &Book, bidder: AccountId, target: Target) -> Result<Set, Refusal> {
        let mut tries = 0;
        loop {
            match self.set_once(book, bidder, target).await {
                Err(Refusal::Store(error)) if error.is_passing() && tries < CONFLICTS_MAX => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn set_once(&self, book: &Book, bidder: AccountId, target: Target) -> Result<Set, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let set = ledger::set_allowance(&mut tx, book, bidder, target, self.limits.exposure_max, now).await?;
        if set.moved > Money::ZERO {
            let held = ledger::balance(&mut tx, &ledger::Account::Held(bidder, book.auction), book.currency).await?;
            let title = store::title(&mut tx, book.auction).await?;
            let note = Note {
                account: bidder,
                kind: NoteKind::HoldRaised,
                auction: Some(book.auction),
                cause: format!("hold:{}:{}", book.auction, set.version),
                data: json!({"title": title, "currency": book.currency.code(), "amount": held.minor_units()}),
                at: now,
            };
            notify::write(&mut tx, &[note]).await?;
        }
        tx.commit().await?;
        Ok(set)
    }
}

#[async_trait::async_trait]
impl Funding for Holds {
    async fn raise(
        &self,
        auction: AuctionId,
        terms: &Terms,
        bidder: AccountId,
        needed: Money,
    ) -> Result<Raise, Rejection> {
        let set = self.set(&book(auction, terms), bidder, Target::ForBid(needed)).await;
        let set = set.map_err(|refusal| rejection(auction, refusal))?;
        Ok(Raise { amount: set.allowance, version: set.version })
    }
}

/// What the ledger must know of an auction.
pub(super) fn book(auction: AuctionId, terms: &Terms) -> Book {
    Book { auction, seller: terms.seller, currency: terms.currency, fees: terms.fees }
}

/// What a bidder is told in place of a verdict.
fn rejection(auction: AuctionId, refusal: Refusal) -> Rejection {
    match refusal {
        Refusal::Insufficient { allowance, .. } => Rejection::InsufficientFunds { allowance },
        Refusal::Exposure { .. } => Rejection::InsufficientFunds { allowance: Money::ZERO },
        Refusal::Settled => Rejection::AuctionClosed,
        Refusal::Frozen => Rejection::AccountFrozen,
        Refusal::Store(error) => {
            tracing::warn!(%auction, %error, "money could not be set aside: {error}");
            Rejection::Unavailable
        }
    }
}
