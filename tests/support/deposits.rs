//! Money from outside, as it stands in the database once a provider has moved it.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

use bidhub::clock::to_datetime;
use bidhub::domain::{AccountId, Currency, Money, Timestamp};
use bidhub::ledger::{Account, Kind, Movement, Transfer, lock_wallet, post};
use bidhub::persistence::{Db, StoreError, Tx};
use bidhub::sql;
use uuid::Uuid;

/// The provider of all of them.
pub const PROVIDER: Account = Account::Provider("test");

/// Writes an order down: its id, whether it is a `deposit` or a `withdrawal`, and its status.
pub async fn order(
    tx: &mut Tx,
    (id, kind, status): (Uuid, &str, &str),
    owner: AccountId,
    (amount, currency): (Money, Currency),
    at: Timestamp,
) -> Result<(), StoreError> {
    let text = "insert into payment_orders
            (id, kind, owner, key, currency, amount, provider, status, created_at, asks, next_ask_at)
         values ($1, $2, $3, $4, $5, $6, 'test', $7, $8, 0, $8)";
    let (key, minor, now) = (id.to_string(), amount.minor_units(), to_datetime(at));
    sql!(tx.on(), exec, text, id, kind, owner.0, key, currency.code(), minor, status, now)?;
    Ok(())
}

/// Credits a deposit in the order `id`, which is new.
pub async fn credit(
    tx: &mut Tx,
    id: Uuid,
    owner: AccountId,
    (amount, currency): (Money, Currency),
    at: Timestamp,
) -> Result<(), StoreError> {
    lock_wallet(tx, owner, currency).await?;
    order(tx, (id, "deposit", "paid"), owner, (amount, currency), at).await?;
    let transfers = vec![Transfer { from: PROVIDER, to: Account::Available(owner), amount }];
    let movement =
        Movement { kind: Kind::Deposit, cause: format!("paid:{id}"), currency, at, auction: None, transfers };
    assert!(post(tx, &movement).await?, "it is new");
    Ok(())
}

/// The same in a transaction of its own.
pub async fn deposit(db: &Db, id: Uuid, owner: AccountId, amount: (Money, Currency), at: Timestamp) {
    let mut tx = db.begin().await.unwrap();
    credit(&mut tx, id, owner, amount, at).await.unwrap();
    tx.commit().await.unwrap();
}
