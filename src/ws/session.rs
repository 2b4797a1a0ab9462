//! One connection: a task that reads requests, sends what is queued, pings, and knows when to end.
//!
//! While a write stands still it reads nothing more, so a client that does not read slows down only itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message as Raw, WebSocket};
use futures_util::SinkExt as _;
use governor::{DefaultDirectRateLimiter, RateLimiter};

use super::close::Close;
use super::codec::{Codec, Decoded};
use super::connections::Place;
use super::gateway::Gateway;
use super::message::Message;
use super::outbound::{Outbound, Work, reconnect_after};
use crate::auth::{Authenticator, Caller, Via};
use crate::domain::AuctionId;
use crate::domain::auction::Rejection;
use crate::room::{RoomHandle, Watcher};
use crate::wire::Hints;

const FRAMES_AT_ONCE: usize = 64;
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// How much later than it was told to a client may leave a hub that stops.
const LEAVE_GRACE: Duration = Duration::from_millis(500);
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// A connection's state.
pub(super) struct Session {
    pub(super) gateway: Gateway,
    pub(super) authenticator: Authenticator,
    pub(super) outbound: Arc<Outbound>,
    pub(super) caller: Option<Box<Caller>>,
    pub(super) rooms: Rooms,
    pub(super) place: Place,
    limiter: Option<Box<DefaultDirectRateLimiter>>,
    strikes: u32,
    token: Option<(Box<str>, u64)>,
}

/// The rooms that a connection is in; it leaves them however it ends.
pub(super) struct Rooms {
    watcher: u64,
    outbound: Arc<Outbound>,
    joined: Vec<(AuctionId, RoomHandle)>,
}

impl Session {
    pub(super) fn new(
        gateway: Gateway,
        authenticator: Authenticator,
        place: Place,
        codec: Codec,
        caller: Option<(Caller, String)>,
        notices: u64,
    ) -> Self {
        let outbound = Arc::new(Outbound::new(place.id, codec, gateway.limits.outbound_queue_bytes));
        let limiter = gateway.limits.messages.map(|quota| Box::new(RateLimiter::direct(quota)));
        let rooms = Rooms { watcher: place.id, outbound: outbound.clone(), joined: Vec::new() };
        let (caller, token) = match caller {
            Some((caller, token)) => (Some(Box::new(caller)), Some((token.into_boxed_str(), notices))),
            None => (None, None),
        };
        Self { gateway, authenticator, outbound, caller, rooms, place, limiter, strikes: 0, token }
    }

    /// Serves the connection until it ends.
    pub(super) async fn run(mut self, mut socket: WebSocket) {
        if let Some((token, notices)) = self.token.take()
            && let Some(caller) = self.caller.take()
        {
            let via = caller.via;
            if !self.admit(*caller, &token, via, notices).await {
                return close(&mut socket, Close::SessionEnded).await;
            }
        }
        let end = self.serve(&mut socket).await;
        self.rooms.leave_all();
        if let Some(end) = end {
            metrics::counter!("bidhub_ws_closed_total", "code" => end.code().to_string()).increment(1);
            close(&mut socket, end).await;
        }
    }

    /// Serves until the client goes (none) or there is a reason to close.
    async fn serve(&mut self, socket: &mut WebSocket) -> Option<Close> {
        let shutdown = self.gateway.shutdown.clone();
        let mut heard = Instant::now();
        let mut pinged = None;
        let mut leave_at = None;
        loop {
            let wake = self.next_wake(heard, pinged);
            tokio::select! {
                () = shutdown.cancelled(), if leave_at.is_none() => leave_at = Some(self.announce_end()),
                () = sleep_until(leave_at) => return self.drain(socket).await,
                work = self.outbound.work(FRAMES_AT_ONCE) => {
                    if let Err(end) = self.attend(socket, work).await {
                        return end;
                    }
                }
                frame = socket.recv() => {
                    heard = Instant::now();
                    pinged = None;
                    let outcome = match frame {
                        Some(Ok(frame)) => self.receive(frame).await,
                        Some(Err(error)) => Err(reason_of(&error)),
                        None => Err(None),
                    };
                    if let Err(end) = outcome {
                        return end;
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    self.give_up_on_late_bids();
                    let outcome = match self.on_time(heard, &mut pinged) {
                        Ok(ping) => self.send(socket, ping.into_iter().collect()).await,
                        Err(end) => Err(Some(end)),
                    };
                    if let Err(end) = outcome {
                        return end;
                    }
                }
            }
        }
    }

    async fn attend(&mut self, socket: &mut WebSocket, work: Work) -> Result<(), Option<Close>> {
        if let Some(end) = work.close {
            return Err(Some(end));
        }
        self.send(socket, work.frames).await?;
        for auction in work.behind {
            self.refresh(auction).await;
        }
        Ok(())
    }

    /// Writes frames and flushes once. A write that stands still for too long ends the connection.
    async fn send(&self, socket: &mut WebSocket, frames: Vec<Raw>) -> Result<(), Option<Close>> {
        if frames.is_empty() {
            return Ok(());
        }
        let write = async {
            for frame in frames {
                socket.feed(frame).await?;
            }
            socket.flush().await
        };
        match tokio::time::timeout(self.gateway.limits.write_timeout, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(Close::TooSlow)),
        }
    }

    async fn receive(&mut self, frame: Raw) -> Result<(), Option<Close>> {
        let limited = self.limiter.as_ref().is_some_and(|limiter| limiter.check().is_err());
        // What is let through in a flood is no sign that the flood is over.
        self.strikes = if limited { self.strikes + 1 } else { self.strikes.saturating_sub(1) };
        if self.strikes > self.gateway.limits.strikes_max {
            return Err(Some(Close::TooManyRequests));
        }
        match frame {
            Raw::Ping(_) | Raw::Pong(_) => return Ok(()),
            Raw::Close(_) => return Err(None),
            Raw::Text(_) | Raw::Binary(_) => {}
        }
        match self.outbound.codec.decode(&frame) {
            Decoded::Request(flat) => {
                let started = Instant::now();
                let label = flat.label();
                self.handle(flat, limited).await;
                metrics::histogram!("bidhub_ws_request_seconds", "type" => label).record(started.elapsed());
                Ok(())
            }
            Decoded::Malformed(malformed) => {
                self.refuse_malformed(&malformed);
                Ok(())
            }
            Decoded::Unreadable => Err(Some(Close::Unreadable)),
        }
    }

    /// Gives a fresh state in place of events that could not be taken.
    async fn refresh(&mut self, auction: AuctionId) {
        if !self.rooms.contains(auction) {
            return self.outbound.caught_up(auction);
        }
        let watcher: Arc<dyn Watcher> = self.outbound.clone();
        let account = self.caller.as_ref().map(|caller| caller.account());
        let (outbound, now) = (self.outbound.clone(), self.gateway.clock.now());
        let announce = |joined: crate::room::Joined| {
            outbound.caught_up(auction);
            let state = Box::new(crate::wire::State::new(&joined.view, now));
            let (seq, log) = (joined.view.seq.0, joined.view.log.0);
            outbound.push(&Message::State { auction: auction.0, seq, log, state });
        };
        match self.gateway.rooms.join(auction, &watcher, account, None, announce).await {
            Ok((room, ())) => self.rooms.add(auction, room),
            Err(error) => {
                // The client resumes by itself on a new connection, and nothing is missed.
                tracing::warn!(%auction, %error, "a room could not be joined again: {error}");
                self.outbound.close(Close::GoingAway);
            }
        }
    }

    fn on_time(&self, heard: Instant, pinged: &mut Option<Instant>) -> Result<Option<Raw>, Close> {
        let now = Instant::now();
        if self.caller.as_ref().is_some_and(|caller| caller.expires_at <= self.gateway.clock.now()) {
            return Err(Close::SessionEnded);
        }
        match *pinged {
            Some(at) if now >= at + self.gateway.limits.pong_timeout => Err(Close::Idle),
            None if now >= heard + self.gateway.limits.ping_interval => {
                *pinged = Some(now);
                Ok(Some(Raw::Ping(bytes::Bytes::new())))
            }
            _ => Ok(None),
        }
    }

    fn next_wake(&self, heard: Instant, pinged: Option<Instant>) -> Instant {
        let limits = &self.gateway.limits;
        let silence = pinged.map_or(heard + limits.ping_interval, |at| at + limits.pong_timeout);
        let expiry = self.caller.as_ref().map(|caller| {
            let left = caller.expires_at.since(self.gateway.clock.now()).millis().unsigned_abs();
            // Far ones are looked at again with the next ping.
            Instant::now() + Duration::from_millis(left).min(limits.ping_interval) + Duration::from_millis(1)
        });
        let deadline = self.outbound.next_deadline();
        [expiry, deadline].into_iter().flatten().fold(silence, Instant::min)
    }

    /// A bid always gets an answer: one that had none by its deadline may be sent again.
    fn give_up_on_late_bids(&self) {
        for bid in self.outbound.expired(Instant::now()) {
            let rejection = Rejection::Unavailable;
            self.outbound.push(&Message::BidRejected {
                reply_to: bid.reply_to,
                auction: &bid.auction,
                key: &bid.key,
                code: rejection.code(),
                message: rejection.message(),
                hints: Hints::from(rejection),
            });
        }
    }

    /// The hub stops: tells the client when to leave and connect again. Until then it is served. Gives the moment at
    /// which it must have left.
    fn announce_end(&self) -> Instant {
        let window = self.gateway.drain_window;
        let after = reconnect_after(&self.gateway.chance, window);
        self.outbound.push(&Message::Draining { reconnect_after_ms: after.as_millis() as u64 });
        if window.is_zero() { Instant::now() } else { Instant::now() + after + LEAVE_GRACE }
    }

    /// Takes no more requests, waits for the verdicts that are under way, and ends.
    async fn drain(&mut self, socket: &mut WebSocket) -> Option<Close> {
        let until = Instant::now() + DRAIN_TIMEOUT;
        loop {
            let settled = self.outbound.is_settled() || Instant::now() >= until;
            let work = tokio::time::timeout(DRAIN_LOOK, self.outbound.work(FRAMES_AT_ONCE)).await.unwrap_or_default();
            if let Some(end) = work.close {
                return Some(end);
            }
            // What a room could not send is told by the next node, to which the client resumes.
            work.behind.into_iter().for_each(|auction| self.outbound.caught_up(auction));
            if work.frames.is_empty() && settled {
                return Some(Close::GoingAway);
            }
            if let Err(end) = self.send(socket, work.frames).await {
                return end;
            }
        }
    }

    /// Takes `caller` for the one who speaks here from now on, unless the session ended in the meantime. `notices` was
    /// counted before the token was looked at.
    pub(super) async fn admit(&mut self, mut caller: Caller, token: &str, via: Via, notices: u64) -> bool {
        let connections = self.gateway.connections.clone();
        connections.sign_in(self.place.id, &caller, self.outbound.clone());
        if connections.notices() != notices {
            // One came while this caller was on the way in, and may have been about them. What comes from here on
            // closes the connection.
            match self.authenticator.authenticate(token, via).await {
                Ok(again) => caller = again,
                Err(_) => {
                    connections.sign_out(self.place.id);
                    return false;
                }
            }
        }
        self.caller = Some(Box::new(caller));
        true
    }
}

impl Rooms {
    pub(super) fn contains(&self, auction: AuctionId) -> bool {
        self.joined.iter().any(|(joined, _)| *joined == auction)
    }

    pub(super) fn count(&self) -> usize {
        self.joined.len()
    }

    pub(super) fn add(&mut self, auction: AuctionId, room: RoomHandle) {
        self.joined.retain(|(joined, _)| *joined != auction);
        self.joined.push((auction, room));
        self.outbound.is_in_rooms(self.joined.len());
    }

    pub(super) fn leave(&mut self, auction: AuctionId) {
        let watcher = self.watcher;
        for (_, room) in self.joined.extract_if(.., |(joined, _)| *joined == auction) {
            room.leave(watcher);
        }
        self.outbound.is_in_rooms(self.joined.len());
    }

    fn leave_all(&mut self) {
        for (_, room) in self.joined.drain(..) {
            room.leave(self.watcher);
        }
        self.outbound.is_in_rooms(0);
    }
}

impl Drop for Rooms {
    fn drop(&mut self) {
        self.leave_all();
    }
}

/// Waits until then; for ever if there is no such moment.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Closes a connection that was never served.
pub(super) async fn refuse(mut socket: WebSocket, end: Close) {
    metrics::counter!("bidhub_ws_closed_total", "code" => end.code().to_string()).increment(1);
    close(&mut socket, end).await;
}

/// Says why, and gives the client a moment to hear it.
async fn close(socket: &mut WebSocket, end: Close) {
    let farewell = async {
        if socket.send(Raw::Close(Some(end.frame()))).await.is_ok() {
            while let Some(Ok(frame)) = socket.recv().await {
                if matches!(frame, Raw::Close(_)) {
                    break;
                }
            }
        }
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, farewell).await;
}

/// What a failed read means: too long a message has a code of its own, a broken frame too; a lost connection needs none.
fn reason_of(error: &axum::Error) -> Option<Close> {
    use std::error::Error as _;
    use tokio_tungstenite::tungstenite::Error;
    match error.source().and_then(|source| source.downcast_ref::<Error>()) {
        Some(Error::Capacity(_)) => Some(Close::TooLong),
        Some(Error::Utf8(_) | Error::Protocol(_)) => Some(Close::Unreadable),
        _ => None,
    }
}
