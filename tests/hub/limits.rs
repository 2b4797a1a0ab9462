//! How often anyone may call, and who counts as one.

use bidhub::config::Switch;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Hub, send};

async fn limited(proxies: &[&str]) -> Hub {
    Hub::with(|settings| {
        settings.connections.rate_limits = Switch::On;
        settings.server.trusted_proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    })
    .await
}

/// Tries to sign in `times` times under one address after the other; gives how many were let through.
async fn let_through(hub: &Hub, times: usize, forwarded: impl Fn(usize) -> String) -> usize {
    let mut passed = 0;
    for number in 0..times {
        let body = json!({"email": format!("nobody-{number}@example.com"), "password": "wrong password"});
        let request = hub.request(Method::POST, "/api/auth/login").json(&body);
        let answer = send(request.header("x-forwarded-for", forwarded(number))).await;
        match answer.status.as_u16() {
            429 => {
                answer.is_problem(429, "rate_limited");
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            }
            _ => {
                answer.is_problem(401, "invalid_credentials");
                passed += 1;
            }
        }
    }
    passed
}

#[tokio::test]
async fn guessing_passwords_of_one_account_is_slow() {
    let hub = limited(&[]).await;
    let mut answers = Vec::new();
    for _ in 0..15 {
        answers.push(hub.login("ada@example.com ", "wrong password").await.status.as_u16());
    }
    assert_eq!(answers[..10], [401; 10]);
    assert!(answers[10..].contains(&429), "{answers:?}");
    assert_eq!(hub.login("bob@example.com", "wrong password").await.status, 401, "others are not held up");
}

#[tokio::test]
async fn a_forged_forwarding_header_changes_nothing() {
    let hub = limited(&[]).await;
    assert!(let_through(&hub, 120, |number| format!("198.51.100.{number}")).await < 120);
}

#[tokio::test]
async fn behind_a_trusted_proxy_callers_are_told_apart() {
    let hub = limited(&["127.0.0.0/8"]).await;
    assert_eq!(let_through(&hub, 120, |number| format!("198.51.100.{number}")).await, 120);
    let forged = |number: usize| format!("203.0.113.{number}, 192.0.2.1");
    assert!(let_through(&hub, 120, forged).await < 120, "what the caller wrote before the proxy proves nothing");
}

#[tokio::test]
async fn limits_can_be_off() {
    let hub = Hub::start().await;
    assert_eq!(let_through(&hub, 120, |_| String::new()).await, 120);
}
