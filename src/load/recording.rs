//! A recorded bid history: CSV with the columns `auction,item,duration_days,opening_minor,recorded_price_minor,bid_day,
//! bidder,max_minor`, amounts in minor units, `bid_day` in days since the auction's start.

use std::collections::HashMap;
use std::io::Read;

use serde::Deserialize;

/// One recorded auction with its bids in the order in which they came.
#[derive(Debug, Clone, PartialEq)]
pub struct Lot {
    /// Its name in the record.
    pub auction: String,
    /// What was sold.
    pub item: String,
    /// The opening price.
    pub opening_minor: i64,
    /// The price at which it ended.
    pub recorded_price_minor: i64,
    /// The bids.
    pub bids: Vec<RecordedBid>,
}

/// One recorded bid.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedBid {
    /// Days since the start of the auction.
    pub day: f64,
    /// Who.
    pub bidder: String,
    /// The bidder's ceiling.
    pub max_minor: i64,
}

#[derive(Deserialize)]
struct Row {
    auction: String,
    item: String,
    opening_minor: i64,
    recorded_price_minor: i64,
    bid_day: f64,
    bidder: String,
    max_minor: i64,
}

/// Reads a record: the auctions in the order of their first line, the bids of each in the order of their day; of bids of
/// the same day, the earlier line came first.
pub fn read(source: impl Read) -> Result<Vec<Lot>, csv::Error> {
    let mut lots: Vec<Lot> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in csv::Reader::from_reader(source).into_deserialize() {
        let Row { auction, item, opening_minor, recorded_price_minor, bid_day, bidder, max_minor } = row?;
        let place = *places.entry(auction.clone()).or_insert_with(|| {
            lots.push(Lot { auction, item, opening_minor, recorded_price_minor, bids: Vec::new() });
            lots.len() - 1
        });
        lots[place].bids.push(RecordedBid { day: bid_day, bidder, max_minor });
    }
    for lot in &mut lots {
        lot.bids.sort_by(|one, other| one.day.total_cmp(&other.day));
    }
    Ok(lots)
}

impl Lot {
    /// The title under which it is sold anew, and found again.
    pub fn title(&self) -> String {
        format!("{} {}", self.item, self.auction)
    }

    /// The key of its bid number `number`, the same in every replay.
    pub fn key(&self, number: usize) -> String {
        format!("replay-{}-{number}", self.auction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bids_come_in_the_order_of_their_day_and_then_of_their_line() {
        let text = "auction,item,duration_days,opening_minor,recorded_price_minor,bid_day,bidder,max_minor\n\
            7,lamp,3,100,900,2.5,b1,300\n8,vase,3,50,60,0.1,b2,60\n7,lamp,3,100,900,0.5,b2,200\n7,lamp,3,100,900,2.5,b3,900\n";
        let lots = read(text.as_bytes()).unwrap();
        assert_eq!(lots.iter().map(Lot::title).collect::<Vec<_>>(), ["lamp 7", "vase 8"]);
        let order: Vec<&str> = lots[0].bids.iter().map(|bid| bid.bidder.as_str()).collect();
        assert_eq!(order, ["b2", "b1", "b3"]);
        assert_eq!((lots[1].opening_minor, lots[1].recorded_price_minor), (50, 60));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert!(read("auction,item\n1,lamp\n".as_bytes()).is_err());
        assert_eq!(
            read("auction,item,duration_days,opening_minor,recorded_price_minor,bid_day,bidder,max_minor\n".as_bytes())
                .unwrap(),
            []
        );
    }
}
