//! Accounts, transactions and transfers. Inserted, never changed.

use super::{money, number};
use crate::clock::to_datetime;
use crate::domain::{Currency, Money};
use crate::ledger::movement::{Account, Movement};
use crate::persistence::{Db, StoreError, Tx};
use crate::sql;

/// The id of an account, which is made if it is new.
pub(in crate::ledger) async fn account(tx: &mut Tx, account: &Account, currency: Currency) -> Result<i64, StoreError> {
    let name = account.name(currency);
    let find = "select id from ledger_accounts where name = $1";
    if let Some(id) = sql!(tx.on(), opt_scalar i64, find, &name)? {
        return Ok(id);
    }
    let insert = "insert into ledger_accounts (name, kind, owner, auction, currency) values ($1, $2, $3, $4, $5)
         on conflict (name) do nothing";
    sql!(tx.on(), exec, insert, &name, account.kind(), account.owner(), account.auction(), currency.code())?;
    Ok(sql!(tx.on(), scalar i64, find, &name)?)
}

/// The balance of an account that cannot be negative; nothing if it is new.
pub async fn balance(tx: &mut Tx, account: &Account, currency: Currency) -> Result<Money, StoreError> {
    let text = "select balance from ledger_accounts where name = $1";
    let found = sql!(tx.on(), opt_scalar i64, text, account.name(currency))?;
    money("ledger_accounts", found.unwrap_or(0))
}

/// The id of a new transaction; none if its cause is booked already.
pub(in crate::ledger) async fn insert_transaction(tx: &mut Tx, movement: &Movement) -> Result<Option<i64>, StoreError> {
    let text = "insert into ledger_transactions (at, kind, cause, auction, seq) values ($1, $2, $3, $4, $5)
         on conflict (cause) do nothing returning id";
    let (auction, seq) = movement.auction.unzip();
    let at = to_datetime(movement.at);
    let (auction, seq) = (auction.map(|id| id.0), seq.flatten().map(|seq| number(seq.0)));
    Ok(sql!(tx.on(), opt_scalar i64, text, at, movement.kind.name(), &movement.cause, auction, seq)?)
}

/// Moves an amount. The database refuses to overdraw.
pub(in crate::ledger) async fn insert_transfer(
    tx: &mut Tx,
    transaction: i64,
    from: i64,
    to: i64,
    amount: Money,
) -> Result<(), StoreError> {
    let text =
        "insert into ledger_transfers (transaction_id, from_account, to_account, amount) values ($1, $2, $3, $4)";
    sql!(tx.on(), exec, text, transaction, from, to, amount.minor_units())?;
    Ok(())
}

/// True if something is booked for this cause.
pub async fn is_booked(tx: &mut Tx, cause: &str) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from ledger_transactions where cause = $1";
    Ok(sql!(tx.on(), scalar bool, text, cause)?)
}

/// True if a payment provider other than `provider` has moved money that has not gone out by it again.
pub async fn is_of_another_provider(db: &Db, provider: &str) -> Result<bool, StoreError> {
    let text = "select count(*) > 0 from ledger_accounts
         where kind = 'provider' and balance <> 0 and name not like 'provider:' || $1 || ':%'";
    Ok(sql!(db.read(), scalar bool, text, provider)?)
}
