//! What goes on: the same in pages and live, of all auctions and of one, without anybody's account.

use bidhub::app;
use bidhub::domain::Span;
use bidhub::features::activity;
use serde_json::{Value, json};

use crate::harness::{Hub, User};
use crate::market::{bid, eventually, moderator};
use crate::notices::desk_for;
use crate::socket_client::{CODECS, Socket};
use crate::stories::stories;

fn kinds(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["kind"].as_str().unwrap()).collect()
}

/// All of a list, the oldest first, in pages of three.
async fn whole(hub: &Hub, path: &str) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = hub.get(&format!("{path}?limit=3{cursor}")).await.is(200).body.clone();
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.reverse();
    seen
}

/// An auction with something of each kind, to its end.
async fn evening(hub: &Hub, name: &str) -> (String, [User; 3]) {
    let people = [
        hub.sign_up(&format!("{name}-seller")).await,
        hub.sign_up(&format!("{name}-ada")).await,
        hub.sign_up(&format!("{name}-ben")).await,
    ];
    let [seller, ada, ben] = &people;
    let sam = moderator(hub, &format!("{name}-sam"), "staff").await;
    let soft = json!({"window_s": 600, "extension_s": 600, "max_total_s": 3000});
    let terms = json!({"title": "Clock", "reserve": 2000, "soft_close": soft});
    let auction = desk_for(hub, seller, 3_600, terms).await;
    bid(hub, ada, &auction, "a", json!({"amount": 1000})).await.is(201);
    let high = bid(hub, ben, &auction, "b", json!({"max": 7_654_321})).await.is(201).body["seq"].as_u64().unwrap();
    let staff = format!("/api/staff/auctions/{auction}");
    let because = json!({"reason": "a mistake"});
    hub.post_as(&sam.token, &format!("{staff}/bids/{high}/void"), because.clone()).await.is(200);
    hub.post_as(&sam.token, &format!("{staff}/pause"), because).await.is(200);
    hub.post_as(&sam.token, &format!("{staff}/resume"), json!({})).await.is(200);
    // What is a minute old when it is committed is not shown live.
    let path = format!("/api/auctions/{auction}/activity");
    eventually(hub, &path, |body| body["items"][0]["kind"] == "resumed").await;
    hub.clock.advance(Span::from_secs(3_100));
    bid(hub, ben, &auction, "c", json!({"amount": 2500})).await.is(201);
    eventually(hub, &path, |body| body["items"][0]["kind"] == "extended").await;
    hub.clock.advance(Span::from_secs(1_200));
    eventually(hub, &path, |body| body["items"][0]["kind"] == "ended").await;
    (auction, people)
}

const EVENING: [&str; 12] = [
    "listed",
    "opened",
    "bid",
    "bid",
    "reserve_met",
    "bid_voided",
    "paused",
    "resumed",
    "bid",
    "reserve_met",
    "extended",
    "ended",
];

async fn what_goes_on_is_read_in_pages_without_an_account_in_it(hub: &Hub) {
    let (auction, people) = evening(hub, "read").await;
    let of_auction = whole(hub, &format!("/api/auctions/{auction}/activity")).await;
    assert_eq!(kinds(&of_auction), EVENING);
    let (first, last) = (&of_auction[0], &of_auction[11]);
    assert_eq!(
        first,
        &json!({"id": first["id"], "auction": auction, "title": "Clock", "currency": "USD", "seq": 0, "at": first["at"],
            "kind": "listed", "amount": 1000, "ends_at": first["ends_at"]})
    );
    assert_eq!((&of_auction[3]["bidder"], &of_auction[3]["price"]), (&json!("Bidder 2"), &json!(2000)));
    assert_eq!((&of_auction[5]["bidder"], &of_auction[5]["reason"]), (&json!("Bidder 2"), &json!("a mistake")));
    assert_eq!(
        (&last["outcome"], &last["winner"], &last["price"], last.get("bidder")),
        (&json!("sold"), &json!("Bidder 2"), &json!(2500), None)
    );
    let text = json!(of_auction).to_string();
    assert!(people.iter().all(|who| !text.contains(&who.id)) && !text.contains("7654321"), "{text}");
    let all = whole(hub, "/api/activity").await;
    assert!(all.is_sorted_by(|a, b| a["id"].as_i64() < b["id"].as_i64()));
    let ours: Vec<_> = all.into_iter().filter(|item| item["auction"] == json!(auction)).collect();
    assert_eq!(ours, of_auction);
    for gone in ["01938b5e-0000-7000-8000-000000000000", "desk"] {
        hub.get(&format!("/api/auctions/{gone}/activity")).await.is_problem(404, "unknown_auction");
        hub.get(&format!("/api/auctions/{gone}/viewers")).await.is_problem(404, "unknown_auction");
    }
    for path in ["/api/activity".to_owned(), format!("/api/auctions/{auction}/activity")] {
        for wrong in ["limit=0", "cursor=x", "q=x"] {
            hub.get(&format!("{path}?{wrong}")).await.is(422);
        }
    }
}

async fn who_follows_sees_it_live_and_the_same(hub: &Hub) {
    let mut followers = Vec::new();
    for codec in CODECS {
        let mut socket = Socket::open(hub.address, codec).await;
        socket.ask(json!({"type": "follow", "topic": "activity"})).await;
        followers.push(socket);
    }
    let (auction, _) = evening(hub, "live").await;
    let listed = whole(hub, &format!("/api/auctions/{auction}/activity")).await;
    for socket in &mut followers {
        let mut seen = Vec::new();
        while seen.len() < EVENING.len() {
            let push = socket.push_of("activity").await;
            let items = push["items"].as_array().unwrap().iter();
            seen.extend(items.filter(|item| item["auction"] == json!(auction)).cloned());
        }
        assert_eq!(seen, listed);
        // Who no longer follows sees no more of it.
        socket.ask(json!({"type": "unfollow", "topic": "activity"})).await;
    }
    let seller = hub.sign_up("live-again").await;
    desk_for(hub, &seller, 3_600, json!({})).await;
    for socket in &mut followers {
        let pong = socket.request(json!({"type": "ping"})).await;
        assert_eq!(socket.next().await.unwrap()["reply_to"], pong, "nothing came before it");
    }
}

async fn how_many_watch_is_read_too(hub: &Hub) {
    let seller = hub.sign_up("viewers-seller").await;
    let auction = desk_for(hub, &seller, 3_600, json!({})).await;
    let path = format!("/api/auctions/{auction}/viewers");
    assert_eq!(hub.get(&path).await.is(200).body, json!({"auction": auction, "count": 0}));
    let mut sockets = Vec::new();
    for codec in CODECS {
        let mut socket = Socket::open(hub.address, codec).await;
        socket.ask(json!({"type": "join", "auction": auction})).await;
        sockets.push(socket);
    }
    eventually(hub, &path, |body| body["count"] == 2).await;
    sockets.pop();
    eventually(hub, &path, |body| body["count"] == 1).await;
    sockets[0].ask(json!({"type": "leave", "auction": auction})).await;
    eventually(hub, &path, |body| body["count"] == 0).await;
}

async fn only_the_newest_are_kept(hub: &Hub) {
    let seller = hub.sign_up("swept-seller").await;
    let mut auctions = Vec::new();
    for _ in 0..4 {
        auctions.push(desk_for(hub, &seller, 3_600, json!({})).await);
    }
    let last = format!("/api/auctions/{}/activity", auctions[3]);
    eventually(hub, &last, |body| body["items"].as_array().unwrap().len() == 2).await;
    let before = whole(hub, "/api/activity").await;
    let db = app::open_database(&hub.settings).await.unwrap();
    let newest = before.last().unwrap()["id"].as_i64().unwrap();
    activity::sweep(&db, 5).await;
    let after = whole(hub, "/api/activity").await;
    assert_eq!(after, before.into_iter().filter(|item| item["id"].as_i64() > Some(newest - 5)).collect::<Vec<_>>());
    // What was deleted is still known of.
    hub.get(&format!("/api/auctions/{}/activity", auctions[0])).await.is(200);
    db.close().await;
}

stories! {
    what_goes_on_is_read_in_pages_without_an_account_in_it
    who_follows_sees_it_live_and_the_same
    how_many_watch_is_read_too
    only_the_newest_are_kept
}
