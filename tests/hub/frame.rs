//! What every answer has, whatever was asked.

use reqwest::Method;

use crate::harness::{Hub, send};

#[tokio::test]
async fn every_answer_is_guarded_in_the_browser() {
    let hub = Hub::start().await;
    for path in ["/", "/healthz", "/api/time", "/api/nothing", "/api/docs/"] {
        let answer = hub.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "strict-origin-when-cross-origin");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src"), "scripts come from the hub alone: {policy}");
        assert_eq!(policy.contains("unsafe-inline"), path == "/api/docs/", "{path}: {policy}");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_who_can_read_it() {
    let hub = Hub::start().await;
    for encoding in ["gzip", "br", "zstd"] {
        let answer = send(hub.request(Method::GET, "/api/openapi.json").header("accept-encoding", encoding)).await;
        assert_eq!(answer.header("content-encoding"), encoding);
    }
    assert_eq!(hub.get("/api/openapi.json").await.header("content-encoding"), "");
}

#[tokio::test]
async fn json_can_be_picked_from() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let whole = hub.get_as(&ada.token, "/api/me").await;
    assert_eq!((whole.header("cache-control"), whole.header("etag")), ("private, no-cache", ""), "it is ada's own");
    let picked = hub.get_as(&ada.token, "/api/me?fields=id,display_name").await;
    let expected = serde_json::json!({"id": ada.id, "display_name": "ada"});
    assert_eq!(picked.is(200).body, expected);
}

#[tokio::test]
async fn pages_of_other_origins_read_only_what_the_operator_allows() {
    let hub = Hub::with(|settings| settings.server.cors_origins = vec!["https://news.example".into()]).await;
    let from = |origin: &'static str| hub.request(Method::GET, "/api/time").header("origin", origin);
    assert_eq!(send(from("https://news.example")).await.header("access-control-allow-origin"), "https://news.example");
    assert_eq!(send(from("https://evil.example")).await.header("access-control-allow-origin"), "");
    let ask = hub.request(Method::OPTIONS, "/api/auth/login").header("origin", "https://news.example");
    let ask =
        ask.header("access-control-request-method", "POST").header("access-control-request-headers", "content-type");
    let answer = send(ask).await;
    assert_eq!(answer.is(200).header("access-control-allow-credentials"), "", "reading is not acting");
    assert!(answer.header("access-control-allow-headers").contains("idempotency-key"));
    let closed = Hub::start().await;
    let answer = send(closed.request(Method::GET, "/api/time").header("origin", "https://news.example")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
