//! bidhub: a real-time, WebSocket-first bidding hub.

pub mod domain;

pub mod chance;
pub mod clock;
pub mod coordination;
pub mod journal;
pub mod persistence;
pub mod room;
