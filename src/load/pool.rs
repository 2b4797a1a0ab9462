//! Sockets of many bidders, of which only so many are open at a time. A socket is one identity: who has been quiet the
//! longest makes room for who comes next.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Mutex, OnceCell};

use super::client::{Client, ClientError, Codec};
use super::identity::Signer;

/// The open sockets.
pub struct Pool {
    url: String,
    codec: Codec,
    signer: Signer,
    prefix: String,
    capacity: usize,
    slots: Mutex<HashMap<String, Slot>>,
    uses: AtomicU64,
}

struct Slot {
    socket: Arc<OnceCell<Client>>,
    used: u64,
}

/// A bidder's socket for as long as it is held. While it is held it is not closed to make room.
pub type Held = Arc<OnceCell<Client>>;

impl Pool {
    /// At most `capacity` sockets to `url`. A bidder is known to the hub under `prefix` and the own name. More than
    /// `capacity` bidders may not be held at once.
    pub fn new(url: String, codec: Codec, signer: Signer, prefix: &str, capacity: usize) -> Self {
        let (slots, uses) = (Mutex::default(), AtomicU64::new(0));
        Self { url, codec, signer, prefix: prefix.to_owned(), capacity, slots, uses }
    }

    /// The token of someone who is known under the pool's prefix.
    pub fn token(&self, name: &str) -> Result<SecretString, ClientError> {
        let subject = format!("{}:{name}", self.prefix);
        self.signer.token(&subject, name).map_err(|error| ClientError::Malformed(error.to_string()))
    }

    /// The socket of `bidder`, connected if need be.
    pub async fn hold(&self, bidder: &str) -> Result<Held, ClientError> {
        let (held, wait) = self.slot(bidder).await;
        tokio::time::sleep(wait).await;
        let connect = || async {
            let token = self.token(bidder)?;
            Client::connect(&self.url, Some(&token), self.codec).await.map(|(client, _)| client)
        };
        held.get_or_try_init(connect).await?;
        Ok(held)
    }

    /// The bidder's slot, and how long to wait before a new socket is opened in it.
    async fn slot(&self, bidder: &str) -> (Held, Duration) {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots.lock().await;
        if let Some(slot) = slots.get_mut(bidder)
            && !slot.socket.get().is_some_and(Client::is_closed)
        {
            slot.used = used;
            return (slot.socket.clone(), Duration::ZERO);
        }
        let ended = slots.remove(bidder);
        let wait = ended.and_then(|slot| slot.socket.get().map(Client::reconnect_after)).unwrap_or_default();
        while slots.len() >= self.capacity {
            let idle = slots.iter().filter(|(_, slot)| Arc::strong_count(&slot.socket) == 1);
            let Some(quiet) = idle.min_by_key(|(_, slot)| slot.used).map(|(name, _)| name.clone()) else { break };
            // The place is free once the hub has seen the socket end, so this is waited for.
            if let Some(Slot { socket, .. }) = slots.remove(&quiet)
                && let Some(client) = Arc::into_inner(socket).and_then(OnceCell::into_inner)
            {
                client.close().await;
            }
        }
        let socket = Arc::new(OnceCell::new());
        slots.insert(bidder.to_owned(), Slot { socket: socket.clone(), used });
        (socket, wait)
    }

    /// Closes every socket that nobody holds.
    pub async fn close(&self) {
        let slots = std::mem::take(&mut *self.slots.lock().await);
        let clients = slots.into_values().filter_map(|slot| Arc::into_inner(slot.socket)?.into_inner());
        futures_util::future::join_all(clients.map(Client::close)).await;
    }
}
