//! What nodes agree on and tell each other: the contract that every adapter keeps, and what the adapters for many nodes
//! promise beside it. Redis is a real server, of each test's own.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod bus;
mod cache;
mod contract;
mod leases;
mod presence;
mod time;
mod world;

#[path = "../support/redis/mod.rs"]
mod redis;
