//! The ledger, on SQLite and on PostgreSQL alike: it balances, it refuses, and it is exact however many ask at once.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

#[path = "../support/deposits.rs"]
mod deposits;
#[path = "../support/postgres.rs"]
mod postgres;

mod bench;
mod books;
mod constraints;
mod crowd;
mod holds;
mod settling;
