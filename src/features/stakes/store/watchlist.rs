//! The watchlist, and who is to be told of which end.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Key, LotRow};
use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Timestamp};
use crate::http::Page;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// A watched auction.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::features::stakes) struct WatchRow {
    pub auction: Uuid,
    pub at: DateTime<Utc>,
    /// How the account stands in it, if it has bid.
    pub standing: Option<String>,
    #[sqlx(flatten)]
    pub lot: LotRow,
}

/// Somebody who is to be told that an auction ends soon.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::features::stakes) struct DueRow {
    pub account: Uuid,
    pub auction: Uuid,
    pub title: String,
    pub ends_at: DateTime<Utc>,
}

/// Whether there is a row of the auction.
pub(in crate::features::stakes) async fn is_known(db: &Db, auction: AuctionId) -> Result<bool, StoreError> {
    let text = "select count(*) from auctions where id = $1";
    Ok(sql!(db.read(), scalar i64, text, auction.0)? > 0)
}

/// Puts an auction on the list of an account, unless it is there. False if the list is full.
pub(in crate::features::stakes) async fn watch(
    db: &Db,
    account: AccountId,
    auction: AuctionId,
    at: Timestamp,
    max: i64,
) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    lock(&mut tx, account).await?;
    let text = "select count(*) from watchlist where account = $1 and auction <> $2";
    if sql!(tx.on(), scalar i64, text, account.0, auction.0)? >= max {
        return Ok(false);
    }
    let text = "insert into watchlist (account, auction, at, told_until) values ($1, $2, $3, $4)
         on conflict (account, auction) do nothing";
    sql!(tx.on(), exec, text, account.0, auction.0, to_datetime(at), DateTime::<Utc>::UNIX_EPOCH)?;
    tx.commit().await?;
    Ok(true)
}

/// Lets one request of an account at a time count and insert. On SQLite every writer is alone.
async fn lock(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    if let On::Pg(on) = tx.on() {
        let text = "select id from accounts where id = $1 for no key update";
        sqlx::query(text).bind(account.0).execute(on).await?;
    }
    Ok(())
}

/// Takes an auction off the list of an account.
pub(in crate::features::stakes) async fn unwatch(
    db: &Db,
    account: AccountId,
    auction: AuctionId,
) -> Result<(), StoreError> {
    let text = "delete from watchlist where account = $1 and auction = $2";
    sql!(db.write(), exec, text, account.0, auction.0)?;
    Ok(())
}

/// The list of an account, what was put there last first.
pub(in crate::features::stakes) async fn watched(
    db: &Db,
    account: AccountId,
    page: &Page<Key>,
) -> Result<Vec<WatchRow>, StoreError> {
    let text = "select w.auction, w.at, s.standing, a.title, a.image_url, a.currency, a.price, a.minimum_bid,
            a.bid_count, a.status, a.ends_at, a.outcome
         from watchlist w join auctions a on a.id = w.auction
         left join stakes s on s.auction = w.auction and s.bidder = w.account
         where w.account = $1 and ($2 is null or (w.at, w.auction) < ($2, $3))
         order by w.at desc, w.auction desc limit $4";
    let (at, auction) = Key::parts(page.after.as_ref());
    Ok(sql!(db.read(), all WatchRow, text, account.0, at, auction, page.fetch())?)
}

/// All who watch an auction.
pub(in crate::features::stakes) async fn watchers(tx: &mut Tx, auction: AuctionId) -> Result<Vec<Uuid>, StoreError> {
    Ok(sql!(tx.on(), scalars Uuid, "select account from watchlist where auction = $1", auction.0)?)
}

/// Who is to be told of an end between `now` and `until`.
pub(in crate::features::stakes) async fn reminders_due(
    db: &Db,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<DueRow>, StoreError> {
    let text = "select w.account, w.auction, r.title, r.ends_at from races r
         join watchlist w on w.auction = r.auction and w.told_until <= r.ends_at
         where r.status = 'open' and r.ends_at > $1 and r.ends_at <= $2 limit $3";
    Ok(sql!(db.read(), all DueRow, text, to_datetime(now), to_datetime(until), limit)?)
}

/// Notes that somebody was told of an end, and that each end before `until` is the same. False if they were told already,
/// or watch no more.
pub(in crate::features::stakes) async fn take_reminder(
    tx: &mut Tx,
    account: Uuid,
    auction: Uuid,
    ends_at: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let text = "update watchlist set told_until = $4 where account = $1 and auction = $2 and told_until <= $3";
    Ok(sql!(tx.on(), exec, text, account, auction, to_datetime(ends_at), to_datetime(until))? == 1)
}
