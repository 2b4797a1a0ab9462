//! A watcher at one node: joins, notes every event and state in order, and after each break resumes from what it has.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::history::{Seen, Watched};
use crate::socket_client::{Codec, Socket};

/// Nodes ping every two seconds; after this long without a word the connection is dead.
const SILENCE: Duration = Duration::from_secs(8);
const CONNECTING: Duration = Duration::from_secs(2);

/// A watcher that runs until it is told to stop.
pub struct Watcher {
    task: JoinHandle<Watched>,
    until: watch::Sender<bool>,
    /// The log and the last number that it knows.
    at: watch::Receiver<(String, u64)>,
}

/// The state of its work.
struct Work {
    address: SocketAddr,
    codec: Codec,
    auction: String,
    watched: Watched,
    at: watch::Sender<(String, u64)>,
}

impl Watcher {
    /// Watches `auction` at the node with this number and address.
    pub fn at(node: usize, address: SocketAddr, auction: &str) -> Self {
        let until = watch::Sender::new(false);
        let (sender, at) = watch::channel((String::new(), 0));
        let codec = if node.is_multiple_of(2) { Codec::MessagePack } else { Codec::Json };
        let watched = Watched { node, seen: Vec::new() };
        let work = Work { address, codec, auction: auction.to_owned(), watched, at: sender };
        Self { task: tokio::spawn(work.run(until.subscribe())), until, at }
    }

    /// Waits until it has seen this number of this log.
    pub async fn reaches(&mut self, log: &str, seq: u64, limit: Duration) {
        let there = self.at.wait_for(|(of, at)| of == log && *at >= seq);
        let reached = tokio::time::timeout(limit, there).await.map(|at| at.expect("it lives").1);
        assert!(reached.is_ok(), "a watcher is at {:?}, not at {seq} of {log}", self.at.borrow());
    }

    /// Waits until it has joined.
    pub async fn joined(&mut self) {
        let joined = self.at.wait_for(|(log, _)| !log.is_empty());
        tokio::time::timeout(Duration::from_secs(60), joined).await.expect("it joins in time").expect("it lives");
    }

    /// Ends it, and gives what it saw.
    pub async fn stop(self) -> Watched {
        self.until.send_replace(true);
        tokio::time::timeout(Duration::from_secs(30), self.task).await.expect("it ends in time").expect("it lived")
    }
}

impl Work {
    async fn run(mut self, mut until: watch::Receiver<bool>) -> Watched {
        loop {
            let over = tokio::select! {
                _ = until.wait_for(|&over| over) => true,
                () = self.watch() => false,
            };
            if over {
                return self.watched;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One connection, until it breaks.
    async fn watch(&mut self) {
        let dialled = tokio::time::timeout(CONNECTING, Socket::dial(self.address, self.codec, &[])).await;
        let Ok(Ok(mut socket)) = dialled else { return };
        let mut join = json!({"type": "join", "auction": self.auction});
        let (log, seq) = self.at.borrow().clone();
        if !log.is_empty() {
            (join["after"], join["log"]) = (seq.into(), log.into());
        }
        let id = socket.request(join).await;
        let Ok(Ok(joined)) = tokio::time::timeout(SILENCE, socket.answer(id)).await else { return };
        if joined["type"] != "joined" {
            return;
        }
        match joined["events"].as_array().filter(|_| joined["resumed"] == true) {
            Some(events) => events.iter().for_each(|event| self.event(event)),
            None => self.fresh(&joined),
        }
        while let Ok(Ok(push)) = tokio::time::timeout(SILENCE, socket.push()).await {
            match push["type"].as_str() {
                Some("events") => push["events"].as_array().expect("events").iter().for_each(|event| self.event(event)),
                Some("state") => self.fresh(&push),
                _ => {}
            }
        }
    }

    fn fresh(&mut self, message: &Value) {
        let seq = message["seq"].as_u64().expect("a state has a seq");
        let log = message["log"].as_str().expect("a state has a log").to_owned();
        self.watched.seen.push(Seen::Fresh { log: log.clone(), seq });
        self.at.send_replace((log, seq));
    }

    fn event(&mut self, event: &Value) {
        self.watched.seen.push(Seen::Event(event.clone()));
        let seq = event["seq"].as_u64().expect("an event has a seq");
        self.at.send_modify(|(_, at)| *at = seq);
    }
}
