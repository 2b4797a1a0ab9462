//! Bidders that never give up: each sends its bid until it has a verdict, with the same key, over whatever connection it can
//! get, and notes down what it was told.

use std::net::SocketAddr;
use std::time::Duration;

use bidhub::chance::Chance;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::socket_client::{Codec, Socket};

/// What one bid was told at first.
#[derive(Clone, Debug)]
pub struct Told {
    pub bidder: usize,
    pub request: Value,
    pub verdict: Value,
}

/// Bids until `until` says so. `at` is where the hub listens; none while it is down.
pub async fn bid_on(
    bidder: usize,
    token: String,
    auction: String,
    at: watch::Receiver<Option<SocketAddr>>,
    until: watch::Receiver<bool>,
    chance: Chance,
) -> Vec<Told> {
    let codec = if bidder.is_multiple_of(2) { Codec::Json } else { Codec::MessagePack };
    let mut told = Vec::new();
    let mut socket = None;
    for number in 0.. {
        if *until.borrow() {
            break;
        }
        let amount = 1_000 + chance.below(40) as i64 + told.len() as i64 * 200;
        let mut request = json!({"type": "bid", "auction": auction, "key": format!("{bidder}-{number}")});
        request[if chance.below(2) == 0 { "amount" } else { "max" }] = amount.into();
        let verdict = insist(&mut socket, codec, &token, &at, &request).await;
        told.push(Told { bidder, request, verdict });
    }
    told
}

/// Sends a bid until there is a verdict on it.
pub async fn insist(
    socket: &mut Option<Socket>,
    codec: Codec,
    token: &str,
    at: &watch::Receiver<Option<SocketAddr>>,
    request: &Value,
) -> Value {
    loop {
        if socket.is_none() {
            let mut at = at.clone();
            let address = at.wait_for(Option::is_some).await.expect("the hub comes back").expect("an address");
            let bearer = format!("Bearer {token}");
            *socket = Socket::dial(address, codec, &[("authorization", &bearer)]).await.ok();
        }
        let Some(open) = socket else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let id = open.request(request.clone()).await;
        match open.answer(id).await {
            Ok(answer) if answer["retry"] == true => tokio::time::sleep(Duration::from_millis(5)).await,
            Ok(answer) => return answer,
            Err(_) => *socket = None,
        }
    }
}

/// A verdict without what belongs to one asking alone.
pub fn essence(verdict: &Value) -> Value {
    let fields = ["type", "auction", "key", "seq", "leading", "price", "your_max"];
    fields.into_iter().filter_map(|field| Some((field.to_owned(), verdict.get(field)?.clone()))).collect()
}
