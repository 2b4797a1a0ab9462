//! The files that were asked for last, at hand in bounded memory, and the bounded number of those who look one up.
//!
//! A file stays at hand for a few seconds only: so long may other nodes show what one has deleted.

use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Size, busy};
use crate::http::ApiError;

/// How long a file stays at hand.
const TTL: Duration = Duration::from_secs(10);
/// How many are looked up at once: of the readers of SQLite, two are left to everyone else.
const LOOK_UPS_MAX: usize = 2;
/// How many may wait for that, and how long.
const WAITING_MAX: usize = 256;
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Seconds after which it may be asked again.
const RETRY_AFTER_S: u64 = 1;
/// What keeping a file takes beside its bytes, about.
const OVERHEAD_BYTES: usize = 256;

/// A file as it is served.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub content_type: String,
    pub body: Bytes,
}

pub(super) struct Shelf {
    files: Cache<(Uuid, Size), Served>,
    look_ups: Semaphore,
    waiting: Semaphore,
}

impl Shelf {
    /// Keeps up to `bytes` at hand.
    pub fn new(bytes: u64) -> Self {
        let weight =
            |_: &(Uuid, Size), file: &Served| u32::try_from(file.body.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX);
        let files = Cache::builder().max_capacity(bytes).weigher(weight).time_to_live(TTL).build();
        Self { files, look_ups: Semaphore::new(LOOK_UPS_MAX), waiting: Semaphore::new(WAITING_MAX) }
    }

    /// A file, as it is at hand or as `find` gives it, which only one of those who ask at the same time runs.
    pub async fn file(
        &self,
        id: Uuid,
        size: Size,
        find: impl Future<Output = Result<Served, ApiError>>,
    ) -> Result<Served, ApiError> {
        let found = self.files.entry((id, size)).or_try_insert_with(self.look_up(find)).await;
        let outcome = match &found {
            Ok(entry) if entry.is_fresh() => "miss",
            Ok(_) => "hit",
            Err(error) if error.status().is_server_error() => "failed",
            Err(_) => "absent",
        };
        metrics::counter!("bidhub_cache_requests_total", "kind" => "image", "outcome" => outcome).increment(1);
        found.map(|entry| entry.into_value()).map_err(|error| (*error).clone())
    }

    /// True if a file is at hand.
    pub fn has(&self, id: Uuid, size: Size) -> bool {
        self.files.contains_key(&(id, size))
    }

    /// Runs `find` when it is its turn; 503 if too many wait, or for too long.
    pub async fn look_up<T>(&self, find: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let crowded = || busy().retry_after_s(RETRY_AFTER_S);
        let waiting = self.waiting.try_acquire().map_err(|_| crowded())?;
        let turn = timeout(WAIT_MAX, self.look_ups.acquire()).await;
        let _turn = turn.map_err(|_| crowded())?.map_err(ApiError::internal)?;
        drop(waiting);
        find.await
    }

    /// Puts an image away that is no more.
    pub async fn forget(&self, id: Uuid) {
        for size in [Size::Full, Size::Thumbnail] {
            self.files.invalidate(&(id, size)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(bytes: usize) -> Result<Served, ApiError> {
        Ok(Served { content_type: "image/jpeg".to_owned(), body: vec![7; bytes].into() })
    }

    #[tokio::test]
    async fn what_is_at_hand_is_not_looked_up_until_it_is_forgotten() {
        let (shelf, id) = (Shelf::new(100_000), Uuid::from_u128(1));
        let never = || async { Err(ApiError::internal("it was looked up")) };
        shelf.file(id, Size::Full, async { served(1_000) }).await.unwrap();
        assert_eq!(shelf.file(id, Size::Full, never()).await.unwrap().body.len(), 1_000);
        assert!(shelf.has(id, Size::Full) && !shelf.has(id, Size::Thumbnail));
        assert!(shelf.file(id, Size::Thumbnail, never()).await.is_err());
        shelf.forget(id).await;
        assert_eq!(shelf.file(id, Size::Full, async { served(2_000) }).await.unwrap().body.len(), 2_000);
    }

    #[tokio::test]
    async fn bytes_at_hand_are_bounded() {
        let shelf = Shelf::new(100_000);
        for number in 0..100 {
            shelf.file(Uuid::from_u128(number), Size::Full, async { served(10_000) }).await.unwrap();
        }
        shelf.files.run_pending_tasks().await;
        assert!(shelf.files.weighted_size() <= 100_000 && shelf.files.entry_count() > 0);
    }

    #[tokio::test]
    async fn look_ups_and_those_who_wait_for_them_are_bounded() {
        let shelf = Shelf::new(0);
        let running = shelf.look_ups.acquire_many(2).await.unwrap();
        let waiting = shelf.waiting.acquire_many(256).await.unwrap();
        let code = async || shelf.look_up(async { Ok(()) }).await.err().map(|error| error.code());
        let begun = std::time::Instant::now();
        assert_eq!(code().await, Some("busy"));
        assert!(begun.elapsed() < WAIT_MAX, "nobody more waits");
        drop(waiting);
        assert_eq!(code().await, Some("busy"));
        assert!(begun.elapsed() >= WAIT_MAX);
        drop(running);
        assert_eq!(code().await, None);
    }
}
