//! bidhub: a real-time, WebSocket-first bidding hub.
//!
//! The modules in the order in which they are best read. [`domain`] holds the rules and nothing else. Around it stand the
//! things that rules may not touch: time, chance, databases, other nodes. At the rim are callers: who they are
//! ([`auth`]), how they come ([`http`]), what an auction site offers them beside bidding ([`features`]). [`app`] puts all
//! of it together, and is the only module that knows all of it.

pub mod domain;

pub mod cache;
pub mod chance;
pub mod clock;
pub mod coordination;
pub mod currency;
pub mod env;
pub mod journal;
pub mod live;
pub mod notify;
pub mod persistence;
pub mod personal;
pub mod projection;
pub mod room;
pub mod schedule;

pub mod audit;
pub mod ledger;

pub mod auth;
pub mod mail;
pub mod payments;
pub mod rate_limit;

pub mod http;
pub mod wire;
pub mod ws;

#[cfg(any(test, feature = "aws"))]
pub mod kinesis;

pub mod features;

pub mod app;
pub mod cli;
pub mod config;
pub mod hub;
pub mod lifecycle;
pub mod load;
pub mod programs;
pub mod server;
pub mod telemetry;
pub mod trace;
