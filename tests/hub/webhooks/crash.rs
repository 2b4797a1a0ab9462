//! A hub that is killed between sending and writing down that it sent.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::postgres::server::Server;
use crate::receiver::{Receiver, Reply};
use crate::rest::{PATIENCE, Rest};

/// A hub as a process of its own, which says to a file all that it can say.
struct Process(Child);

impl Process {
    /// Starts one. The database may take a moment to notice that the one before is gone.
    async fn start(dir: &Path, database: Option<&str>) -> (Self, Rest) {
        let starting = async {
            loop {
                if let Some(started) = Self::try_start(dir, database) {
                    return started;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let (process, hub) = tokio::time::timeout(PATIENCE, starting).await.expect("it starts");
        hub.ready().await;
        (process, hub)
    }

    fn try_start(dir: &Path, database: Option<&str>) -> Option<(Self, Rest)> {
        let log = File::options().append(true).create(true).open(dir.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
        command.env_clear().env("BIDHUB_LISTEN", "127.0.0.1:0").env("BIDHUB_DATA_DIR", dir);
        command.env("BIDHUB_LOG_FILTER", "trace").env("BIDHUB_RATE_LIMITS", "off");
        command.env("BIDHUB_WEBHOOKS_ALLOW_HTTP", "on").env("BIDHUB_WEBHOOK_PRIVATE_TARGETS", "on");
        if let Some(url) = database {
            command.env("BIDHUB_DATABASE_URL", url);
        }
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut process = Self(spawned.unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address: SocketAddr = line.trim().strip_prefix("bidhub listens on http://")?.parse().unwrap();
        Some((process, Rest::new(address)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: it does not get to finish anything.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn what_was_sent_and_not_written_down_is_sent_again_under_the_same_name() {
    killed_while_sending(None).await;
    if let Some(server) = Server::start().await {
        killed_while_sending(Some(&server.url())).await;
    }
}

async fn killed_while_sending(database: Option<&str>) {
    let dir = tempfile::tempdir().unwrap();
    let mut endpoint = Receiver::start().await;
    let (process, hub) = Process::start(dir.path(), database).await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let hook = hub.post(Some(&seller), "/api/webhooks", json!({"url": endpoint.url, "events": ["bid"]})).await;
    let secret = hook["secret"].as_str().unwrap().to_owned();
    let auction = hub.offer(&seller, 3_600_000).await;
    endpoint.answer(|sent| if sent.seq() == 3 { Reply::Never } else { Reply::Status(200) });
    for amount in [1_000, 2_000, 3_000] {
        hub.bid(&ada, &auction, &format!("k{amount}"), amount).await;
    }
    let sent = [endpoint.next().await, endpoint.next().await];
    assert_eq!(sent.each_ref().map(|sent| sent.seq()), [2, 3]);
    drop(process);
    endpoint.answer(|_| Reply::Status(200));
    let (_process, hub) = Process::start(dir.path(), database).await;
    let again = [endpoint.next().await, endpoint.next().await];
    assert_eq!(again.each_ref().map(|sent| sent.seq()), [3, 4], "in order, and nothing that was written down twice");
    assert_eq!((&again[0].id, &again[0].body), (&sent[1].id, &sent[1].body));
    assert!(again.iter().all(|sent| sent.signed_with(&secret) == 1));
    let path = format!("/api/webhooks/{}/deliveries?status=delivered", hook["id"].as_str().unwrap());
    let listed = async || hub.try_get(Some(&seller), &path).await.unwrap().1["items"].as_array().unwrap().clone();
    while listed().await.len() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let attempts: Vec<Value> = listed().await.iter().map(|item| item["attempts"].clone()).collect();
    assert_eq!(attempts, [1, 1, 1]);

    // Whatever can be logged was: neither secrets nor where to is among it.
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(log.contains("was made") && log.contains("TRACE"), "the log was not kept");
    for hidden in [secret.strip_prefix("whsec_").unwrap(), "whsec_", "tell-nobody"] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
}
