//! What a room sends to those who watch it. A frame is encoded once for each codec, whatever the number of watchers.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::domain::{AuctionId, Seq};
use crate::live::LiveFrame;

/// Events of one room on their way to its watchers: their public bytes, in order.
#[derive(Debug)]
pub struct Frame {
    /// Whose events.
    pub auction: AuctionId,
    /// The number of the last one.
    pub seq: Seq,
    /// The public bytes of each.
    pub events: Vec<Arc<str>>,
    /// When the first was committed, for measuring how long delivery takes.
    pub committed: std::time::Instant,
    encodings: [OnceLock<Bytes>; 2],
}

impl Frame {
    /// A frame that nobody has encoded yet.
    pub fn new(auction: AuctionId, seq: Seq, events: Vec<Arc<str>>, committed: std::time::Instant) -> Self {
        Self { auction, seq, events, committed, encodings: [const { OnceLock::new() }; 2] }
    }

    /// The frame in encoding number `slot` (0 or 1), made by `encode` for the first who asks.
    pub fn encoded(&self, slot: usize, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.encodings[slot & 1].get_or_init(|| encode(self)).clone()
    }
}

/// Somebody who watches rooms: a connection. All calls return at once, and none may call back into a room.
pub trait Watcher: Send + Sync {
    /// A number that no other watcher has.
    fn id(&self) -> u64;

    /// New events. A watcher that cannot take them must ask the room for a fresh state before it takes any more.
    fn offer(&self, frame: &Arc<Frame>);

    /// Something to see beside the events. A watcher that cannot take it goes without.
    fn aside(&self, frame: &Arc<LiveFrame>);

    /// The room has gone away, by unloading or by a failure: the watcher must join again.
    fn abandoned(&self, auction: AuctionId);
}
