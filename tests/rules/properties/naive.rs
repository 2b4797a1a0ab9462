//! The race, computed the slow way: every bid that counts is played anew after each event, and steps are looked up by
//! walking the table. Written from the rules alone, to disagree with the core where the core is wrong.

use bidhub::domain::auction::{Event, EventKind, Funds, Offer, State};
use bidhub::domain::formats::{English, Format};
use bidhub::domain::{AccountId, Money, Seq};

/// A bid that counts: up to what it holds, and whether it pays all of it.
#[derive(Debug)]
struct Entry {
    seq: Seq,
    bidder: AccountId,
    offered: i64,
    holds: i64,
    straight: bool,
}

#[derive(Debug, Default)]
pub struct Naive(Vec<Entry>);

impl Naive {
    pub fn take(&mut self, event: &Event, after: &State) {
        match &event.kind {
            EventKind::Bid(bid) => {
                let offered = bid.offer.amount().unwrap_or(bid.price).minor_units();
                let straight = !matches!(bid.offer, Offer::Max(_));
                self.0.push(Entry { seq: event.seq, bidder: bid.bidder, offered, holds: offered, straight });
            }
            EventKind::BidVoided(void) => {
                self.0.retain(|entry| entry.seq != void.voided);
                for entry in &mut self.0 {
                    let set_aside = after.bidder(entry.bidder).map_or(0, |bidder| bidder.allowance.minor_units());
                    let covered = if after.terms.funds == Funds::None { entry.offered } else { set_aside };
                    entry.holds = entry.offered.min(covered);
                }
            }
            _ => {}
        }
    }

    pub fn assert_agrees(&self, state: &State) {
        let Format::English(english) = &state.terms.format;
        let in_race: Vec<&Entry> =
            self.0.iter().filter(|entry| entry.holds >= english.opening_price.minor_units()).collect();
        let leader = best(&in_race).map(|entry| (entry.bidder, entry.holds));
        let standing = &state.standing;
        assert_eq!(standing.leader.map(|leader| (leader.account, leader.ceiling.minor_units())), leader, "{self:?}");
        let price = price(english, &in_race);
        assert_eq!(standing.price.map(Money::minor_units), price, "{self:?}");
        let met = english.reserve.zip(standing.price).is_some_and(|(reserve, price)| price >= reserve);
        assert_eq!(standing.reserve_met, met);
        assert_eq!(standing.bid_count as usize, self.0.len());
    }
}

/// The highest; of equals the earliest.
fn best<'a>(entries: &[&'a Entry]) -> Option<&'a Entry> {
    entries.iter().copied().reduce(|best, entry| if entry.holds > best.holds { entry } else { best })
}

fn one_step_above(english: &English, price: i64) -> i64 {
    let bands = english.increments.bands().iter().rev();
    let step = bands.into_iter().find(|band| band.from.minor_units() <= price).unwrap().step;
    (price + step.minor_units()).min(Money::MAX.minor_units())
}

fn price(english: &English, entries: &[&Entry]) -> Option<i64> {
    let mut price = None;
    for (number, entry) in entries.iter().enumerate() {
        let so_far = price.unwrap_or(english.opening_price.minor_units());
        let (mut reached, top) = match best(&entries[..number]) {
            None if entry.straight => (entry.holds, entry.holds),
            None => (so_far, entry.holds),
            Some(best) if entry.holds > best.holds && entry.straight => (entry.holds, entry.holds),
            Some(best) if best.bidder == entry.bidder => (so_far, entry.holds.max(best.holds)),
            Some(best) => {
                let (lower, higher) = (best.holds.min(entry.holds), best.holds.max(entry.holds));
                (higher.min(one_step_above(english, lower)), higher)
            }
        };
        if let Some(reserve) = english.reserve.filter(|reserve| top >= reserve.minor_units()) {
            reached = reached.max(reserve.minor_units());
        }
        price = Some(so_far.max(reached));
    }
    price
}
