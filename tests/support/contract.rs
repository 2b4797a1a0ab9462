//! Holds what the hub says on a socket against its description, `docs/asyncapi.json`: every message is one that is
//! described there, with the members that are described and no others.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The description of the socket, in which that of REST stands under `openapi`: the one refers to shapes of the other.
pub static DESCRIBED: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../docs/asyncapi.json").replace("openapi.json#/", "#/openapi/");
    let mut described: Value = serde_json::from_str(&text).expect("the description is JSON");
    let rest = bidhub::app::description().to_json().expect("the description of REST is JSON");
    described["openapi"] = serde_json::from_str(&rest.replace("\"#/", "\"#/openapi/")).expect("it is still JSON");
    described
});

static MESSAGES: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let messages = DESCRIBED["components"]["messages"].as_object().expect("messages");
    let validator = |name: &String| {
        let pointer = format!("#/components/messages/{name}/payload");
        let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": pointer,
            "components": DESCRIBED["components"], "openapi": DESCRIBED["openapi"]});
        (name.clone(), jsonschema::validator_for(&schema).expect("the payload is a JSON schema"))
    };
    messages.keys().map(validator).collect()
});

/// Fails the test if `message` is not as it is described.
#[track_caller]
pub fn check(message: &Value) {
    let name = message["type"].as_str().unwrap_or_default();
    let Some(validator) = MESSAGES.get(name) else { panic!("a message that is not described: {message}") };
    let wrong: Vec<_> =
        validator.iter_errors(message).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{message} is not as it is described: {wrong:#?}");
}
