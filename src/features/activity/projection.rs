//! Follows the logs of auctions with what everybody may see of them, and shows it once it is committed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::item::{ActivityItem, ItemRow, NewRow};
use super::store::{self, AuctionRow};
use crate::clock::{Clock, from_datetime};
use crate::domain::auction::EventKind;
use crate::domain::{AuctionId, Span};
use crate::live::{Audience, Live};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Fact, Projected, Projection};

/// How many of a page are shown live, the newest, and in how many messages: nobody reads more of it as it goes by.
const SHOWN_MAX: usize = 100;
const ITEMS_PER_MESSAGE: usize = 20;
/// What is older is not shown live: it is read.
const SHOWN_AGE_MAX: Span = Span::from_secs(60);

/// The projection of activity.
#[derive(Debug)]
pub struct ActivityProjection {
    live: Live,
    clock: Clock,
    /// What was written last and is to be shown once it is committed.
    written: Mutex<Vec<ItemRow>>,
}

/// What followers of the activity are shown.
#[derive(Serialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The oldest first.
    items: Vec<ActivityItem>,
}

/// An auction of a page.
struct Followed {
    row: AuctionRow,
    from: i64,
}

impl ActivityProjection {
    /// One that shows over `live` what is young by `clock`.
    pub fn new(live: Live, clock: Clock) -> Self {
        Self { live, clock, written: Mutex::default() }
    }

    fn set_written(&self, rows: Vec<ItemRow>) -> Vec<ItemRow> {
        std::mem::replace(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner), rows)
    }
}

#[async_trait::async_trait]
impl Projection for ActivityProjection {
    fn name(&self) -> &'static str {
        "activity"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        // What was written before and never committed is not shown.
        self.set_written(Vec::new());
        let mut auctions: HashMap<AuctionId, Followed> = HashMap::new();
        let mut rows = Vec::new();
        for projected in page {
            let followed = match auctions.entry(projected.auction) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Followed::load(tx, projected).await?),
            };
            if followed.take_in(projected)? {
                rows.extend(NewRow::of(projected));
            }
        }
        for followed in auctions.values().filter(|followed| followed.row.seq > followed.from) {
            store::write_auction(tx, followed.from, &followed.row).await?;
        }
        let numbers = store::insert(tx, &rows).await?;
        let number = |row: &NewRow| numbers.get(&(row.auction, row.seq)).copied();
        let shown = rows.into_iter().filter_map(|what| {
            let AuctionRow { title, currency, .. } = auctions.get(&AuctionId(what.auction))?.row.clone();
            Some(ItemRow { id: number(&what)?, title, currency, what })
        });
        self.set_written(shown.collect());
        Ok(())
    }

    fn committed(&self) {
        let now = self.clock.now();
        let mut rows = self.set_written(Vec::new());
        rows.retain(|row| now.since(from_datetime(row.what.at)) <= SHOWN_AGE_MAX);
        let newest = rows.split_off(rows.len().saturating_sub(SHOWN_MAX));
        let mut items = newest.into_iter().map(ActivityItem::from).peekable();
        while items.peek().is_some() {
            let items = items.by_ref().take(ITEMS_PER_MESSAGE).collect();
            self.live.cast(Audience::Feed, &Shown { kind: "activity", items });
        }
    }
}

impl Followed {
    /// The auction of a record as it stands before it.
    async fn load(tx: &mut Tx, first: &Projected) -> Result<Self, StoreError> {
        let id = first.auction;
        let row = match (store::auction(tx, id).await?, &first.fact) {
            (Some(known), _) => known,
            (None, Fact::Created(created)) => AuctionRow::new(id, created),
            (None, Fact::Event(_)) => {
                return Err(inconsistent(format!("auction {id} has events and was never listed")));
            }
        };
        Ok(Self { from: row.seq, row })
    }

    /// False if the record is in already. One that leaves a gap is an error.
    fn take_in(&mut self, projected: &Projected) -> Result<bool, StoreError> {
        let seq = i64::try_from(projected.record.seq.0).unwrap_or(i64::MAX);
        if seq <= self.row.seq {
            return Ok(false);
        }
        if seq != self.row.seq + 1 {
            let (id, stands) = (projected.auction, self.row.seq);
            return Err(inconsistent(format!("auction {id} stands at {stands}, so {seq} does not follow")));
        }
        self.row.seq = seq;
        if let Fact::Event(event) = &projected.fact
            && let EventKind::Amended { listing, .. } = &event.kind
        {
            self.row.title = listing.title.to_string();
        }
        Ok(true)
    }
}

fn inconsistent(detail: String) -> StoreError {
    StoreError::Inconsistent { table: "activity_auctions", detail }
}
