//! The SQL of auctions and their bids.

pub(super) mod personal;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::list::{Filter, Key, Order, SortBy};
use super::row::{AuctionRow, BidRow, number};
use crate::clock::to_datetime;
use crate::domain::{AuctionId, Seq, Timestamp};
use crate::http::Page;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// The auction, as far as it is projected.
pub(super) async fn auction(db: &Db, id: AuctionId) -> Result<Option<AuctionRow>, StoreError> {
    Ok(sql!(db.read(), opt AuctionRow, "select * from auctions where id = $1", id.0)?)
}

/// The auction, as far as it is projected before this transaction.
pub(super) async fn auction_in(tx: &mut Tx, id: AuctionId) -> Result<Option<AuctionRow>, StoreError> {
    Ok(sql!(tx.on(), opt AuctionRow, "select * from auctions where id = $1", id.0)?)
}

/// Up to which event the auction is projected; none if not even its creation is.
pub(super) async fn projected_seq(db: &Db, id: AuctionId) -> Result<Option<Seq>, StoreError> {
    let seq = sql!(db.read(), opt_scalar i64, "select seq from auctions where id = $1", id.0)?;
    Ok(seq.map(|seq| Seq(seq.unsigned_abs())))
}

const INSERT: &str =
    "insert into auctions (id, seller, title, description, category, image_url, currency, opening_price,
        increments, has_reserve, reserve_met, buy_now, buy_now_until, soft_close, funds, starts_at, ends_at, created_at,
        status, price, minimum_bid, leader, bid_count, outcome, winner, winner_account, closed_at, seq, premium_bp,
        commission_bp)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28, $29, $30) on conflict (id) do nothing";

macro_rules! insert_row {
    ($on:expr, $row:expr) => {
        sql!(
            $on,
            exec,
            INSERT,
            $row.id,
            $row.seller,
            &$row.title,
            &$row.description,
            &$row.category,
            &$row.image_url,
            &$row.currency,
            $row.opening_price,
            &$row.increments,
            $row.has_reserve,
            $row.reserve_met,
            $row.buy_now,
            &$row.buy_now_until,
            &$row.soft_close,
            &$row.funds,
            $row.starts_at,
            $row.ends_at,
            $row.created_at,
            &$row.status,
            $row.price,
            $row.minimum_bid,
            $row.leader,
            $row.bid_count,
            &$row.outcome,
            $row.winner,
            $row.winner_account,
            $row.closed_at,
            $row.seq,
            $row.premium_bp,
            $row.commission_bp
        )
    };
}

/// Inserts an auction, unless it is there already.
pub(super) async fn insert(db: &Db, row: &AuctionRow) -> Result<(), StoreError> {
    insert_row!(db.write(), row)?;
    Ok(())
}

/// As [`insert`], within a transaction.
pub(super) async fn insert_in(tx: &mut Tx, row: &AuctionRow) -> Result<(), StoreError> {
    insert_row!(tx.on(), row)?;
    Ok(())
}

/// Writes what events have changed, onto the row as it was at `from`. No event changes fees.
pub(super) async fn update(tx: &mut Tx, from: i64, row: &AuctionRow) -> Result<(), StoreError> {
    let text = "update auctions set title = $3, description = $4, category = $5, image_url = $6, opening_price = $7,
            increments = $8, has_reserve = $9, reserve_met = $10, buy_now = $11, buy_now_until = $12, soft_close = $13,
            funds = $14, starts_at = $15, ends_at = $16, status = $17, price = $18, minimum_bid = $19, leader = $20,
            bid_count = $21, outcome = $22, winner = $23, winner_account = $24, closed_at = $25, seq = $26
         where id = $1 and seq = $2";
    let found = sql!(
        tx.on(),
        exec,
        text,
        row.id,
        from,
        &row.title,
        &row.description,
        &row.category,
        &row.image_url,
        row.opening_price,
        &row.increments,
        row.has_reserve,
        row.reserve_met,
        row.buy_now,
        &row.buy_now_until,
        &row.soft_close,
        &row.funds,
        row.starts_at,
        row.ends_at,
        &row.status,
        row.price,
        row.minimum_bid,
        row.leader,
        row.bid_count,
        &row.outcome,
        row.winner,
        row.winner_account,
        row.closed_at,
        row.seq
    )?;
    match found {
        1 => Ok(()),
        _ => Err(StoreError::WrongRowCount { statement: "project an auction", expected: 1, found }),
    }
}

/// Inserts bids that are not there already; a page of records holds no more than one statement takes.
pub(super) async fn insert_bids(tx: &mut Tx, bids: &[BidRow]) -> Result<(), StoreError> {
    const TEXT: &str = "insert into bids (auction, seq, at, bidder, alias, amount, price, voided) ";
    macro_rules! insert_on {
        ($on:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            builder.push_values(bids, |mut row, bid| {
                row.push_bind(bid.auction)
                    .push_bind(bid.seq)
                    .push_bind(bid.at)
                    .push_bind(bid.bidder)
                    .push_bind(bid.alias)
                    .push_bind(bid.amount)
                    .push_bind(bid.price)
                    .push_bind(bid.voided);
            });
            builder.push(" on conflict (auction, seq) do nothing");
            builder.build().persistent(bids.len() == 1).execute($on).await?;
        }};
    }
    if bids.is_empty() {
        return Ok(());
    }
    match tx.on() {
        On::Lite(on) => insert_on!(on),
        On::Pg(on) => insert_on!(on),
    }
    Ok(())
}

/// Marks a bid as one that no longer counts from then on.
pub(super) async fn void_bid(tx: &mut Tx, auction: AuctionId, seq: Seq, at: Timestamp) -> Result<(), StoreError> {
    let text = "update bids set voided = true, voided_at = $3 where auction = $1 and seq = $2";
    match sql!(tx.on(), exec, text, auction.0, number(seq.0), to_datetime(at))? {
        1 => Ok(()),
        found => Err(StoreError::WrongRowCount { statement: "void a bid", expected: 1, found }),
    }
}

/// Bids of an auction by their numbers, the newest first or last.
pub(super) async fn bids(
    db: &Db,
    auction: AuctionId,
    page: &Page<i64>,
    order: Order,
) -> Result<Vec<BidRow>, StoreError> {
    let rows = match order {
        Order::Asc => {
            let text = "select * from bids where auction = $1 and ($2 is null or seq > $2) order by seq limit $3";
            sql!(db.read(), all BidRow, text, auction.0, page.after, page.fetch())
        }
        Order::Desc => {
            let text = "select * from bids where auction = $1 and ($2 is null or seq < $2) order by seq desc limit $3";
            sql!(db.read(), all BidRow, text, auction.0, page.after, page.fetch())
        }
    };
    Ok(rows?)
}

/// A page of auctions.
pub(super) async fn list(db: &Db, filter: &Filter, page: &Page<Key>) -> Result<Vec<AuctionRow>, StoreError> {
    macro_rules! page_of {
        ($column:literal, $beyond:literal, $direction:literal, $after:expr) => {{
            const TEXT: &str = concat!(
                "select * from auctions where ($1 is null or status = $1) and ($2 is null or category = $2)
                 and ($3 is null or seller = $3) and ($4 is null or ends_at < $4)
                 and ($5 is null or (",
                $column,
                ", id) ",
                $beyond,
                " ($5, $6)) order by ",
                $column,
                " ",
                $direction,
                ", id ",
                $direction,
                " limit $7"
            );
            let Filter { status, category, seller, ends_before, .. } = filter;
            let ends_before: Option<DateTime<Utc>> = ends_before.map(|at| to_datetime(at.0));
            let after = page.after.as_ref();
            let id: Option<Uuid> = after.map(|key| key.id);
            let beyond = after.map($after);
            sql!(db.read(), all AuctionRow, TEXT, status, category, seller, ends_before, beyond, id, page.fetch())
        }};
    }
    let time = |key: &Key| to_datetime(Timestamp::from_millis(key.value));
    let money = |key: &Key| key.value;
    let rows = match (filter.sort.by, filter.sort.order) {
        (SortBy::EndsAt, Order::Asc) => page_of!("ends_at", ">", "asc", time),
        (SortBy::EndsAt, Order::Desc) => page_of!("ends_at", "<", "desc", time),
        (SortBy::CreatedAt, Order::Asc) => page_of!("created_at", ">", "asc", time),
        (SortBy::CreatedAt, Order::Desc) => page_of!("created_at", "<", "desc", time),
        (SortBy::Price, Order::Asc) => page_of!("coalesce(price, opening_price)", ">", "asc", money),
        (SortBy::Price, Order::Desc) => page_of!("coalesce(price, opening_price)", "<", "desc", money),
    };
    Ok(rows?)
}
