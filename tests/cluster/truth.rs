//! The final log of an auction, audited and replayed by the rules: what every answer is measured by.

use std::collections::HashMap;

use bidhub::audit::Finding;
use bidhub::audit::journal::LogAudit;
use bidhub::domain::auction::{Event, EventKind, State, Verdict};
use bidhub::domain::{AccountId, AuctionId, LogId};
use bidhub::journal::{Record, Secret};
use serde_json::Value;

/// A log with what follows from it.
pub struct Truth {
    /// The id of the history.
    pub log: LogId,
    /// What holds after each event, the event of seq n at n − 1.
    pub facts: Vec<Fact>,
    /// The least first bid.
    pub opening: i64,
    /// The seq of each accepted bid by whose it is and its key.
    pub keys: HashMap<(AccountId, String), u64>,
}

/// An event and what holds after it.
pub struct Fact {
    /// What everyone may see of it.
    pub public: Value,
    /// The event itself.
    pub event: Event,
    /// The least that the next bid must offer.
    pub minimum: i64,
    /// Who leads, with which ceiling.
    pub leader: Option<(AccountId, i64)>,
    /// The verdict that its bidder must be told, if it is a bid.
    pub verdict: Option<Verdict>,
    /// True once nothing more can be bid.
    pub over: bool,
}

impl Truth {
    /// Audits `records`, the creation first, and replays them.
    pub fn of(auction: AuctionId, log: LogId, secret: &Secret, records: &[Record]) -> Result<Self, Finding> {
        let mut audit = LogAudit::new(auction, secret);
        records.iter().try_for_each(|record| audit.check(record))?;
        let (genesis, events) = records.split_first().expect("a log has a creation");
        let (_, _, terms, _) = genesis.genesis().expect("the audit has read it");
        let mut state = State::new(terms);
        let opening = state.minimum_bid().minor_units();
        let mut truth = Self { log, facts: Vec::new(), opening, keys: HashMap::new() };
        for record in events {
            let event = record.event().expect("the audit has read it");
            state.apply(&event);
            let mut verdict = None;
            if let EventKind::Bid(bid) = &event.kind {
                verdict = state.verdict(bid.bidder, &bid.key);
                truth.keys.insert((bid.bidder, bid.key.as_str().to_owned()), event.seq.0);
            }
            truth.facts.push(Fact {
                public: serde_json::from_str(&record.public).expect("the audit has read it"),
                minimum: state.minimum_bid().minor_units(),
                leader: state.standing.leader.map(|leader| (leader.account, leader.ceiling.minor_units())),
                over: state.is_over(),
                verdict,
                event,
            });
        }
        Ok(truth)
    }

    /// The number of the last event.
    pub fn last(&self) -> u64 {
        self.facts.len() as u64
    }

    /// The event with this number and what holds after it.
    pub fn fact(&self, seq: u64) -> Option<&Fact> {
        self.facts.get(usize::try_from(seq).ok()?.checked_sub(1)?)
    }

    /// The least that a bid had to offer after this event; 0 is before the first.
    pub fn minimum(&self, seq: u64) -> i64 {
        self.fact(seq).map_or(self.opening, |fact| fact.minimum)
    }

    /// The kinds of the events, in order.
    pub fn kinds(&self) -> Vec<&str> {
        self.facts.iter().filter_map(|fact| fact.public["kind"].as_str()).collect()
    }

    /// How many bids there are.
    pub fn bids(&self) -> usize {
        self.facts.iter().filter(|fact| fact.verdict.is_some()).count()
    }
}
