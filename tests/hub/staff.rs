//! Moderation and its trail.

use bidhub::domain::Span;
use bidhub::{app, sql};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{bid, desk, eventually, moderator, offer, read};
use crate::socket_client::{Codec, Socket};
use crate::stories::stories;

async fn act(hub: &Hub, staff: &User, auction: &str, act: &str, body: Value) -> Answer {
    hub.post_as(&staff.token, &format!("/api/staff/auctions/{auction}/{act}"), body).await
}

fn because() -> Value {
    json!({"reason": "a mistake in the description"})
}

#[tokio::test]
async fn a_pause_stands_until_it_is_resumed_with_the_time_that_was_left() {
    let hub = Hub::start().await;
    let (seller, ada, sam) =
        (hub.sign_up("seller").await, hub.sign_up("ada").await, moderator(&hub, "sam", "staff").await);
    let auction = offer(&hub, &seller, desk()).await;
    act(&hub, &sam, &auction, "resume", json!({})).await.is_problem(409, "not_paused");
    let paused = act(&hub, &sam, &auction, "pause", because()).await;
    assert_eq!(paused.is(200).body["auction"], auction);
    bid(&hub, &ada, &auction, "k", json!({"amount": 1000})).await.is_problem(409, "auction_paused");
    act(&hub, &sam, &auction, "pause", because()).await.is_problem(409, "auction_paused");
    hub.clock.advance(Span::from_secs(600));
    act(&hub, &sam, &auction, "resume", json!({})).await.is(200);
    let now = read(&hub, &auction).await;
    assert_eq!((&now["status"], &now["ends_at"]), (&json!("open"), &json!("2026-11-20T10:40:00.000Z")));
    bid(&hub, &ada, &auction, "k2", json!({"amount": 1000})).await.is(201);
    let row = |list: &Value| list["items"][0]["status"] == "open" && list["items"][0]["bid_count"] == 1;
    let list = eventually(&hub, "/api/auctions", row).await;
    assert_eq!(list["items"][0]["ends_at"], "2026-11-20T10:40:00.000Z");
}

#[tokio::test]
async fn an_act_sent_again_under_its_key_gets_its_first_answer_and_changes_nothing() {
    let hub = Hub::start().await;
    let (seller, sam, sue) =
        (hub.sign_up("seller").await, moderator(&hub, "sam", "staff").await, moderator(&hub, "sue", "staff").await);
    let auction = offer(&hub, &seller, desk()).await;
    let keyed = async |who: &User, what: &str, key: &str, body: Value| {
        let path = format!("/api/staff/auctions/{auction}/{what}");
        let request = hub.request(Method::POST, &path).bearer_auth(&who.token).header("Idempotency-Key", key);
        send(request.json(&body)).await
    };
    let paused = keyed(&sam, "pause", "k", because()).await.is(200).body.clone();
    assert_eq!(keyed(&sam, "pause", "k", because()).await.is(200).body, paused);
    keyed(&sam, "pause", "k", json!({"reason": "another"})).await.is_problem(409, "key_reused");
    keyed(&sam, "resume", "k", json!({})).await.is_problem(409, "key_reused");
    keyed(&sue, "pause", "k", because()).await.is_problem(409, "auction_paused");
    keyed(&sam, "pause", "k k", because()).await.is_problem(400, "invalid_idempotency_key");
    keyed(&sam, "resume", "r", json!({})).await.is(200);
    assert_eq!(keyed(&sam, "pause", "k", because()).await.is(200).body, paused, "and it is not paused again");
    assert_eq!(read(&hub, &auction).await["status"], "open");
    let stopped = keyed(&sam, "stop", "s", because()).await.is(200).body.clone();
    assert_eq!(keyed(&sam, "stop", "s", because()).await.is(200).body, stopped);
    assert_eq!(keyed(&sam, "pause", "k", because()).await.is(200).body, paused, "after the end too");
    act(&hub, &sam, &auction, "stop", because()).await.is_problem(409, "auction_stopped");
    let api = hub.get("/api/openapi.json").await.body;
    for what in ["stop", "pause", "resume", "bids/{seq}/void"] {
        let call = &api["paths"][format!("/api/staff/auctions/{{id}}/{what}")]["post"];
        let header = call["parameters"].as_array().unwrap().iter().find(|it| it["name"] == "Idempotency-Key");
        assert!(header.is_some_and(|header| header["in"] == "header" && header["required"] == false), "{what}: {call}");
    }
}

#[tokio::test]
async fn a_stop_is_for_good() {
    let hub = Hub::start().await;
    let (seller, ada, sam) =
        (hub.sign_up("seller").await, hub.sign_up("ada").await, moderator(&hub, "sam", "staff").await);
    let auction = offer(&hub, &seller, desk()).await;
    bid(&hub, &ada, &auction, "k", json!({"amount": 1000})).await.is(201);
    for reason in ["", " ", &"x".repeat(501)] {
        let refused = act(&hub, &sam, &auction, "stop", json!({"reason": reason})).await;
        assert_eq!(refused.is_problem(422, "invalid_reason").body["field"], "reason");
    }
    act(&hub, &sam, &auction, "stop", because()).await.is(200);
    act(&hub, &sam, &auction, "stop", because()).await.is_problem(409, "auction_stopped");
    let now = read(&hub, &auction).await;
    assert_eq!((&now["status"], &now["outcome"]), (&json!("stopped"), &Value::Null));
    let nowhere = "01938b5e-0000-7000-8000-000000000000";
    act(&hub, &sam, nowhere, "stop", because()).await.is_problem(404, "unknown_auction");
}

#[tokio::test]
async fn a_voided_bid_no_longer_counts_and_the_price_is_found_anew() {
    let hub = Hub::start().await;
    let (seller, ada, bob, sam) = (
        hub.sign_up("seller").await,
        hub.sign_up("ada").await,
        hub.sign_up("bob").await,
        moderator(&hub, "sam", "staff").await,
    );
    let auction = offer(&hub, &seller, desk()).await;
    bid(&hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    let high = bid(&hub, &bob, &auction, "b", json!({"max": 9000})).await;
    assert_eq!(high.is(201).body["price"], 3100);
    let seq = high.body["seq"].as_u64().unwrap();
    let voided = act(&hub, &sam, &auction, &format!("bids/{seq}/void"), because()).await;
    voided.is(200);
    let now = read(&hub, &auction).await;
    assert_eq!(
        (&now["price"], &now["leader"], &now["bid_count"], &now["minimum_bid"]),
        (&json!(1000), &json!("Bidder 1"), &json!(1), &json!(1100))
    );
    let history = hub.get(&format!("/api/auctions/{auction}/bids")).await.body["items"].clone();
    assert_eq!((&history[0]["seq"], &history[0]["voided"]), (&json!(seq), &json!(true)));
    assert_eq!((&history[1]["amount"], history[1].get("voided")), (&json!(1000), None));
    for wrong in [seq, 999] {
        act(&hub, &sam, &auction, &format!("bids/{wrong}/void"), because()).await.is_problem(404, "unknown_bid");
    }
    act(&hub, &sam, &auction, "bids/first/void", because()).await.is_problem(404, "unknown_bid");
    let row = hub.get("/api/auctions").await.body["items"][0].clone();
    assert_eq!((&row["price"], &row["leader"], &row["bid_count"]), (&json!(1000), &json!("Bidder 1"), &json!(1)));
}

#[tokio::test]
async fn only_staff_moderates() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let auction = offer(&hub, &seller, desk()).await;
    for path in ["stop", "pause", "resume", "bids/1/void"] {
        act(&hub, &seller, &auction, path, because()).await.is_problem(403, "forbidden");
        hub.post(&format!("/api/staff/auctions/{auction}/{path}"), because()).await.is_problem(401, "unauthenticated");
    }
    let ban = format!("/api/staff/users/{}/ban", seller.id);
    hub.post_as(&seller.token, &ban, because()).await.is_problem(403, "forbidden");
    hub.get_as(&seller.token, "/api/staff/audit").await.is_problem(403, "forbidden");
    hub.get("/api/staff/audit").await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_banned_user_reads_but_neither_bids_nor_sells() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let (sam, sue, root) = (
        moderator(&hub, "sam", "staff").await,
        moderator(&hub, "sue", "staff").await,
        moderator(&hub, "root", "admin").await,
    );
    let auction = offer(&hub, &seller, desk()).await;
    let ban = |by: &User, id: &str, verb: &str| {
        let (token, path) = (by.token.clone(), format!("/api/staff/users/{id}/{verb}"));
        let hub = &hub;
        async move { hub.post_as(&token, &path, because()).await }
    };
    ban(&sam, &ada.id, "ban").await.is(204);
    bid(&hub, &ada, &auction, "k", json!({"amount": 1000})).await.is_problem(409, "banned");
    hub.post_as(&ada.token, "/api/auctions", desk()).await.is_problem(403, "banned");
    hub.get_as(&ada.token, &format!("/api/auctions/{auction}")).await.is(200);
    assert_eq!(hub.get_as(&ada.token, "/api/me").await.body["banned"], true);
    ban(&sam, &ada.id, "unban").await.is(204);
    bid(&hub, &ada, &auction, "k2", json!({"amount": 1000})).await.is(201);

    ban(&sam, &sam.id, "ban").await.is_problem(409, "own_account");
    ban(&sam, &sue.id, "ban").await.is_problem(403, "forbidden");
    ban(&sam, &root.id, "ban").await.is_problem(403, "forbidden");
    ban(&sam, "01938b5e-0000-7000-8000-000000000000", "ban").await.is_problem(404, "unknown_user");
    ban(&root, &sue.id, "ban").await.is(204);
    act(&hub, &sue, &auction, "pause", because()).await.is_problem(403, "banned");
}

/// Staff freezes people and lets them go, on either engine.
async fn freezing(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("ada").await, hub.sign_up("ben").await);
    let (sam, sue, root) = (
        moderator(hub, "sam", "staff").await,
        moderator(hub, "sue", "staff").await,
        moderator(hub, "root", "admin").await,
    );
    let sanction = async |by: &User, id: &str, verb: &str, body: Value| {
        hub.post_as(&by.token, &format!("/api/staff/users/{id}/{verb}"), body).await
    };
    let frozen = async |who: &User| hub.get_as(&who.token, "/api/me").await.is(200).body["frozen"].clone();
    assert_eq!(frozen(&ada).await, false);
    sanction(&sam, &ada.id, "freeze", because()).await.is(204);
    assert_eq!((frozen(&ada).await, frozen(&ben).await), (json!(true), json!(false)));
    sanction(&sam, &ada.id, "freeze", json!({"reason": "once more"})).await.is(204);
    // It is no ban: whoever is frozen still sells.
    let offered = hub.post_as(&ada.token, "/api/auctions", desk()).await;
    offered.is(201);
    assert_eq!(hub.get_as(&ada.token, "/api/me").await.body["banned"], false);
    sanction(&sam, &ada.id, "unfreeze", json!({})).await.is(204);
    assert_eq!(frozen(&ada).await, false);
    sanction(&sam, &ada.id, "unfreeze", json!({})).await.is(204);

    let refused = sanction(&sam, &ada.id, "freeze", json!({"reason": " "})).await;
    assert_eq!(refused.is_problem(422, "invalid_reason").body["field"], "reason");
    sanction(&ben, &ada.id, "freeze", because()).await.is_problem(403, "forbidden");
    sanction(&ben, &ben.id, "unfreeze", json!({})).await.is_problem(403, "forbidden");
    let path = format!("/api/staff/users/{}/freeze", ada.id);
    hub.post(&path, because()).await.is_problem(401, "unauthenticated");
    for verb in ["freeze", "unfreeze"] {
        sanction(&sam, &sam.id, verb, because()).await.is_problem(409, "own_account");
        sanction(&root, &root.id, verb, because()).await.is_problem(409, "own_account");
        sanction(&sam, &sue.id, verb, because()).await.is_problem(403, "forbidden");
        sanction(&sam, &root.id, verb, because()).await.is_problem(403, "forbidden");
        let nobody = "01938b5e-0000-7000-8000-000000000000";
        sanction(&sam, nobody, verb, because()).await.is_problem(404, "unknown_user");
        sanction(&sam, "nobody", verb, because()).await.is_problem(404, "unknown_user");
    }
    sanction(&root, &sue.id, "freeze", because()).await.is(204);
    assert_eq!(frozen(&sue).await, true);

    let trail = hub.get_as(&root.token, "/api/staff/audit").await.body["items"].clone();
    let told: Vec<_> = trail
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|item| {
            assert!(item["target_kind"] == "user" && item["request_id"].is_string(), "{item}");
            json!([item["action"], item["actor"], item["target"], item["reason"]])
        })
        .collect();
    let why = because()["reason"].clone();
    let expected = [
        json!(["freeze", sam.id, ada.id, why]),
        json!(["freeze", sam.id, ada.id, "once more"]),
        json!(["unfreeze", sam.id, ada.id, null]),
        json!(["unfreeze", sam.id, ada.id, null]),
        json!(["freeze", root.id, sue.id, why]),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn staff_freezes_and_lets_go_and_the_trail_says_so() {
    freezing(&Hub::start().await).await;
}

#[tokio::test]
async fn staff_freezes_on_postgresql_too() {
    let Some(server) = crate::postgres::server::Server::start().await else { return };
    let hub = Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await;
    freezing(&hub).await;
    hub.stop().await;
}

#[tokio::test]
async fn the_trail_holds_every_act_once_with_who_why_and_by_which_request() {
    let hub = Hub::start().await;
    let (seller, ada, sam) =
        (hub.sign_up("seller").await, hub.sign_up("ada").await, moderator(&hub, "sam", "staff").await);
    let auction = offer(&hub, &seller, desk()).await;
    let mut requests = Vec::new();
    for (path, body) in [
        (format!("/api/staff/auctions/{auction}/pause"), because()),
        (format!("/api/staff/auctions/{auction}/resume"), json!({})),
        (format!("/api/staff/users/{}/ban", ada.id), because()),
        (format!("/api/staff/auctions/{auction}/stop"), because()),
    ] {
        let answer = hub.post_as(&sam.token, &path, body).await;
        assert!(answer.status.is_success(), "{answer:?}");
        requests.push(answer.header("x-request-id").to_owned());
    }
    // The list of auctions shows the stop once the journal is projected, the trail's part with it.
    eventually(&hub, "/api/auctions?status=stopped", |list| list["items"][0]["id"] == json!(auction)).await;
    let trail = hub.get_as(&sam.token, "/api/staff/audit").await.body;
    let items = trail["items"].as_array().unwrap();
    let of = |name: &str| items.iter().rev().map(|item| item[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("action"), ["pause", "resume", "ban", "stop"]);
    assert_eq!(of("request_id"), requests);
    assert_eq!(of("target"), [json!(auction), json!(auction), json!(ada.id), json!(auction)]);
    assert!(of("actor").iter().all(|actor| *actor == json!(sam.id)));
    assert_eq!(
        of("reason"),
        [because()["reason"].clone(), Value::Null, because()["reason"].clone(), because()["reason"].clone()]
    );
    assert_eq!(of("seq")[2], Value::Null);
    let first = hub.get_as(&sam.token, "/api/staff/audit?limit=3").await.body;
    let next = first["next"].as_str().unwrap();
    let rest = hub.get_as(&sam.token, &format!("/api/staff/audit?limit=3&cursor={next}")).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["items"][0]), (1, &items[3]));
}

/// Where an act cannot be written down, it is not done.
async fn nobody_is_sanctioned_without_an_entry_in_the_trail(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("trail-ada").await, hub.sign_up("trail-ben").await);
    let sam = moderator(hub, "trail-sam", "staff").await;
    let sanction = async |who: &User, verb: &str| {
        hub.post_as(&sam.token, &format!("/api/staff/users/{}/{verb}", who.id), because()).await
    };
    let barred = async |who: &User| {
        let me = hub.get_as(&who.token, "/api/me").await.is(200).body.clone();
        (me["banned"] == true, me["frozen"] == true)
    };
    let told = async || {
        let trail = hub.get_as(&sam.token, "/api/staff/audit").await.is(200).body.clone();
        let ours = |item: &&Value| item["target"] == json!(ada.id) || item["target"] == json!(ben.id);
        let items = trail["items"].as_array().unwrap().iter().rev().filter(ours);
        items.map(|item| item["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    sanction(&ben, "ban").await.is(204);
    sanction(&ben, "freeze").await.is(204);
    let db = app::open_database(&hub.settings).await.unwrap();
    sql!(db.write(), exec, "alter table staff_audit rename to elsewhere").unwrap();
    for (who, verb) in [(&ada, "ban"), (&ada, "freeze"), (&ben, "unban"), (&ben, "unfreeze")] {
        sanction(who, verb).await.is_problem(500, "internal");
    }
    assert_eq!((barred(&ada).await, barred(&ben).await), ((false, false), (true, true)));
    sql!(db.write(), exec, "alter table elsewhere rename to staff_audit").unwrap();
    db.close().await;
    assert_eq!(told().await, ["ban", "freeze"]);
    for (who, verb) in [(&ada, "ban"), (&ada, "freeze"), (&ben, "unban"), (&ben, "unfreeze")] {
        sanction(who, verb).await.is(204);
    }
    assert_eq!((barred(&ada).await, barred(&ben).await), ((true, true), (false, false)));
    assert_eq!(told().await, ["ban", "freeze", "ban", "freeze", "unban", "unfreeze"]);
}

/// Letting go on, or go again, may have a reason, as halting has one.
async fn who_lets_go_on_may_say_why(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("why-seller").await, hub.sign_up("why-ada").await);
    let sam = moderator(hub, "why-sam", "staff").await;
    let auction = offer(hub, &seller, desk()).await;
    eventually(hub, &format!("/api/auctions/{auction}"), |body| body["state"]["status"] == "open").await;
    let mut socket = Socket::open(hub.address, Codec::Json).await;
    socket.ask(json!({"type": "join", "auction": auction})).await;
    let post = async |path: &str, body: Value| hub.post_as(&sam.token, path, body).await;
    let resume = format!("/api/staff/auctions/{auction}/resume");
    let user = |verb: &str| format!("/api/staff/users/{}/{verb}", ada.id);
    act(hub, &sam, &auction, "pause", because()).await.is(200);
    for path in [resume.clone(), user("unban"), user("unfreeze")] {
        for wrong in ["", " ", &"x".repeat(501), "a\u{0}b"] {
            let refused = post(&path, json!({"reason": wrong})).await;
            assert_eq!(refused.is_problem(422, "invalid_reason").body["field"], "reason", "{path}");
        }
        post(&path, json!({"colour": "red"})).await.is_problem(422, "unknown_field");
        post(&path, json!({"reason": 1})).await.is_problem(422, "invalid_field");
    }
    let keyed = async |key: &str, reason: &str| {
        let request = hub.request(Method::POST, &resume).bearer_auth(&sam.token).header("Idempotency-Key", key);
        send(request.json(&json!({"reason": reason}))).await
    };
    let resumed = keyed("r", " it is oak ").await.is(200).body.clone();
    assert_eq!(keyed("r", "it is oak").await.is(200).body, resumed);
    keyed("r", "it is walnut").await.is_problem(409, "key_reused");
    act(hub, &sam, &auction, "pause", because()).await.is(200);
    send(hub.request(Method::POST, &resume).bearer_auth(&sam.token)).await.is(200);
    let told = socket.events(4).await;
    let reasons: Vec<_> = told.iter().map(|event| json!([event["kind"], event["reason"]])).collect();
    let why = because()["reason"].clone();
    let once = [json!(["paused", why]), json!(["resumed", "it is oak"])];
    assert_eq!(reasons, [once[0].clone(), once[1].clone(), once[0].clone(), json!(["resumed", null])]);
    let feed = format!("/api/auctions/{auction}/activity");
    let feed = eventually(hub, &feed, |body| body["items"].as_array().unwrap().len() == 6).await;
    assert_eq!((&feed["items"][2]["reason"], feed["items"][0].get("reason")), (&json!("it is oak"), None));
    for (verb, body) in [("ban", because()), ("unban", json!({"reason": "a mistake"})), ("freeze", because())] {
        post(&user(verb), body).await.is(204);
    }
    post(&user("unfreeze"), json!({"reason": "answered"})).await.is(204);
    send(hub.request(Method::POST, &user("unfreeze")).bearer_auth(&sam.token)).await.is(204);
    let trail = hub.get_as(&sam.token, "/api/staff/audit").await.body;
    let ours = |item: &&Value| item["target"] == json!(auction) || item["target"] == json!(ada.id);
    let items = trail["items"].as_array().unwrap().iter().rev().filter(ours);
    let told: Vec<_> = items.map(|item| json!([item["action"], item["reason"]])).collect();
    let expected = [
        json!(["pause", why]),
        json!(["resume", "it is oak"]),
        json!(["pause", why]),
        json!(["resume", null]),
        json!(["ban", why]),
        json!(["unban", "a mistake"]),
        json!(["freeze", why]),
        json!(["unfreeze", "answered"]),
        json!(["unfreeze", null]),
    ];
    assert_eq!(told, expected);
}

stories! {
    nobody_is_sanctioned_without_an_entry_in_the_trail
    who_lets_go_on_may_say_why
}
