//! What becomes of a request: exactly one answer each.

use std::sync::Arc;
use std::time::Instant;

use tracing::{Instrument as _, Span};

use super::message::{Message, PublicEvent, User};
use super::request::{Flat, Malformed, Request, auction_id};
use super::session::Session;
use crate::auth::{AuthError, Via};
use crate::clock::WireTime;
use crate::domain::auction::{Bid, Offer, Rejection};
use crate::domain::{AuctionId, BidKey};
use crate::room::{Answer, Joined, Reply, Resume, Watcher};
use crate::trace;
use crate::wire::{Accepted, Hints, State, You};

/// What can be followed besides rooms.
const ACTIVITY: &str = "activity";

impl Session {
    pub(super) async fn handle(&mut self, flat: Flat, limited: bool) {
        let (id, request) = match flat.into_request() {
            Ok(request) => request,
            Err(malformed) => return self.refuse_malformed(&malformed),
        };
        match request {
            Request::Bid { auction, key, offer } => self.bid(id, &auction, &key, offer, limited).await,
            _ if limited => {
                let rejection = Rejection::RateLimited;
                self.refuse(id, rejection.code(), rejection.message(), Some(true));
            }
            Request::Authenticate { token } => self.authenticate(id, &token).await,
            Request::Join { auction, resume } => self.join(id, &auction, resume).await,
            Request::Leave { auction } => self.leave(id, &auction),
            Request::Follow => {
                self.gateway.connections.follow_feed(self.place.id, self.outbound.clone());
                self.outbound.push(&Message::Following { reply_to: id, topic: ACTIVITY });
            }
            Request::Unfollow => {
                self.gateway.connections.leave_feed(self.place.id);
                self.outbound.push(&Message::Unfollowed { reply_to: id, topic: ACTIVITY });
            }
            Request::Ping { sent_at } => {
                let server_time = WireTime(self.gateway.clock.now());
                self.outbound.push(&Message::Pong { reply_to: id, sent_at, server_time });
            }
        }
    }

    pub(super) fn refuse_malformed(&self, malformed: &Malformed) {
        let Malformed { id, code, message, field } = malformed;
        let field = field.as_deref();
        self.outbound.push(&Message::Error { reply_to: *id, code, message, field, retry: None });
    }

    fn refuse(&self, id: i64, code: &'static str, message: &str, retry: Option<bool>) {
        self.outbound.push(&Message::Error { reply_to: Some(id), code, message, field: None, retry });
    }

    async fn authenticate(&mut self, id: i64, token: &str) {
        let notices = self.gateway.connections.notices();
        let caller = match self.authenticator.authenticate(token, Via::Bearer).await {
            Ok(caller) => caller,
            Err(AuthError::Invalid) => {
                return self.refuse(id, "unauthenticated", "The token is not valid, or no longer.", None);
            }
            Err(AuthError::Store(error)) => {
                tracing::error!(%error, "a token could not be checked: {error}");
                return self.refuse(id, "unavailable", "The token cannot be checked now.", Some(true));
            }
        };
        if !self.admit(caller, token, Via::Bearer, notices).await {
            return self.refuse(id, "unauthenticated", "The token is not valid, or no longer.", None);
        }
        let Some(caller) = &self.caller else { return };
        let user = User {
            id: caller.account().0,
            display_name: caller.identity.display_name.clone(),
            roles: caller.identity.roles.names(),
        };
        let expires_at = WireTime(caller.expires_at);
        self.outbound.push(&Message::Authenticated { reply_to: id, user, expires_at });
    }

    async fn join(&mut self, id: i64, auction: &str, resume: Option<Resume>) {
        let Some(auction) = auction_id(auction) else {
            return self.refuse_rejected(id, Rejection::UnknownAuction);
        };
        if !self.rooms.contains(auction) && self.rooms.count() >= self.gateway.limits.rooms_max {
            return self.refuse(id, "too_many_rooms", "This connection is in as many rooms as it may be.", None);
        }
        let watcher: Arc<dyn Watcher> = self.outbound.clone();
        let account = self.caller.as_ref().map(|caller| caller.account());
        let (outbound, now) = (self.outbound.clone(), self.gateway.clock.now());
        let viewers = self.gateway.viewers.count(auction).max(1);
        let announce = |joined: Joined| {
            outbound.caught_up(auction);
            let Joined { view, missed } = &joined;
            let events = missed
                .as_ref()
                .map(|missed| missed.iter().map(|bytes| PublicEvent { bytes, codec: outbound.codec }).collect());
            outbound.push(&Message::Joined {
                reply_to: id,
                auction: auction.0,
                seq: view.seq.0,
                log: view.log.0,
                resumed: resume.map(|_| missed.is_some()),
                state: missed.is_none().then(|| Box::new(State::new(view, now))),
                you: missed.is_some().then(|| view.own.map(You::from)),
                viewers,
                events,
            });
        };
        let join = self.gateway.rooms.join(auction, &watcher, account, resume, announce);
        match tokio::time::timeout(self.gateway.limits.bid_deadline, join).await {
            Ok(Ok((room, ()))) => self.rooms.add(auction, room),
            Ok(Err(error)) => self.refuse_rejected(id, error.rejection()),
            Err(_) => self.refuse_rejected(id, Rejection::Unavailable),
        }
    }

    fn leave(&mut self, id: i64, auction: &str) {
        let Some(auction) = auction_id(auction) else {
            return self.refuse_rejected(id, Rejection::UnknownAuction);
        };
        self.rooms.leave(auction);
        self.outbound.caught_up(auction);
        self.outbound.push(&Message::Left { reply_to: id, auction: auction.0 });
    }

    async fn bid(&mut self, id: i64, auction: &str, key: &str, offer: Option<Offer>, limited: bool) {
        let deadline = Instant::now() + self.gateway.limits.bid_deadline;
        let ticket = self.outbound.expect(deadline, id, auction, key);
        let span = trace::bid("ws", auction_id(auction));
        let reply = self.reply(ticket, auction_id(auction), span.clone());
        if limited {
            return reply.give(Err(Rejection::RateLimited));
        }
        let Some(caller) = &self.caller else { return reply.give(Err(Rejection::Unauthenticated)) };
        let Some(auction) = auction_id(auction) else { return reply.give(Err(Rejection::UnknownAuction)) };
        let Some(offer) = offer else { return reply.give(Err(Rejection::InvalidAmount)) };
        let Some(key) = BidKey::new(key) else { return reply.give(Err(Rejection::Unavailable)) };
        let bid = Bid { bidder: caller.account(), barred: caller.identity.barred(), key, offer };
        // A room that cannot be had in time is given up, which answers the bid.
        let patience = self.gateway.limits.bid_deadline;
        let _ = tokio::time::timeout(patience, self.gateway.rooms.submit(auction, bid, reply).instrument(span)).await;
    }

    /// Where the verdict of a bid goes: to the queue, without this task in between.
    fn reply(&self, ticket: u64, auction: Option<AuctionId>, span: Span) -> Reply {
        let outbound = self.outbound.clone();
        let started = Instant::now();
        Reply::new(move |answer| {
            metrics::histogram!("bidhub_bid_to_ack_seconds", "via" => "ws").record(started.elapsed());
            match &answer {
                Ok(Answer::Verdict(verdict)) => trace::ended(&span, "accepted", Some(verdict.seq.0)),
                Ok(Answer::Done(_)) => {}
                Err(rejection) => trace::ended(&span, rejection.code(), None),
            }
            outbound.clone().answer(ticket, |bid| {
                let key = BidKey::new(&bid.key);
                let rejection = match (answer, auction, key) {
                    (Ok(Answer::Verdict(verdict)), Some(auction), Some(key)) => {
                        let accepted = Accepted::new(auction, &key, verdict);
                        return outbound.codec.encode(&Message::BidAccepted { reply_to: bid.reply_to, accepted });
                    }
                    (Err(rejection), ..) => rejection,
                    _ => Rejection::Unavailable,
                };
                outbound.codec.encode(&Message::BidRejected {
                    reply_to: bid.reply_to,
                    auction: &bid.auction,
                    key: &bid.key,
                    code: rejection.code(),
                    message: rejection.message(),
                    hints: Hints::from(rejection),
                })
            });
        })
    }

    fn refuse_rejected(&self, id: i64, rejection: Rejection) {
        let retry = (!rejection.is_final()).then_some(true);
        self.refuse(id, rejection.code(), rejection.message(), retry);
    }
}
