//! The SQL of letting somebody go that belongs to no part of the hub.

use uuid::Uuid;

use crate::clock::to_datetime;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// Keeps everybody else from erasing the account until the transaction ends. False if it is erased already.
pub(super) async fn lock(tx: &mut Tx, account: AccountId) -> Result<bool, StoreError> {
    let text = "update accounts set erased_at = erased_at where id = $1 and erased_at is null";
    Ok(sql!(tx.on(), exec, text, account.0)? == 1)
}

/// Bars the account until then, as if it were banned.
pub(super) async fn bar(tx: &mut Tx, account: AccountId, until: Timestamp) -> Result<(), StoreError> {
    let text = "update accounts set leaving_until = $2 where id = $1";
    sql!(tx.on(), exec, text, account.0, to_datetime(until))?;
    Ok(())
}

/// Lifts the bar. Harmless if there is none.
pub(super) async fn unbar(db: &Db, account: AccountId) -> Result<(), StoreError> {
    let text = "update accounts set leaving_until = null where id = $1 and leaving_until is not null";
    sql!(db.write(), exec, text, account.0)?;
    Ok(())
}

/// True if the account is barred at that time.
pub(super) async fn is_barred(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from accounts where id = $1 and leaving_until > $2";
    Ok(sql!(tx.on(), scalar bool, text, account.0, to_datetime(now))?)
}

/// Accounts that were erased since then, the last first.
pub(super) async fn erased_since(db: &Db, since: Timestamp, limit: i64) -> Result<Vec<AccountId>, StoreError> {
    let text = "select id from accounts where erased_at >= $1 order by erased_at desc limit $2";
    let ids = sql!(db.read(), scalars Uuid, text, to_datetime(since), limit)?;
    Ok(ids.into_iter().map(AccountId).collect())
}
