//! Spans by OTLP: a hub sends them to a collector, here a stand-in that reads them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};

use super::{Hub, in_an_hour};

const KEY: &str = "my-own-key";

/// What was sent to the collector, and the address at which it takes it.
async fn collector() -> (Arc<Mutex<Vec<Bytes>>>, String) {
    let taken: Arc<Mutex<Vec<Bytes>>> = Arc::default();
    let take =
        |State(taken): State<Arc<Mutex<Vec<Bytes>>>>, body: Bytes| async move { taken.lock().unwrap().push(body) };
    let router = Router::new().route("/v1/traces", post(take)).with_state(taken.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (taken, url)
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |value: Any| match value {
        Any::StringValue(text) => text,
        Any::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |it: &opentelemetry_proto::tonic::common::v1::KeyValue| it.value.clone().and_then(|value| value.value);
    span.attributes.iter().filter_map(|it| Some((it.key.clone(), text(value(it)?)))).collect()
}

/// A hub with these arguments, on which one bid is made and one refused; gives the auction and the secrets in play.
async fn bid_at_a_hub(arguments: &[&str]) -> (String, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let all: Vec<&str> = ["serve"].iter().chain(arguments).copied().collect();
    let (hub, url) = Hub::start(dir.path(), &all, "bidhub listens on ");
    let http = reqwest::Client::new();
    let post = async |path: &str, token: &str, key: &str, body: Value| -> (u16, Value) {
        let request = http.post(format!("{url}{path}")).bearer_auth(token).header("Idempotency-Key", key).json(&body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let mut tokens = Vec::new();
    for name in ["seller", "ada"] {
        let who =
            json!({"email": format!("{name}@example.com"), "password": "correct horse battery", "display_name": name});
        let (status, body) = post("/api/auth/register", "", "-", who).await;
        assert_eq!(status, 201, "{body}");
        tokens.push(body["token"].as_str().unwrap().to_owned());
    }
    let lot = json!({"title": "Desk", "description": "", "category": "desks", "currency": "USD",
        "opening_price": 1_000, "ends_at": in_an_hour()});
    let (status, auction) = post("/api/auctions", &tokens[0], "-", lot).await;
    assert_eq!(status, 201, "{auction}");
    let id = auction["id"].as_str().unwrap().to_owned();
    let bids = format!("/api/auctions/{id}/bids");
    assert_eq!(post(&bids, &tokens[1], KEY, json!({"max": 7_654_321})).await.0, 201);
    assert_eq!(post(&bids, &tokens[0], "own", json!({"amount": 2_000})).await.1["code"], "own_auction");
    assert_eq!(hub.stop(), Some(0));
    (id, tokens)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_is_followed_to_its_append_and_nothing_secret_is_said() {
    let (taken, url) = collector().await;
    let (auction, tokens) = bid_at_a_hub(&["--otlp-url", &url, "--otlp-sample", "1"]).await;
    let bodies = taken.lock().unwrap().clone();
    let requests =
        bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).expect("a request of OTLP"));
    let resources: Vec<_> = requests.flat_map(|request| request.resource_spans).collect();
    let named = |name: &str| {
        let resource = resources[0].resource.as_ref().unwrap();
        resource.attributes.iter().any(|it| it.key == name)
    };
    assert!(named("service.name") && named("service.version"));
    let spans: Vec<Span> =
        resources.iter().flat_map(|one| &one.scope_spans).flat_map(|scope| scope.spans.clone()).collect();
    let bid = |outcome: &str| {
        let fits = |span: &&Span| span.name == "bid" && attributes(span).get("outcome").is_some_and(|it| it == outcome);
        spans.iter().find(fits).unwrap_or_else(|| panic!("no bid was {outcome}: {spans:#?}"))
    };
    let (accepted, refused) = (bid("accepted"), bid("own_auction"));
    let told = attributes(accepted);
    assert_eq!((told["via"].as_str(), &told["auction"], told["seq"].as_str()), ("rest", &auction, "2"));
    assert_ne!(accepted.trace_id, refused.trace_id);
    let child = |name: &str, of: &Span| {
        let fits =
            |span: &&Span| span.name == name && span.parent_span_id == of.span_id && span.trace_id == of.trace_id;
        spans.iter().find(fits).unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
    };
    child("mailbox", accepted);
    let batch = child("batch", accepted);
    assert_eq!(attributes(batch)["auction"], auction);
    child("append", batch);

    let all: Vec<u8> = bodies.concat();
    let said = |what: &str| all.windows(what.len()).any(|part| part == what.as_bytes());
    assert!(said(&auction), "what is said can be found");
    for secret in tokens.iter().map(String::as_str).chain([KEY, "7654321", "ada@example.com", "correct horse"]) {
        assert!(!said(secret), "{secret} was said");
    }
    assert!(spans.iter().all(|span| !attributes(span).values().any(|value| value == "7654321")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_share_of_bids_to_follow_nothing_is_sent() {
    let (taken, url) = collector().await;
    bid_at_a_hub(&["--otlp-url", &url, "--otlp-sample", "0"]).await;
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_costs_no_bid() {
    bid_at_a_hub(&["--otlp-url", "http://127.0.0.1:9", "--otlp-sample", "1"]).await;
}
