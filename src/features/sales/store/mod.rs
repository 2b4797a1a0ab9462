//! The SQL of sales.

mod cases;
mod invoices;
pub(super) mod personal;
mod terms;

use crate::domain::{AuctionId, Currency, Money};
use crate::ledger::{self, BookRow};
use crate::persistence::{StoreError, Tx};

pub(super) use cases::{CaseRow, Closing, case, cases, close_case, insert_case, open_cases};
pub(super) use invoices::{InvoiceRow, Share, end_invoice, insert_invoice, invoice, invoices, open_invoice};
pub(super) use terms::{amend_terms, insert_terms, terms};

/// The book of an auction whose creation is projected.
pub(super) async fn book(tx: &mut Tx, auction: AuctionId) -> Result<BookRow, StoreError> {
    let missing = || StoreError::Inconsistent { table: "auction_books", detail: format!("auction {auction} has none") };
    ledger::book(tx, auction).await?.ok_or_else(missing)
}

fn money(table: &'static str, minor: i64) -> Result<Money, StoreError> {
    Money::or_zero(minor)
        .ok_or_else(|| StoreError::Inconsistent { table, detail: format!("{minor} is no amount of money") })
}

fn currency(table: &'static str, code: &str) -> Result<Currency, StoreError> {
    Currency::new(code).ok_or_else(|| StoreError::Inconsistent { table, detail: format!("{code:?} is no currency") })
}

fn number(seq: crate::domain::Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}
