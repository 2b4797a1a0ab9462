//! The books beside the logs of the auctions, both of which move while one looks.
//!
//! The log is read once before the snapshot and once after it. What then holds whatever happened in between:
//!
//! - A change gets its version in the database first. So the log, as it was before the snapshot, knows no version that the
//!   hold does not.
//! - A version counts as confirmed once it is read from the log. So the log, as it is after the snapshot, has it.
//! - A hold is lowered only when a version is confirmed at which it still stands, and to what the log has there; beyond that
//!   it only grows. So it covers all that the log has from the confirmed version on up to its own, and what the room
//!   allowed at the moment of the snapshot is among these. What the log has beyond the version of the hold was asked for
//!   later.

use std::collections::{HashMap, HashSet};

use super::{Billed, Breach, ClosedBook, Finding, OpenHold, Rule};
use crate::domain::auction::{Event, EventKind, Terms};
use crate::domain::{AccountId, AuctionId, Fees, Money};
use crate::ledger::Book;

/// What the log of one auction says of allowances: for each bidder every version with its allowance, in the order of the log.
pub type Told = HashMap<AccountId, Vec<(u64, Money)>>;

/// Holds the open books, as they are in a snapshot, against the logs as they were before it and as they are after it. An
/// auction that is not in `after` has no log.
pub fn rooms(
    books: &[Book],
    holds: &[OpenHold],
    before: &HashMap<AuctionId, Told>,
    after: &HashMap<AuctionId, Told>,
) -> Finding {
    let rule = Rule {
        name: "rooms",
        promise: "what is held covers what the room of the auction may let its bidder bid",
        subjects: "holds",
    };
    let fees: HashMap<AuctionId, Fees> = books.iter().map(|book| (book.auction, book.fees)).collect();
    let mut standing: HashMap<(AuctionId, AccountId), OpenHold> = HashMap::new();
    // Who has an allowance and no hold has nothing held.
    let told = [before, after].into_iter().flatten().filter(|(auction, _)| fees.contains_key(*auction));
    for (auction, bidder) in told.flat_map(|(auction, told)| told.keys().map(|bidder| (*auction, *bidder))) {
        standing.insert((auction, bidder), OpenHold::none(auction, bidder));
    }
    standing.extend(holds.iter().map(|hold| ((hold.auction, hold.bidder), *hold)));
    let breach = |hold: &OpenHold| {
        let (auction, bidder) = (hold.auction, hold.bidder);
        let earlier = before.get(&auction).and_then(|told| told.get(&bidder)).map_or(&[][..], Vec::as_slice);
        let detail = match (after.get(&auction), fees.get(&auction)) {
            (Some(told), Some(fees)) => fault(hold, *fees, earlier, told.get(&bidder).map_or(&[][..], Vec::as_slice))?,
            _ => "the auction has no log".to_owned(),
        };
        Some(Breach { name: None, auction: Some(auction), owner: Some(bidder), detail })
    };
    Finding::new(rule, standing.len(), standing.values().filter_map(breach).collect())
}

/// What is wrong with a hold beside what the log said before and says after it was looked at.
fn fault(hold: &OpenHold, fees: Fees, before: &[(u64, Money)], after: &[(u64, Money)]) -> Option<String> {
    let OpenHold { version, wanted, confirmed, held, .. } = *hold;
    if let Some((newest, _)) = before.iter().max_by_key(|(version, _)| version).filter(|(newest, _)| *newest > version)
    {
        return Some(format!("the log has version {newest}, the hold stands at {version}"));
    }
    if confirmed > 0 && !after.iter().any(|(version, _)| *version == confirmed) {
        return Some(format!("version {confirmed} is confirmed, and the log does not have it"));
    }
    if let Some((_, amount)) = after.iter().find(|(told, amount)| *told == version && *amount != wanted) {
        return Some(format!("the log has {amount} at version {version}, where {wanted} was asked for"));
    }
    let open = after.iter().filter(|(told, _)| (confirmed..=version).contains(told));
    let uncovered = |amount: Money| fees.gross(amount).is_none_or(|gross| gross > held);
    let (told, amount) = open.copied().find(|(_, amount)| uncovered(*amount))?;
    Some(format!("the room may have an allowance of {amount} at version {told}, and {held} is held with the premium"))
}

/// Holds books against the terms that the logs of their auctions begin with.
pub fn terms(books: &[Book], terms: &HashMap<AuctionId, Terms>) -> Finding {
    let rule = Rule {
        name: "terms",
        promise: "a book has the seller, the currency and the fees of the terms of its auction",
        subjects: "books",
    };
    let breach = |book: &Book| {
        let Book { auction, seller, currency, fees } = *book;
        let detail = match terms.get(&auction) {
            None => "the auction has no log",
            Some(terms) if terms.seller != seller => "the seller is another",
            Some(terms) if terms.currency != currency => "the currency is another",
            Some(terms) if terms.fees != fees => "the fees are others",
            Some(_) => return None,
        };
        Some(Breach { name: None, auction: Some(auction), owner: None, detail: detail.to_owned() })
    };
    Finding::new(rule, books.len(), books.iter().filter_map(breach).collect())
}

/// Holds the closed books against the events that they were closed by; `ends` has those that the logs have.
pub fn outcomes(books: &[ClosedBook], ends: &HashMap<AuctionId, Event>) -> Finding {
    let rule = Rule {
        name: "outcomes",
        promise: "an auction is settled and billed as its log says that it ended",
        subjects: "settled auctions",
    };
    let breach = |closed: &ClosedBook| {
        let auction = closed.book.auction;
        let detail = misjudged(closed, ends.get(&auction))?;
        Some(Breach { name: None, auction: Some(auction), owner: None, detail })
    };
    let auctions: HashSet<AuctionId> = books.iter().map(|closed| closed.book.auction).collect();
    Finding::new(rule, auctions.len(), books.iter().filter_map(breach).collect())
}

fn misjudged(closed: &ClosedBook, end: Option<&Event>) -> Option<String> {
    let ClosedBook { book: Book { fees, .. }, seq, billed } = *closed;
    let Some(end) = end.filter(|event| event.seq == seq) else {
        return Some(format!("it is settled by event {seq}, which its log does not have"));
    };
    let sold = match &end.kind {
        EventKind::Ended { winner, price, .. } => winner.map(|winner| winner.account).zip(*price),
        EventKind::Stopped { .. } => None,
        _ => return Some(format!("it is settled by event {seq}, which does not end it")),
    };
    let Some((winner, price)) = sold else { return billed.map(|_| "it was billed, and it was not sold".to_owned()) };
    let Some(billed) = billed else { return Some(format!("it was sold for {price}, and nobody was billed")) };
    let owed = match billed.by_house {
        true => Billed { winner, price, premium: fees.premium(price), commission: fees.commission(price), ..billed },
        false => Billed { winner, price, premium: Money::ZERO, commission: Money::ZERO, ..billed },
    };
    let said = |it: Billed| format!("{} for {}, {} and {}", it.winner, it.price, it.premium, it.commission);
    (billed != owed).then(|| format!("{} was billed where it must be {}", said(billed), said(owed)))
}
