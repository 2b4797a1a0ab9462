//! What nodes keep together, in Redis: a value that one node has looked up, the others need not.
//!
//! Each tag has a generation there too, a random word; a change writes another. A value is kept with the word that was read
//! before it was looked up, and counts only while that is still the word. So a node that looked something up before a change
//! may write it after the change, and nobody will ever read it: no lock and no script is needed. A tag without a word has
//! not changed for longer than anything is kept.
//!
//! Redis also holds the journal, so what is put there is bounded in bytes for each second. It may be away at any time: every
//! call has a short limit, and after a few failures nobody asks for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{ClientLike as _, KeysInterface as _};
use fred::types::Expiration;

use super::circuit::Circuit;
use super::key::{Kind, TTL_MAX, Tag};
use crate::coordination::redis::client::{self, Ground};
use crate::persistence::RedisError;
use crate::persistence::redis::RedisUrl;

/// How long any answer may take.
const TIMEOUT: Duration = Duration::from_millis(250);
/// A look-up that takes longer is not kept.
pub(super) const LOOK_UP_MAX: Duration = Duration::from_secs(30);
/// How long the word of a tag is kept: longer than anything that was kept before it, or looked up before it.
const WORD_LIFE: Duration = Duration::from_secs(TTL_MAX.as_secs() + LOOK_UP_MAX.as_secs() + 60);
/// The longest value that is kept, and how much a node writes in any one second.
const VALUE_MAX_BYTES: usize = 128 * 1_024;
const BYTES_PER_SECOND_MAX: usize = 2 * 1_024 * 1_024;
/// What is never said on this connection.
const MESSAGES_MAX: usize = 16;

/// A way to what all nodes keep.
pub struct Shared {
    client: Client,
    circuit: Circuit,
    written: Mutex<(Instant, usize)>,
}

/// What was found.
pub(super) enum Looked {
    /// A value that still counts.
    Found(Bytes),
    /// None that can be believed; what is looked up now is to be kept under this word.
    Missing(Word),
    /// Nobody can say.
    Away,
}

/// The word of a tag; empty if it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word(Bytes);

impl Shared {
    /// Connects to the Redis at `url` by itself, now or whenever it can be reached. `ca` as for every way there. Fails if the
    /// address makes no sense.
    pub fn connecting(url: &RedisUrl, ca: Option<&[u8]>) -> Result<Self, RedisError> {
        let client = client::connecting(Ground { url, ca, timeout: TIMEOUT * 4, messages_max: MESSAGES_MAX })?;
        Ok(Self { client, circuit: Circuit::default(), written: Mutex::new((Instant::now(), 0)) })
    }

    /// True while it is connected, as far as it knows.
    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    /// What is kept at `place` under the present word of `tag`.
    pub(super) async fn look(&self, tag: &Tag, place: &str) -> Looked {
        let keys = vec![tag.place(), place.to_owned()];
        let Some(found) = self.ask("look", self.client.mget::<Vec<Option<Bytes>>, _>(keys)).await else {
            return Looked::Away;
        };
        let mut found = found.into_iter();
        let word = Word(found.next().flatten().unwrap_or_default());
        match found.next().flatten().and_then(|kept| word.opens(&kept)) {
            Some(json) if self.circuit.is_trusted(Instant::now()) => Looked::Found(json),
            _ => Looked::Missing(word),
        }
    }

    /// Keeps `json` at `place` under the word that was read before it was looked up.
    pub(super) async fn keep(&self, kind: &Kind, place: &str, word: &Word, json: &[u8]) {
        if json.len() > VALUE_MAX_BYTES || !self.may_write(json.len()) {
            return;
        }
        let kept = Bytes::from([&word.0[..], b" ", json].concat());
        self.ask("keep", self.client.set::<(), _, _>(place, kept, expiry(kind.ttl.min(TTL_MAX)), None, false)).await;
    }

    /// Gives `tag` another `word`. False if nobody can say whether it has it; it may be given again.
    pub(super) async fn forget(&self, tag: &Tag, word: &str) -> bool {
        let set = self.client.set::<(), _, _>(tag.place(), word, expiry(WORD_LIFE), None, false);
        self.ask("forget", set).await.is_some()
    }

    /// Ends the connection.
    pub(super) async fn quit(&self) {
        let _ = tokio::time::timeout(TIMEOUT, self.client.quit()).await;
    }

    async fn ask<T>(
        &self,
        call: &'static str,
        asked: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> Option<T> {
        if !self.circuit.may_ask(Instant::now()) {
            return None;
        }
        // Without a connection a command would wait for one.
        let answer = match self.is_connected() {
            true => tokio::time::timeout(TIMEOUT, asked).await.ok().and_then(Result::ok),
            false => None,
        };
        match &answer {
            Some(_) => self.circuit.answered(Instant::now()),
            None => {
                metrics::counter!("bidhub_cache_away_total", "call" => call).increment(1);
                self.circuit.failed(Instant::now());
            }
        }
        answer
    }

    /// True if so many bytes more may be written in this second.
    fn may_write(&self, bytes: usize) -> bool {
        let mut written = self.written();
        if written.0.elapsed() >= Duration::from_secs(1) {
            *written = (Instant::now(), 0);
        }
        written.1 = written.1.saturating_add(bytes);
        written.1 <= BYTES_PER_SECOND_MAX
    }

    fn written(&self) -> MutexGuard<'_, (Instant, usize)> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Word {
    /// The value that was kept under this word; none if it was another.
    fn opens(&self, kept: &Bytes) -> Option<Bytes> {
        let at = kept.iter().position(|byte| *byte == b' ')?;
        (kept[..at] == self.0[..]).then(|| kept.slice(at + 1..))
    }
}

fn expiry(after: Duration) -> Option<Expiration> {
    Some(Expiration::PX(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_to_the_word_it_was_kept_under() {
        let word = |text: &'static str| Word(Bytes::from_static(text.as_bytes()));
        let kept = Bytes::from_static(b"abc {\"a\": 1}");
        assert_eq!(word("abc").opens(&kept).unwrap(), "{\"a\": 1}");
        assert_eq!(word("").opens(&Bytes::from_static(b" 7")).unwrap(), "7");
        for (other, kept) in [("abd", &kept), ("", &kept), ("ab", &kept), ("abc", &Bytes::from_static(b"nonsense"))] {
            assert_eq!(word(other).opens(kept), None, "{other}");
        }
    }
}
