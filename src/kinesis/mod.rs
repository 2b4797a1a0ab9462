//! The public events of all auctions, into a stream of Amazon Kinesis. Only in programs built with the feature `aws`.
//!
//! A follower on one node reads what is committed, puts it into the stream, and moves its own checkpoint only behind what is
//! surely there. So each event is there at least once, and those of one auction in their order: whoever takes only the
//! number after the last that it took has them all, each once. No room and no projection waits for the stream.

mod batch;
#[cfg(feature = "aws")]
mod client;
#[cfg(feature = "aws")]
mod follower;
#[cfg(feature = "aws")]
mod http;
#[cfg(feature = "aws")]
mod store;

#[cfg(feature = "aws")]
pub use client::Stream;
#[cfg(feature = "aws")]
pub use follower::{Deps, Follower};
#[cfg(feature = "aws")]
pub use http::client as http_client;
