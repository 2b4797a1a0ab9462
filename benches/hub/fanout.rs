//! Fan-out: what it costs the hub's processor to deliver one auction's events to many watchers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::process::Process;
use crate::{Plan, clients, median};

const WATCHERS: usize = 1_000;
const LINE_BYTES: usize = 330;

pub async fn run(plan: Plan) {
    println!("fan-out to {WATCHERS} watchers, deliveries for each second of the server's CPU time");
    let mut bare = Vec::new();
    let (mut paced, mut frames, mut bursts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        bare.push(bare_broadcast(plan.time).await);
        let (events, pushes) = hub(plan.time, Some(Duration::from_millis(10))).await;
        paced.push(events);
        frames.push(pushes);
        bursts.push(hub(plan.time, None).await.0);
    }
    let (bare, paced, bursts) = (median(bare), median(paced), median(bursts));
    println!("  bare broadcast, one write each               {bare:>10.0}");
    println!(
        "  100 bids a second: events                    {paced:>10.0}   {:.2} of the bare broadcast",
        paced / bare
    );
    println!("  100 bids a second: frames                    {:>10.0}", median(frames));
    println!(
        "  as fast as one bidder can: events            {bursts:>10.0}   {:.2} of the bare broadcast",
        bursts / bare
    );
}

/// Events and frames delivered for each CPU second of the hub.
async fn hub(time: Duration, pace: Option<Duration>) -> (f64, f64) {
    let hub = Process::hub();
    let auction = clients::auction(&hub.address).await;
    let (events, frames) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for _ in 0..WATCHERS {
        let mut socket = clients::connect(&hub.address, None).await;
        clients::join(&mut socket, &auction).await;
        let (events, frames) = (events.clone(), frames.clone());
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Text(text) = message {
                    events.fetch_add(text.matches("\"seq\":").count() as u64, Ordering::Relaxed);
                    frames.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let mut bidder = clients::connect(&hub.address, Some(&clients::token("bidder"))).await;
    let (cpu, started) = (hub.cpu_s(), Instant::now());
    let mut amount = 0_u64;
    while started.elapsed() < time {
        amount += 1;
        let bid = format!(r#"{{"type":"bid","id":{amount},"auction":"{auction}","key":"{amount}","amount":{amount}}}"#);
        clients::send(&mut bidder, bid).await;
        while !clients::receive(&mut bidder).await.contains("\"reply_to\"") {}
        if let Some(pace) = pace {
            tokio::time::sleep(pace).await;
        }
    }
    let expected = amount * WATCHERS as u64;
    let until = Instant::now() + time * 4;
    while events.load(Ordering::Relaxed) < expected && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let used = hub.cpu_s() - cpu;
    (events.load(Ordering::Relaxed) as f64 / used, frames.load(Ordering::Relaxed) as f64 / used)
}

/// Lines delivered for each CPU second of a server that only writes.
async fn bare_broadcast(time: Duration) -> f64 {
    let server = Process::bare("broadcast");
    let mut source = TcpStream::connect(&server.address).await.unwrap();
    source.set_nodelay(true).unwrap();
    let received = Arc::new(AtomicU64::new(0));
    for _ in 0..WATCHERS {
        let mut socket = TcpStream::connect(&server.address).await.unwrap();
        let received = received.clone();
        tokio::spawn(async move {
            let mut bytes = vec![0; 4_096];
            while let Ok(length @ 1..) = socket.read(&mut bytes).await {
                received.fetch_add(length as u64, Ordering::Relaxed);
            }
        });
    }
    // The last ones may still wait to be accepted; the first lines do not reach them and do not count.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (cpu, started) = (server.cpu_s(), Instant::now());
    let line = vec![b'x'; LINE_BYTES];
    while started.elapsed() < time {
        source.write_all(&line).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    received.load(Ordering::Relaxed) as f64 / LINE_BYTES as f64 / (server.cpu_s() - cpu)
}
