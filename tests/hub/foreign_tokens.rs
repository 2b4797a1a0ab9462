//! Tokens that the operator's own system signs.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::harness::{Hub, PASSWORD};

const SECRET: &str = "a secret that is long enough for tests";
const EXP: &str = "2026-11-20T10:30:00.000Z";

async fn hub() -> Hub {
    Hub::with(|settings| settings.auth.jwt_secret = Some(SECRET.into())).await
}

fn token(mut claims: Value) -> String {
    let exp = bidhub::clock::parse(EXP).unwrap().millis() / 1_000;
    claims["exp"] = exp.into();
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

#[tokio::test]
async fn an_unknown_subject_becomes_one_account_however_many_come_at_once() {
    let hub = hub().await;
    let tokens: Vec<String> =
        (0..16).map(|number| token(json!({"sub": "u-1", "name": "Ada", "jti": number}))).collect();
    let answers = futures_util::future::join_all(tokens.iter().map(|token| hub.get_as(token, "/api/me"))).await;
    for answer in &answers {
        answer.is(200);
        assert_eq!((&answer.body["id"], &answer.body["display_name"]), (&answers[0].body["id"], &json!("Ada")));
    }
    let other = hub.get_as(&token(json!({"sub": "u-2"})), "/api/me").await;
    assert_ne!(other.is(200).body["id"], answers[0].body["id"]);
    assert!(other.body["display_name"].as_str().unwrap().starts_with("user-"));
}

#[tokio::test]
async fn an_email_links_no_accounts_and_roles_make_no_staff() {
    let hub = hub().await;
    let ada = hub.sign_up("ada").await;
    let claims = json!({"sub": "u-1", "email": ada.email, "roles": ["admin", "staff", "gold"]});
    let me = hub.get_as(&token(claims), "/api/me").await;
    assert_ne!(me.is(200).body["id"], ada.id);
    assert_eq!(me.body["roles"], json!(["user", "gold"]));
    assert_eq!(me.body["email_confirmed"], false);
    hub.login(&ada.email, PASSWORD).await.is(200);
}

#[tokio::test]
async fn a_token_ends_by_itself_or_by_signing_out() {
    let hub = hub().await;
    let (one, other) = (token(json!({"sub": "u-1", "jti": 1})), token(json!({"sub": "u-1", "jti": 2})));
    hub.post_as(&one, "/api/auth/logout", json!({})).await.is(204);
    hub.get_as(&one, "/api/me").await.is_problem(401, "unauthenticated");
    hub.get_as(&other, "/api/me").await.is(200);
    hub.clock.advance(bidhub::domain::Span::from_secs(3_600 + 5));
    hub.get_as(&other, "/api/me").await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn without_a_key_there_are_no_foreign_tokens() {
    let hub = Hub::start().await;
    hub.get_as(&token(json!({"sub": "u-1"})), "/api/me").await.is_problem(401, "unauthenticated");
}
