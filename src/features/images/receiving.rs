//! Bodies of uploads on their way in: so many of one account at once, so much memory for all of them together, and nobody
//! waited for who falls silent.
//!
//! Memory is taken as a body comes, so that who sends little by little holds little, however long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{RETRY_AFTER_S, busy};
use crate::domain::AccountId;
use crate::http::ApiError;
use crate::rate_limit::Limited;

/// How many images one account may upload at once.
const OF_ACCOUNT_MAX: u32 = 2;
/// How much memory is taken at a time, in bytes.
const PIECE_BYTES: usize = 64 * 1_024;

/// How long a body is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the next of its bytes.
    pub silence: Duration,
    /// For all of it.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(5), whole: Duration::from_secs(25) }
    }
}

/// What bodies may take.
pub(super) struct Receiving {
    /// A permit for each [`PIECE_BYTES`].
    room: Arc<Semaphore>,
    /// How many are under way, of the accounts that have any.
    under_way: Mutex<HashMap<AccountId, u32>>,
    /// Longest body, in bytes.
    max_bytes: usize,
    patience: Patience,
}

/// One upload of an account.
pub(super) struct Turn<'a> {
    of: &'a Receiving,
    owner: AccountId,
    room: OwnedSemaphorePermit,
}

/// A body that is there. The room that it takes is free when it is dropped.
#[derive(Debug)]
pub(super) struct File {
    pub bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Receiving {
    /// Room for so many bodies of this length at once, or for more that are shorter.
    pub fn new(bodies_max: usize, max_bytes: usize, patience: Patience) -> Self {
        let pieces = bodies_max.saturating_mul(pieces(max_bytes)).min(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(pieces)), under_way: Mutex::default(), max_bytes, patience }
    }

    /// Lets an account upload one more, unless it or everyone together has enough under way.
    pub fn begin(&self, owner: AccountId) -> Result<Turn<'_>, ApiError> {
        let mut under_way = self.under_way();
        let count = under_way.get(&owner).copied().unwrap_or_default();
        if count >= OF_ACCOUNT_MAX {
            return Err(Limited { retry_after_s: RETRY_AFTER_S }.into());
        }
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| busy())?;
        under_way.insert(owner, count + 1);
        Ok(Turn { of: self, owner, room })
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<AccountId, u32>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The whole body, if it is not too long and comes in time; nothing more of it is read once it is not.
    pub async fn receive<E>(&mut self, body: impl Stream<Item = Result<Bytes, E>>) -> Result<File, ApiError> {
        let Patience { silence, whole } = self.of.patience;
        let receiving = async {
            let mut body = std::pin::pin!(body);
            let mut bytes = Vec::new();
            while let Some(chunk) = timeout(silence, body.next()).await.map_err(|_| too_slow())? {
                let chunk =
                    chunk.map_err(|_| ApiError::bad_request("bad_request", "the body stopped before its end"))?;
                self.make_room(&mut bytes, chunk.len())?;
                bytes.extend_from_slice(&chunk);
            }
            Ok::<_, ApiError>(bytes)
        };
        let bytes = timeout(whole, receiving).await.map_err(|_| too_slow())??;
        // What it has taken so far goes with the file; the turn needs none any more.
        let taken = self.room.num_permits();
        let room = self.room.split(taken).ok_or_else(busy)?;
        Ok(File { bytes, _room: room })
    }

    /// Has `bytes` hold `more`, twice as much as before or all that may ever come.
    fn make_room(&mut self, bytes: &mut Vec<u8>, more: usize) -> Result<(), ApiError> {
        let needed = bytes.len().saturating_add(more);
        let most = self.of.max_bytes;
        if needed > most {
            return Err(too_long(most));
        }
        if needed > bytes.capacity() {
            let wanted = needed.max(bytes.capacity().saturating_mul(2)).max(PIECE_BYTES).min(most);
            let missing = pieces(wanted).saturating_sub(self.room.num_permits());
            if missing > 0 {
                let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                self.room.merge(Arc::clone(&self.of.room).try_acquire_many_owned(missing).map_err(|_| busy())?);
            }
            bytes.reserve_exact(wanted - bytes.len());
        }
        Ok(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut under_way = self.of.under_way();
        match under_way.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                under_way.remove(&self.owner);
            }
        }
    }
}

/// 413.
pub(super) fn too_long(most: usize) -> ApiError {
    let detail = format!("an image has {most} bytes at most");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

/// 408: the connection is of no more use, for what else may come on it is the rest of this.
fn too_slow() -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the image took too long to arrive")
}

fn pieces(bytes: usize) -> usize {
    bytes.div_ceil(PIECE_BYTES).max(1)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    const SHORT: Patience = Patience { silence: Duration::from_millis(200), whole: Duration::from_millis(600) };

    fn account(number: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(number))
    }

    fn chunk(bytes: usize) -> Result<Bytes, Infallible> {
        Ok(Bytes::from(vec![7; bytes]))
    }

    #[tokio::test]
    async fn what_was_sent_is_there_and_holds_its_room_until_it_goes() {
        let receiving = Receiving::new(1, 3 * PIECE_BYTES + 1, SHORT);
        assert_eq!(receiving.room.available_permits(), 4);
        for (chunks, held) in [(vec![10, 20], 1), (vec![PIECE_BYTES, 1], 2), (vec![PIECE_BYTES; 3], 4), (vec![], 1)] {
            let mut turn = receiving.begin(account(1)).unwrap();
            let file = turn.receive(stream::iter(chunks.iter().map(|bytes| chunk(*bytes)))).await.unwrap();
            drop(turn);
            assert_eq!((file.bytes.len(), receiving.room.available_permits()), (chunks.iter().sum(), 4 - held));
            drop(file);
            assert_eq!(receiving.room.available_permits(), 4);
        }
        let mut turn = receiving.begin(account(1)).unwrap();
        let endless = stream::repeat_with(|| chunk(1_000));
        assert_eq!(turn.receive(endless).await.unwrap_err().code(), "body_too_large");
        drop(turn);
        assert_eq!((receiving.room.available_permits(), receiving.under_way().len()), (4, 0));
    }

    #[tokio::test]
    async fn who_is_silent_or_drips_is_not_waited_for() {
        let receiving = Receiving::new(1, PIECE_BYTES, SHORT);
        let begun = std::time::Instant::now();
        let silent = stream::iter([chunk(1)]).chain(stream::pending());
        let dripping = stream::unfold((), async |()| {
            tokio::time::sleep(SHORT.silence / 40).await;
            Some((chunk(1), ()))
        });
        let mut turn = receiving.begin(account(1)).unwrap();
        assert_eq!(turn.receive(silent).await.unwrap_err().code(), "request_timeout");
        assert!(begun.elapsed() < SHORT.whole);
        assert_eq!(turn.receive(dripping).await.unwrap_err().code(), "request_timeout");
        assert!(begun.elapsed() >= SHORT.whole);
        drop(turn);
        assert_eq!(receiving.room.available_permits(), 1);
    }

    #[test]
    fn an_account_has_two_at_once_and_all_have_what_there_is() {
        let receiving = Receiving::new(3, 1, SHORT);
        let first = receiving.begin(account(1)).unwrap();
        let _second = receiving.begin(account(1)).unwrap();
        let code = |begun: Result<Turn<'_>, ApiError>| begun.err().map(|error| error.code());
        assert_eq!(code(receiving.begin(account(1))), Some("rate_limited"));
        let _third = receiving.begin(account(2)).unwrap();
        assert_eq!(code(receiving.begin(account(2))), Some("busy"));
        drop(first);
        assert_eq!(code(receiving.begin(account(1))), None);
    }
}
