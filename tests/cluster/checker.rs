//! The judge: given what bidders and watchers were told and the final log, is there anything that the hub must never do?
//! It knows no network and no clock, so that it can be shown histories that never happened.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bidhub::domain::AccountId;
use serde_json::Value;

use crate::history::{Seen, Told, Tries, Watched};
use crate::truth::Truth;

/// Everything that was seen from outside.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every bid that got a verdict.
    pub told: Vec<Told>,
    /// Every watcher.
    pub watched: Vec<Watched>,
    /// The log as each node tells it in the end, over REST.
    pub rest: Vec<Vec<Value>>,
}

/// What may happen in a scenario that must not happen in others.
#[derive(Clone, Copy, Default, Debug)]
pub struct Allowed {
    /// Acknowledged bids may be gone, and the log then has another id.
    pub loss: bool,
    /// The log may have another id, though nothing may be gone.
    pub new_log: bool,
    /// Bids may come too late or otherwise find the auction over or suspended.
    pub end: bool,
}

/// What a history came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Bids that stand.
    pub accepted: usize,
    /// Bids refused for good.
    pub rejected: usize,
    /// Acknowledged bids that are not in the log. Only where that is allowed.
    pub lost: usize,
    /// States that came in place of events, the first of each watcher not counted.
    pub fresh_states: usize,
    /// Sends that had to be repeated.
    pub tries: Tries,
}

/// What the hub must never do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Breach {
    /// The log that a node tells is not the one in the archive, from this seq on.
    OtherLog { node: usize, seq: u64 },
    /// The log has not this number where it should be.
    Gap { node: usize, seq: u64 },
    /// The price falls without a void.
    PriceFell { node: usize, seq: u64 },
    /// A watcher was shown this number after another than the one before it.
    WatcherGap { node: usize, seq: u64 },
    /// A watcher was shown another event than the log has.
    WatcherDiffers { node: usize, seq: u64 },
    /// A watcher was shown a state beyond the end of the log.
    WatcherAhead { node: usize, seq: u64 },
    /// A watcher was never shown the end of the log.
    WatcherBehind { node: usize, seq: u64 },
    /// An acknowledged bid is not in the log.
    Lost { key: String },
    /// A bid was told another seq than it has.
    OtherSeq { key: String },
    /// A bid was told something else than the log gives at its seq.
    OtherVerdict { key: String, field: &'static str },
    /// Two bids of one bidder in the log have the same key.
    KeyTwice { key: String },
    /// A bid was refused and stands all the same.
    RefusedButThere { key: String },
    /// The log has a bid that nobody was told of.
    Untold { seq: u64 },
    /// A bid that was sent after another was acknowledged stands before it.
    OutOfOrder { earlier: String, later: String },
    /// A refusal that the log gives at no moment between sending and telling.
    WrongRefusal { key: String, code: String },
}

/// Judges a history.
pub fn check(truth: &Truth, history: &History, allowed: Allowed) -> Result<Tally, Breach> {
    let mut tally = Tally::default();
    for (node, log) in history.rest.iter().enumerate() {
        check_log(node, log)?;
        check_same(truth, node, log)?;
    }
    check_keys(truth)?;
    for watched in &history.watched {
        tally.fresh_states += check_watched(truth, watched, allowed)?;
    }
    for told in &history.told {
        tally.tries += told.tries;
        if !told.accepted() {
            tally.rejected += 1;
            continue;
        }
        tally.accepted += 1;
        match check_verdict(truth, told) {
            Err(Breach::Lost { .. } | Breach::OtherSeq { .. }) if allowed.loss => tally.lost += 1,
            other => other?,
        }
    }
    check_told(truth, &history.told)?;
    // Where acknowledged bids may be gone, numbers are given twice and say nothing of the order.
    if !allowed.loss {
        check_order(&history.told)?;
        check_refusals(truth, &history.told, allowed)?;
    }
    Ok(tally)
}

/// What can be said of a public log by itself.
fn check_log(node: usize, log: &[Value]) -> Result<(), Breach> {
    let mut price = 0;
    for (seq, event) in (1..).zip(log) {
        if event["seq"] != seq {
            return Err(Breach::Gap { node, seq });
        }
        let next = event["price"].as_i64();
        if event["kind"] != "bid_voided" && next.is_some_and(|next| next < price) {
            return Err(Breach::PriceFell { node, seq });
        }
        price = next.unwrap_or(price);
    }
    Ok(())
}

fn check_same(truth: &Truth, node: usize, log: &[Value]) -> Result<(), Breach> {
    for (seq, event) in (1..).zip(log) {
        if truth.fact(seq).is_none_or(|fact| !same_event(&fact.public, event)) {
            return Err(Breach::OtherLog { node, seq });
        }
    }
    if log.len() as u64 == truth.last() { Ok(()) } else { Err(Breach::OtherLog { node, seq: log.len() as u64 + 1 }) }
}

/// The same but for the hashes that the log over REST has and a push has not.
fn same_event(public: &Value, shown: &Value) -> bool {
    let Some(mut shown) = shown.as_object().cloned() else { return false };
    for hash in ["commitment", "digest"] {
        shown.remove(hash);
    }
    public.as_object() == Some(&shown)
}

fn check_keys(truth: &Truth) -> Result<(), Breach> {
    // The map holds one seq for each key, so a key that is there twice leaves a bid over.
    let mut known: HashSet<u64> = truth.keys.values().copied().collect();
    for fact in truth.facts.iter().filter(|fact| fact.verdict.is_some()) {
        if !known.remove(&fact.event.seq.0) {
            return Err(Breach::KeyTwice { key: fact.event.seq.to_string() });
        }
    }
    Ok(())
}

/// Counts the fresh states after the first.
fn check_watched(truth: &Truth, watched: &Watched, allowed: Allowed) -> Result<usize, Breach> {
    let node = watched.node;
    let (mut at, mut fresh, mut ours) = (None, 0_usize, true);
    for seen in &watched.seen {
        match seen {
            Seen::Fresh { log, seq } => {
                ours = *log == truth.log.0.to_string();
                fresh += 1;
                if !ours && !allowed.loss && !allowed.new_log {
                    return Err(Breach::WatcherDiffers { node, seq: *seq });
                }
                if ours && *seq > truth.last() {
                    return Err(Breach::WatcherAhead { node, seq: *seq });
                }
                at = Some(*seq);
            }
            Seen::Event(event) => {
                let seq = event["seq"].as_u64().unwrap_or_default();
                if at.is_none_or(|at| seq != at + 1) {
                    return Err(Breach::WatcherGap { node, seq });
                }
                at = Some(seq);
                if ours && truth.fact(seq).is_none_or(|fact| !same_event(&fact.public, event)) {
                    return Err(Breach::WatcherDiffers { node, seq });
                }
            }
        }
    }
    let at = at.unwrap_or_default();
    if !ours || at < truth.last() {
        return Err(Breach::WatcherBehind { node, seq: at });
    }
    Ok(fresh.saturating_sub(1))
}

fn check_verdict(truth: &Truth, told: &Told) -> Result<(), Breach> {
    let key = || told.key.clone();
    let lost = Breach::Lost { key: key() };
    let Some(&seq) = truth.keys.get(&(told.account, told.key.clone())) else { return Err(lost) };
    if told.seq() != Some(seq) {
        return Err(Breach::OtherSeq { key: key() });
    }
    let Some(verdict) = truth.fact(seq).and_then(|fact| fact.verdict) else { return Err(lost) };
    let differs = |field| Err(Breach::OtherVerdict { key: key(), field });
    if told.verdict["leading"] != verdict.leading {
        return differs("leading");
    }
    for (field, amount) in
        [("price", verdict.price), ("minimum_bid", verdict.minimum_bid), ("your_max", verdict.your_max)]
    {
        if told.verdict[field] != amount.minor_units() {
            return differs(field);
        }
    }
    Ok(())
}

/// Everything in the log was told to someone, as what it is.
fn check_told(truth: &Truth, told: &[Told]) -> Result<(), Breach> {
    let mut by_key: HashMap<(AccountId, &str), &Told> = HashMap::new();
    for told in told {
        if by_key.insert((told.account, &told.key), told).is_some() {
            return Err(Breach::KeyTwice { key: told.key.clone() });
        }
    }
    for ((account, key), &seq) in &truth.keys {
        match by_key.get(&(*account, key.as_str())) {
            None => return Err(Breach::Untold { seq }),
            Some(told) if !told.accepted() => return Err(Breach::RefusedButThere { key: key.clone() }),
            Some(_) => {}
        }
    }
    Ok(())
}

/// What was acknowledged before something else was sent stands before it.
fn check_order(told: &[Told]) -> Result<(), Breach> {
    let mut by_telling: Vec<&Told> = told.iter().filter(|told| told.accepted()).collect();
    by_telling.sort_by_key(|told| told.told_at);
    let mut by_sending = by_telling.clone();
    by_sending.sort_by_key(|told| told.sent_at);
    let mut acknowledged = by_telling.into_iter().peekable();
    let mut highest: Option<&Told> = None;
    for later in by_sending {
        while let Some(next) = acknowledged.next_if(|next| next.told_at < later.sent_at) {
            if highest.is_none_or(|highest| next.seq() > highest.seq()) {
                highest = Some(next);
            }
        }
        if let Some(earlier) = highest.filter(|earlier| earlier.seq() > later.seq()) {
            return Err(Breach::OutOfOrder { earlier: earlier.key.clone(), later: later.key.clone() });
        }
    }
    Ok(())
}

/// Every refusal is one that the log gives after some event between what was acknowledged before the bid was sent and what
/// was sent only after it was refused. A former owner that still answers is found here.
fn check_refusals(truth: &Truth, told: &[Told], allowed: Allowed) -> Result<(), Breach> {
    let mut by_telling: Vec<(Duration, u64)> =
        told.iter().filter_map(|told| Some((told.told_at, told.seq()?))).collect();
    by_telling.sort_unstable();
    let mut highest = 0;
    for (_, seq) in &mut by_telling {
        highest = highest.max(*seq);
        *seq = highest;
    }
    let mut by_sending: Vec<(Duration, u64)> =
        told.iter().filter_map(|told| Some((told.sent_at, told.seq()?))).collect();
    by_sending.sort_unstable();
    let mut lowest = truth.last() + 1;
    for (_, seq) in by_sending.iter_mut().rev() {
        lowest = lowest.min(*seq);
        *seq = lowest;
    }
    for told in told.iter().filter(|told| !told.accepted()) {
        let before = by_telling.partition_point(|(at, _)| *at < told.sent_at);
        let after = by_sending.partition_point(|(at, _)| *at <= told.told_at);
        let first = before.checked_sub(1).map_or(0, |at| by_telling[at].1);
        let last = by_sending.get(after).map_or(truth.last(), |(_, seq)| seq - 1);
        let may_be = (first..=last).any(|seq| is_refused_after(truth, seq, told));
        if !(may_be || allowed.end && is_late(truth, told)) {
            let code = told.verdict["code"].as_str().unwrap_or("none").to_owned();
            return Err(Breach::WrongRefusal { key: told.key.clone(), code });
        }
    }
    Ok(())
}

fn is_refused_after(truth: &Truth, seq: u64, told: &Told) -> bool {
    let minimum = truth.minimum(seq);
    match told.verdict["code"].as_str() {
        Some("bid_too_low") => told.verdict["minimum_bid"] == minimum && told.offered() < minimum,
        Some("max_not_raised") => {
            let leader = truth.fact(seq).and_then(|fact| fact.leader);
            leader.is_some_and(|(account, ceiling)| account == told.account && told.offered() <= ceiling)
        }
        Some("auction_closed" | "auction_stopped") => truth.fact(seq).is_some_and(|fact| fact.over),
        _ => false,
    }
}

/// The end passes by the clock before its event is written.
fn is_late(truth: &Truth, told: &Told) -> bool {
    told.verdict["code"] == "auction_closed" && truth.facts.last().is_some_and(|fact| fact.over)
}
