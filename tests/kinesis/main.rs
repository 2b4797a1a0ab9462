//! The stream into Amazon Kinesis, filled by the program as it is run, against a server that answers as Kinesis does, and
//! against one that takes only some of what it is given. Built with the feature `aws` alone.

#![allow(clippy::unwrap_used, reason = "a test that finds something missing has failed")]

mod market;
mod moto;
#[path = "../support/postgres.rs"]
mod postgres;
mod process;
#[path = "../support/redis/mod.rs"]
mod redis;
#[path = "../support/rest.rs"]
mod rest;
mod unruly;

mod filling;
mod nodes;
mod telling;
