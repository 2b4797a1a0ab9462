//! For those who run the hub.

use serde_json::json;

use crate::harness::Hub;

#[tokio::test]
async fn it_is_alive_and_ready_and_knows_the_time() {
    let hub = Hub::start().await;
    assert_eq!(hub.get("/healthz").await.is(200).body, json!({"status": "ok"}));
    let ready = hub.get("/readyz").await;
    ready.is(200);
    assert_eq!(ready.body["probes"][0], json!({"name": "database", "ok": true}));
    let time = hub.get("/api/time").await;
    assert_eq!(time.is(200).body, json!({"server_time": "2026-11-20T09:30:00.000Z"}));
    assert_eq!((time.header("cache-control"), time.header("etag")), ("no-store", ""));
}

#[tokio::test]
async fn it_is_not_ready_when_its_database_does_not_answer() {
    let hub = Hub::start().await;
    hub.get("/readyz").await.is(200);
    // Another process writes and does not come to an end.
    let file = hub.settings.database_file();
    let lock = bidhub::persistence::Db::sqlite(&file, bidhub::persistence::Durability::Normal).await.unwrap();
    let held = lock.begin().await.unwrap();
    let answer = hub.get("/readyz").await;
    answer.is(503);
    assert_eq!(answer.body["status"], "not_ready");
    assert_eq!(answer.body["probes"][0]["ok"], false);
    hub.get("/healthz").await.is(200);
    drop(held);
}

#[tokio::test]
async fn requests_are_measured_by_route_and_not_by_path() {
    let hub = Hub::start().await;
    hub.get("/api/time").await.is(200);
    hub.get("/nothing/of/the/kind").await.is(404);
    let metrics = hub.get("/metrics").await;
    metrics.is(200);
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let text = metrics.body.as_str().unwrap();
    let count = |labels: &str| text.contains(&format!("bidhub_http_request_seconds_count{{{labels}}}"));
    assert!(count("route=\"/api/time\",method=\"GET\",status=\"200\""), "{text}");
    assert!(count("route=\"other\",method=\"GET\",status=\"404\""), "{text}");
    assert!(!text.contains("/nothing/of"), "what clients make up is no series");
}

#[tokio::test]
async fn metrics_can_be_kept_for_the_operator() {
    let hub = Hub::with(|settings| settings.server.operator_token = Some("let me in".into())).await;
    let ada = hub.sign_up("ada").await;
    hub.get("/metrics").await.is_problem(401, "unauthenticated");
    hub.get_as("wrong", "/metrics").await.is_problem(401, "unauthenticated");
    hub.get_as(&ada.token, "/metrics").await.is_problem(403, "forbidden");
    hub.get_as("let me in", "/metrics").await.is(200);
}
