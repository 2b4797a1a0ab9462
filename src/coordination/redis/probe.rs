//! Whether this node hears itself: what it says to itself must come back by the way that all messages go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::wire::Wire;
use crate::coordination::BusError;

/// How long a message to oneself may take.
const LIMIT: Duration = Duration::from_secs(1);
/// After so long without hearing itself a node makes its connections anew.
const DEAF_MAX: Duration = Duration::from_secs(5);

/// Messages to oneself.
pub(super) struct Probe {
    channel: String,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    deaf_since: Mutex<Option<Instant>>,
}

impl Probe {
    /// By way of `channel`.
    pub fn new(channel: String) -> Self {
        Self { channel, next: AtomicU64::new(0), waiting: Default::default(), deaf_since: Default::default() }
    }

    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Something came back.
    pub fn heard(&self, bytes: &Bytes) {
        let Ok(number) = <[u8; 8]>::try_from(&bytes[..]) else { return };
        if let Some(waiting) = self.waiting().remove(&u64::from_be_bytes(number)) {
            let _ = waiting.send(());
        }
    }

    /// Says something to oneself and waits until it comes back.
    pub async fn ask(&self, wire: &Wire) -> Result<(), BusError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (heard, is_heard) = oneshot::channel();
        self.waiting().insert(number, heard);
        let asked = async {
            wire.publish(self.channel.clone(), Bytes::copy_from_slice(&number.to_be_bytes())).await;
            is_heard.await
        };
        let answer = tokio::time::timeout(LIMIT, asked).await;
        self.waiting().remove(&number);
        match answer {
            Ok(Ok(())) => Ok(()),
            _ => Err(BusError("this node does not hear itself".to_owned())),
        }
    }

    /// Asks, counts, and makes the connections anew if they seem to be up and nothing was heard for long.
    pub async fn watch(&self, wire: &Wire) {
        if self.ask(wire).await.is_ok() {
            *self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return;
        }
        metrics::counter!("bidhub_bus_deaf_total").increment(1);
        let deaf_for = {
            let mut since = self.deaf_since.lock().unwrap_or_else(PoisonError::into_inner);
            let deaf_for = since.get_or_insert_with(Instant::now).elapsed();
            if deaf_for >= DEAF_MAX {
                *since = None;
            }
            deaf_for
        };
        // A connection that knows that it is down comes back by itself.
        if deaf_for >= DEAF_MAX && wire.is_connected() {
            tracing::warn!("this node has not heard itself for {} s: connecting anew", deaf_for.as_secs());
            wire.reconnect().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
