//! Changing and resetting passwords, confirming addresses.

use serde_json::json;

use crate::harness::{Hub, PASSWORD};
use crate::mail_server::MailServer;

const NEW: &str = "a new long password";

async fn with_mail() -> (Hub, MailServer) {
    let mail = MailServer::start().await;
    let url = mail.url.clone();
    let hub = Hub::with(|settings| {
        settings.mail.smtp_url = Some(url.into());
        settings.server.public_url = Some("https://bid.example/".into());
    })
    .await;
    (hub, mail)
}

#[tokio::test]
async fn changing_the_password_ends_all_other_sessions() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let other = hub.login(&ada.email, PASSWORD).await.body["token"].as_str().unwrap().to_owned();
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    let path = "/api/auth/password";
    hub.post(path, change(PASSWORD, NEW)).await.is_problem(401, "unauthenticated");
    hub.post_as(&ada.token, path, change("not my password", NEW)).await.is_problem(401, "invalid_credentials");
    hub.post_as(&ada.token, path, change(PASSWORD, "short")).await.is_problem(422, "weak_password");
    hub.get_as(&other, "/api/me").await.is(200);
    hub.post_as(&ada.token, path, change(PASSWORD, NEW)).await.is(204);
    hub.get_as(&ada.token, "/api/me").await.is(200);
    hub.get_as(&other, "/api/me").await.is_problem(401, "unauthenticated");
    hub.login(&ada.email, PASSWORD).await.is_problem(401, "invalid_credentials");
    hub.login(&ada.email, NEW).await.is(200);
}

#[tokio::test]
async fn a_mailed_token_sets_a_new_password_once() {
    let (hub, mut mail) = with_mail().await;
    let ada = hub.sign_up("ada").await;
    mail.next_token("confirm-email").await;
    hub.post("/api/auth/password-reset", json!({"email": "nobody@example.com"})).await.is(202);
    hub.post("/api/auth/password-reset", json!({"email": "ADA@example.com"})).await.is(202);
    // The mail of the address without an account would have come first.
    let mail = mail.next_token("reset-password").await;
    let confirm = |token: &str, password: &str| json!({"token": token, "password": password});
    let path = "/api/auth/password-reset/confirm";
    hub.post(path, confirm(&mail, "short")).await.is_problem(422, "weak_password");
    hub.post(path, confirm("bh_nonsense", NEW)).await.is_problem(422, "invalid_token");
    hub.post(path, confirm(&mail, NEW)).await.is(204);
    hub.post(path, confirm(&mail, NEW)).await.is_problem(422, "invalid_token");
    hub.get_as(&ada.token, "/api/me").await.is_problem(401, "unauthenticated");
    let answer = hub.login(&ada.email, NEW).await;
    answer.is(200);
    assert_eq!(answer.body["user"]["email_confirmed"], true, "who read the mail has the address");
}

#[tokio::test]
async fn a_mailed_token_goes_out_of_date() {
    let (hub, mut mail) = with_mail().await;
    let ada = hub.sign_up("ada").await;
    mail.next_token("confirm-email").await;
    hub.post("/api/auth/password-reset", json!({"email": ada.email})).await.is(202);
    let token = mail.next_token("reset-password").await;
    hub.clock.advance(bidhub::domain::Span::from_secs(3_600));
    let body = json!({"token": token, "password": NEW});
    hub.post("/api/auth/password-reset/confirm", body).await.is_problem(422, "invalid_token");
}

#[tokio::test]
async fn an_address_is_confirmed_by_its_mail() {
    let (hub, mut mail) = with_mail().await;
    let ada = hub.sign_up("ada").await;
    let first = mail.next_token("confirm-email").await;
    hub.post_as(&ada.token, "/api/auth/email-confirm/resend", json!({})).await.is(202);
    let second = mail.next_token("confirm-email").await;
    assert_ne!(first, second);
    let confirm = async |token: &str| hub.post("/api/auth/email-confirm", json!({"token": token})).await;
    let reset = json!({"token": first, "password": NEW});
    hub.post("/api/auth/password-reset/confirm", reset).await.is_problem(422, "invalid_token");
    confirm(&first).await.is(204);
    confirm(&first).await.is_problem(422, "invalid_token");
    assert_eq!(hub.get_as(&ada.token, "/api/me").await.body["email_confirmed"], true);
}

#[tokio::test]
async fn a_mail_server_that_is_gone_fails_no_request() {
    let hub = Hub::with(|settings| settings.mail.smtp_url = Some("smtp://127.0.0.1:1".into())).await;
    hub.sign_up("ada").await;
    hub.stop().await;
}
