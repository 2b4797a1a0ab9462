//! What goes into one request, and what of it goes into the next: the limits of the service, and the order of each auction.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use crate::domain::AuctionId;

/// How many records one request takes.
const RECORDS_MAX: usize = 500;
/// How many bytes one request carries, keys included: half of what the service takes today, and what it took for long. A
/// shard takes 1 MiB a second, so more at once gains nothing.
const BYTES_MAX: usize = 5 * 1_024 * 1_024;
/// How many bytes one record has, its key included: what a stream takes that was told of no other limit.
const RECORD_BYTES_MAX: usize = 1_024 * 1_024;
/// An auction's id as text, which is the partition key of its events.
const KEY_BYTES: usize = 36;

/// A message on its way into the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// Its place among the records of all auctions.
    pub position: i64,
    /// Whose event it is: those of one keep their order.
    pub auction: AuctionId,
    /// The message.
    pub data: String,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.data.len() + KEY_BYTES
    }

    /// True if no request may carry it.
    pub fn is_too_long(&self) -> bool {
        self.bytes() > RECORD_BYTES_MAX
    }
}

/// How many of the first entries one request takes.
pub(super) fn fits(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    let within = entries.iter().take(RECORDS_MAX).take_while(|entry| {
        bytes += entry.bytes();
        bytes <= BYTES_MAX
    });
    within.count()
}

/// Which entries are not where they belong, by the numbers under which the service says that it took them, none for one that
/// it did not take. Within one request it promises no order, so one that came to stand before its predecessor is none.
pub(super) fn misplaced(entries: &[Entry], numbers: &[Option<&str>]) -> Vec<bool> {
    let mut last: HashMap<AuctionId, &str> = HashMap::new();
    let places = entries.iter().zip(numbers).map(|(entry, number)| {
        let Some(number) = *number else { return true };
        let last = last.entry(entry.auction).or_insert(number);
        let too_early = compare(number, last) == Ordering::Less;
        if !too_early {
            *last = number;
        }
        too_early
    });
    places.collect()
}

/// Compares whole numbers in decimal digits of any length.
fn compare(one: &str, other: &str) -> Ordering {
    let [one, other] = [one, other].map(|digits| digits.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// What must be put again after a request of which some entries failed: of each auction everything from its first failure
/// on, for what came behind that stands in the stream before it.
pub(super) fn remaining(entries: Vec<Entry>, failed: impl Fn(usize) -> bool) -> Vec<Entry> {
    let mut broken: HashSet<AuctionId> = HashSet::new();
    let mut left = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        if failed(at) {
            broken.insert(entry.auction);
        }
        if broken.contains(&entry.auction) {
            left.push(entry);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn entry(position: i64, auction: u128, bytes: usize) -> Entry {
        Entry { position, auction: AuctionId(Uuid::from_u128(auction)), data: "x".repeat(bytes) }
    }

    #[test]
    fn a_request_keeps_within_the_limits() {
        let small: Vec<Entry> = (0..501).map(|position| entry(position, 1, 10)).collect();
        assert_eq!((fits(&small), fits(&small[..7]), fits(&[])), (500, 7, 0));
        let mebi = 1_024 * 1_024;
        let large: Vec<Entry> = (0..6).map(|position| entry(position, 1, mebi - KEY_BYTES)).collect();
        assert_eq!(fits(&large), 5, "keys count too");
        assert!(!large[0].is_too_long() && entry(0, 1, mebi - KEY_BYTES + 1).is_too_long());
        assert_eq!(AuctionId(Uuid::nil()).to_string().len(), KEY_BYTES);
    }

    #[test]
    fn what_stands_before_its_predecessor_is_misplaced() {
        let entries: Vec<Entry> = [1, 2, 1, 2, 1].into_iter().zip(0..).map(|(of, at)| entry(at, of, 1)).collect();
        let found = |numbers: [&str; 5]| {
            let numbers = numbers.map(|number| (!number.is_empty()).then_some(number));
            let misplaced = misplaced(&entries, &numbers);
            misplaced.iter().enumerate().filter_map(|(at, is)| is.then_some(at)).collect::<Vec<_>>()
        };
        assert_eq!(found(["1", "1", "2", "2", "3"]), [0; 0]);
        assert_eq!(found(["9", "1", "10", "2", "0011"]), [0; 0], "as numbers, not as text");
        assert_eq!(found(["2", "1", "1", "2", "3"]), [2]);
        assert_eq!(found(["3", "5", "2", "4", "1"]), [2, 3, 4]);
        assert_eq!(found(["1", "", "", "2", "3"]), [1, 2]);
    }

    #[test]
    fn what_failed_goes_again_with_all_of_its_auction_behind_it() {
        let entries: Vec<Entry> =
            [1, 2, 1, 3, 2, 1, 3, 2].into_iter().zip(0..).map(|(of, at)| entry(at, of, 1)).collect();
        let left = |failed: &[usize]| {
            let left = remaining(entries.clone(), |at| failed.contains(&at));
            left.iter().map(|entry| entry.position).collect::<Vec<_>>()
        };
        assert_eq!(left(&[]), [0; 0]);
        assert_eq!(left(&[2]), [2, 5]);
        assert_eq!(left(&[7]), [7]);
        assert_eq!(left(&[1, 6]), [1, 4, 6, 7]);
        assert_eq!(left(&[0, 1, 2, 3, 4, 5, 6, 7]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
