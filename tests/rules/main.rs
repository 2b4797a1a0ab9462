//! The rules of the auction from outside: by tables, by properties of any sequence of commands, and on real bids.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::inconsistent_digit_grouping, reason = "dollars and cents")]

mod hall;

mod acts;
mod bidding;
mod buy_now;
mod closing;
mod ebay;
mod fees;
mod keys;
mod limits;
mod money;
mod outage;
mod properties;
mod staff;
mod views;

#[path = "../support/shared.rs"]
mod shared;
