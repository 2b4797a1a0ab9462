//! A hub as it is often written: whoever gets a bid takes the auction's lock in Redis, reads price and leader, compares,
//! writes, gives the lock back and publishes. It speaks the same messages as the hub.
//!
//! It does less than the hub: no log, no closing, no memory of keys, no accounts. Where it can be tuned it is: one
//! pipelined connection for all, a back-off with jitter that doubles up to a limit found by trying, and sockets written in
//! one go with all that waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Utf8Bytes, WebSocket};
use axum::routing::post;
use bidhub::chance::Chance;
use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisResult, Script};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::socket::{self, Outbox};
use crate::servers;

/// How long a lock lives whose holder has died.
const LOCK_MS: u64 = 5_000;
/// How long a bid tries for the lock before it is told that it could not be decided; the hub's own limit.
const PATIENCE: Duration = Duration::from_secs(10);
const BACK_OFF_MIN: Duration = Duration::from_millis(1);
const BACK_OFF_MAX: Duration = Duration::from_millis(64);
const STEP: i64 = 1;

/// What clients ask, as far as this hub understands it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Request {
    Join { id: i64, auction: String },
    Bid { id: i64, auction: String, key: String, amount: i64 },
}

struct Bid {
    id: i64,
    bidder: u64,
    auction: String,
    key: String,
    amount: i64,
}

/// An auction as it stands in Redis.
#[derive(Default)]
struct Auction {
    price: Option<i64>,
    seq: u64,
}

impl Auction {
    fn minimum(&self) -> i64 {
        self.price.map_or(1, |price| price + STEP)
    }
}

struct Hub {
    redis: MultiplexedConnection,
    release: Script,
    chance: Chance,
    numbers: AtomicU64,
    node: String,
    rooms: Mutex<HashMap<String, Vec<Outbox>>>,
}

pub async fn serve(redis_url: &str) {
    let chance = Chance::System;
    let hub = Arc::new(Hub {
        redis: servers::connect(redis_url).await.unwrap(),
        release: Script::new(include_str!("release.lua")),
        numbers: AtomicU64::new(1),
        node: hex::encode(chance.bytes::<8>()),
        chance,
        rooms: Mutex::default(),
    });
    let mut news = redis::Client::open(redis_url).unwrap().get_async_pubsub().await.unwrap();
    news.psubscribe("news:*").await.unwrap();
    let telling = hub.clone();
    tokio::spawn(async move {
        let mut news = news.into_on_message();
        while let Some(message) = news.next().await {
            let auction = message.get_channel_name().trim_start_matches("news:").to_owned();
            telling.fan_out(&auction, message.get_payload::<String>().unwrap().into());
        }
    });
    let router = Router::new().route("/api/auctions", post(create)).with_state(hub.clone());
    super::listen(router, move |socket| hub.clone().session(socket)).await;
}

/// An auction without terms: it takes any rising amount.
async fn create(State(hub): State<Arc<Hub>>) -> axum::Json<serde_json::Value> {
    let id = hub.chance.uuid(bidhub::clock::Clock::System.now());
    axum::Json(json!({ "id": id }))
}

impl Hub {
    fn fan_out(&self, auction: &str, text: Utf8Bytes) {
        if let Some(watchers) = self.rooms.lock().unwrap().get_mut(auction) {
            watchers.retain(|watcher| watcher.send(text.clone()).is_ok());
        }
    }

    async fn session(self: Arc<Self>, socket: WebSocket) {
        let bidder = self.numbers.fetch_add(1, Ordering::Relaxed);
        socket::serve(socket, |text, outbox| match serde_json::from_str(&text) {
            Ok(Request::Join { id, auction }) => {
                self.rooms.lock().unwrap().entry(auction.clone()).or_default().push(outbox.clone());
                let joined = json!({"type": "joined", "reply_to": id, "auction": auction});
                let _ = outbox.send(joined.to_string().into());
            }
            Ok(Request::Bid { id, auction, key, amount }) => {
                let bid = Bid { id, bidder, auction, key, amount };
                let (hub, outbox) = (self.clone(), outbox.clone());
                tokio::spawn(async move {
                    let failed = |_| rejected(&bid, "unavailable", "Try again with the same key.", None);
                    let answer = hub.answer(&bid).await.unwrap_or_else(failed);
                    let _ = outbox.send(answer.into());
                });
            }
            Err(error) => {
                let refused = json!({"type": "error", "code": "malformed", "message": error.to_string()});
                let _ = outbox.send(refused.to_string().into());
            }
        })
        .await;
    }

    async fn answer(&self, bid: &Bid) -> RedisResult<String> {
        let Bid { id, auction, key, amount, .. } = bid;
        let Some(lock) = self.lock(auction).await? else {
            return Ok(rejected(bid, "busy", "The auction is busy; try again.", None));
        };
        let before = self.read(auction).await?;
        let accepted = *amount >= before.minimum();
        if accepted {
            self.write(bid, before.seq + 1).await?;
        }
        self.unlock(auction, &lock).await?;
        if !accepted {
            let message = "The bid is below the minimum bid.";
            return Ok(rejected(bid, "bid_too_low", message, Some(before.minimum())));
        }
        self.publish(bid, before.seq + 1).await?;
        let (seq, minimum) = (before.seq + 1, amount + STEP);
        Ok(format!(
            r#"{{"type":"bid_accepted","reply_to":{id},"auction":"{auction}","key":"{key}","seq":{seq},"leading":true,"price":{amount},"minimum_bid":{minimum},"your_max":{amount}}}"#
        ))
    }

    /// The lock of the auction; none if it could not be had in time.
    async fn lock(&self, auction: &str) -> RedisResult<Option<String>> {
        let own = format!("{}:{}", self.node, self.numbers.fetch_add(1, Ordering::Relaxed));
        let until = Instant::now() + PATIENCE;
        let mut limit = BACK_OFF_MIN;
        while Instant::now() < until {
            let mut set = redis::cmd("SET");
            set.arg(format!("lock:{auction}")).arg(&own).arg("NX").arg("PX").arg(LOCK_MS);
            if set.query_async::<Option<String>>(&mut self.redis.clone()).await?.is_some() {
                return Ok(Some(own));
            }
            sleep(Duration::from_micros(self.chance.below(limit.as_micros() as u64))).await;
            limit = (limit * 2).min(BACK_OFF_MAX);
        }
        Ok(None)
    }

    async fn unlock(&self, auction: &str, own: &str) -> RedisResult<()> {
        let mut release = self.release.key(format!("lock:{auction}"));
        let given: u64 = release.arg(own).invoke_async(&mut self.redis.clone()).await?;
        if given == 1 { Ok(()) } else { Err((ErrorKind::Client, "the lock was lost").into()) }
    }

    async fn read(&self, auction: &str) -> RedisResult<Auction> {
        let mut read = redis::cmd("HMGET");
        read.arg(format!("auction:{auction}")).arg(&["price", "leader", "seq"]);
        let (price, _, seq): (_, Option<u64>, Option<u64>) = read.query_async(&mut self.redis.clone()).await?;
        Ok(Auction { price, seq: seq.unwrap_or(0) })
    }

    async fn write(&self, bid: &Bid, seq: u64) -> RedisResult<()> {
        let mut write = redis::cmd("HSET");
        write.arg(format!("auction:{}", bid.auction)).arg("price").arg(bid.amount);
        write.arg("leader").arg(bid.bidder).arg("seq").arg(seq);
        write.exec_async(&mut self.redis.clone()).await
    }

    async fn publish(&self, bid: &Bid, seq: u64) -> RedisResult<()> {
        let Bid { bidder, auction, amount, .. } = bid;
        let (at, minimum) = (bidhub::clock::format(bidhub::clock::Clock::System.now()), amount + STEP);
        let event = format!(
            r#"{{"type":"events","auction":"{auction}","events":[{{"seq":{seq},"at":"{at}","kind":"bid","bidder":"Bidder {bidder}","amount":{amount},"price":{amount},"minimum_bid":{minimum},"leader":"Bidder {bidder}","bid_count":{seq}}}]}}"#
        );
        redis::cmd("PUBLISH").arg(format!("news:{auction}")).arg(event).exec_async(&mut self.redis.clone()).await
    }
}

fn rejected(bid: &Bid, code: &str, message: &str, minimum: Option<i64>) -> String {
    let Bid { id, auction, key, .. } = bid;
    let minimum = minimum.map(|minimum| format!(r#","minimum_bid":{minimum}"#)).unwrap_or_default();
    format!(
        r#"{{"type":"bid_rejected","reply_to":{id},"auction":"{auction}","key":"{key}","code":"{code}","message":"{message}"{minimum}}}"#
    )
}
