//! A purse for tests: money that is set aside for bids, with a version for each change. It can be scripted, and held up.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bidhub::domain::auction::{Rejection, Terms};
use bidhub::domain::{AccountId, AuctionId, Money};
use bidhub::room::{Act, Funding, Raise};
use tokio::sync::Notify;

/// What one bidder has set aside in one auction: each version with its amount, the newest last.
type Hold = Vec<Raise>;

pub struct Purse {
    /// The most that anyone may have set aside in one auction.
    limit: i64,
    holds: Mutex<HashMap<(AuctionId, AccountId), Hold>>,
    script: Mutex<VecDeque<Result<Raise, Rejection>>>,
    gates: Mutex<VecDeque<Arc<Notify>>>,
    /// Whatever was asked for, in order.
    pub asked: Mutex<Vec<(AccountId, Money)>>,
    going_on: AtomicUsize,
    /// How many askings went on at once, at most.
    pub at_once: AtomicUsize,
}

impl Purse {
    /// Everyone may have as much as `limit` set aside in each auction.
    pub fn of(limit: i64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            holds: Mutex::default(),
            script: Mutex::default(),
            gates: Mutex::default(),
            asked: Mutex::default(),
            going_on: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
        })
    }

    /// The next askings get these answers, whatever money there is.
    pub fn then(&self, answers: impl IntoIterator<Item = Result<Raise, Rejection>>) {
        self.script.lock().unwrap().extend(answers);
    }

    /// The next asking is answered once this is told; the money is set aside before that.
    pub fn gate(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        self.gates.lock().unwrap().push_back(gate.clone());
        gate
    }

    /// How often it was asked.
    pub fn times(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Sets the hold to `minor`, higher or lower. Gives what the room must be told.
    pub fn set(&self, auction: AuctionId, bidder: AccountId, minor: i64) -> Act {
        let mut holds = self.holds.lock().unwrap();
        let hold = holds.entry((auction, bidder)).or_default();
        let raise = Raise { amount: Money::or_zero(minor).unwrap(), version: hold.len() as u64 + 1 };
        hold.push(raise);
        Act::SetAllowance { bidder, amount: raise.amount, version: raise.version }
    }

    /// What was set aside under this version.
    pub fn at(&self, auction: AuctionId, bidder: AccountId, version: u64) -> Option<Money> {
        let holds = self.holds.lock().unwrap();
        holds.get(&(auction, bidder))?.get(version as usize - 1).map(|raise| raise.amount)
    }

    fn raised(&self, auction: AuctionId, bidder: AccountId, needed: Money) -> Result<Raise, Rejection> {
        let mut holds = self.holds.lock().unwrap();
        let hold = holds.entry((auction, bidder)).or_default();
        let last = hold.last().copied();
        if let Some(enough) = last.filter(|last| last.amount >= needed) {
            return Ok(enough);
        }
        if needed.minor_units() > self.limit {
            return Err(Rejection::InsufficientFunds { allowance: last.map_or(Money::ZERO, |last| last.amount) });
        }
        hold.push(Raise { amount: needed, version: hold.len() as u64 + 1 });
        Ok(hold[hold.len() - 1])
    }
}

struct GoingOn<'a>(&'a AtomicUsize);

impl Drop for GoingOn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Funding for Purse {
    async fn raise(
        &self,
        auction: AuctionId,
        _terms: &Terms,
        bidder: AccountId,
        needed: Money,
    ) -> Result<Raise, Rejection> {
        let going_on = self.going_on.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once.fetch_max(going_on, Ordering::SeqCst);
        let _going_on = GoingOn(&self.going_on);
        let scripted = self.script.lock().unwrap().pop_front();
        let answer = scripted.unwrap_or_else(|| self.raised(auction, bidder, needed));
        let gate = self.gates.lock().unwrap().pop_front();
        self.asked.lock().unwrap().push((bidder, needed));
        if let Some(gate) = gate {
            gate.notified().await;
        }
        answer
    }
}
