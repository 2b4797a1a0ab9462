//! What waits to be sent to one connection. Room events are held to a limit in bytes: over it nothing more is queued
//! for that room, and once the queue has drained the connection gets one fresh state instead. Notifications are held to the
//! same limit, and are followed by word that some were missed. Answers are always taken, for a client that does not read
//! is not read from either.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Message as Raw;
use tokio::sync::Notify;

use super::close::Close;
use super::codec::Codec;
use super::message::Message;
use crate::domain::AuctionId;
use crate::live::{self, LiveFrame};
use crate::notify::Pushed;
use crate::room::{Frame, Watcher};

/// Above this many slots an empty queue gives its memory back.
const SLOTS_KEPT: usize = 16;

/// The queue of one connection, and what else its task must attend to.
pub(super) struct Outbound {
    id: u64,
    pub codec: Codec,
    limit_bytes: usize,
    inner: Mutex<Inner>,
    wake: Notify,
    /// In how many rooms the connection is.
    rooms: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Raw>,
    bytes: usize,
    /// Rooms whose events could not be taken.
    behind: Vec<AuctionId>,
    /// True if notifications could not be taken.
    notes_missed: bool,
    /// Bids without a verdict yet.
    pending: Vec<PendingBid>,
    next_ticket: u64,
    close: Option<Close>,
}

/// A bid that must be answered by its deadline, whatever happens.
pub(super) struct PendingBid {
    ticket: u64,
    pub deadline: Instant,
    pub reply_to: i64,
    pub auction: Box<str>,
    pub key: Box<str>,
}

/// What the task has to do next.
#[derive(Default)]
pub(super) struct Work {
    pub frames: Vec<Raw>,
    pub behind: Vec<AuctionId>,
    pub close: Option<Close>,
}

impl Outbound {
    pub(super) fn new(id: u64, codec: Codec, limit_bytes: usize) -> Self {
        Self { id, codec, limit_bytes, inner: Mutex::default(), wake: Notify::new(), rooms: AtomicUsize::new(0) }
    }

    /// Notes in how many rooms the connection is.
    pub(super) fn is_in_rooms(&self, count: usize) {
        self.rooms.store(count, Ordering::Relaxed);
    }

    /// True if it is in any.
    pub(super) fn is_watching(&self) -> bool {
        self.rooms.load(Ordering::Relaxed) > 0
    }

    /// Queues an answer or a push that must not be left out.
    pub(super) fn push(&self, message: &Message<'_>) {
        self.push_raw(self.codec.encode(message));
    }

    pub(super) fn push_raw(&self, frame: Raw) {
        let mut inner = self.lock();
        inner.bytes += length(&frame);
        inner.queue.push_back(frame);
        drop(inner);
        self.wake.notify_one();
    }

    /// Queues a live message if there is room for it.
    pub(super) fn offer_live(&self, frame: &LiveFrame) {
        let raw = self.codec.encode_live(frame);
        let mut inner = self.lock();
        if inner.bytes + length(&raw) > self.limit_bytes {
            return live::dropped("socket");
        }
        inner.bytes += length(&raw);
        inner.queue.push_back(raw);
        drop(inner);
        self.wake.notify_one();
    }

    /// Queues a notification, or notes that it was missed. After one that was missed none is queued until the client is told.
    pub(super) fn offer_note(&self, note: &Pushed) {
        let raw = self.codec.encode_note(note);
        let mut inner = self.lock();
        if inner.notes_missed || inner.bytes + length(&raw) > self.limit_bytes {
            drop(inner);
            return self.miss_notes();
        }
        inner.bytes += length(&raw);
        inner.queue.push_back(raw);
        drop(inner);
        metrics::counter!("bidhub_notifications_pushed_total").increment(1);
        self.wake.notify_one();
    }

    /// Some notification does not come: the client is told so once all that waits is sent.
    pub(super) fn miss_notes(&self) {
        self.lock().notes_missed = true;
        metrics::counter!("bidhub_notifications_missed_total").increment(1);
        self.wake.notify_one();
    }

    /// Asks the task to close the connection. The first reason counts.
    pub(super) fn close(&self, close: Close) {
        self.lock().close.get_or_insert(close);
        self.wake.notify_one();
    }

    /// Notes a bid that waits for its verdict. Gives the ticket by which it is answered.
    pub(super) fn expect(&self, deadline: Instant, reply_to: i64, auction: &str, key: &str) -> u64 {
        let mut inner = self.lock();
        let ticket = inner.next_ticket;
        inner.next_ticket += 1;
        inner.pending.push(PendingBid { ticket, deadline, reply_to, auction: auction.into(), key: key.into() });
        ticket
    }

    /// Queues the verdict of a bid, unless it was given up.
    pub(super) fn answer(&self, ticket: u64, encode: impl FnOnce(&PendingBid) -> Raw) {
        let mut inner = self.lock();
        let Some(index) = inner.pending.iter().position(|bid| bid.ticket == ticket) else { return };
        let bid = inner.pending.swap_remove(index);
        if inner.pending.is_empty() {
            inner.pending = Vec::new();
        }
        drop(inner);
        self.push_raw(encode(&bid));
    }

    /// Takes the bids whose deadline has passed.
    pub(super) fn expired(&self, now: Instant) -> Vec<PendingBid> {
        self.lock().pending.extract_if(.., |bid| bid.deadline <= now).collect()
    }

    /// The earliest deadline of a bid that waits.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.lock().pending.iter().map(|bid| bid.deadline).min()
    }

    /// True if no bid waits for its verdict.
    pub(super) fn is_settled(&self) -> bool {
        self.lock().pending.is_empty()
    }

    /// The connection takes events of this room again; called while none can be offered.
    pub(super) fn caught_up(&self, auction: AuctionId) {
        self.lock().behind.retain(|behind| *behind != auction);
    }

    /// Waits until there is something to do.
    pub(super) async fn work(&self, frames_max: usize) -> Work {
        loop {
            let woken = self.wake.notified();
            if let Some(work) = self.take(frames_max) {
                return work;
            }
            woken.await;
        }
    }

    /// Frames first; once they are sent, what was left out; a close before anything else.
    fn take(&self, frames_max: usize) -> Option<Work> {
        let mut inner = self.lock();
        if let Some(close) = inner.close {
            return Some(Work { close: Some(close), ..Work::default() });
        }
        if inner.queue.is_empty() && std::mem::take(&mut inner.notes_missed) {
            return Some(Work { frames: vec![self.codec.encode(&Message::NotificationsMissed {})], ..Work::default() });
        }
        if inner.queue.is_empty() {
            let behind = inner.behind.clone();
            return (!behind.is_empty()).then(|| Work { behind, ..Work::default() });
        }
        let count = inner.queue.len().min(frames_max);
        let frames: Vec<Raw> = inner.queue.drain(..count).collect();
        inner.bytes -= frames.iter().map(length).sum::<usize>();
        if inner.queue.is_empty() && inner.queue.capacity() > SLOTS_KEPT {
            inner.queue = VecDeque::new();
        }
        Some(Work { frames, ..Work::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Outbound {
    fn id(&self) -> u64 {
        self.id
    }

    fn offer(&self, frame: &Arc<Frame>) {
        let raw = self.codec.encode_frame(frame);
        let mut inner = self.lock();
        if inner.behind.contains(&frame.auction) {
            return;
        }
        if inner.bytes + length(&raw) > self.limit_bytes {
            metrics::counter!("bidhub_ws_fell_behind_total").increment(1);
            inner.behind.push(frame.auction);
            drop(inner);
            // The queue may be empty: then nothing else would wake the task to ask for a fresh state.
            self.wake.notify_one();
            return;
        }
        inner.bytes += length(&raw);
        inner.queue.push_back(raw);
        drop(inner);
        self.wake.notify_one();
    }

    fn aside(&self, frame: &Arc<LiveFrame>) {
        self.offer_live(frame);
    }

    fn abandoned(&self, auction: AuctionId) {
        let mut inner = self.lock();
        if !inner.behind.contains(&auction) {
            inner.behind.push(auction);
        }
        drop(inner);
        self.wake.notify_one();
    }
}

fn length(frame: &Raw) -> usize {
    match frame {
        Raw::Text(text) => text.len(),
        Raw::Binary(bytes) | Raw::Ping(bytes) | Raw::Pong(bytes) => bytes.len(),
        Raw::Close(_) => 0,
    }
}

/// After how long a client should connect again: spread over the `window` in which the hub still serves, or over two
/// seconds if it ends at once, so that not all come at the same moment.
pub(super) fn reconnect_after(chance: &crate::chance::Chance, window: Duration) -> Duration {
    let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    let after_ms = if window_ms == 0 { 100 + chance.below(1_900) } else { chance.below(window_ms) };
    Duration::from_millis(after_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Seq;

    #[tokio::test]
    async fn a_frame_too_long_for_an_empty_queue_is_followed_by_a_fresh_state() {
        let auction = AuctionId(uuid::Uuid::from_u128(1));
        let outbound = Arc::new(Outbound::new(1, Codec::Json, 64));
        let waiting = tokio::spawn({
            let outbound = outbound.clone();
            async move { outbound.work(8).await.behind }
        });
        // Let it fall asleep first.
        tokio::task::yield_now().await;
        let frame = Frame::new(auction, Seq(1), vec![format!("\"{}\"", "x".repeat(100)).into()], Instant::now());
        outbound.offer(&Arc::new(frame));
        let behind = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it wakes up").unwrap();
        assert_eq!(behind, [auction]);
    }

    #[tokio::test]
    async fn notifications_without_a_place_are_followed_by_word_that_they_were_missed() {
        let note = |id, text: &str| {
            Pushed::new(crate::notify::Notification {
                id,
                kind: "won".to_owned(),
                auction: None,
                at: crate::clock::WireTime(crate::domain::Timestamp::from_millis(0)),
                title: "You won",
                text: text.to_owned(),
                data: serde_json::json!({}),
                read: false,
            })
        };
        for codec in Codec::ALL {
            let outbound = Outbound::new(1, codec, 400);
            outbound.offer_note(&note(1, "short"));
            outbound.offer_note(&note(2, &"x".repeat(400)));
            outbound.offer_note(&note(3, "short"));
            let first = outbound.work(8).await.frames;
            assert_eq!(first, [codec.encode_note(&note(1, "short"))], "what comes after a gap waits until it is told");
            assert_eq!(outbound.work(8).await.frames, [codec.encode(&Message::NotificationsMissed {})]);
            outbound.offer_note(&note(4, "short"));
            assert_eq!(outbound.work(8).await.frames, [codec.encode_note(&note(4, "short"))]);
        }
    }
}
