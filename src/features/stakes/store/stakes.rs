//! Stakes: who has bid in which auction, and what became of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Key, LotRow};
use crate::domain::{AccountId, AuctionId};
use crate::http::Page;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// A row of `stakes`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::stakes) struct StakeRow {
    pub auction: Uuid,
    pub bidder: Uuid,
    pub alias: i64,
    pub standing: String,
    /// The highest ceiling that is in the race.
    pub ceiling: Option<i64>,
    /// How many bids count.
    pub bids: i64,
    pub last_seq: i64,
    pub last_at: DateTime<Utc>,
}

/// A stake of the caller's own, with what is shown of its auction.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::features::stakes) struct BidRow {
    #[sqlx(flatten)]
    pub stake: StakeRow,
    #[sqlx(flatten)]
    pub lot: LotRow,
}

impl StakeRow {
    /// Of somebody who bids for the first time; the bid is yet to be written into it.
    pub fn new(auction: Uuid, bidder: Uuid, alias: u32) -> Self {
        Self {
            auction,
            bidder,
            alias: alias.into(),
            standing: String::new(),
            ceiling: None,
            bids: 0,
            last_seq: 0,
            last_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }
}

/// The stakes of these bidders in an auction, of those who have one.
pub(in crate::features::stakes) async fn stakes(
    tx: &mut Tx,
    auction: AuctionId,
    bidders: &[Uuid],
) -> Result<Vec<StakeRow>, StoreError> {
    match tx.on() {
        On::Lite(on) => {
            let text = "select * from stakes where auction = $1 and bidder = $2";
            let mut rows = Vec::new();
            for bidder in bidders {
                rows.extend(sqlx::query_as(text).bind(auction.0).bind(bidder).fetch_optional(&mut *on).await?);
            }
            Ok(rows)
        }
        On::Pg(on) => {
            let text = "select * from stakes where auction = $1 and bidder = any($2)";
            Ok(sqlx::query_as(text).bind(auction.0).bind(bidders).fetch_all(on).await?)
        }
    }
}

/// Writes stakes, new ones and those that have changed; a page of records has no more than one statement takes.
pub(in crate::features::stakes) async fn write_stakes(tx: &mut Tx, stakes: &[&StakeRow]) -> Result<(), StoreError> {
    const TEXT: &str = "insert into stakes (auction, bidder, alias, standing, ceiling, bids, last_seq, last_at) ";
    macro_rules! write_on {
        ($on:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            builder.push_values(stakes, |mut row, stake| {
                row.push_bind(stake.auction)
                    .push_bind(stake.bidder)
                    .push_bind(stake.alias)
                    .push_bind(stake.standing.as_str())
                    .push_bind(stake.ceiling)
                    .push_bind(stake.bids)
                    .push_bind(stake.last_seq)
                    .push_bind(stake.last_at);
            });
            builder.push(
                " on conflict (auction, bidder) do update set standing = excluded.standing, ceiling = excluded.ceiling,
                    bids = excluded.bids, last_seq = excluded.last_seq, last_at = excluded.last_at",
            );
            builder.build().persistent(stakes.len() == 1).execute($on).await?;
        }};
    }
    if stakes.is_empty() {
        return Ok(());
    }
    match tx.on() {
        On::Lite(on) => write_on!(on),
        On::Pg(on) => write_on!(on),
    }
    Ok(())
}

/// Ends the stakes in an auction: the winner's is won, all others that were in the race stand as `others`.
pub(in crate::features::stakes) async fn end_stakes(
    tx: &mut Tx,
    auction: AuctionId,
    winner: Option<AccountId>,
    others: &str,
) -> Result<(), StoreError> {
    let text = "update stakes set standing = case when bidder = $2 then 'won' else $3 end
         where auction = $1 and standing in ('leading', 'outbid')";
    sql!(tx.on(), exec, text, auction.0, winner.map(|winner| winner.0), others)?;
    Ok(())
}

/// Those who did not win.
pub(in crate::features::stakes) async fn losers(tx: &mut Tx, auction: AuctionId) -> Result<Vec<Uuid>, StoreError> {
    let text = "select bidder from stakes where auction = $1 and standing = 'lost' order by bidder";
    Ok(sql!(tx.on(), scalars Uuid, text, auction.0)?)
}

/// All who have bid, whatever became of it.
pub(in crate::features::stakes) async fn bidders(tx: &mut Tx, auction: AuctionId) -> Result<Vec<Uuid>, StoreError> {
    Ok(sql!(tx.on(), scalars Uuid, "select bidder from stakes where auction = $1", auction.0)?)
}

/// The stakes of an account, those with the newest bids first, of one standing if it is given.
pub(in crate::features::stakes) async fn bids(
    db: &Db,
    account: AccountId,
    standing: Option<&str>,
    page: &Page<Key>,
) -> Result<Vec<BidRow>, StoreError> {
    let (at, auction) = Key::parts(page.after.as_ref());
    let rows = match standing {
        None => {
            let text = "select s.*, a.title, a.image_url, a.currency, a.price, a.minimum_bid, a.bid_count, a.status,
                    a.ends_at, a.outcome
                 from stakes s join auctions a on a.id = s.auction
                 where s.bidder = $1 and ($2 is null or (s.last_at, s.auction) < ($2, $3))
                 order by s.last_at desc, s.auction desc limit $4";
            sql!(db.read(), all BidRow, text, account.0, at, auction, page.fetch())
        }
        Some(standing) => {
            let text = "select s.*, a.title, a.image_url, a.currency, a.price, a.minimum_bid, a.bid_count, a.status,
                    a.ends_at, a.outcome
                 from stakes s join auctions a on a.id = s.auction
                 where s.bidder = $1 and s.standing = $2 and ($3 is null or (s.last_at, s.auction) < ($3, $4))
                 order by s.last_at desc, s.auction desc limit $5";
            sql!(db.read(), all BidRow, text, account.0, standing, at, auction, page.fetch())
        }
    };
    Ok(rows?)
}
