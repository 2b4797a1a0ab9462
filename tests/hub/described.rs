//! What is refused, held against the description: whatever operation refuses, the description of it has the code in
//! backquotes at that status. Every answer that a test of the hub reads passes here.

use std::sync::LazyLock;

use reqwest::{Method, Url};
use serde_json::Value;

use crate::harness::Answer;

static API: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(bidhub::app::description()).expect("the description is JSON"));

/// Asserts that the description knows of this refusal. What is no refusal, or of nothing that the API has, may pass.
#[track_caller]
pub fn check(method: &Method, url: &Url, answer: &Answer) {
    let (status, Some(code)) = (answer.status.as_u16(), answer.body["code"].as_str()) else { return };
    if status < 400 || !answer.header("content-type").starts_with("application/problem+json") {
        return;
    }
    let Some((path, operation)) = operation(method, url.path()) else { return };
    let described = operation["responses"][status.to_string()]["description"].as_str().unwrap_or_default();
    assert!(described.contains(&format!("`{code}`")), "{method} {path} does not say {status} {code}: {described:?}");
}

/// The operation that a request is for, with its path. What is written out goes before what is a parameter.
fn operation(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = API["paths"].as_object().expect("paths").iter();
    let found = paths.filter(|(template, _)| fits(template, path)).min_by_key(|(it, _)| it.matches('{').count());
    let (template, operations) = found?;
    Some((template, operations.get(method.as_str().to_lowercase())?))
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| wanted.starts_with('{') || *wanted == given)
}

#[test]
fn an_operation_is_found_by_what_is_asked() {
    let found = |method: Method, path: &str| operation(&method, path).map(|(template, _)| template);
    assert_eq!(found(Method::GET, "/api/auctions/1"), Some("/api/auctions/{id}"));
    assert_eq!(found(Method::GET, "/api/staff/users/1/limits"), None);
    assert_eq!(found(Method::GET, "/api/auctions/1/bids/2"), None);
    assert_eq!(found(Method::POST, "/api/me"), None);
    assert_eq!(found(Method::GET, "/api/me/bids"), Some("/api/me/bids"));
}
