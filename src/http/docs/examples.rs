//! The examples of the API: of each operation what is sent and what comes back, as a hub was asked and did answer, in
//! `docs/examples.json`; a test asks all of it again and compares. Of each problem, one that is made of its own description.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, RefOr, Response};

use super::super::problem::PROBLEM_JSON;

/// By method and path, such as `post /api/comments`. The file is part of the program: one that cannot be read ends the hub as
/// it starts, and with it every test of it.
static EXAMPLES: LazyLock<HashMap<String, Example>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../docs/examples.json")).expect("docs/examples.json holds examples")
});

/// What is sent and what comes back, where it is JSON.
#[derive(Deserialize)]
struct Example {
    request: Option<Value>,
    response: Option<Value>,
}

/// Adds the examples of one operation.
pub(super) fn illustrate(method: &str, path: &str, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let (RefOr::T(response), Ok(status)) = (response, status.parse()) {
            illustrate_problem(status, response);
        }
    }
    let Some(example) = EXAMPLES.get(&format!("{method} {path}")) else { return };
    if let (Some(RefOr::T(body)), Some(request)) = (&mut operation.request_body, &example.request) {
        body.content.values_mut().for_each(|content| show(content, request));
    }
    // What is done already is answered as it was the first time, though with another status.
    for (status, response) in responses.iter_mut() {
        if let (true, RefOr::T(response), Some(shown)) = (status.starts_with('2'), response, &example.response) {
            response.content.values_mut().for_each(|content| show(content, shown));
        }
    }
}

fn illustrate_problem(status: StatusCode, response: &mut Response) {
    let Some(content) = response.content.get_mut(PROBLEM_JSON) else { return };
    // A description names its codes in backquotes, the most usual one first.
    let Some(code) = response.description.split('`').nth(1) else { return };
    let problem = json!({
        "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "code": code,
        "detail": "what is wrong, in a sentence for people", "request_id": "01938b5e-7c1a-7f00-9d2e-5a3f0c6b8e41",
    });
    show(content, &problem);
}

fn show(content: &mut RefOr<Content>, example: &Value) {
    if let RefOr::T(content) = content {
        content.example = Some(example.clone());
    }
}
