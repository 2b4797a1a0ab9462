//! A server that takes only some of what it is given: of each request it refuses records as chance has it, and whole
//! requests too, some of them after it took everything; and of some requests it takes the last record first.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bidhub::chance::Chance;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::moto::Held;

/// The server; it ends with the test.
pub struct Unruly {
    pub url: String,
    state: Shared,
}

type Shared = Arc<Mutex<Taken>>;

struct Taken {
    chance: Chance,
    held: Held,
    requests: usize,
    refused: usize,
    /// How many records it took: the number of the last.
    count: usize,
    /// False: from here on it takes everything.
    unruly: bool,
    /// It knows no credentials.
    locked: bool,
}

impl Unruly {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let chance = Chance::seeded(seed);
        let taken = Taken { chance, held: Held::new(), requests: 0, refused: 0, count: 0, unruly: true, locked: false };
        let state = Arc::new(Mutex::new(taken));
        let router = Router::new().route("/", post(put)).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// From here on it takes everything.
    pub fn calm(&self) {
        self.state.lock().unwrap().unruly = false;
    }

    /// Whether it takes nothing, for it knows no credentials.
    pub fn lock(&self, locked: bool) {
        self.state.lock().unwrap().locked = locked;
    }

    pub fn held(&self) -> Held {
        self.state.lock().unwrap().held.clone()
    }

    /// How many records it refused.
    pub fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }

    /// How many requests it got.
    pub fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }
}

async fn put(State(state): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["x-amz-target"], "Kinesis_20131202.PutRecords");
    assert!(headers["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=test/"));
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let records = asked["Records"].as_array().unwrap();
    assert!((1..=500).contains(&records.len()), "{} records", records.len());
    let mut taken = state.lock().unwrap();
    taken.requests += 1;
    if taken.locked {
        return failed(StatusCode::BAD_REQUEST, "UnrecognizedClientException");
    }
    let mood = if taken.unruly { taken.chance.below(8) } else { 7 };
    if mood == 0 {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailureException");
    }
    let mut answers = vec![Value::Null; records.len()];
    let mut order: Vec<usize> = (0..records.len()).collect();
    if mood == 2 {
        order.reverse();
    }
    for at in order {
        if mood < 4 && taken.chance.below(4) == 0 {
            taken.refused += 1;
            let code = "ProvisionedThroughputExceededException";
            answers[at] = json!({"ErrorCode": code, "ErrorMessage": "slow down"});
            continue;
        }
        let data = BASE64_STANDARD.decode(records[at]["Data"].as_str().unwrap()).unwrap();
        let key = records[at]["PartitionKey"].as_str().unwrap().to_owned();
        taken.held.entry(key).or_default().push(serde_json::from_slice(&data).unwrap());
        taken.count += 1;
        answers[at] = json!({"SequenceNumber": taken.count.to_string(), "ShardId": "shardId-000000000000"});
    }
    if mood == 1 {
        // It took what it took, and nobody hears of it.
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailureException");
    }
    let failures = answers.iter().filter(|answer| answer["ErrorCode"].is_string()).count();
    let told = json!({"FailedRecordCount": failures, "Records": answers});
    ([("content-type", "application/x-amz-json-1.1")], told.to_string()).into_response()
}

fn failed(status: StatusCode, code: &str) -> Response {
    let told = json!({"__type": code, "message": "no"}).to_string();
    (status, [("content-type", "application/x-amz-json-1.1")], told).into_response()
}
