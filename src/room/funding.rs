//! Money for bids: where more of it can be set aside, and how much of that goes on at once.
//!
//! A room knows what is set aside for each of its bidders and asks nobody while it decides: it refuses what that does not
//! cover. Only then, outside the room, more is asked for, and the same bid is handed in again with the raise. A room never
//! holds, moves or counts money itself.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::auction::{Rejection, Terms};
use crate::domain::{AccountId, AuctionId, Money};

/// What is set aside for a bidder in one auction, in terms of bids: the premium on it is set aside beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raise {
    /// How high the bidder may bid now.
    pub amount: Money,
    /// The version of the hold that says so: each change of a hold has a greater one.
    pub version: u64,
}

/// Where money is set aside for bids.
#[async_trait::async_trait]
pub trait Funding: Send + Sync {
    /// Sets so much aside that `bidder` may bid `needed` in `auction`, which is held on `terms`, and gives what is set aside
    /// then; where that is enough already, it is given as it stands. The money must be held before this returns.
    ///
    /// Refuses with `insufficient_funds` if there is not so much, and with `unavailable` or `busy`, which leave the bid's key
    /// open, if that is not known. The caller may stop waiting at any moment, whatever was done by then; the room must then
    /// hear of a raise in another way.
    async fn raise(
        &self,
        auction: AuctionId,
        terms: &Terms,
        bidder: AccountId,
        needed: Money,
    ) -> Result<Raise, Rejection>;
}

/// No money anywhere: what is not set aside already is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFunding;

#[async_trait::async_trait]
impl Funding for NoFunding {
    async fn raise(&self, _: AuctionId, _: &Terms, _: AccountId, _: Money) -> Result<Raise, Rejection> {
        Err(Rejection::InsufficientFunds { allowance: Money::ZERO })
    }
}

/// The raises of this node: so many at once, and so many more that wait.
pub(super) struct Raises {
    places: Arc<Semaphore>,
    turns: Semaphore,
}

/// The place of a raise among those that go on or wait.
pub(super) struct Place(#[allow(dead_code, reason = "dropped when the raise is over")] OwnedSemaphorePermit);

impl Raises {
    pub(super) fn new(at_once: usize, waiting: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once + waiting)), turns: Semaphore::new(at_once) }
    }

    /// A place for one more; none if as many wait as may.
    pub(super) fn place(&self) -> Option<Place> {
        self.places.clone().try_acquire_owned().ok().map(Place)
    }

    /// Runs `raise` when its turn comes.
    pub(super) async fn in_turn<T>(&self, raise: impl Future<Output = T>) -> T {
        // The semaphore is never closed; were it, nothing would be held up.
        let _turn = self.turns.acquire().await;
        raise.await
    }
}
