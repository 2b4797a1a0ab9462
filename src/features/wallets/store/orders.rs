//! Orders to bring money in or to take it out, and what providers have said of them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Currency, Money, Timestamp};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// A row of `payment_orders`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::wallets) struct OrderRow {
    pub id: Uuid,
    pub kind: String,
    pub owner: Uuid,
    pub key: String,
    pub currency: String,
    pub amount: i64,
    pub provider: String,
    pub destination: Option<String>,
    pub status: String,
    pub reference: Option<String>,
    pub url: Option<String>,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
    pub asks: i64,
    pub next_ask_at: DateTime<Utc>,
}

/// A deposit that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(in crate::features::wallets) struct ReversalRow {
    pub amount: i64,
    pub taken: i64,
    pub undone_at: Option<DateTime<Utc>>,
}

pub(in crate::features::wallets) async fn insert_order(tx: &mut Tx, row: &OrderRow) -> Result<(), StoreError> {
    let text = "insert into payment_orders (id, kind, owner, key, currency, amount, provider, destination, status,
            created_at, asks, next_ask_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sql!(
        tx.on(),
        exec,
        text,
        row.id,
        &row.kind,
        row.owner,
        &row.key,
        &row.currency,
        row.amount,
        &row.provider,
        &row.destination,
        &row.status,
        row.created_at,
        row.asks,
        row.next_ask_at
    )?;
    Ok(())
}

/// The order that its owner asked for under this key.
pub(in crate::features::wallets) async fn order_of_key(
    tx: &mut Tx,
    owner: AccountId,
    kind: &str,
    key: &str,
) -> Result<Option<OrderRow>, StoreError> {
    let text = "select * from payment_orders where owner = $1 and kind = $2 and key = $3";
    Ok(sql!(tx.on(), opt OrderRow, text, owner.0, kind, key)?)
}

pub(in crate::features::wallets) async fn order(db: &Db, id: Uuid) -> Result<Option<OrderRow>, StoreError> {
    Ok(sql!(db.read(), opt OrderRow, "select * from payment_orders where id = $1", id)?)
}

/// The order, to be changed; lock the wallet first.
pub(in crate::features::wallets) async fn order_in(tx: &mut Tx, id: Uuid) -> Result<Option<OrderRow>, StoreError> {
    Ok(sql!(tx.on(), opt OrderRow, "select * from payment_orders where id = $1", id)?)
}

/// The orders of an account, the newest first.
pub(in crate::features::wallets) async fn orders(
    db: &Db,
    owner: AccountId,
    kind: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let text = "select * from payment_orders where owner = $1 and kind = $2 and ($3 is null or id < $3)
         order by id desc limit $4";
    Ok(sql!(db.read(), all OrderRow, text, owner.0, kind, before, limit)?)
}

/// Orders of which nobody knows yet what came of them, and that are due to be asked about.
pub(in crate::features::wallets) async fn due_orders(
    db: &Db,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let text = "select * from payment_orders where status in ('new', 'open') and next_ask_at <= $1
         order by next_ask_at limit $2";
    Ok(sql!(db.read(), all OrderRow, text, to_datetime(now), limit)?)
}

/// When it is asked about next.
pub(in crate::features::wallets) async fn ask_again(db: &Db, id: Uuid, next: Timestamp) -> Result<(), StoreError> {
    let text = "update payment_orders set asks = asks + 1, next_ask_at = $2 where id = $1";
    sql!(db.write(), exec, text, id, to_datetime(next))?;
    Ok(())
}

/// Notes what is known of an order that is not settled. Lock the wallet first.
pub(in crate::features::wallets) async fn note_order(
    tx: &mut Tx,
    id: Uuid,
    (status, reason): (&str, Option<&str>),
    (reference, url): (Option<&str>, Option<&str>),
    settled_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let text = "update payment_orders set status = $2, reason = $3, reference = coalesce($4, reference), url = $5,
            settled_at = $6
         where id = $1";
    sql!(tx.on(), exec, text, id, status, reason, reference, url, settled_at.map(to_datetime))?;
    Ok(())
}

/// What is asked for by deposits since `since`, those that came to nothing left out.
pub(in crate::features::wallets) async fn deposits_since(
    tx: &mut Tx,
    owner: AccountId,
    currency: Currency,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let text = "select cast(coalesce(sum(amount), 0) as bigint) from payment_orders
         where owner = $1 and currency = $2 and kind = 'deposit' and status <> 'failed' and created_at > $3";
    Ok(sql!(tx.on(), scalar i64, text, owner.0, currency.code(), to_datetime(since))?)
}

/// Where an account is paid by a provider.
pub(in crate::features::wallets) async fn destination(
    db: &Db,
    owner: AccountId,
    provider: &str,
) -> Result<Option<String>, StoreError> {
    let text = "select destination from payout_destinations where owner = $1 and provider = $2";
    Ok(sql!(db.read(), opt_scalar String, text, owner.0, provider)?)
}

pub(in crate::features::wallets) async fn set_destination(
    db: &Db,
    owner: AccountId,
    provider: &str,
    destination: &str,
) -> Result<(), StoreError> {
    let text = "insert into payout_destinations (owner, provider, destination) values ($1, $2, $3)
         on conflict (owner, provider) do update set destination = excluded.destination";
    sql!(db.write(), exec, text, owner.0, provider, destination)?;
    Ok(())
}

/// Notes that a part of a message is heeded. False if it was before.
pub(in crate::features::wallets) async fn insert_message(
    tx: &mut Tx,
    provider: &str,
    (id, part): (&str, i64),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let text = "insert into payment_messages (provider, id, part, at) values ($1, $2, $3, $4) on conflict do nothing";
    Ok(sql!(tx.on(), exec, text, provider, id, part, to_datetime(at))? == 1)
}

/// True if a part of a message is heeded.
pub(in crate::features::wallets) async fn is_heeded(
    tx: &mut Tx,
    provider: &str,
    (id, part): (&str, i64),
) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from payment_messages where provider = $1 and id = $2 and part = $3";
    Ok(sql!(tx.on(), scalar bool, text, provider, id, part)?)
}

/// Forgets messages that no provider sends any more.
pub(in crate::features::wallets) async fn forget_messages(db: &Db, before: Timestamp) -> Result<(), StoreError> {
    sql!(db.write(), exec, "delete from payment_messages where at < $1", to_datetime(before))?;
    Ok(())
}

pub(in crate::features::wallets) async fn reversal(
    tx: &mut Tx,
    provider: &str,
    reversal: &str,
) -> Result<Option<ReversalRow>, StoreError> {
    let text = "select amount, taken, undone_at from deposit_reversals where provider = $1 and reversal = $2";
    Ok(sql!(tx.on(), opt ReversalRow, text, provider, reversal)?)
}

pub(in crate::features::wallets) async fn insert_reversal(
    tx: &mut Tx,
    (provider, reversal): (&str, &str),
    deposit: Uuid,
    (amount, taken): (Money, Money),
    at: Timestamp,
) -> Result<(), StoreError> {
    let text = "insert into deposit_reversals (provider, reversal, deposit, amount, taken, at)
         values ($1, $2, $3, $4, $5, $6)";
    let (amount, taken) = (amount.minor_units(), taken.minor_units());
    sql!(tx.on(), exec, text, provider, reversal, deposit, amount, taken, to_datetime(at))?;
    Ok(())
}

pub(in crate::features::wallets) async fn undo_reversal(
    tx: &mut Tx,
    provider: &str,
    reversal: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let text = "update deposit_reversals set undone_at = $3 where provider = $1 and reversal = $2";
    sql!(tx.on(), exec, text, provider, reversal, to_datetime(at))?;
    Ok(())
}

/// Freezes an account that owes money.
pub(in crate::features::wallets) async fn freeze(
    tx: &mut Tx,
    owner: AccountId,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let text = "update accounts set frozen_at = $2, freeze_reason = $3 where id = $1 and frozen_at is null";
    sql!(tx.on(), exec, text, owner.0, to_datetime(at), reason)?;
    Ok(())
}

/// Keeps the account from being erased until the transaction ends. False if it is, or if its person is being let go.
pub(in crate::features::wallets) async fn lock_owner(
    tx: &mut Tx,
    owner: AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = "update accounts set erased_at = erased_at
         where id = $1 and erased_at is null and (leaving_until is null or leaving_until <= $2)";
    Ok(sql!(tx.on(), exec, text, owner.0, to_datetime(now))? == 1)
}

/// True if staff has frozen the account.
pub(in crate::features::wallets) async fn is_frozen(tx: &mut Tx, owner: AccountId) -> Result<bool, StoreError> {
    let text = "select frozen_at is not null from accounts where id = $1";
    Ok(sql!(tx.on(), opt_scalar bool, text, owner.0)?.unwrap_or(false))
}
