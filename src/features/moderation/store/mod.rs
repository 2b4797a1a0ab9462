//! The SQL of the queue. What is open of one kind about one topic and account is one row, which is the lock on it.

mod conducts;
pub(super) mod personal;
mod reports;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::evidence::Evidence;
use super::request::{Filter, Order};
use super::{Kind, Outcome};
use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::Page;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

pub(super) use conducts::{ConductRow, DealingsRow, bids, dealings, insert_conducts, insert_lot, lot, visits};
pub(super) use reports::{NewReport, ReportRow, close_reports, insert_report, report_of, reports};

/// An item of the queue, with the present names of those who have to do with it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ItemRow {
    pub number: i64,
    pub id: Uuid,
    pub kind: String,
    pub topic: Uuid,
    pub account: Uuid,
    pub account_name: Option<String>,
    pub auction: Uuid,
    pub auction_title: Option<String>,
    pub seller: Option<Uuid>,
    /// What the comment says; none once it is deleted, and where it is about none.
    pub comment_body: Option<String>,
    pub evidence: Option<Json<Evidence>>,
    pub times: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub status: String,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<Uuid>,
    pub closed_by_name: Option<String>,
    pub reason: Option<String>,
}

/// Something to look at.
#[derive(Debug, Clone)]
pub(super) struct Raised {
    pub id: Uuid,
    pub kind: Kind,
    /// The comment or the auction that is reported; the seller with whom somebody looks like a shill.
    pub topic: Uuid,
    pub account: AccountId,
    pub auction: AuctionId,
    pub evidence: Option<Evidence>,
    pub at: Timestamp,
}

/// What staff decides about an item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing<'a> {
    pub by: AccountId,
    pub at: Timestamp,
    pub outcome: Outcome,
    pub reason: &'a str,
}

macro_rules! items {
    ($which:expr) => {
        concat!(
            "select i.number, i.id, i.kind, i.topic, i.account, a.display_name as account_name, i.auction,
                l.title as auction_title, l.seller, c.body as comment_body, i.evidence, i.times, i.first_at, i.last_at,
                i.status, i.closed_at, i.closed_by, s.display_name as closed_by_name, i.reason
             from moderation_items i left join accounts a on a.id = i.account left join auctions l on l.id = i.auction
             left join comments c on i.kind = 'comment_report' and c.id = i.topic
             left join accounts s on s.id = i.closed_by ",
            $which
        )
    };
}

/// Puts something into the queue, or counts it once more if it waits there; gives the id under which it does.
pub(super) async fn raise(tx: &mut Tx, raised: &Raised) -> Result<Uuid, StoreError> {
    let text = "insert into moderation_items (id, kind, topic, account, auction, evidence, first_at, last_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)
         on conflict (kind, topic, account) where status = 'open' do update set auction = excluded.auction,
            evidence = excluded.evidence, last_at = excluded.last_at, times = moderation_items.times + 1, told = false
         returning id";
    let id = sql!(
        tx.on(),
        scalar Uuid,
        text,
        raised.id,
        raised.kind.name(),
        raised.topic,
        raised.account.0,
        raised.auction.0,
        raised.evidence.as_ref().map(Json),
        to_datetime(raised.at)
    )?;
    Ok(id)
}

/// An item.
pub(super) async fn item(db: &Db, id: Uuid) -> Result<Option<ItemRow>, StoreError> {
    Ok(sql!(db.read(), opt ItemRow, items!("where i.id = $1"), id)?)
}

/// As [`item`], within a transaction.
pub(super) async fn item_in(tx: &mut Tx, id: Uuid) -> Result<ItemRow, StoreError> {
    Ok(sql!(tx.on(), one ItemRow, items!("where i.id = $1"), id)?)
}

/// Closes an item. False if it is not open.
pub(super) async fn close(tx: &mut Tx, id: Uuid, closing: &Closing<'_>) -> Result<bool, StoreError> {
    let text = "update moderation_items set status = $2, closed_at = $3, closed_by = $4, reason = $5, told = false
         where id = $1 and status = 'open'";
    let Closing { by, at, outcome, reason } = *closing;
    Ok(sql!(tx.on(), exec, text, id, outcome.name(), to_datetime(at), by.0, reason)? == 1)
}

/// A page of the queue.
pub(super) async fn queue(db: &Db, filter: &Filter, page: &Page<i64>) -> Result<Vec<ItemRow>, StoreError> {
    macro_rules! page_of {
        ($beyond:literal, $direction:literal) => {{
            let text = items!(concat!(
                "where ($1 is null or i.status = $1) and ($2 is null or i.kind = $2) and ($3 is null or i.auction = $3)
                 and ($4 is null or i.account = $4) and ($5 is null or i.number ",
                $beyond,
                " $5) order by i.number ",
                $direction,
                " limit $6"
            ));
            let (status, kind) = (filter.status.map(|it| it.name()), filter.kind.map(Kind::name));
            let (auction, account) = (filter.auction, filter.account);
            sql!(db.read(), all ItemRow, text, status, kind, auction, account, page.after, page.fetch())
        }};
    }
    Ok(match filter.order {
        Order::Asc => page_of!(">", "asc"),
        Order::Desc => page_of!("<", "desc"),
    }?)
}

/// Up to so many items that staff was not shown yet as they are, oldest first.
pub(super) async fn untold(db: &Db, limit: i64) -> Result<Vec<ItemRow>, StoreError> {
    Ok(sql!(db.read(), all ItemRow, items!("where not i.told order by i.number limit $1"), limit)?)
}

/// Notes that an item is shown to staff. False if another node has done so meanwhile.
pub(super) async fn tell(db: &Db, id: Uuid) -> Result<bool, StoreError> {
    let text = "update moderation_items set told = true where id = $1 and not told";
    Ok(sql!(db.write(), exec, text, id)? == 1)
}

/// How many items are open, by kind; kinds without one are left out.
pub(super) async fn open_items(db: &Db) -> Result<Vec<(String, i64)>, StoreError> {
    let text = "select kind, count(*) from moderation_items where status = 'open' group by kind";
    Ok(sql!(db.read(), all(String, i64), text)?)
}
