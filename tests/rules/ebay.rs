//! Real bids: 10,654 of them on 627 eBay auctions, played in the order in which they came.
//! The expected numbers come from a calculation independent of this code.

use std::collections::BTreeMap;

use bidhub::domain::auction::Rejection;
use bidhub::domain::formats::English;

use crate::hall::*;

/// The longest of the auctions, in seconds.
const SEVEN_DAYS_S: i64 = 7 * 24 * 3_600;

struct Recorded {
    opening: i64,
    price: i64,
    /// Day since the start, bidder, ceiling.
    bids: Vec<(f64, u128, i64)>,
}

fn read(mut reader: csv::Reader<std::fs::File>) -> BTreeMap<String, Recorded> {
    let mut auctions = BTreeMap::<String, Recorded>::new();
    for row in reader.records() {
        let row = row.unwrap();
        let number = |column: usize| row[column].parse::<i64>().unwrap();
        let (opening, price) = (number(3), number(4));
        let recorded = auctions.entry(row[0].to_owned()).or_insert(Recorded { opening, price, bids: Vec::new() });
        let bidder = 100 + row[6].trim_start_matches('b').parse::<u128>().unwrap();
        recorded.bids.push((row[5].parse().unwrap(), bidder, number(7)));
    }
    auctions
}

#[test]
fn the_auctions_of_ebay_come_out_as_they_are_known_to() {
    let Some(path) = crate::shared::ebay_bids() else { return };
    let auctions = read(csv::Reader::from_path(path).unwrap());
    assert_eq!(auctions.len(), 627);
    let (mut accepted, mut not_raised, mut too_low, mut as_recorded) = (0, 0, 0, 0);
    for (name, mut recorded) in auctions {
        let mut terms = terms(English { opening_price: money(recorded.opening), ..english() });
        terms.ends_at = at(SEVEN_DAYS_S + 1);
        let mut hall = Hall::open(terms);
        recorded.bids.sort_by(|one, other| one.0.total_cmp(&other.0));
        for (day, bidder, ceiling) in recorded.bids {
            match hall.bid_at(bidder, max(ceiling), at_ms((day * 86_400_000.0) as i64)) {
                Ok(_) => accepted += 1,
                Err(Rejection::MaxNotRaised { .. }) => not_raised += 1,
                Err(Rejection::BidTooLow { .. }) => too_low += 1,
                Err(other) => panic!("auction {name}: {other:?}"),
            }
        }
        as_recorded += usize::from(hall.standing().0 == recorded.price);
        hall.assert_audited();
    }
    assert_eq!((accepted, not_raised, too_low, as_recorded), (10_593, 56, 5, 588));
}
