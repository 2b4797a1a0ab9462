//! The SQL of how bidders went about auctions that have ended. Auctions and bids are read as their own projection has
//! written them: it comes before this one, and what has ended changes no more.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Seq, Timestamp};
use crate::persistence::{On, StoreError, Tx};
use crate::sql;

/// Rows that one statement inserts: few enough for the binds that a statement may have.
const ROWS_MAX: usize = 500;

/// What must be known of an auction that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct LotRow {
    pub seller: Uuid,
    pub starts_at: DateTime<Utc>,
    pub seq: i64,
}

/// How a bidder went about an auction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConductRow {
    pub bidder: Uuid,
    pub lost: bool,
    pub share: i64,
    pub small: i64,
    pub early: i64,
}

/// What a bidder did of late, in sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct DealingsRow {
    pub bidder: Uuid,
    pub everywhere: i64,
    pub here: i64,
    pub lost: i64,
    pub share: i64,
    pub small: i64,
    pub early: i64,
}

/// Takes an auction as looked through. False if it was so before.
pub async fn insert_lot(
    tx: &mut Tx,
    auction: AuctionId,
    seller: Uuid,
    (seq, at): (Seq, Timestamp),
) -> Result<bool, StoreError> {
    let text = "insert into moderation_auctions (auction, seq, seller, ended_at) values ($1, $2, $3, $4)
         on conflict (auction) do nothing";
    let seq = i64::try_from(seq.0).unwrap_or(i64::MAX);
    Ok(sql!(tx.on(), exec, text, auction.0, seq, seller, to_datetime(at))? == 1)
}

/// The auction, as far as it is projected.
pub async fn lot(tx: &mut Tx, auction: AuctionId) -> Result<Option<LotRow>, StoreError> {
    Ok(sql!(tx.on(), opt LotRow, "select seller, starts_at, seq from auctions where id = $1", auction.0)?)
}

/// Up to so many bids of an auction that count, the oldest first: whose, when, and the price after each.
pub async fn bids(tx: &mut Tx, auction: AuctionId, limit: i64) -> Result<Vec<(Uuid, DateTime<Utc>, i64)>, StoreError> {
    let text = "select bidder, at, price from bids where auction = $1 and not voided order by seq limit $2";
    Ok(sql!(tx.on(), all(Uuid, DateTime<Utc>, i64), text, auction.0, limit)?)
}

/// Inserts how the bidders of an auction went about it.
pub async fn insert_conducts(
    tx: &mut Tx,
    auction: AuctionId,
    seller: Uuid,
    at: Timestamp,
    rows: &[ConductRow],
) -> Result<(), StoreError> {
    const TEXT: &str =
        "insert into moderation_conducts (auction, bidder, seller, ended_at, lost, share, small, early) ";
    macro_rules! insert_on {
        ($on:expr, $rows:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            builder.push_values($rows, |mut values, row| {
                values
                    .push_bind(auction.0)
                    .push_bind(row.bidder)
                    .push_bind(seller)
                    .push_bind(to_datetime(at))
                    .push_bind(row.lost)
                    .push_bind(row.share)
                    .push_bind(row.small)
                    .push_bind(row.early);
            });
            builder.push(" on conflict (auction, bidder) do nothing");
            builder.build().persistent(false).execute($on).await?;
        }};
    }
    for rows in rows.chunks(ROWS_MAX) {
        match tx.on() {
            On::Lite(on) => insert_on!(on, rows),
            On::Pg(on) => insert_on!(on, rows),
        }
    }
    Ok(())
}

/// What those who lost an auction did since a moment: of those with enough auctions of its seller, up to so many, those
/// with most first.
pub async fn dealings(
    tx: &mut Tx,
    auction: AuctionId,
    seller: Uuid,
    since: Timestamp,
    (here_min, limit): (i64, i64),
) -> Result<Vec<DealingsRow>, StoreError> {
    let text = "select bidder, count(*) as everywhere,
            cast(sum(case when seller = $2 then 1 else 0 end) as bigint) as here,
            cast(sum(case when seller = $2 and lost then 1 else 0 end) as bigint) as lost,
            cast(sum(case when seller = $2 then share else 0 end) as bigint) as share,
            cast(sum(case when seller = $2 then small else 0 end) as bigint) as small,
            cast(sum(case when seller = $2 then early else 0 end) as bigint) as early
         from moderation_conducts
         where ended_at >= $3
            and bidder in (select bidder from moderation_conducts where auction = $1 and lost)
         group by bidder having sum(case when seller = $2 then 1 else 0 end) >= $4
         order by 3 desc, bidder limit $5";
    Ok(sql!(tx.on(), all DealingsRow, text, auction.0, seller, to_datetime(since), here_min, limit)?)
}

/// Where somebody bid since a moment, the last first, up to so many: in which auction, of which seller, and whether somebody
/// else won.
pub async fn visits(
    tx: &mut Tx,
    bidder: AccountId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, bool)>, StoreError> {
    let text = "select auction, seller, lost from moderation_conducts where bidder = $1 and ended_at >= $2
         order by ended_at desc, auction limit $3";
    Ok(sql!(tx.on(), all(Uuid, Uuid, bool), text, bidder.0, to_datetime(since), limit)?)
}
