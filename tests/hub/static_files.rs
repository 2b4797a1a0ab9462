//! The browser app.

use reqwest::Method;

use crate::harness::{Answer, Hub, send};

async fn page(hub: &Hub, path: &str) -> Answer {
    send(hub.request(Method::GET, path).header("accept", "text/html,*/*;q=0.8")).await
}

#[tokio::test]
async fn its_page_is_there_under_all_of_its_paths() {
    let hub = Hub::start().await;
    let root = page(&hub, "/").await;
    root.is(200);
    assert_eq!(root.header("content-type"), "text/html; charset=utf-8");
    assert!(root.body.as_str().unwrap().contains("<title>"));
    for path in ["/auctions/01930000-0000-7000-8000-000000000000", "/sign-in", "/index.html"] {
        assert_eq!(page(&hub, path).await.is(200).body, root.body, "{path}");
    }
    hub.get("/auctions/1").await.is_problem(404, "not_found");
    page(&hub, "/api/nothing").await.is_problem(404, "not_found");
    page(&hub, "/../Cargo.toml").await.is(200);
    hub.get("/%2e%2e/Cargo.toml").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn who_has_a_file_is_told_so() {
    let hub = Hub::start().await;
    let first = page(&hub, "/").await;
    assert_eq!(first.header("cache-control"), "no-cache");
    let again = hub.request(Method::GET, "/").header("if-none-match", first.header("etag"));
    let again = send(again).await;
    assert_eq!((again.is(304).body.as_str(), again.header("etag")), (Some(""), first.header("etag")));
}
