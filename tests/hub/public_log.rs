//! The public log: its events, its chain, and the whole of it in one piece.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Hub, User};
use crate::market::{bid, desk_with, moderator, offer};

/// The digest of a record, made from what the answer says and nothing else.
fn digest(previous: &str, public: &str, commitment: &str) -> String {
    let (previous, commitment) = (hex::decode(previous).unwrap(), hex::decode(commitment).unwrap());
    hex::encode(Sha256::new().chain_update(previous).chain_update(public).chain_update(commitment).finalize())
}

async fn lively(hub: &Hub) -> (String, User) {
    let (seller, ada, bob) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("bob").await);
    let auction = offer(hub, &seller, desk_with(json!({"reserve": 4242, "title": "Desk with \"ink\" ä"}))).await;
    for (bidder, key, body) in [
        (&ada, "a1", json!({"max": 3000})),
        (&bob, "b1", json!({"max": 2500})),
        (&bob, "b2", json!({"max": 8765})),
        (&ada, "a2", json!({"amount": 5000})),
    ] {
        bid(hub, bidder, &auction, key, body).await.is(201);
    }
    (auction, ada)
}

#[tokio::test]
async fn the_whole_log_is_a_chain_that_anyone_can_follow() {
    let hub = Hub::start().await;
    let (auction, _) = lively(&hub).await;
    let answer = hub.get(&format!("/api/auctions/{auction}/log")).await;
    answer.is(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = answer.body.as_str().unwrap();
    assert!(text.ends_with('\n') && !text.contains(":8765"), "a leading ceiling stays hidden");
    let mut previous = "0".repeat(64);
    let mut records = Vec::new();
    for line in text.lines() {
        let public = line.strip_prefix(r#"{"record":"#).unwrap();
        let public = &public[..public.rfind(r#","commitment":"#).unwrap()];
        let parsed: Value = serde_json::from_str(line).unwrap();
        previous = digest(&previous, public, parsed["commitment"].as_str().unwrap());
        assert_eq!(parsed["digest"], previous);
        records.push(parsed["record"].clone());
    }
    let kinds: Vec<&str> = records.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["created", "opened", "bid", "bid", "bid", "reserve_met", "bid"]);
    assert_eq!((&records[0]["seq"], &records[0]["auction"]), (&json!(0), &json!(auction)));
    assert!(records.iter().enumerate().all(|(seq, record)| record["seq"] == seq));
}

#[tokio::test]
async fn events_are_paged_and_chained_to_each_other() {
    let hub = Hub::start().await;
    let (auction, _) = lively(&hub).await;
    let path = format!("/api/auctions/{auction}/events");
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = hub.get(&format!("{path}?limit=4{cursor}")).await;
        page.is(200);
        items.extend(page.body["items"].as_array().unwrap().clone());
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(items.iter().map(|item| item["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    for pair in items.windows(2) {
        // The public bytes are the canonical form: members in the order of the alphabet, no spaces.
        let mut public = pair[1].clone();
        let members = public.as_object_mut().unwrap();
        members.remove("digest");
        let commitment = members.remove("commitment").unwrap();
        let expected = digest(pair[0]["digest"].as_str().unwrap(), &public.to_string(), commitment.as_str().unwrap());
        assert_eq!(pair[1]["digest"], expected);
    }
    assert_eq!(hub.get(&format!("{path}?after=5")).await.body["items"], json!([items[5]]));
    assert_eq!(hub.get(&format!("{path}?after=6")).await.body, json!({"items": [], "next": null}));
    hub.get(&format!("{path}?after=-1")).await.is_problem(422, "invalid_query");
}

#[tokio::test]
async fn only_staff_sees_the_private_parts() {
    let hub = Hub::start().await;
    let (auction, ada) = lively(&hub).await;
    let staff = moderator(&hub, "sam", "staff").await;
    let path = format!("/api/auctions/{auction}/events");
    for answer in [hub.get(&path).await, hub.get_as(&ada.token, &path).await] {
        assert!(answer.body["items"].as_array().unwrap().iter().all(|item| item.get("private").is_none()));
    }
    let seen = hub.get_as(&staff.token, &path).await.body;
    let private = &seen["items"][1]["private"];
    assert_eq!(*private, json!({"bidder": ada.id, "key": "a1", "offer": "max", "ceiling": 3000}));
}
