//! The socket, asked by clients that keep to the contract and by clients that do not.

mod closing;
mod connecting;
mod hostile;
mod limits;
mod rejections;
mod requests;
mod resuming;
pub mod slow;
mod story;
mod viewers;

use bidhub::config::Settings;
use serde_json::{Value, json};

use crate::harness::{Hub, User};
use crate::market::{desk_with, eventually, offer};
pub use crate::socket_client::{CODECS, Closed, Codec, Socket, text};

/// A hub with a seller and an open auction.
pub struct Market {
    pub hub: Hub,
    pub seller: User,
    pub auction: String,
}

impl Market {
    pub async fn open() -> Self {
        Self::with(json!({}), |_| ()).await
    }

    /// An auction with these members, at a hub with settings changed by `change`.
    pub async fn with(members: Value, change: impl FnOnce(&mut Settings)) -> Self {
        let hub = Hub::with(change).await;
        let seller = hub.sign_up("seller").await;
        let auction = offer(&hub, &seller, desk_with(members)).await;
        let path = format!("/api/auctions/{auction}");
        eventually(&hub, &path, |body| {
            body["state"]["status"] != "scheduled" || body["state"]["starts_at"] != "2026-11-20T09:30:00.000Z"
        })
        .await;
        Self { hub, seller, auction }
    }

    /// A connection of a new bidder.
    pub async fn bidder(&self, codec: Codec, name: &str) -> Socket {
        let user = self.hub.sign_up(name).await;
        Socket::of(self.hub.address, codec, &user.token).await
    }

    /// A connection of nobody.
    pub async fn watcher(&self, codec: Codec) -> Socket {
        Socket::open(self.hub.address, codec).await
    }

    pub fn join(&self) -> Value {
        json!({"type": "join", "auction": self.auction})
    }

    pub fn straight(&self, key: &str, amount: impl Into<Value>) -> Value {
        json!({"type": "bid", "auction": self.auction, "key": key, "amount": amount.into()})
    }

    pub fn max(&self, key: &str, max: impl Into<Value>) -> Value {
        json!({"type": "bid", "auction": self.auction, "key": key, "max": max.into()})
    }
}
