//! The books of auctions, and what bidders have set aside for them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{currency, money, number};
use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Currency, Fees, Money, Seq, Timestamp};
use crate::ledger::hold::Book;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// What is set aside by one bidder for one auction; nothing yet, by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Hold {
    pub allowance: Money,
    pub version: u64,
    pub wanted: Money,
}

/// A row of `auction_books`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct BookRow {
    auction: Uuid,
    seller: Uuid,
    currency: String,
    premium_bp: i64,
    commission_bp: i64,
    settled_seq: Option<i64>,
}

/// A change of an allowance that the log of the auction does not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// For which auction.
    pub auction: AuctionId,
    /// Whose.
    pub bidder: AccountId,
    /// What was asked for.
    pub wanted: Money,
    /// At which version.
    pub version: u64,
}

impl BookRow {
    /// Which auction.
    pub fn auction(&self) -> AuctionId {
        AuctionId(self.auction)
    }

    /// Who sells.
    pub fn seller(&self) -> AccountId {
        AccountId(self.seller)
    }

    /// In which currency.
    pub fn currency(&self) -> Result<Currency, StoreError> {
        currency("auction_books", &self.currency)
    }

    /// What a sale costs beyond the price.
    pub fn fees(&self) -> Result<Fees, StoreError> {
        let read = |points: i64| {
            let detail = || format!("{points} is no number of basis points");
            u16::try_from(points).map_err(|_| StoreError::Inconsistent { table: "auction_books", detail: detail() })
        };
        Ok(Fees { premium_bp: read(self.premium_bp)?, commission_bp: read(self.commission_bp)? })
    }

    /// True if nothing can be set aside any more.
    pub fn is_settled(&self) -> bool {
        self.settled_seq.is_some()
    }

    /// The event that it was settled by.
    pub(super) fn settled_by(&self) -> Option<Seq> {
        self.settled_seq.map(|seq| Seq(seq.max(0).unsigned_abs()))
    }
}

impl TryFrom<&BookRow> for Book {
    type Error = StoreError;

    fn try_from(row: &BookRow) -> Result<Self, StoreError> {
        Ok(Self { auction: row.auction(), seller: row.seller(), currency: row.currency()?, fees: row.fees()? })
    }
}

/// Opens the book of an auction, unless it is there already.
pub async fn insert_book(tx: &mut Tx, book: &Book) -> Result<(), StoreError> {
    let text = "insert into auction_books (auction, seller, currency, premium_bp, commission_bp)
         values ($1, $2, $3, $4, $5) on conflict (auction) do nothing";
    let Book { auction, seller, currency, fees } = book;
    let (premium, commission) = (i64::from(fees.premium_bp), i64::from(fees.commission_bp));
    sql!(tx.on(), exec, text, auction.0, seller.0, currency.code(), premium, commission)?;
    Ok(())
}

/// True if the auction is settled; if not, it cannot be settled before this transaction ends. The book is opened if it is
/// new.
pub(in crate::ledger) async fn is_settled(tx: &mut Tx, book: &Book) -> Result<bool, StoreError> {
    // SQLite has one writer at a time, so there the row needs no lock.
    let text = match tx.on() {
        On::Lite(_) => "select settled_seq is not null from auction_books where auction = $1",
        On::Pg(_) => "select settled_seq is not null from auction_books where auction = $1 for share",
    };
    let found = sql!(tx.on(), opt_scalar bool, text, book.auction.0)?;
    if let Some(settled) = found {
        return Ok(settled);
    }
    insert_book(tx, book).await?;
    Ok(sql!(tx.on(), scalar bool, text, book.auction.0)?)
}

/// The book of an auction.
pub async fn book(tx: &mut Tx, auction: AuctionId) -> Result<Option<BookRow>, StoreError> {
    Ok(sql!(tx.on(), opt BookRow, "select * from auction_books where auction = $1", auction.0)?)
}

/// Locks the books of auctions that are to be settled, in the order in which they are given: sort them.
pub async fn lock_books(tx: &mut Tx, auctions: &[AuctionId]) -> Result<(), StoreError> {
    for auction in auctions {
        let text = "update auction_books set settled_seq = settled_seq where auction = $1";
        sql!(tx.on(), exec, text, auction.0)?;
    }
    Ok(())
}

/// Marks an auction as settled by its event `seq`. False if it is already.
pub(in crate::ledger) async fn mark_settled(
    tx: &mut Tx,
    auction: AuctionId,
    seq: Seq,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let text = "update auction_books set settled_seq = $2, settled_at = $3 where auction = $1 and settled_seq is null";
    Ok(sql!(tx.on(), exec, text, auction.0, number(seq.0), to_datetime(at))? == 1)
}

/// Everyone whose wallet settling an auction may touch: who holds money for it, and who sells.
pub async fn holders_in(tx: &mut Tx, auction: AuctionId) -> Result<Vec<(AccountId, Currency)>, StoreError> {
    let text = "select owner, currency from ledger_accounts where auction = $1 and balance > 0
         union select seller, currency from auction_books where auction = $1";
    let rows = sql!(tx.on(), all(Uuid, String), text, auction.0)?;
    rows.into_iter().map(|(owner, code)| Ok((AccountId(owner), currency("ledger_accounts", &code)?))).collect()
}

/// Who has how much set aside for an auction, by owner.
pub(in crate::ledger) async fn held_for(
    tx: &mut Tx,
    auction: AuctionId,
) -> Result<Vec<(AccountId, Money)>, StoreError> {
    let text = "select owner, balance from ledger_accounts where auction = $1 and balance > 0 order by owner";
    let rows = sql!(tx.on(), all(Uuid, i64), text, auction.0)?;
    rows.into_iter().map(|(owner, balance)| Ok((AccountId(owner), money("ledger_accounts", balance)?))).collect()
}

/// What is set aside by one bidder; lock the wallet first.
pub(in crate::ledger) async fn hold(
    tx: &mut Tx,
    auction: AuctionId,
    bidder: AccountId,
) -> Result<Option<Hold>, StoreError> {
    let text = "select allowance, version, wanted from holds where auction = $1 and bidder = $2";
    let row = sql!(tx.on(), opt(i64, i64, i64), text, auction.0, bidder.0)?;
    row.map(|(allowance, version, wanted)| {
        let (allowance, wanted) = (money("holds", allowance)?, money("holds", wanted)?);
        Ok(Hold { allowance, version: version.unsigned_abs(), wanted })
    })
    .transpose()
}

/// Writes what is set aside by one bidder; lock the wallet first.
pub(in crate::ledger) async fn write_hold(
    tx: &mut Tx,
    auction: AuctionId,
    bidder: AccountId,
    allowance: Money,
    version: u64,
    wanted: Money,
    at: Timestamp,
) -> Result<(), StoreError> {
    let text = "insert into holds (auction, bidder, allowance, version, wanted, confirmed, touched_at)
         values ($1, $2, $3, $4, $5, 0, $6)
         on conflict (auction, bidder) do update set allowance = excluded.allowance, version = excluded.version,
            wanted = excluded.wanted, touched_at = excluded.touched_at";
    let (allowance, wanted) = (allowance.minor_units(), wanted.minor_units());
    sql!(tx.on(), exec, text, auction.0, bidder.0, allowance, number(version), wanted, to_datetime(at))?;
    Ok(())
}

/// Notes that the log has an allowance at `version`.
pub(in crate::ledger) async fn confirm_version(
    tx: &mut Tx,
    auction: AuctionId,
    bidder: AccountId,
    version: u64,
) -> Result<(), StoreError> {
    let text = "update holds set confirmed = $3 where auction = $1 and bidder = $2 and confirmed < $3";
    sql!(tx.on(), exec, text, auction.0, bidder.0, number(version))?;
    Ok(())
}

/// Notes that the room was told of a change again, unless there is a newer one.
pub async fn touch(db: &Db, it: &Unconfirmed, at: Timestamp) -> Result<(), StoreError> {
    let text = "update holds set touched_at = $4 where auction = $1 and bidder = $2 and version = $3";
    sql!(db.write(), exec, text, it.auction.0, it.bidder.0, number(it.version), to_datetime(at))?;
    Ok(())
}

/// Changes asked for before `before` that no log has, the oldest first.
pub async fn unconfirmed(db: &Db, before: Timestamp, limit: i64) -> Result<Vec<Unconfirmed>, StoreError> {
    let text = "select hold.auction, hold.bidder, hold.wanted, hold.version from holds hold
         join auction_books book on book.auction = hold.auction
         where hold.version > hold.confirmed and hold.touched_at < $1 and book.settled_seq is null
         order by hold.touched_at limit $2";
    let before: DateTime<Utc> = to_datetime(before);
    let rows = sql!(db.read(), all(Uuid, Uuid, i64, i64), text, before, limit)?;
    let read = |(auction, bidder, wanted, version): (Uuid, Uuid, i64, i64)| {
        let (auction, bidder) = (AuctionId(auction), AccountId(bidder));
        Ok(Unconfirmed { auction, bidder, wanted: money("holds", wanted)?, version: version.unsigned_abs() })
    };
    rows.into_iter().map(read).collect()
}
