//! Signing up, in and out.

use serde_json::json;

use crate::harness::{Hub, PASSWORD};

#[tokio::test]
async fn signing_up_gives_an_account_that_is_signed_in() {
    let hub = Hub::start().await;
    let body = json!({"email": " Ada@Example.com", "password": PASSWORD, "display_name": "Ada"});
    let answer = hub.post("/api/auth/register", body).await;
    answer.is(201);
    assert_eq!(answer.body["user"]["display_name"], "Ada");
    assert_eq!(answer.body["user"]["roles"], json!(["user"]));
    assert_eq!(answer.body["expires_at"], "2026-12-20T09:30:00.000Z");
    assert_eq!(answer.header("cache-control"), "no-store");
    let me = hub.get_as(answer.body["token"].as_str().unwrap(), "/api/me").await;
    me.is(200);
    assert_eq!(me.body, answer.body["user"]);
    assert_eq!((&me.body["email"], &me.body["email_confirmed"]), (&json!("ada@example.com"), &json!(false)));
    hub.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_code_and_field() {
    let hub = Hub::start().await;
    hub.sign_up("ada").await;
    for (email, password, name, status, code, field) in [
        ("ADA@example.com ", PASSWORD, "Ada", 409, "email_taken", "email"),
        ("no address", PASSWORD, "Ada", 422, "invalid_email", "email"),
        ("new@example.com", "too short", "Ada", 422, "weak_password", "password"),
        ("new@example.com", &"x".repeat(201), "Ada", 422, "weak_password", "password"),
        ("new@example.com", PASSWORD, " ", 422, "invalid_display_name", "display_name"),
    ] {
        let body = json!({"email": email, "password": password, "display_name": name});
        let answer = hub.post("/api/auth/register", body).await;
        answer.is_problem(status, code);
        assert_eq!(answer.body["field"], field);
    }
}

#[tokio::test]
async fn of_many_who_sign_up_with_one_address_one_gets_it() {
    let hub = Hub::start().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "display_name": "Ada"});
    let attempts = futures_util::future::join_all((0..8).map(|_| hub.post("/api/auth/register", body.clone()))).await;
    let (made, refused): (Vec<_>, Vec<_>) = attempts.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in &refused {
        answer.is_problem(409, "email_taken");
    }
}

#[tokio::test]
async fn signing_in_takes_the_right_password_alone() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let answer = hub.login(" ADA@example.com", PASSWORD).await;
    answer.is(200);
    assert_eq!(answer.body["user"]["id"], ada.id);
    assert_ne!(answer.body["token"], ada.token);
    let wrong = hub.login(&ada.email, "correct house battery").await;
    let unknown = hub.login("nobody@example.com", PASSWORD).await;
    let nonsense = hub.login("nobody", PASSWORD).await;
    for answer in [&wrong, &unknown, &nonsense] {
        answer.is_problem(401, "invalid_credentials");
        assert_eq!(answer.body["detail"], wrong.body["detail"], "nothing tells whether there is such an account");
    }
}

#[tokio::test]
async fn signing_out_ends_one_session() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let other = hub.login(&ada.email, PASSWORD).await.body["token"].as_str().unwrap().to_owned();
    hub.post_as(&ada.token, "/api/auth/logout", json!({})).await.is(204);
    hub.get_as(&ada.token, "/api/me").await.is_problem(401, "unauthenticated");
    hub.get_as(&other, "/api/me").await.is(200);
    hub.post("/api/auth/logout", json!({})).await.is(204);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let life_ms = i64::from(hub.settings.auth.session_ttl_s) * 1_000;
    hub.clock.advance(bidhub::domain::Span::from_millis(life_ms - 1));
    hub.get_as(&ada.token, "/api/me").await.is(200);
    hub.clock.advance(bidhub::domain::Span::from_millis(1));
    hub.get_as(&ada.token, "/api/me").await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn tokens_that_are_none_are_refused() {
    let hub = Hub::start().await;
    for value in [
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer bh_nonsense",
        "Bearer a.b.c",
        &format!("Bearer {}", "x".repeat(5_000)),
    ] {
        let request = hub.request(reqwest::Method::GET, "/api/me").header("authorization", value);
        let answer = crate::harness::send(request).await;
        answer.is_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    hub.get("/api/me").await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_database_holds_no_token_and_no_password() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let dir = &hub.settings.server.data_dir;
    let mut read = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        read += bytes.len();
        for secret in [ada.token.as_str(), PASSWORD] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    assert!(read > 4_096, "there is a database to look into");
}
