//! One hot auction: many bidders, each with a few bids under way, amounts from one shared counter.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tokio_tungstenite::tungstenite::Message;

use crate::clients::{self, Socket};
use crate::process::Process;
use crate::{Plan, bounds, median};

pub const BIDDERS: usize = 64;
/// Makes the bare echo's messages as long as the hub's verdicts.
const PADDING: &str = "------------------------------------------------------------------------------------------\
    --------------------------------------";

#[derive(Default)]
struct Tally {
    accepted: u64,
    answered: u64,
    times: Option<Histogram<u64>>,
}

pub async fn run(plan: Plan) {
    println!("one hot auction, {BIDDERS} bidders, every answer after the durable commit");
    let append = median((0..plan.rounds).map(|_| bounds::durable_appends(512, plan.time / 4)).collect());
    println!("  bare fsync'd append of 512 bytes            {append:>10.0} /s");
    for in_flight in [1, 8] {
        let mut echoes = Vec::new();
        let mut acks = Vec::new();
        let mut accepted = Vec::new();
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            echoes.push(measure(&Process::bare("echo"), None, in_flight, plan.time).await.0);
            let hub = Process::hub();
            let auction = clients::auction(&hub.address).await;
            let (rate, share, times) = measure(&hub, Some(&auction), in_flight, plan.time).await;
            acks.push(rate);
            accepted.push(share);
            p50.push(times.value_at_quantile(0.5) as f64 / 1_000.0);
            p99.push(times.value_at_quantile(0.99) as f64 / 1_000.0);
        }
        let (echo, acks) = (median(echoes), median(acks));
        println!("  {in_flight} in flight each");
        println!("    bare socket echo                          {echo:>10.0} /s");
        println!(
            "    verdicts acknowledged                     {acks:>10.0} /s   {:.2} of the echo, {:.1} an append",
            acks / echo,
            acks / append
        );
        let share = median(accepted);
        println!("    of these accepted                         {:>10.0} /s   {:.1} %", acks * share, share * 100.0);
        println!("    bid to ack                            p50 {:>8.2} ms, p99 {:.2} ms", median(p50), median(p99));
    }
}

/// What a bidder is called.
pub fn name(bidder: usize) -> String {
    format!("bidder {bidder}")
}

/// Verdicts a second, the share that was accepted, and the times from bid to verdict in microseconds.
pub async fn measure(
    server: &Process,
    auction: Option<&str>,
    in_flight: u64,
    time: Duration,
) -> (f64, f64, Histogram<u64>) {
    let counter = Arc::new(AtomicU64::new(1));
    let mut tasks = tokio::task::JoinSet::new();
    let mut sockets = Vec::new();
    for bidder in 0..BIDDERS {
        let token = clients::token(&name(bidder));
        sockets.push(clients::connect(&server.address, auction.map(|_| token.as_str())).await);
    }
    let started = Instant::now();
    for (bidder, socket) in sockets.into_iter().enumerate() {
        let (auction, counter) = (auction.map(str::to_owned), counter.clone());
        tasks.spawn(bid(socket, bidder, auction, counter, in_flight, started + time));
    }
    let (mut accepted, mut answered) = (0, 0);
    let mut times = Histogram::new(3).unwrap();
    while let Some(tally) = tasks.join_next().await {
        let tally = tally.unwrap();
        accepted += tally.accepted;
        answered += tally.answered;
        times.add(tally.times.unwrap()).unwrap();
    }
    (answered as f64 / started.elapsed().as_secs_f64(), accepted as f64 / answered as f64, times)
}

async fn bid(
    socket: Socket,
    bidder: usize,
    auction: Option<String>,
    counter: Arc<AtomicU64>,
    in_flight: u64,
    until: Instant,
) -> Tally {
    let mut tally = Tally { times: Some(Histogram::new(3).unwrap()), ..Tally::default() };
    let (mut sink, mut stream) = socket.split();
    let mut waiting: HashMap<u64, Instant> = HashMap::new();
    let mut id = 0;
    loop {
        while waiting.len() < in_flight as usize && Instant::now() < until {
            id += 1;
            let amount = counter.fetch_add(1, Ordering::Relaxed);
            // The echo gives back what it was sent; the hub takes no foreign fields.
            let text = match &auction {
                Some(auction) => format!(
                    r#"{{"type":"bid","id":{id},"auction":"{auction}","key":"{bidder}-{id}","amount":{amount}}}"#
                ),
                None => format!(r#"{{"type":"echo","reply_to":{id},"padding":"{bidder}-{amount}{PADDING}"}}"#),
            };
            waiting.insert(id, Instant::now());
            sink.send(Message::Text(text.into())).await.unwrap();
        }
        if waiting.is_empty() {
            return tally;
        }
        let Message::Text(text) = stream.next().await.unwrap().unwrap() else { continue };
        let Some(reply_to) = number_after(&text, "\"reply_to\":") else { continue };
        if let Some(sent) = waiting.remove(&reply_to) {
            tally.answered += 1;
            tally.accepted += u64::from(text.contains("\"bid_accepted\""));
            tally.times.as_mut().unwrap().record(sent.elapsed().as_micros() as u64).unwrap();
        }
    }
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let rest = text.split(name).nth(1)?;
    rest.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
}
