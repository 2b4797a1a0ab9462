//! Who comes, and how that is known: tokens, cookies, origins, and nobody at all.

use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::json;

use super::{CODECS, Codec, Market, Socket};
use crate::harness::{PASSWORD, send};

const SECRET: &str = "a secret that is long enough for tests";

#[tokio::test]
async fn a_token_may_come_with_the_first_message() {
    let market = Market::open().await;
    for codec in CODECS {
        let user = market.hub.sign_up(codec.name()).await;
        let mut socket = market.watcher(codec).await;
        let bid = market.max(codec.name(), 1_000_000);
        assert_eq!(socket.ask(bid.clone()).await["code"], "unauthenticated");
        let refused = socket.ask(json!({"type": "authenticate", "token": "bh_nonsense"})).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("unauthenticated")));
        let answer = socket.ask(json!({"type": "authenticate", "token": user.token})).await;
        assert_eq!(answer["type"], "authenticated");
        assert_eq!(answer["user"], json!({"id": user.id, "display_name": codec.name(), "roles": ["user"]}));
        assert_eq!(answer["expires_at"], "2026-12-20T09:30:00.000Z");
        let answer = socket.ask(bid).await;
        assert!(answer["type"] == "bid_accepted" || answer["code"] == "bid_too_low", "{answer}");
    }
}

#[tokio::test]
async fn a_foreign_token_is_as_good_as_a_session() {
    let market = Market::with(json!({}), |settings| settings.auth.jwt_secret = Some(SECRET.into())).await;
    let exp = bidhub::clock::parse("2026-11-20T10:00:00.000Z").unwrap().millis() / 1_000;
    let sign = |secret: &str| {
        let claims = json!({"sub": "u-1", "name": "Ada", "exp": exp});
        encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let mut socket = market.watcher(Codec::Json).await;
    let answer = socket.ask(json!({"type": "authenticate", "token": sign("another secret, long enough too")})).await;
    assert_eq!(answer["code"], "unauthenticated");
    let answer = socket.ask(json!({"type": "authenticate", "token": sign(SECRET)})).await;
    assert_eq!(
        (&answer["user"]["display_name"], &answer["expires_at"]),
        (&json!("Ada"), &json!("2026-11-20T10:00:00.000Z"))
    );
    let mut socket = Socket::of(market.hub.address, Codec::Json, &sign(SECRET)).await;
    assert_eq!(socket.ask(market.straight("k", 1_000)).await["type"], "bid_accepted");
}

#[tokio::test]
async fn nobody_may_watch_and_a_wrong_token_is_refused_at_the_door() {
    let market = Market::open().await;
    let mut socket = market.watcher(Codec::Json).await;
    let joined = socket.ask(market.join()).await;
    assert_eq!((&joined["type"], &joined["state"]["you"]), (&json!("joined"), &json!(null)));
    let wrong = [("authorization", "Bearer bh_nonsense")];
    assert_eq!(Socket::with(market.hub.address, Codec::Json, &wrong).await.err(), Some(401));
}

#[tokio::test]
async fn a_browser_comes_with_its_cookie_from_an_allowed_origin() {
    let market = Market::with(json!({}), |settings| {
        settings.server.allowed_origins = vec!["https://bid.example".into()];
    })
    .await;
    let user = market.hub.sign_up("ada").await;
    let login = market.hub.login(&user.email, PASSWORD).await;
    let cookie = login.header("set-cookie").split("; ").next().unwrap().to_owned();
    let own = market.hub.origin();
    for (number, origin) in [own.as_str(), "https://bid.example"].into_iter().enumerate() {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        let mut socket = Socket::with(market.hub.address, Codec::Json, &headers).await.ok().unwrap();
        let answer = socket.ask(market.max(&format!("{number}"), 2_000 + number)).await;
        assert_eq!(answer["type"], "bid_accepted", "{answer}");
    }
    for headers in [
        vec![("cookie", cookie.as_str()), ("origin", "https://evil.example")],
        vec![("cookie", cookie.as_str()), ("origin", "null")],
        vec![("origin", "https://evil.example")],
    ] {
        assert_eq!(Socket::with(market.hub.address, Codec::Json, &headers).await.err(), Some(403), "{headers:?}");
    }
}

#[tokio::test]
async fn a_stale_cookie_may_still_watch() {
    let market = Market::open().await;
    let headers = [("cookie", "bidhub_session=bh_old"), ("origin", &market.hub.origin())];
    let mut socket = Socket::with(market.hub.address, Codec::Json, &headers).await.ok().unwrap();
    assert_eq!(socket.ask(market.join()).await["type"], "joined");
    assert_eq!(socket.ask(market.straight("k", 1_000)).await["code"], "unauthenticated");
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so() {
    let market = Market::open().await;
    let answer = send(market.hub.request(Method::GET, "/ws")).await;
    answer.is_problem(426, "upgrade_required");
}
