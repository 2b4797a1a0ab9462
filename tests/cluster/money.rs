//! Money under power cuts: few people with small wallets bid in many auctions at two nodes that die and come back, while
//! the program that proves the books looks on. Nobody is ever overdrawn, no room lets anyone bid more than is held, and in
//! the end only what was sold has changed hands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bidhub::chance::Chance;
use bidhub::persistence::Db;
use bidhub::sql;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cluster::{Cluster, PATIENCE, Plan, eventually};
use crate::redis::Server;
use crate::rest::Rest;
use crate::{long, seed};

const PEOPLE: usize = 6;
const AUCTIONS: usize = 4;
const DEPOSIT: i64 = 30_000;
/// The most that anyone bids above the least.
const STEP_MAX: u64 = 1_500;

/// What the bidders were told: the numbers of accepted bids by auction.
type Acks = HashMap<String, Vec<u64>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_balance_at_every_instant_while_nodes_die() {
    let seed = seed();
    let Some(redis) = Server::start().await else { return };
    let plan = Plan::new(2, redis.url()).with("BIDHUB_PREMIUM_BP", "1000").with("BIDHUB_COMMISSION_BP", "500");
    let Some(mut cluster) = plan.start().await else { return };
    let people: Vec<String> = (0..PEOPLE).map(|number| cluster.token(&format!("person {number}"))).collect();
    for token in &people {
        let deposit = json!({"amount": DEPOSIT});
        let paid = cluster.nodes[0].rest.try_keyed("POST", token, "/api/wallet/deposits", "first", &deposit).await;
        assert_eq!(paid.expect("an answer").0, 201);
    }
    let lasting = Duration::from_secs(if long() { 180 } else { 22 });
    let mut auctions = Vec::new();
    for number in 0..AUCTIONS {
        let terms = json!({"funds": "required", "opening_price": 1_000 + 100 * number});
        auctions.push(cluster.offer(number % 2, lasting, terms).await);
    }
    let until = Instant::now() + lasting;
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut bidding = JoinSet::new();
    for (number, token) in people.iter().enumerate() {
        let rests: Vec<Rest> = cluster.nodes.iter().map(|node| node.rest.clone()).collect();
        let person = Person {
            token: token.clone(),
            rests,
            auctions: auctions.clone(),
            chance: Chance::seeded(seed.wrapping_add(number as u64)),
            asked: asked.clone(),
        };
        bidding.spawn(person.bid(stop.clone()));
    }
    let staff = cluster.with_role("sam", "staff").await;
    let looks = trouble(&mut cluster, &auctions, &staff, Chance::seeded(seed), until).await;
    stop.store(true, Ordering::SeqCst);
    let mut acks = Acks::new();
    while let Some(told) = bidding.join_next().await {
        for (auction, seqs) in told.unwrap() {
            acks.entry(auction).or_default().extend(seqs);
        }
    }
    let sold = ended(&cluster, &auctions, &acks).await;
    released(&cluster, &people, sold).await;
    books(&cluster).await;
    let accepted: usize = acks.values().map(Vec::len).sum();
    println!("{} things asked, {accepted} bids accepted, the books proven {looks} times", asked.load(Ordering::SeqCst));
    assert!(accepted > 20 && looks > 2, "too little happened to tell");
}

/// Kills nodes in turn and voids bids, and has the books proven all the time. Gives how often they were.
async fn trouble(cluster: &mut Cluster, auctions: &[String], staff: &str, chance: Chance, until: Instant) -> u32 {
    let mut looks = 0;
    while Instant::now() + Duration::from_secs(4) < until {
        books(cluster).await;
        looks += 1;
        tokio::time::sleep(Duration::from_millis(chance.below(1_500))).await;
        let node = chance.below(2) as usize;
        void_last(&cluster.nodes[1 - node].rest, staff, &auctions[chance.below(auctions.len() as u64) as usize]).await;
        cluster.kill(node);
        tokio::time::sleep(Duration::from_millis(chance.below(1_000))).await;
        books(cluster).await;
        looks += 1;
        cluster.start_again(node).await;
    }
    looks
}

/// Proves the books with the program itself, beside whatever runs.
async fn books(cluster: &Cluster) {
    let mut program = cluster.nodes[0].program();
    let output = tokio::task::spawn_blocking(move || program.arg("check-books").output().unwrap()).await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}

/// Takes the newest bid of an auction out of the race, if there is one and the hub can be asked.
async fn void_last(rest: &Rest, staff: &str, auction: &str) {
    let path = format!("/api/auctions/{auction}/bids?order=desc&limit=1");
    let Some((200, page)) = rest.try_get(None, &path).await else { return };
    let Some(seq) = page["items"][0]["seq"].as_u64() else { return };
    let path = format!("/api/staff/auctions/{auction}/bids/{seq}/void");
    rest.try_keyed("POST", staff, &path, &format!("void-{seq}"), &json!({"reason": "a test of the house"})).await;
}

/// Waits until every auction has ended, whichever way, and finds in its log what its bidders were told. Gives what the
/// sales came to: price and fees.
async fn ended(cluster: &Cluster, auctions: &[String], acks: &Acks) -> (i64, i64) {
    let (mut prices, mut fees) = (0, 0);
    for auction in auctions {
        let path = format!("/api/auctions/{auction}");
        let over = cluster.nodes[0].rest.until(&path, |body| body["state"]["status"] == "ended").await;
        let log = cluster.nodes[0].rest.all(&format!("/api/auctions/{auction}/events")).await;
        for seq in acks.get(auction).into_iter().flatten() {
            let event = log.iter().find(|event| event["seq"] == *seq);
            assert!(event.is_some_and(|event| event["kind"] == "bid"), "bid {seq} was acknowledged: {event:?}");
        }
        if over["outcome"] == "sold" {
            let price = over["state"]["price"].as_i64().unwrap();
            prices += price;
            fees += price / 10 + price / 20;
        }
    }
    (prices, fees)
}

/// Waits until nothing is held any more, and adds up who has what.
async fn released(cluster: &Cluster, people: &[String], (prices, fees): (i64, i64)) {
    let rest = &cluster.nodes[1].rest;
    let mut left = 0;
    for token in people {
        eventually("nothing is held", PATIENCE, || async {
            let (_, wallet) = rest.try_get(Some(token), "/api/wallet").await.expect("an answer");
            wallet["held"] == 0
        })
        .await;
        let (_, wallet) = rest.try_get(Some(token), "/api/wallet").await.expect("an answer");
        left += wallet["available"].as_i64().unwrap();
    }
    let (_, seller) = rest.try_get(Some(&cluster.token("seller")), "/api/wallet").await.expect("an answer");
    let paid = seller["available"].as_i64().unwrap();
    assert_eq!(left + paid + fees, DEPOSIT * PEOPLE as i64, "no money comes or goes");
    // Each part of a price is rounded down for itself.
    assert!((prices - prices / 20 - paid).abs() <= AUCTIONS as i64, "the seller got {paid} of {prices}");
    let db = Db::postgres(&cluster.postgres.url()).await.unwrap();
    let sum = "select cast(coalesce(sum(balance), 0) as bigint) from ledger_accounts";
    assert_eq!(sql!(db.read(), scalar i64, sum).unwrap(), 0);
    db.close().await;
}

struct Person {
    token: String,
    rests: Vec<Rest>,
    auctions: Vec<String>,
    chance: Chance,
    asked: Arc<AtomicU64>,
}

impl Person {
    /// Bids, raises and lowers, here and there, until it is told to stop.
    async fn bid(self, stop: Arc<AtomicBool>) -> Acks {
        let mut acks = Acks::new();
        let mut number = 0;
        while !stop.load(Ordering::SeqCst) {
            number += 1;
            let auction = &self.auctions[self.chance.below(self.auctions.len() as u64) as usize];
            let key = format!("{number}");
            match self.chance.below(10) {
                0 => drop(self.ask("DELETE", &format!("/api/auctions/{auction}/allowance"), &key, Value::Null).await),
                1 | 2 => {
                    let amount = 1 + self.chance.below(DEPOSIT as u64 / 3);
                    self.ask("PUT", &format!("/api/auctions/{auction}/allowance"), &key, json!({"amount": amount}))
                        .await;
                }
                _ => {
                    let Some(offer) = self.offer(auction).await else { continue };
                    let path = format!("/api/auctions/{auction}/bids");
                    if let Some((201, verdict)) = self.ask("POST", &path, &key, offer).await {
                        acks.entry(auction.clone()).or_default().push(verdict["seq"].as_u64().unwrap());
                    }
                }
            }
        }
        acks
    }

    /// What to bid: something above the least, as a ceiling or straight.
    async fn offer(&self, auction: &str) -> Option<Value> {
        let rest = &self.rests[self.chance.below(2) as usize];
        let (_, body) = rest.try_get(None, &format!("/api/auctions/{auction}")).await?;
        let amount = body["state"]["minimum_bid"].as_u64()? + self.chance.below(STEP_MAX);
        Some(if self.chance.below(2) == 0 { json!({"max": amount}) } else { json!({"amount": amount}) })
    }

    /// Asks under the same key at one node and then the other, as often as it takes to be told.
    async fn ask(&self, method: &str, path: &str, key: &str, body: Value) -> Option<(u16, Value)> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let first = self.chance.below(2) as usize;
        for turn in 0..12 {
            let rest = &self.rests[(first + turn) % 2];
            match rest.try_keyed(method, &self.token, path, key, &body).await {
                Some((status, body)) if status != 503 && status != 500 => return Some((status, body)),
                Some((500, body)) => panic!("{method} {path}: {body}"),
                _ => tokio::time::sleep(Duration::from_millis(50 + self.chance.below(200))).await,
            }
        }
        None
    }
}
