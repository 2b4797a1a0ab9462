//! Every error is a problem with a code, a field where there is one, and the id of the request.

use bidhub::{app, sql};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Hub, send};

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem() {
    let hub = Hub::start().await;
    let post = || hub.request(Method::POST, "/api/auth/login").header("content-type", "application/json");
    send(post().body("{")).await.is_problem(400, "invalid_json");
    send(post().body("")).await.is_problem(400, "invalid_json");
    send(post().body(r#"{"email":"a","password":"b"} {}"#)).await.is_problem(400, "invalid_json");
    send(post().body("x".repeat(65 * 1_024))).await.is_problem(413, "body_too_large");
    send(hub.request(Method::POST, "/api/auth/login").body("{}")).await.is_problem(415, "unsupported_media_type");
    send(hub.request(Method::PUT, "/api/auth/login")).await.is_problem(405, "method_not_allowed");
    hub.get("/api/nothing").await.is_problem(404, "not_found");
    hub.get("/api").await.is_problem(404, "not_found");
    hub.get("/nothing.js").await.is_problem(404, "not_found");
    hub.post("/nothing", json!({})).await.is_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn what_fails_inside_says_that_it_did_and_nothing_of_the_inside() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    let db = app::open_database(&hub.settings).await.unwrap();
    sql!(db.write(), exec, "alter table tickets rename to elsewhere").unwrap();
    db.close().await;
    for answer in [
        hub.get_as(&ada.token, "/api/tickets").await,
        hub.post_as(&ada.token, "/api/tickets", json!({"subject": "Help", "body": "Please."})).await,
    ] {
        answer.is_problem(500, "internal");
        let members: Vec<&str> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["code", "detail", "request_id", "status", "title", "type"]);
        assert_eq!(answer.body["detail"], "something went wrong inside the hub");
    }
    hub.get("/healthz").await.is(200);
    hub.stop().await;
}

#[tokio::test]
async fn fields_that_do_not_fit_are_named() {
    let hub = Hub::start().await;
    for (body, code, field) in [
        (json!({"email": "a", "password": "b", "colour": "red"}), "unknown_field", "colour"),
        (json!({"email": "a"}), "missing_field", "password"),
        (json!({"email": 1, "password": "b"}), "invalid_field", "email"),
    ] {
        let answer = hub.post("/api/auth/login", body).await;
        answer.is_problem(422, code);
        assert_eq!(answer.body["field"], field);
    }
    hub.post("/api/auth/login", json!([])).await.is_problem(422, "invalid_field");
}

#[tokio::test]
async fn a_request_has_an_id_of_its_own_or_the_one_it_came_with() {
    let hub = Hub::start().await;
    let with = |id: &str| hub.request(Method::GET, "/api/nothing").header("x-request-id", id);
    let answer = send(with("from-my-proxy.7")).await;
    answer.is_problem(404, "not_found");
    assert_eq!(answer.header("x-request-id"), "from-my-proxy.7");
    for given in ["with space", &"x".repeat(65), ""] {
        let answer = send(with(given)).await;
        let id: uuid::Uuid = answer.header("x-request-id").parse().expect("an id of the hub's own");
        assert_eq!(id.get_version_num(), 7);
    }
    assert_ne!(hub.get("/healthz").await.header("x-request-id"), hub.get("/healthz").await.header("x-request-id"));
}
