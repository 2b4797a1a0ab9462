//! What is kept of the money of a person, and whether there is any.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::At;
use crate::sql;

/// A wallet.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::wallets) struct WalletPart {
    currency: String,
    raise_limit: Option<i64>,
    exposure_max: Option<i64>,
    daily_deposit_max: Option<i64>,
}

pub(in crate::features::wallets) fn wallets(tx: &mut Tx, account: AccountId) -> Rows<'_, WalletPart> {
    let text =
        "select currency, raise_limit, exposure_max, daily_deposit_max from wallets where owner = $1 order by currency";
    sql!(tx.on(), stream WalletPart, text, account.0)
}

/// Money of one kind.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::wallets) struct BalancePart {
    kind: String,
    auction: Option<Uuid>,
    currency: String,
    balance: i64,
}

pub(in crate::features::wallets) fn balances(tx: &mut Tx, account: AccountId) -> Rows<'_, BalancePart> {
    let text =
        "select kind, auction, currency, balance from ledger_accounts where owner = $1 and balance <> 0 order by id";
    sql!(tx.on(), stream BalancePart, text, account.0)
}

/// A movement of money.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::wallets) struct EntryPart {
    at: At,
    movement: String,
    account: String,
    auction: Option<Uuid>,
    currency: String,
    amount: i64,
}

pub(in crate::features::wallets) fn entries(tx: &mut Tx, account: AccountId) -> Rows<'_, EntryPart> {
    let text = "select booked.at, booked.kind as movement, account.kind as account, booked.auction, account.currency, entry.amount
         from ledger_accounts account
         join ledger_entries entry on entry.account = account.id
         join ledger_transactions booked on booked.id = entry.transaction_id
         where account.owner = $1 order by entry.id";
    sql!(tx.on(), stream EntryPart, text, account.0)
}

/// Money set aside for an auction.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::wallets) struct HoldPart {
    auction: Uuid,
    allowance: i64,
    touched_at: At,
}

pub(in crate::features::wallets) fn holds(tx: &mut Tx, account: AccountId) -> Rows<'_, HoldPart> {
    let text = "select auction, allowance, touched_at from holds where bidder = $1 order by auction";
    sql!(tx.on(), stream HoldPart, text, account.0)
}

/// A deposit or a withdrawal.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::wallets) struct OrderPart {
    id: Uuid,
    kind: String,
    currency: String,
    amount: i64,
    provider: String,
    destination: Option<String>,
    status: String,
    reference: Option<String>,
    reason: Option<String>,
    created_at: At,
    settled_at: Option<At>,
}

pub(in crate::features::wallets) fn orders(tx: &mut Tx, account: AccountId) -> Rows<'_, OrderPart> {
    let text =
        "select id, kind, currency, amount, provider, destination, status, reference, reason, created_at, settled_at
         from payment_orders where owner = $1 order by id";
    sql!(tx.on(), stream OrderPart, text, account.0)
}

/// Where they are paid.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::wallets) struct DestinationPart {
    provider: String,
    destination: String,
}

pub(in crate::features::wallets) fn destinations(tx: &mut Tx, account: AccountId) -> Rows<'_, DestinationPart> {
    let text = "select provider, destination from payout_destinations where owner = $1 order by provider";
    sql!(tx.on(), stream DestinationPart, text, account.0)
}

/// Keeps the money of the account from moving until the transaction ends.
pub(in crate::features::wallets) async fn lock(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "update wallets set revision = revision + 1 where owner = $1", account.0)?;
    Ok(())
}

/// The kinds of money that there is.
pub(in crate::features::wallets) async fn money_left(
    tx: &mut Tx,
    account: AccountId,
) -> Result<Vec<String>, StoreError> {
    let text = "select distinct kind from ledger_accounts where owner = $1 and balance <> 0 order by kind";
    Ok(sql!(tx.on(), scalars String, text, account.0)?)
}

/// True if a deposit or a withdrawal is under way.
pub(in crate::features::wallets) async fn has_orders(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from payment_orders where owner = $1 and status in ('new', 'open')";
    Ok(sql!(tx.on(), scalar bool, text, account.0)?)
}

pub(in crate::features::wallets) async fn delete_destinations(
    tx: &mut Tx,
    account: AccountId,
) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from payout_destinations where owner = $1", account.0)?;
    Ok(())
}

/// Orders stay, for the books; where they went, and the page on which they were paid, does not.
pub(in crate::features::wallets) async fn empty_orders(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "update payment_orders set destination = null, url = null where owner = $1", account.0)?;
    Ok(())
}
