//! Money that comes in and goes out, against a stand-in for Stripe on this machine, and the provider that moves none.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod calls;
mod deposits;
mod messages;
mod play_money;
mod trouble;
mod withdrawals;
mod world;

#[path = "../support/stripe/mod.rs"]
mod stand_in;
