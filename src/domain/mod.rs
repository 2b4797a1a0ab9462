//! The rules of the auction, and nothing else: what may be asked, what happens, what is refused and why.
//!
//! Everything here is a plain value or a pure function. There is no socket, no database, no serialization, no clock and
//! no randomness; moments and facts about people arrive as arguments. That is why the same code runs live, mirrors a
//! room, recovers it after a crash and audits it years later.

pub mod auction;
pub mod fees;
pub mod formats;
pub mod ids;
pub mod increments;
pub mod money;
pub mod time;

mod hashing;

pub use fees::Fees;
pub use ids::{AccountId, AuctionId, BidKey, LogId, NodeId, Seq};
pub use money::{Currency, Money};
pub use time::{Span, Timestamp};
