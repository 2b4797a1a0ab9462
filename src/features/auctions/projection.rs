//! Keeps the rows of auctions and bids as the journal says they are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::row::{AuctionRow, BidRow, number};
use super::store;
use crate::domain::AuctionId;
use crate::domain::auction::{Event, EventKind};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Fact, Projected, Projection};

/// The projection of auctions and bids.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuctionsProjection;

/// What a page does to one auction.
struct Change {
    from: i64,
    row: AuctionRow,
}

#[async_trait::async_trait]
impl Projection for AuctionsProjection {
    fn name(&self) -> &'static str {
        "auctions"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        let mut changes: HashMap<AuctionId, Change> = HashMap::new();
        let (mut bids, mut voided) = (Vec::new(), Vec::new());
        for projected in page {
            let auction = projected.auction;
            let event = match &projected.fact {
                Fact::Created(created) => {
                    let row = AuctionRow::created(auction, created.at, &created.terms, &created.listing);
                    store::insert_in(tx, &row).await?;
                    continue;
                }
                Fact::Event(event) => event,
            };
            let change = match changes.entry(auction) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(load(tx, auction).await?),
            };
            if !follows(&change.row, event)? {
                continue;
            }
            change.row.fold(event);
            match &event.kind {
                EventKind::Bid(bid) => bids.push(BidRow::placed(auction, event, bid)),
                EventKind::BidVoided(void) => voided.push((auction, void.voided, event.at)),
                _ => {}
            }
        }
        store::insert_bids(tx, &bids).await?;
        for (auction, seq, at) in voided {
            store::void_bid(tx, auction, seq, at).await?;
        }
        for change in changes.into_values().filter(|change| change.row.seq > change.from) {
            store::update(tx, change.from, &change.row).await?;
        }
        Ok(())
    }
}

async fn load(tx: &mut Tx, auction: AuctionId) -> Result<Change, StoreError> {
    let row = store::auction_in(tx, auction).await?;
    let missing = || inconsistent(format!("auction {auction} has events but no row"));
    let row = row.ok_or_else(missing)?;
    Ok(Change { from: row.seq, row })
}

/// False if the event is in the row already. One that leaves a gap is an error: it must not be papered over.
fn follows(row: &AuctionRow, event: &Event) -> Result<bool, StoreError> {
    let seq = number(event.seq.0);
    if seq > row.seq + 1 {
        return Err(inconsistent(format!("auction {} stands at {}, so {seq} does not follow", row.id, row.seq)));
    }
    Ok(seq == row.seq + 1)
}

fn inconsistent(detail: String) -> StoreError {
    StoreError::Inconsistent { table: "auctions", detail }
}
