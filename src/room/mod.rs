//! Rooms: the live side of auctions. An actor decides every bid of its auction, one batch at a time, and lets nobody hear
//! of a batch before it is committed; a mirror beside it serves everyone who watches.
//!
//! A room knows no socket, no HTTP and no SQL. It never waits for a watcher.

mod act;
mod actor;
mod batch;
pub mod fanout;
mod handle;
mod mirror;
mod recovery;
mod registry;
mod rejected;
mod sweeper;

pub use act::Act;
pub use fanout::{Frame, Watcher};
pub use handle::{Answer, InFlightLimit, Reply, RoomHandle};
pub use mirror::{Joined, Resume, View};
pub use recovery::RoomError;
pub use registry::{Deps, Limits, NewAuction, Rooms};
pub use sweeper::sweep;
