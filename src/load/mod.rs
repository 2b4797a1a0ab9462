//! Programs that use a hub as anyone outside does: over REST and WebSocket, by the contract alone. They import nothing of
//! rooms, journal or HTTP handlers, so what they find is what a client would.

pub mod backoff;
pub mod client;
pub mod demo;
pub mod identity;
pub mod message;
pub mod pool;
pub mod progress;
pub mod recording;
pub mod replay;
pub mod rest;
