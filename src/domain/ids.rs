//! Identifiers. Each kind of thing has its own type, so that an auction can never be passed where an account is meant.
//! Nothing here generates an id: that needs a clock and randomness, which live in [`crate::chance`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// An auction: one lot for sale, with exactly one room.
    AuctionId
}
id! {
    /// An account: a person or program that bids, sells or moderates.
    AccountId
}
id! {
    /// A node: one process of a hub that is made of several.
    NodeId
}
id! {
    /// One unbroken history of an auction. It changes only if committed events were lost,
    /// so that a client holding a position in the old history is given a fresh state.
    LogId
}

/// The longest key accepted, in bytes.
pub const BID_KEY_MAX_BYTES: usize = 128;

/// A caller's own name for one command, by which a bid or an act of staff that is sent twice is decided once.
/// 1 to [`BID_KEY_MAX_BYTES`] bytes of visible ASCII.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BidKey(Arc<str>);

impl BidKey {
    /// The key, if `text` is one: not empty, not too long, visible ASCII only.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=BID_KEY_MAX_BYTES).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.into()))
    }

    /// A key that the hub makes for a caller who gave none.
    pub fn generated(id: Uuid) -> Self {
        Self(id.to_string().into())
    }

    /// The key as its caller wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BidKey({})", self.0)
    }
}

/// The number of an event within its auction: 1, 2, 3, … without a gap. 0 stands before the first event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The number of the event after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
