//! Browsers: the cookie, and the origin of what it asks for.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Hub, PASSWORD, send};

async fn cookie_of(hub: &Hub) -> String {
    let ada = hub.sign_up("ada").await;
    let answer = hub.login(&ada.email, PASSWORD).await;
    answer.header("set-cookie").to_owned()
}

async fn logout(hub: &Hub, cookie: &str, origin: Option<&str>) -> Answer {
    let request = hub.request(Method::POST, "/api/auth/logout").header("cookie", cookie);
    send(origin.into_iter().fold(request, |request, origin| request.header("origin", origin))).await
}

#[tokio::test]
async fn the_cookie_cannot_be_read_by_scripts_and_is_not_sent_from_other_sites() {
    let hub = Hub::start().await;
    let cookie = cookie_of(&hub).await;
    let parts: Vec<&str> = cookie.split("; ").collect();
    assert!(parts[0].starts_with("bidhub_session=bh_"), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(parts.contains(&part), "{part} in {cookie}");
    }
    assert!(!parts.contains(&"Secure"), "over plain http the browser would drop it");
    let me = send(hub.request(Method::GET, "/api/me").header("cookie", parts[0])).await;
    me.is(200);
}

#[tokio::test]
async fn the_cookie_is_secure_where_the_hub_is() {
    let hub = Hub::with(|settings| settings.server.public_url = Some("https://bid.example".into())).await;
    assert!(cookie_of(&hub).await.contains("; Secure"));
}

#[tokio::test]
async fn with_a_cookie_only_allowed_origins_change_anything() {
    let hub = Hub::with(|settings| {
        settings.server.public_url = Some("https://bid.example".into());
        settings.server.allowed_origins = vec!["https://shop.example".into()];
    })
    .await;
    let cookie = cookie_of(&hub).await;
    let cookie = cookie.split(';').next().unwrap();
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://bid.example")] {
        logout(&hub, cookie, origin).await.is_problem(403, "origin_not_allowed");
    }
    send(hub.request(Method::GET, "/api/me").header("cookie", cookie)).await.is(200);
    let own = hub.origin();
    for (origin, number) in [(own.as_str(), 1), ("https://bid.example", 2), ("https://shop.example", 3)] {
        let answer = hub.login("ada@example.com", PASSWORD).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let answer = logout(&hub, &cookie, Some(origin)).await;
        answer.is(204);
        assert!(answer.header("set-cookie").contains("bidhub_session=; "), "{number}: {answer:?}");
        send(hub.request(Method::GET, "/api/me").header("cookie", &cookie)).await.is_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_bearer_token_needs_no_origin_and_counts_before_a_cookie() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let request = hub.request(Method::POST, "/api/auth/logout").header("cookie", "bidhub_session=bh_old");
    send(request.bearer_auth(&ada.token).header("origin", "https://evil.example").json(&json!({}))).await.is(204);
}

#[tokio::test]
async fn an_old_cookie_is_as_none() {
    let hub = Hub::start().await;
    let request = hub.request(Method::POST, "/api/auth/logout").header("cookie", "bidhub_session=bh_old");
    send(request.header("origin", hub.origin())).await.is(204);
}
