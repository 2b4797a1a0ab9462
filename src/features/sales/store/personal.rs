//! What sales keep of a person, and whether anything of it is open.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// An invoice.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::sales) struct InvoicePart {
    number: i64,
    auction: Uuid,
    at: At,
    bought: bool,
    currency: String,
    title: String,
    price: i64,
    premium: i64,
    commission: i64,
    payout: i64,
    status: String,
    paid_at: Option<At>,
}

pub(in crate::features::sales) fn invoices(tx: &mut Tx, account: AccountId) -> Rows<'_, InvoicePart> {
    let text = "select number, auction, at, winner = $1 as bought, currency, title, price, premium, commission, payout, status, paid_at
         from invoices where winner = $1 or seller = $1 order by number";
    sql!(tx.on(), stream InvoicePart, text, account.0)
}

/// A case of staff about the account.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::sales) struct CasePart {
    kind: String,
    auction: Option<Uuid>,
    currency: String,
    amount: i64,
    reason: String,
    opened_at: At,
    closed_at: Option<At>,
    resolution: Option<String>,
}

pub(in crate::features::sales) fn cases(tx: &mut Tx, account: AccountId) -> Rows<'_, CasePart> {
    let text = "select kind, auction, currency, amount, reason, opened_at, closed_at, resolution
         from staff_cases where account = $1 order by id";
    sql!(tx.on(), stream CasePart, text, account.0)
}

/// True if an invoice that the account pays or is paid by is open.
pub(in crate::features::sales) async fn has_open_invoice(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from invoices where (winner = $1 or seller = $1) and status = 'open'";
    Ok(sql!(tx.on(), scalar bool, text, account.0)?)
}

/// True if a case about the account is open.
pub(in crate::features::sales) async fn has_open_case(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from staff_cases where account = $1 and closed_at is null";
    Ok(sql!(tx.on(), scalar bool, text, account.0)?)
}
