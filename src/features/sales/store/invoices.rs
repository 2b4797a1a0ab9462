//! Invoices. What they say of a sale is written once; only whether it is paid changes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{currency, money, number};
use crate::clock::to_datetime;
use crate::domain::{AccountId, AuctionId, Currency, Money, Timestamp};
use crate::features::sales::invoices::{Amounts, NewInvoice, Status};
use crate::http::Page;
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// An invoice, with the names of its parties as they are now.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(in crate::features::sales) struct InvoiceRow {
    pub id: Uuid,
    pub number: i64,
    pub auction: Uuid,
    pub at: DateTime<Utc>,
    pub seller: Uuid,
    pub winner: Uuid,
    pub seller_name: Option<String>,
    pub winner_name: Option<String>,
    currency: String,
    pub title: String,
    price: i64,
    premium: i64,
    commission: i64,
    payout: i64,
    pub status: String,
    pub paid_at: Option<DateTime<Utc>>,
}

/// Of which invoices of an account a list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::features::sales) struct Share {
    pub account: AccountId,
    pub bought: bool,
    pub sold: bool,
}

impl InvoiceRow {
    /// In which currency.
    pub fn currency(&self) -> Result<Currency, StoreError> {
        currency("invoices", &self.currency)
    }

    /// What it is about.
    pub fn amounts(&self) -> Result<Amounts, StoreError> {
        let read = |minor| money("invoices", minor);
        Ok(Amounts {
            price: read(self.price)?,
            premium: read(self.premium)?,
            commission: read(self.commission)?,
            payout: read(self.payout)?,
        })
    }
}

/// Writes an invoice under the next number, unless it is there already.
pub(in crate::features::sales) async fn insert_invoice(tx: &mut Tx, new: &NewInvoice) -> Result<(), StoreError> {
    let text = "insert into invoices (number, id, auction, seq, at, seller, winner, currency, title, price, premium,
            commission, payout, status, paid_at)
         select coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
         from invoices where true on conflict (auction, seq) do nothing";
    let NewInvoice { auction, seq, at, seller, winner, currency, title, amounts, status } = new;
    let [price, premium, commission, payout] =
        [amounts.price, amounts.premium, amounts.commission, amounts.payout].map(Money::minor_units);
    let at = to_datetime(*at);
    let paid_at: Option<DateTime<Utc>> = (*status == Status::Paid).then_some(at);
    sql!(
        tx.on(),
        exec,
        text,
        new.id(),
        auction.0,
        number(*seq),
        at,
        seller.0,
        winner.0,
        currency.code(),
        title,
        price,
        premium,
        commission,
        payout,
        status.name(),
        paid_at
    )?;
    Ok(())
}

/// The invoice of an auction that waits to be paid.
pub(in crate::features::sales) async fn open_invoice(
    tx: &mut Tx,
    auction: AuctionId,
) -> Result<InvoiceRow, StoreError> {
    let text = "select invoice.*, seller.display_name as seller_name, winner.display_name as winner_name
         from invoices invoice
         left join accounts seller on seller.id = invoice.seller
         left join accounts winner on winner.id = invoice.winner
         where invoice.auction = $1 and invoice.status = 'open'";
    let missing =
        || StoreError::Inconsistent { table: "invoices", detail: format!("auction {auction} has no open one") };
    sql!(tx.on(), opt InvoiceRow, text, auction.0)?.ok_or_else(missing)
}

/// Ends the waiting of an invoice: it is paid, at `paid_at`, or never will be.
pub(in crate::features::sales) async fn end_invoice(
    tx: &mut Tx,
    id: Uuid,
    status: Status,
    paid_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let text = "update invoices set status = $2, paid_at = $3 where id = $1 and status = 'open'";
    let paid_at: Option<DateTime<Utc>> = paid_at.map(to_datetime);
    match sql!(tx.on(), exec, text, id, status.name(), paid_at)? {
        1 => Ok(()),
        found => Err(StoreError::WrongRowCount { statement: "end an invoice", expected: 1, found }),
    }
}

/// An invoice.
pub(in crate::features::sales) async fn invoice(db: &Db, id: Uuid) -> Result<Option<InvoiceRow>, StoreError> {
    let text = "select invoice.*, seller.display_name as seller_name, winner.display_name as winner_name
         from invoices invoice
         left join accounts seller on seller.id = invoice.seller
         left join accounts winner on winner.id = invoice.winner
         where invoice.id = $1";
    Ok(sql!(db.read(), opt InvoiceRow, text, id)?)
}

/// Invoices of an account, the newest first.
pub(in crate::features::sales) async fn invoices(
    db: &Db,
    share: Share,
    page: &Page<i64>,
) -> Result<Vec<InvoiceRow>, StoreError> {
    let text = "select invoice.*, seller.display_name as seller_name, winner.display_name as winner_name
         from invoices invoice
         left join accounts seller on seller.id = invoice.seller
         left join accounts winner on winner.id = invoice.winner
         where ((invoice.winner = $1 and $2) or (invoice.seller = $1 and $3)) and ($4 is null or invoice.number < $4)
         order by invoice.number desc limit $5";
    let Share { account, bought, sold } = share;
    Ok(sql!(db.read(), all InvoiceRow, text, account.0, bought, sold, page.after, page.fetch())?)
}
