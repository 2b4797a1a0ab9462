//! What all connections share.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connections::Connections;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::{self, Switch};
use crate::domain::AuctionId;
use crate::live::{Audience, LiveFrame, Stage, Viewers};
use crate::room::Rooms;

/// Shared by all connections.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

/// What a [`Gateway`] is made of.
pub struct Parts {
    /// The rooms.
    pub rooms: Rooms,
    /// Who is connected.
    pub connections: Arc<Connections>,
    /// Bounds of each connection.
    pub limits: Limits,
    /// How many watch which room.
    pub viewers: Viewers,
    /// The time.
    pub clock: Clock,
    /// Jitter.
    pub chance: Chance,
    /// Cancelled when the hub begins to stop.
    pub shutdown: CancellationToken,
    /// Over how long connections are then sent elsewhere; zero ends them at once.
    pub drain_window: Duration,
    /// The tasks of all connections.
    pub tasks: TaskTracker,
}

/// Bounds of each connection, and of all together.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections_max: usize,
    /// Connections of one address.
    pub connections_per_address_max: usize,
    /// Rooms of one connection.
    pub rooms_max: usize,
    /// Longest message taken.
    pub message_max_bytes: usize,
    /// How often a connection may ask; none if limits are off.
    pub messages: Option<Quota>,
    /// After this many refusals for asking too often, each request that was not refused making up for one, it is closed.
    pub strikes_max: u32,
    /// What may wait to be sent.
    pub outbound_queue_bytes: usize,
    /// Silence after which it is pinged.
    pub ping_interval: Duration,
    /// Longest wait for a sign of life after that.
    pub pong_timeout: Duration,
    /// Longest time that a write may stand still.
    pub write_timeout: Duration,
    /// Longest time that a bid waits for its verdict.
    pub bid_deadline: Duration,
}

impl Limits {
    /// The limits of the settings.
    pub fn new(settings: &config::Connections, room: &config::Room) -> Self {
        let rate = NonZeroU32::new(settings.messages_per_second).zip(NonZeroU32::new(settings.message_burst));
        let quota = rate.map(|(rate, burst)| Quota::per_second(rate).allow_burst(burst));
        Self {
            connections_max: settings.max_connections as usize,
            connections_per_address_max: settings.max_connections_per_address as usize,
            rooms_max: settings.max_rooms_per_connection as usize,
            message_max_bytes: settings.max_frame_bytes as usize,
            messages: quota.filter(|_| settings.rate_limits == Switch::On),
            strikes_max: settings.message_burst.saturating_mul(5),
            outbound_queue_bytes: settings.outbound_queue_bytes as usize,
            ping_interval: Duration::from_secs(settings.ping_interval_s.into()),
            pong_timeout: Duration::from_secs(settings.pong_timeout_s.into()),
            write_timeout: Duration::from_millis(settings.write_timeout_ms.into()),
            bid_deadline: Duration::from_millis(room.bid_deadline_ms.into()),
        }
    }
}

impl Gateway {
    /// A gateway of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Waits until every connection has ended.
    pub async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Stage for Gateway {
    fn watching(&self) -> Vec<(AuctionId, usize)> {
        self.rooms.watching()
    }

    fn show(&self, audience: Audience, frame: &Arc<LiveFrame>) {
        match audience {
            Audience::Room(auction) => self.rooms.aside(auction, frame),
            _ => self.connections.show(audience, frame),
        }
    }
}

impl std::ops::Deref for Gateway {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
