//! An audit accepts every log that the rules gave, and none in which one fact was changed.

use bidhub::domain::auction::{Audit, Event, EventKind, Leader, Outcome, Terms, Winner};
use bidhub::domain::{Money, Seq, Span, Timestamp};
use proptest::prelude::*;

use super::steps::{setting, steps};
use super::{config, play};

fn passes(terms: &Terms, log: &[Event]) -> bool {
    let mut audit = Audit::new(terms.clone());
    log.iter().all(|event| audit.check(event).is_ok()) && audit.finish().is_ok()
}

fn other(amount: Money) -> Money {
    Money::or_zero(amount.minor_units() ^ 1).unwrap()
}

fn later(moment: Timestamp) -> Timestamp {
    moment.plus(Span::from_millis(1))
}

/// Every way in which one event can be forged so that it matters.
#[allow(unused_variables, reason = "each change of a pattern uses one of its fields")]
fn forged(event: &Event) -> Vec<Event> {
    let mut forged = vec![Event { seq: event.seq.next(), ..event.clone() }];
    let mut add = |change: &dyn Fn(&mut EventKind)| {
        let mut copy = event.clone();
        change(&mut copy.kind);
        forged.push(copy);
    };
    macro_rules! forge {
        ($pattern:pat => $($change:expr),+) => {{
            $(add(&|kind| {
                if let $pattern = kind {
                    $change;
                }
            });)+
        }};
    }
    match &event.kind {
        EventKind::Opened { .. } => forge!(EventKind::Opened { ends_at } => *ends_at = later(*ends_at)),
        EventKind::Bid(_) => forge!(
            EventKind::Bid(bid) => bid.amount = other(bid.amount), bid.price = other(bid.price),
            bid.leader += 1, bid.alias += 1, bid.leading = !bid.leading, bid.ceiling = other(bid.ceiling),
            bid.minimum_bid = other(bid.minimum_bid), bid.bid_count += 1, bid.ends_at = later(bid.ends_at)
        ),
        EventKind::ReserveMet { .. } => forge!(EventKind::ReserveMet { price } => *price = other(*price)),
        EventKind::Extended { .. } => forge!(EventKind::Extended { ends_at, .. } => *ends_at = later(*ends_at)),
        EventKind::Paused { .. } => {
            forge!(EventKind::Paused { time_left, .. } => *time_left = Span::from_millis(time_left.millis() + 1));
        }
        EventKind::Resumed { .. } => forge!(EventKind::Resumed { ends_at, .. } => *ends_at = later(*ends_at)),
        EventKind::BidVoided(_) => forge!(
            EventKind::BidVoided(void) => void.voided = Seq(void.voided.0 + 1_000), void.alias += 1,
            void.price = void.price.map_or(Some(Money::MAX), |price| Some(other(price))),
            void.minimum_bid = other(void.minimum_bid), void.bid_count += 1, void.reserve_met = !void.reserve_met,
            void.bidder_max = void.bidder_max.map_or(Some(Money::MAX), |max| Some(other(max))),
            void.leader = match void.leader {
                Some(leader) => Some(Leader { ceiling: other(leader.ceiling), ..leader }),
                None => Some(Leader { account: void.bidder, alias: void.alias, ceiling: Money::MAX }),
            }
        ),
        EventKind::Ended { .. } => forge!(
            EventKind::Ended { outcome, price, winner } =>
            *outcome = if *outcome == Outcome::Sold { Outcome::Unsold } else { Outcome::Sold },
            *price = price.map_or(Some(Money::MAX), |price| Some(other(price))),
            *winner = match *winner {
                Some(winner) => Some(Winner { alias: winner.alias + 1, ..winner }),
                None => Some(Winner { account: crate::hall::account(crate::hall::A), alias: 1 }),
            }
        ),
        // What these say is an outside fact: another one would be as true. The digest guards it.
        EventKind::Suspended { .. }
        | EventKind::Stopped { .. }
        | EventKind::Amended { .. }
        | EventKind::AllowanceSet { .. } => {}
    }
    forged
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn no_forged_log_passes(setting in setting(), steps in steps()) {
        let hall = play(&setting, &steps, |_, _, _| ());
        let log = &hall.log;
        prop_assert!(passes(&hall.terms, log));
        for place in 0..log.len() {
            for event in forged(&log[place]) {
                let mut copy = log.clone();
                copy[place] = event;
                prop_assert!(!passes(&hall.terms, &copy), "{:?} passed as {:?}", log[place], copy[place]);
            }
            let mut doubled = log.clone();
            doubled.insert(place, log[place].clone());
            prop_assert!(!passes(&hall.terms, &doubled), "{:?} doubled", log[place]);
            let mut renumbered = doubled;
            renumbered.iter_mut().zip(1..).for_each(|(event, seq)| event.seq = Seq(seq));
            let repeatable = matches!(log[place].kind, EventKind::Amended { .. });
            prop_assert!(repeatable || !passes(&hall.terms, &renumbered), "{:?} doubled, renumbered", log[place]);
            if place + 1 < log.len() {
                let mut missing = log.clone();
                missing.remove(place);
                prop_assert!(!passes(&hall.terms, &missing), "{:?} missing", log[place]);
                let mut swapped = log.clone();
                swapped.swap(place, place + 1);
                prop_assert!(!passes(&hall.terms, &swapped), "{:?} swapped", log[place]);
            }
            if place > 0 {
                let mut earlier = log.clone();
                earlier[place].at = Timestamp::from_millis(log[place - 1].at.millis() - 1);
                prop_assert!(!passes(&hall.terms, &earlier), "{:?} dated back", log[place]);
            }
        }
    }
}
