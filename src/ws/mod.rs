//! The WebSocket side of the hub, `GET /ws`: codecs, requests, pushes, queues and close codes.
//!
//! A connection is one task. It decides nothing about an auction, holds no SQL, and no other connection ever waits for it.

pub mod close;
pub mod codec;
pub mod connections;
mod dispatch;
mod gateway;
mod message;
mod outbound;
mod request;
mod session;
mod upgrade;

pub use close::Close;
pub use codec::Codec;
pub use connections::Connections;
pub use gateway::{Gateway, Limits, Parts};
pub use upgrade::router;
