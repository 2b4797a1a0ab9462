//! Money in double entry: wallets, what is set aside for auctions, and how a sale is paid.
//!
//! SQL is the record. Every movement is a transaction of transfers, each from one account to another, so that all sums to
//! zero by construction; balances move by transfers alone, and the database itself refuses to overdraw, to change or to
//! delete. Whoever moves money of a wallet locks it first, and locks in one order: the book of the auction, wallets by
//! owner, then the rest.
//!
//! Nothing here decides a bid, asks a payment provider, or knows a room: it says what is set aside and under which version,
//! and the room is told by whoever asked.

pub mod books;

mod hold;
mod movement;
mod policy;
mod settle;
mod store;

pub use hold::{Book, Refusal, Set, Target, lower_after_void, set_allowance};
pub use movement::{Account, Kind, Movement, Transfer, post};
pub use policy::Policy;
pub use settle::{Outcome, Paid, Settled, Unpaid, capture_late, confirm, pay_debt, release_late, settle};
pub use store::{
    BookRow, Unconfirmed, balance, book, holders_in, insert_book, is_booked, is_of_another_provider, lock_books,
    lock_wallets, touch, unconfirmed,
};
pub use store::{
    Entry, Limits, Wallet, WalletRow, entries, has_room, lock_wallet, set_limits, set_policy, wallet, wallets,
};
