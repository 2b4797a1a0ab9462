//! The SQL of activity.

use std::collections::HashMap;

use uuid::Uuid;

use super::item::{ItemRow, NewRow};
use crate::domain::AuctionId;
use crate::http::Page;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::projection::Created;
use crate::sql;

/// A row of `activity_auctions`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct AuctionRow {
    pub auction: Uuid,
    pub title: String,
    pub currency: String,
    /// The last record that is in; -1 before the creation is.
    pub seq: i64,
}

impl AuctionRow {
    /// Of an auction whose creation is about to be taken in.
    pub fn new(auction: AuctionId, created: &Created) -> Self {
        let (title, currency) = (created.listing.title.to_string(), created.terms.currency.to_string());
        Self { auction: auction.0, title, currency, seq: -1 }
    }
}

/// Whether there is anything of the auction.
pub(super) async fn is_known(db: &Db, auction: AuctionId) -> Result<bool, StoreError> {
    let text = "select count(*) from activity_auctions where auction = $1";
    Ok(sql!(db.read(), scalar i64, text, auction.0)? > 0)
}

/// What is known of an auction, if its creation is in.
pub(super) async fn auction(tx: &mut Tx, auction: AuctionId) -> Result<Option<AuctionRow>, StoreError> {
    Ok(sql!(tx.on(), opt AuctionRow, "select * from activity_auctions where auction = $1", auction.0)?)
}

/// Writes what is known of an auction onto the row as it was at `from`.
pub(super) async fn write_auction(tx: &mut Tx, from: i64, row: &AuctionRow) -> Result<(), StoreError> {
    let text = "insert into activity_auctions (auction, title, currency, seq) values ($1, $2, $3, $4)
         on conflict (auction) do update set title = excluded.title, seq = excluded.seq
         where activity_auctions.seq = $5";
    match sql!(tx.on(), exec, text, row.auction, &row.title, &row.currency, row.seq, from)? {
        1 => Ok(()),
        found => Err(StoreError::WrongRowCount { statement: "follow the activity of an auction", expected: 1, found }),
    }
}

/// Inserts items that are not there already, and gives their numbers; a page of records has no more than one statement
/// takes.
pub(super) async fn insert(tx: &mut Tx, rows: &[NewRow]) -> Result<HashMap<(Uuid, i64), i64>, StoreError> {
    const TEXT: &str =
        "insert into activity (auction, seq, at, kind, bidder, amount, price, ends_at, outcome, reason) ";
    macro_rules! insert_on {
        ($on:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            builder.push_values(rows, |mut to, row| {
                to.push_bind(row.auction)
                    .push_bind(row.seq)
                    .push_bind(row.at)
                    .push_bind(row.kind.as_str())
                    .push_bind(row.bidder)
                    .push_bind(row.amount)
                    .push_bind(row.price)
                    .push_bind(row.ends_at)
                    .push_bind(row.outcome.as_deref())
                    .push_bind(row.reason.as_deref());
            });
            builder.push(" on conflict (auction, seq) do nothing returning auction, seq, id");
            builder.build_query_as::<(Uuid, i64, i64)>().persistent(rows.len() == 1).fetch_all($on).await?
        }};
    }
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let numbers = match tx.on() {
        On::Lite(on) => insert_on!(on),
        On::Pg(on) => insert_on!(on),
    };
    Ok(numbers.into_iter().map(|(auction, seq, id)| ((auction, seq), id)).collect())
}

/// The activity of all auctions, newest first.
pub(super) async fn all(db: &Db, page: &Page<i64>) -> Result<Vec<ItemRow>, StoreError> {
    let text = "select i.*, a.title, a.currency from activity i join activity_auctions a on a.auction = i.auction
         where ($1 is null or i.id < $1) order by i.id desc limit $2";
    Ok(sql!(db.read(), all ItemRow, text, page.after, page.fetch())?)
}

/// The activity of one auction, newest first.
pub(super) async fn of_auction(db: &Db, auction: AuctionId, page: &Page<i64>) -> Result<Vec<ItemRow>, StoreError> {
    let text = "select i.*, a.title, a.currency from activity i join activity_auctions a on a.auction = i.auction
         where i.auction = $1 and ($2 is null or i.seq < $2) order by i.seq desc limit $3";
    Ok(sql!(db.read(), all ItemRow, text, auction.0, page.after, page.fetch())?)
}

/// Deletes up to `limit` of the oldest beyond the `kept` newest; gives how many.
pub(super) async fn sweep(db: &Db, kept: i64, limit: i64) -> Result<u64, StoreError> {
    let text = "delete from activity where id in (
             select id from activity where id <= (select max(id) from activity) - $1 order by id limit $2)";
    Ok(sql!(db.write(), exec, text, kept, limit)?)
}
