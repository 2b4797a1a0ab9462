//! How long nobody decides when the owner of a room goes: killed, so that its lease must run out, and stopped, so that it
//! hands its rooms over. A few bidders go on bidding on the other node all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::Plan;
use crate::clients::{self, Socket};
use crate::process::{LEASE_TTL_MS, Process};
use crate::servers::{self, Redis};

const BIDDERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(30);
/// Undisturbed bidding before and after the owner goes.
const CALM: Duration = Duration::from_millis(300);

/// An answer: when the bid was first sent, when the answer came, and whether it decided the bid.
struct Answer {
    sent: Instant,
    at: Instant,
    decided: bool,
}

#[derive(Clone, Copy)]
enum End {
    Killed,
    Stopped,
}

/// What one end of an owner took, in milliseconds.
struct Took {
    /// From the signal to the first verdict of the new owner.
    first_verdict: f64,
    /// The longest time between two verdicts around it.
    silence: f64,
    /// Answers that asked to send again.
    undecided: usize,
}

pub async fn run(plan: Plan) {
    println!(
        "the owner of a room goes, {BIDDERS} bidders on the other node bid each {} ms, leases run for {LEASE_TTL_MS} ms",
        PAUSE.as_millis()
    );
    let (redis, database) = (Redis::start().await, servers::postgres().await);
    let mut nodes = servers::nodes(&redis, &database.url(), 2).await;
    let auction = clients::auction(&nodes[0].address).await;
    let amounts = Arc::new(AtomicU64::new(1));
    for (end, name) in [(End::Stopped, "stopped"), (End::Killed, "killed")] {
        let mut all = Vec::new();
        for _ in 0..plan.takeovers {
            all.push(once(end, &mut nodes, &redis, &auction, &amounts).await);
            nodes.push(Process::node(&redis.url(), &database.url()).await);
            servers::met(&redis, nodes.len()).await;
        }
        println!("  {name} {} times", all.len());
        print("to the new owner's first verdict", all.iter().map(|took| took.first_verdict).collect());
        print("longest time without a verdict", all.iter().map(|took| took.silence).collect());
        println!("    answers that asked to send again {:>8}", all.iter().map(|took| took.undecided).sum::<usize>());
    }
}

/// Ends the owner of the room, takes it out of `nodes`, and says what that took.
async fn once(end: End, nodes: &mut Vec<Process>, redis: &Redis, auction: &str, amounts: &Arc<AtomicU64>) -> Took {
    let mut connection = redis.connection().await;
    let (sender, mut answers) = mpsc::unbounded_channel();
    let mut bidders = JoinSet::new();
    // Someone must bid, or nobody runs the room; who it is shows only then.
    let mut probe = clients::connect(&nodes[0].address, None).await;
    clients::join(&mut probe, auction).await;
    let owner = owner(nodes).await;
    let mut ending = nodes.swap_remove(owner);
    let before = holder(&mut connection, auction).await.expect("somebody runs the room");
    for bidder in 0..BIDDERS {
        let token = clients::token(&format!("bidder {bidder}"));
        let socket = clients::connect(&nodes[0].address, Some(&token)).await;
        bidders.spawn(bid(socket, auction.to_owned(), amounts.clone(), sender.clone()));
    }
    sleep(CALM).await;
    let signal = Instant::now();
    let moved = match end {
        End::Killed => {
            ending.kill();
            Instant::now()
        }
        End::Stopped => {
            ending.stop();
            moved(&mut connection, auction, &before).await
        }
    };
    let (mut seen, mut first) = (Vec::new(), None);
    while first.is_none_or(|at: Instant| at.elapsed() < CALM) {
        let answer = timeout(PATIENCE, answers.recv()).await.expect("a verdict in time").unwrap();
        if answer.decided && answer.sent > moved {
            first.get_or_insert(answer.at);
        }
        seen.push(answer);
    }
    drop(bidders);
    if matches!(end, End::Stopped) {
        ending.ended(PATIENCE).await;
    }
    tell(signal, first.unwrap(), &seen)
}

fn tell(signal: Instant, first: Instant, seen: &[Answer]) -> Took {
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let mut verdicts: Vec<Instant> = seen.iter().filter(|answer| answer.decided).map(|answer| answer.at).collect();
    verdicts.sort();
    let around = verdicts.windows(2).filter(|pair| pair[1] > signal);
    let silence = around.map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    let undecided = seen.iter().filter(|answer| !answer.decided).count();
    Took { first_verdict: ms(first - signal), silence: ms(silence), undecided }
}

/// Bids, one bid at a time, until it is dropped. A bid that was not decided is sent again with its key.
async fn bid(mut socket: Socket, auction: String, amounts: Arc<AtomicU64>, answers: UnboundedSender<Answer>) {
    loop {
        let amount = amounts.fetch_add(1, Ordering::Relaxed);
        let text =
            format!(r#"{{"type":"bid","id":{amount},"auction":"{auction}","key":"{amount}","amount":{amount}}}"#);
        let sent = Instant::now();
        loop {
            socket.send(Message::Text(text.clone().into())).await.unwrap();
            let answer = answer(&mut socket).await;
            let decided = answer.contains(r#""bid_accepted""#) || answer.contains(r#""bid_too_low""#);
            if answers.send(Answer { sent, at: Instant::now(), decided }).is_err() {
                return;
            }
            sleep(PAUSE).await;
            if decided {
                break;
            }
        }
    }
}

async fn answer(socket: &mut Socket) -> String {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("every bid is answered").unwrap().unwrap();
        if let Message::Text(text) = message
            && text.contains("\"reply_to\"")
        {
            return text.as_str().to_owned();
        }
    }
}

/// Which of the nodes runs the room.
async fn owner(nodes: &[Process]) -> usize {
    let until = Instant::now() + PATIENCE;
    loop {
        for (index, node) in nodes.iter().enumerate() {
            if node.rooms_owned().await > 0 {
                return index;
            }
        }
        assert!(Instant::now() < until, "nobody runs the room");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Whoever holds the lease of the room, as the lease says it.
async fn holder(redis: &mut redis::aio::MultiplexedConnection, auction: &str) -> Option<String> {
    let key = format!("bidhub:{{{auction}}}:lease");
    let lease: Option<String> = redis::cmd("GET").arg(key).query_async(redis).await.unwrap();
    lease?.split(':').nth(1).map(str::to_owned)
}

/// Waits until another node than `before` holds the lease, and says when that was seen.
async fn moved(redis: &mut redis::aio::MultiplexedConnection, auction: &str, before: &str) -> Instant {
    let until = Instant::now() + PATIENCE;
    loop {
        let now = Instant::now();
        if holder(redis, auction).await.is_some_and(|holder| holder != before) {
            return now;
        }
        assert!(now < until, "the room was not handed over");
        sleep(Duration::from_millis(1)).await;
    }
}

fn print(name: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
    println!(
        "    {name:<33} min {:>7.1} ms, p50 {:>7.1} ms, p90 {:>7.1} ms, max {:>7.1} ms",
        at(0.0),
        at(0.5),
        at(0.9),
        at(1.0)
    );
}
