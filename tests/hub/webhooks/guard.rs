//! Where messages may not go, and that secrets stay where they are told.

use bidhub::config::Switch;
use serde_json::json;

use super::{ask, deliveries, hook, open, patch};
use crate::harness::Hub;
use crate::receiver::Receiver;

#[tokio::test]
async fn no_endpoint_lies_within() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let (id, _) = hook(&hub, &seller, json!({"url": "https://shop.example/"})).await;
    for inside in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.8/",
        "https://172.16.0.1:8443/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://224.0.0.1/",
        "http://shop.example/",
        "https://user:password@shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
    ] {
        let answer = hub.post_as(&seller.token, "/api/webhooks", json!({"url": inside})).await;
        assert_eq!(answer.is_problem(422, "invalid_url").body["field"], "url", "{inside}");
        patch(&hub, &seller, &id, json!({"url": inside})).await.is_problem(422, "invalid_url");
    }
    hub.stop().await;
}

/// The name of this machine, if it leads to an address within.
fn own_name() -> Option<String> {
    let name = std::fs::read_to_string("/etc/hostname").ok()?.trim().to_owned();
    let found = std::net::ToSocketAddrs::to_socket_addrs(&(name.as_str(), 0)).ok()?.next()?;
    let within = match found.ip() {
        std::net::IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        std::net::IpAddr::V6(address) => address.is_loopback(),
    };
    within.then_some(name)
}

#[tokio::test]
async fn what_was_allowed_once_is_looked_at_again_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let mut endpoint = Receiver::start().await;
    let port = endpoint.url.split(['/', ':']).nth(4).unwrap().to_owned();
    let names = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"].map(str::to_owned).into_iter().chain(own_name());
    let urls: Vec<String> = names.map(|name| format!("http://{name}:{port}/hook")).collect();
    let (token, ids) = {
        let hub = Hub::with(|settings| (open(settings), settings.server.data_dir = dir.path().to_owned()).1).await;
        let seller = hub.sign_up("seller").await;
        let mut ids = Vec::new();
        for url in &urls {
            ids.push(hook(&hub, &seller, json!({"url": url})).await.0);
        }
        ask(&hub, &seller, &ids[0], "test", json!({})).await.is(202);
        endpoint.next_of("webhook.test").await;
        deliveries(&hub, &seller, &ids[0], "&status=delivered", |items| items.len() == 1).await;
        hub.stop().await;
        (seller, ids)
    };
    // The operator thinks better of it.
    let hub = Hub::with(|settings| {
        open(settings);
        settings.webhooks.webhook_private_targets = Switch::Off;
        settings.server.data_dir = dir.path().to_owned();
    })
    .await;
    for id in &ids {
        ask(&hub, &token, id, "test", json!({})).await.is(202);
        let tried = deliveries(&hub, &token, id, "&status=pending", |items| items[0]["attempts"] == 1).await;
        assert_eq!((&tried[0]["problem"], &tried[0]["status_code"]), (&json!("forbidden_address"), &json!(null)));
    }
    assert!(endpoint.rest().is_empty());
    hub.stop().await;
}

#[tokio::test]
async fn a_secret_is_told_once() {
    let hub = Hub::with(open).await;
    let seller = hub.sign_up("seller").await;
    let endpoint = Receiver::start().await;
    let (id, first) = hook(&hub, &seller, json!({"url": endpoint.url})).await;
    let rotated = ask(&hub, &seller, &id, "rotate", json!({})).await;
    assert_eq!(rotated.header("cache-control"), "no-store");
    let second = rotated.body["secret"].as_str().unwrap();
    let mut told = String::new();
    for path in ["/api/webhooks".to_owned(), format!("/api/webhooks/{id}"), format!("/api/webhooks/{id}/deliveries")] {
        told += &hub.get_as(&seller.token, &path).await.is(200).body.to_string();
    }
    told += &patch(&hub, &seller, &id, json!({"description": "x"})).await.is(200).body.to_string();
    told += &ask(&hub, &seller, &id, "test", json!({})).await.is(202).body.to_string();
    for secret in [&first, second] {
        assert!(!told.contains(secret) && !told.contains("whsec_"), "{told}");
    }
    hub.stop().await;
}
