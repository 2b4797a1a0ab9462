//! One auction, whatever its format: its terms, its state, and the two functions that everything else rests on.
//! [`State::decide`] checks everything and changes nothing; [`State::apply`] changes the state and cannot fail.

pub mod command;
pub mod event;
pub mod rejection;
pub mod terms;

mod acts;
mod apply;
mod audit;
mod decide;
mod keys;
mod state;
pub mod view;

pub use acts::{ACTS_REMEMBERED, ActMemory, Asked, KeyedAct};
pub use audit::{Audit, Divergence};
pub use command::{Barred, Bid, Command, Offer, PriorBid};
pub use event::{BidPlaced, BidVoided, Event, EventKind, ExtensionCause, Outcome, Winner};
pub use keys::{KEY_RETENTION, KEYS_PER_BIDDER, KeyMemory, Remembered, Verdict};
pub use rejection::Rejection;
pub use state::{Bidder, Judgement, Leader, Phase, Standing, State};
pub use terms::{Funds, Listing, Terms, TermsError};
