//! Money for bids: where more of it can be set aside, and how much of that goes on at once.
//!
//! A room knows what is set aside for each of its bidders and asks nobody while it decides: it refuses what that does not
//! cover. Only then, outside the room, more is asked for, and the same bid is handed in again with the raise. A room never
//! holds, moves or counts money itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

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

/// The raises of this node: so many at once, and so many more that wait. Those of one bidder in one auction go on one after
/// the other, and whoever waited takes what was set aside meanwhile, if that is enough.
pub(super) struct Raises {
    places: Arc<Semaphore>,
    turns: Semaphore,
    lines: DashMap<(AuctionId, AccountId), Arc<Line>>,
}

/// The place of a raise among those that go on or wait.
pub(super) struct Place(#[allow(dead_code, reason = "dropped when the raise is over")] OwnedSemaphorePermit);

/// The raises of one bidder in one auction.
#[derive(Default)]
struct Line {
    arrived: AtomicU64,
    last: Mutex<Option<Last>>,
}

/// What was set aside last.
#[derive(Clone, Copy)]
struct Last {
    raise: Raise,
    /// How many had arrived by then. Who comes later may come because it has been lowered since.
    arrived: u64,
}

/// Ends a line, if nobody is left in it, when whoever was in it leaves.
struct Leaving<'a> {
    raises: &'a Raises,
    of: (AuctionId, AccountId),
}

impl Raises {
    pub(super) fn new(at_once: usize, waiting: usize) -> Self {
        let places = Arc::new(Semaphore::new(at_once + waiting));
        Self { places, turns: Semaphore::new(at_once), lines: DashMap::new() }
    }

    /// A place for one more; none if as many wait as may.
    pub(super) fn place(&self) -> Option<Place> {
        self.places.clone().try_acquire_owned().ok().map(Place)
    }

    /// Has `ask` set aside what `needed` takes when its turn comes, unless it was set aside for another bid of the same
    /// bidder while this one waited.
    pub(super) async fn raise(
        &self,
        of: (AuctionId, AccountId),
        needed: Money,
        ask: impl Future<Output = Result<Raise, Rejection>>,
    ) -> Result<Raise, Rejection> {
        // What is declared last goes first: the line is left before it is looked who is there.
        let _leaving = Leaving { raises: self, of };
        let line = self.lines.entry(of).or_default().clone();
        let number = line.arrived.fetch_add(1, Ordering::AcqRel);
        let mut last = line.last.lock().await;
        if let Some(last) = *last
            && number < last.arrived
            && needed <= last.raise.amount
        {
            return Ok(last.raise);
        }
        // The semaphore is never closed; were it, nothing would be held up.
        let _turn = self.turns.acquire().await;
        let raise = ask.await?;
        *last = Some(Last { raise, arrived: line.arrived.load(Ordering::Acquire) });
        Ok(raise)
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.raises.lines.remove_if(&self.of, |_, line| Arc::strong_count(line) == 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, poll};
    use tokio::sync::Notify;
    use uuid::Uuid;

    use super::*;

    fn money(minor: i64) -> Money {
        Money::new(minor).expect("an amount")
    }

    async fn after(gate: &Notify, answer: Result<Raise, Rejection>) -> Result<Raise, Rejection> {
        gate.notified().await;
        answer
    }

    #[tokio::test]
    async fn who_waited_shares_a_raise_and_who_came_after_it_asks_anew() {
        let raises = Raises::new(8, 8);
        let of = (AuctionId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let (first_gate, second_gate) = (Notify::new(), Notify::new());
        let [ten, twenty] = [10, 20].map(|minor| Raise { amount: money(minor), version: minor.unsigned_abs() });
        let mut first = std::pin::pin!(raises.raise(of, money(5), after(&first_gate, Ok(ten))));
        let mut waits = std::pin::pin!(raises.raise(of, money(10), async { unreachable!("it is set aside already") }));
        let refused = Err(Rejection::Unavailable);
        let mut needs_more = std::pin::pin!(raises.raise(of, money(20), after(&second_gate, refused)));
        assert!(
            poll!(&mut first).is_pending() && poll!(&mut waits).is_pending() && poll!(&mut needs_more).is_pending()
        );
        first_gate.notify_one();
        assert_eq!(first.await, Ok(ten));
        assert_eq!(waits.await, Ok(ten));
        assert!(poll!(&mut needs_more).is_pending());
        // What was set aside may be lowered by now.
        let mut late = std::pin::pin!(raises.raise(of, money(6), async { Ok(twenty) }));
        assert!(poll!(&mut late).is_pending());
        second_gate.notify_one();
        assert_eq!(needs_more.await, refused);
        assert_eq!(late.now_or_never(), Some(Ok(twenty)));
    }

    #[tokio::test]
    async fn a_line_ends_with_the_last_in_it_also_if_nobody_waits_any_more() {
        let raises = Raises::new(8, 8);
        let of = (AuctionId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let gate = Notify::new();
        let raise = Raise { amount: money(5), version: 1 };
        {
            let mut given_up = std::pin::pin!(raises.raise(of, money(5), after(&gate, Ok(raise))));
            assert!(poll!(&mut given_up).is_pending());
            assert_eq!(raises.lines.len(), 1);
        }
        assert!(raises.lines.is_empty());
        assert_eq!(raises.raise(of, money(5), async { Ok(raise) }).await, Ok(raise));
        assert!(raises.lines.is_empty());
    }
}
