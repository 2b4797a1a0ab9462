//! The log: its format, which stays for ever; its chain; and the contract that every adapter of it keeps.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod archive;
mod archiver;
mod chain;
mod contract;
mod golden;
mod redis;
mod redis_way;
mod sql;
mod story;

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/redis/mod.rs"]
mod redis_server;
