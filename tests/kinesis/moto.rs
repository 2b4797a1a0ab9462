//! Moto: a server that answers as Kinesis does, in memory. It is looked for in `target/tools/moto`, where `./test` puts it,
//! and on the path.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_kinesis::types::ShardIteratorType;
use serde_json::Value;

use crate::process::{REGION, STREAM};
use crate::rest::PATIENCE;

const SHARDS: i32 = 2;

/// The server. It is killed when this is dropped.
pub struct Moto {
    port: u16,
    child: Child,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a stream holds: the messages of each auction in the order in which they stand there.
pub type Held = HashMap<String, Vec<Value>>;

fn program() -> Option<PathBuf> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/moto/bin/moto_server");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).map(|folder| folder.join("moto_server")).collect::<Vec<_>>();
    std::iter::once(own).chain(others).find(|file| file.exists())
}

impl Moto {
    /// Starts one on a free port, with an empty stream. None, said aloud, where it is not installed, unless
    /// `BIDHUB_REQUIRE_MOTO` is set.
    pub async fn start() -> Option<Self> {
        let moto = Self::start_empty().await?;
        moto.create().await;
        Some(moto)
    }

    /// Starts one on a free port, without the stream. None as above.
    pub async fn start_empty() -> Option<Self> {
        if program().is_none() {
            assert!(std::env::var_os("BIDHUB_REQUIRE_MOTO").is_none(), "moto is required and not installed");
            eprintln!("skipped: moto is not installed");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Some(Self::start_at(port).await)
    }

    /// Starts one on this port, without the stream.
    pub async fn start_at(port: u16) -> Self {
        let child = Command::new(program().expect("it was there before"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { port, child };
        let client = moto.client();
        let answers = async {
            while client.list_streams().send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, answers).await.expect("moto answers");
        moto
    }

    /// Creates the stream, empty.
    pub async fn create(&self) {
        self.client().create_stream().stream_name(STREAM).shard_count(SHARDS).send().await.unwrap();
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(self.url())
            .retry_config(RetryConfig::disabled())
            .http_client(bidhub::kinesis::http_client().unwrap())
            .build();
        Client::from_conf(config)
    }

    /// Everything that the stream holds.
    pub async fn held(&self) -> Held {
        let client = self.client();
        let mut held = Held::new();
        let shards = client.list_shards().stream_name(STREAM).send().await.unwrap();
        for shard in shards.shards() {
            let from = ShardIteratorType::TrimHorizon;
            let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(shard.shard_id());
            let mut next = iterator.shard_iterator_type(from).send().await.unwrap().shard_iterator;
            while let Some(iterator) = next.take() {
                let page = client.get_records().shard_iterator(iterator).send().await.unwrap();
                for record in page.records() {
                    let message: Value = serde_json::from_slice(record.data().as_ref()).unwrap();
                    let key = record.partition_key().unwrap();
                    assert_eq!(message["data"]["auction"], key, "the key is the auction");
                    held.entry(key.to_owned()).or_default().push(message);
                }
                next = page.next_shard_iterator.filter(|_| !page.records.is_empty());
            }
        }
        held
    }
}
