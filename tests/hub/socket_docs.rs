//! The description of the socket: it leads nowhere into nothing, its examples are what it says, and what it says can be
//! asked is what can be asked. That the hub says nothing else is seen by every test that reads a socket.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::Hub;
use crate::market;
use crate::socket_client::contract::{DESCRIBED, check};
use crate::socket_client::{Codec, Socket};

fn messages() -> impl Iterator<Item = (&'static String, &'static Value)> {
    DESCRIBED["components"]["messages"].as_object().unwrap().iter()
}

/// The operations in which the hub receives, with the names of the messages by which it answers.
fn requests() -> impl Iterator<Item = (&'static str, BTreeSet<&'static str>)> {
    let named = |message: &'static Value| message["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    let operations = DESCRIBED["operations"].as_object().unwrap();
    operations.iter().filter(|(_, operation)| operation["action"] == "receive").map(move |(name, operation)| {
        let answers = operation["reply"]["messages"].as_array().unwrap();
        (name.as_str(), answers.iter().map(named).collect())
    })
}

#[test]
fn every_reference_leads_somewhere() {
    fn look(value: &Value) -> usize {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| match value.as_str() {
                    Some(target) if name == "$ref" => {
                        let found = DESCRIBED.pointer(target.trim_start_matches('#'));
                        assert!(target.starts_with('#') && found.is_some(), "{target}");
                        1
                    }
                    _ => look(value),
                })
                .sum(),
            Value::Array(items) => items.iter().map(look).sum(),
            _ => 0,
        }
    }
    assert!(look(&DESCRIBED) > 100);
}

#[test]
fn every_message_has_examples_that_are_as_it_says() {
    for (name, message) in messages() {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert_eq!(example["payload"]["type"], json!(name));
            check(&example["payload"]);
        }
    }
}

#[tokio::test]
async fn what_it_says_can_be_asked_is_what_can_be_asked() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let ann = hub.sign_up("ann").await;
    let auction = market::offer(&hub, &seller, market::desk()).await;
    for (name, answers) in requests() {
        for example in DESCRIBED["components"]["messages"][name]["examples"].as_array().unwrap() {
            let mut socket = Socket::of(hub.address, Codec::Json, &ann.token).await;
            let mut request = example["payload"].clone();
            if request.get("auction").is_some() {
                request["auction"] = json!(auction);
            }
            if name == "leave" {
                socket.ask(json!({"type": "join", "auction": auction})).await;
            }
            let answer = socket.ask(request.clone()).await;
            let kind = answer["type"].as_str().unwrap();
            assert!(answers.contains(kind), "{request} was answered by {answer}");
            let strange = ["unknown_type", "unknown_field", "missing_field", "invalid_request"];
            assert!(!strange.contains(&answer["code"].as_str().unwrap_or_default()), "{request}: {answer}");
        }
    }
    let mut socket = Socket::of(hub.address, Codec::Json, &ann.token).await;
    let unknown = socket.ask(json!({"type": "sing"})).await;
    let known = unknown["message"].as_str().unwrap().split_once("one of ").unwrap().1.replace(" or ", ", ");
    assert_eq!(known.split(", ").collect::<BTreeSet<_>>(), requests().map(|(name, _)| name).collect());
    hub.stop().await;
}

#[tokio::test]
async fn it_is_served_beside_the_description_of_rest() {
    let hub = Hub::start().await;
    let served = hub.get("/api/asyncapi.json").await;
    served.is(200);
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.body["operations"], DESCRIBED["operations"]);
    hub.stop().await;
}
