//! Rooms: the live side of auctions. On one node a room is run by its owner, which decides every bid of its auction, one
//! batch at a time, and lets nobody hear of a batch before it is committed; on the others it is followed. On each, a
//! mirror serves everyone who watches.
//!
//! A room knows no socket, no HTTP, no SQL and no Redis. It never waits for a watcher.

mod act;
mod assume;
mod batch;
pub mod fanout;
mod follower;
mod forward;
mod funding;
mod handle;
mod life;
mod mirror;
mod owner;
mod post;
mod recovery;
mod registry;
mod rejected;
mod submit;
mod sweeper;

pub use act::Act;
pub use fanout::{Frame, Watcher};
pub use funding::{Funding, NoFunding, Raise};
pub use handle::{Answer, InFlightLimit, Reply, RoomHandle};
pub use mirror::{InForce, Joined, Resume, View};
pub use recovery::RoomError;
pub use registry::{Deps, Limits, NewAuction, Rooms};
pub use sweeper::sweep;
