//! Races: what of an auction its people are told, up to one event.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::AuctionId;
use crate::persistence::{StoreError, Tx};
use crate::projection::Created;
use crate::sql;

/// A row of `races`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::stakes) struct RaceRow {
    pub auction: Uuid,
    pub seller: Uuid,
    pub title: String,
    pub currency: String,
    pub status: String,
    pub planned_end: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub price: Option<i64>,
    pub leader: Option<Uuid>,
    pub seq: i64,
}

impl RaceRow {
    /// The race of an auction just created.
    pub fn new(auction: AuctionId, created: &Created) -> Self {
        let Created { terms, listing, .. } = created;
        Self {
            auction: auction.0,
            seller: terms.seller.0,
            title: listing.title.to_string(),
            currency: terms.currency.to_string(),
            status: "scheduled".to_owned(),
            planned_end: to_datetime(terms.ends_at),
            ends_at: to_datetime(terms.ends_at),
            price: None,
            leader: None,
            seq: 0,
        }
    }
}

/// The race for an auction, if its creation is projected.
pub(in crate::features::stakes) async fn race(tx: &mut Tx, auction: AuctionId) -> Result<Option<RaceRow>, StoreError> {
    Ok(sql!(tx.on(), opt RaceRow, "select * from races where auction = $1", auction.0)?)
}

/// Inserts a race, unless it is there already.
pub(in crate::features::stakes) async fn insert_race(tx: &mut Tx, row: &RaceRow) -> Result<(), StoreError> {
    let text = "insert into races (auction, seller, title, currency, status, planned_end, ends_at, seq)
         values ($1, $2, $3, $4, $5, $6, $7, 0) on conflict (auction) do nothing";
    let RaceRow { auction, seller, title, currency, status, planned_end, ends_at, .. } = row;
    sql!(tx.on(), exec, text, auction, seller, title, currency, status, planned_end, ends_at)?;
    Ok(())
}

/// Writes what events have changed, onto the row as it was at `from`.
pub(in crate::features::stakes) async fn update_race(tx: &mut Tx, from: i64, row: &RaceRow) -> Result<(), StoreError> {
    let text = "update races set title = $3, status = $4, planned_end = $5, ends_at = $6, price = $7, leader = $8,
            seq = $9
         where auction = $1 and seq = $2";
    let RaceRow { auction, title, status, planned_end, ends_at, price, leader, seq, .. } = row;
    match sql!(tx.on(), exec, text, auction, from, title, status, planned_end, ends_at, price, leader, seq)? {
        1 => Ok(()),
        found => Err(StoreError::WrongRowCount { statement: "project a race", expected: 1, found }),
    }
}
