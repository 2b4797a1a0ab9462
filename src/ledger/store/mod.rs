//! The SQL of the ledger.

mod accounts;
pub(super) mod audit;
mod holds;
mod wallets;

use crate::domain::{Currency, Money};
use crate::persistence::StoreError;

pub(super) use accounts::{account, insert_transaction, insert_transfer};
pub use accounts::{balance, is_booked, is_of_another_provider};
pub use holds::{BookRow, Unconfirmed, book, holders_in, insert_book, lock_books, touch, unconfirmed};
pub(super) use holds::{confirm_version, held_for, hold, is_settled, mark_settled, write_hold};
pub use wallets::{
    Entry, Limits, Wallet, WalletRow, entries, has_room, lock_wallet, lock_wallets, set_limits, set_policy, wallet,
    wallets,
};
pub(super) use wallets::{exposure, is_barred, owed};

/// An amount as the ledger holds it.
fn money(table: &'static str, minor: i64) -> Result<Money, StoreError> {
    Money::or_zero(minor)
        .ok_or_else(|| StoreError::Inconsistent { table, detail: format!("{minor} is no amount of money") })
}

fn currency(table: &'static str, code: &str) -> Result<Currency, StoreError> {
    Currency::new(code).ok_or_else(|| StoreError::Inconsistent { table, detail: format!("{code:?} is no currency") })
}

/// A whole number that is never negative, as the database holds it.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
