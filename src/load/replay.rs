//! The replayer: plays a recorded bid history against a running hub, each bidder with an identity and a socket of its own.
//! The bids of one auction wait for one another, those of different auctions do not.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::backoff::Backoff;
use super::client::ClientError;
use super::message::{Message, Offer, Request};
use super::pool::Pool;
use super::progress::{Report, Tally};
use super::recording::{Lot, RecordedBid};
use super::rest::{Rest, RestError};
use crate::chance::Chance;
use crate::clock::{self, Clock};
use crate::domain::Span;

const SELLER: &str = "seller";
const CREATIONS_AT_ONCE: usize = 8;
/// How often a bid is sent; with the waits between, a hub may be away for about a minute.
const TRIES: u32 = 40;
const PAGE: usize = 200;
const DAY: Span = Span::from_secs(24 * 3_600);

/// How to replay.
pub struct Plan {
    /// How many bids are under way at a time.
    pub at_once: usize,
    /// By how much faster than recorded; none for as fast as can be.
    pub speed: Option<f64>,
    /// The increment table to create auctions with; none for the hub's own.
    pub increments: Option<Value>,
}

/// A replay against one hub.
pub struct Replay {
    rest: Rest,
    pool: Pool,
    plan: Plan,
    clock: Clock,
    chance: Chance,
    places: Semaphore,
}

/// Why an auction could not be played on.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Over REST.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// Over the socket.
    #[error(transparent)]
    Socket(#[from] ClientError),
    /// The hub answered what the contract does not foresee.
    #[error("unexpected answer to a bid: {0}")]
    Unexpected(String),
    /// No verdict could be had, however often the bid was sent.
    #[error("no verdict after {TRIES} tries, the last one: {0}")]
    NoVerdict(String),
}

/// What sending a bid once came to.
enum Sent {
    Accepted,
    Rejected(String),
    /// Nothing is decided, or nobody knows: the same key may be sent again.
    Again(String),
}

impl Replay {
    /// A replay by `plan` against the hub that `rest` and `pool` lead to.
    pub fn new(rest: Rest, pool: Pool, plan: Plan, clock: Clock, chance: Chance) -> Self {
        let places = Semaphore::new(plan.at_once);
        Self { rest, pool, plan, clock, chance, places }
    }

    /// Plays `lots`. An error means that it could not even begin; what fails on the way stands in the report.
    pub async fn play(&self, lots: &[Lot]) -> Result<Report, PlayError> {
        let tally = Tally::new(lots.iter().map(|lot| lot.bids.len() as u64).sum());
        let ids = self.offer(lots, &tally).await?;
        let started = Instant::now();
        // Paced, every auction is under way at its time; unpaced, as many as there are places.
        let side_by_side = if self.plan.speed.is_some() { lots.len() } else { self.plan.at_once };
        let pairs = stream::iter(lots.iter().zip(&ids));
        pairs.for_each_concurrent(side_by_side, |(lot, id)| self.play_lot(lot, id, started, &tally)).await;
        let took = started.elapsed();
        self.pool.close().await;
        Ok(tally.report(took))
    }

    /// Sees to it that every lot is on sale. Gives the ids of their auctions.
    async fn offer(&self, lots: &[Lot], tally: &Tally) -> Result<Vec<String>, PlayError> {
        let known = self.on_sale().await?;
        if !known.is_empty() {
            tally.say("auctions of an earlier replay are on sale: it goes on where it was");
        }
        let known = &known;
        let create = |lot: &Lot| {
            let (found, title) = (known.get(&lot.title()).cloned(), lot.title());
            let mut body = json!({
                "title": title,
                "description": format!("A recorded auction, played again. In the record it ended at {}.", lot.recorded_price_minor),
                "category": lot.item,
                "currency": "USD",
                "opening_price": lot.opening_minor,
                "ends_at": clock::format(self.clock.now().plus(DAY)),
            });
            if let Some(increments) = &self.plan.increments {
                body["increments"] = increments.clone();
            }
            async move {
                if let Some(id) = found {
                    return Ok(id);
                }
                let token = self.pool.token(SELLER)?;
                let created = self.rest.post("/api/auctions", Some(&token), &body).await?;
                created["id"].as_str().map(str::to_owned).ok_or_else(|| RestError::Unexpected("id").into())
            }
        };
        stream::iter(lots.iter().map(create)).buffered(CREATIONS_AT_ONCE).try_collect().await
    }

    /// The auctions of this replay's seller that can be bid on, by their titles.
    async fn on_sale(&self) -> Result<HashMap<String, String>, PlayError> {
        let token = self.pool.token(SELLER)?;
        let me = self.rest.get("/api/me", Some(&token)).await?;
        let seller = me["id"].as_str().ok_or(RestError::Unexpected("id"))?;
        let (mut known, mut cursor) = (HashMap::new(), String::new());
        loop {
            let path = format!("/api/auctions?seller={seller}&status=open&limit={PAGE}{cursor}");
            let page = self.rest.get(&path, Some(&token)).await?;
            for item in page["items"].as_array().ok_or(RestError::Unexpected("items"))? {
                if let (Some(title), Some(id)) = (item["title"].as_str(), item["id"].as_str()) {
                    known.insert(title.to_owned(), id.to_owned());
                }
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(known),
            }
        }
    }

    async fn play_lot(&self, lot: &Lot, id: &str, started: Instant, tally: &Tally) {
        for (number, bid) in lot.bids.iter().enumerate() {
            if let Some(speed) = self.plan.speed {
                let due = started + Duration::from_secs_f64((bid.day * 86_400.0 / speed).max(0.0));
                tokio::time::sleep_until(due.into()).await;
            }
            if let Err(error) = self.play_bid(id, &lot.key(number), bid, tally).await {
                tally.say(&format!("{}: bid {number} was not decided: {error}", lot.title()));
                // A later bid would be decided on another standing than the recorded one.
                return tally.unplayed((lot.bids.len() - number) as u64);
            }
        }
        match self.final_price(id).await {
            Ok(price) => tally.lot(price == Some(lot.recorded_price_minor)),
            Err(error) => {
                tally.say(&format!("{}: the final price cannot be read: {error}", lot.title()));
                tally.unplayed(0);
            }
        }
    }

    async fn final_price(&self, id: &str) -> Result<Option<i64>, PlayError> {
        let auction = self.rest.get(&format!("/api/auctions/{id}"), None).await?;
        match &auction["state"]["price"] {
            Value::Null if auction["state"].is_object() => Ok(None),
            price => Ok(Some(price.as_i64().ok_or(RestError::Unexpected("state.price"))?)),
        }
    }

    async fn play_bid(&self, id: &str, key: &str, bid: &RecordedBid, tally: &Tally) -> Result<(), PlayError> {
        let mut backoff = Backoff::new(self.chance.clone(), TRIES);
        let request = Request::Bid { auction: id, key, offer: Offer::Max(bid.max_minor) };
        loop {
            let place = self.places.acquire().await;
            let (sent, took) = self.send(&bid.bidder, &request).await?;
            drop(place);
            match sent {
                Sent::Accepted => {
                    tally.verdict(None, took);
                    return Ok(());
                }
                Sent::Rejected(code) => {
                    tally.verdict(Some(&code), took);
                    return Ok(());
                }
                Sent::Again(why) => match backoff.next(Duration::ZERO) {
                    Some(wait) => {
                        tally.retry();
                        tokio::time::sleep(wait).await;
                    }
                    None => return Err(PlayError::NoVerdict(why)),
                },
            }
        }
    }

    async fn send(&self, bidder: &str, request: &Request<'_>) -> Result<(Sent, Duration), PlayError> {
        let held = match self.pool.hold(bidder).await {
            Ok(held) => held,
            Err(error) => return again(error, Duration::ZERO),
        };
        let Some(client) = held.get() else { return again(ClientError::Closed, Duration::ZERO) };
        let sent_at = Instant::now();
        let answer = client.ask(request).await;
        let took = sent_at.elapsed();
        match answer {
            Ok(Message::BidAccepted { .. }) => Ok((Sent::Accepted, took)),
            Ok(Message::BidRejected { code, .. } | Message::Error { code, .. }) if leaves_open(&code) => {
                Ok((Sent::Again(code), took))
            }
            Ok(Message::BidRejected { code, .. }) => Ok((Sent::Rejected(code), took)),
            Ok(other) => Err(PlayError::Unexpected(format!("{other:?}"))),
            Err(error) => again(error, took),
        }
    }
}

/// After a failed connection the same key may be sent again; a refusal or nonsense stays what it is.
fn again(error: ClientError, took: Duration) -> Result<(Sent, Duration), PlayError> {
    match error {
        ClientError::Connect(_) | ClientError::Closed | ClientError::Late => Ok((Sent::Again(error.to_string()), took)),
        ClientError::Refused(_) | ClientError::Malformed(_) => Err(error.into()),
    }
}

/// True for codes that are no verdict on the bid.
fn leaves_open(code: &str) -> bool {
    matches!(code, "unavailable" | "busy" | "rate_limited" | "bid_in_flight")
}
