//! The moderation queue: what people report comes into it once, staff decides once, and the trail says so.

mod signals;

use bidhub::app;
use bidhub::domain::Span;
use bidhub::sql;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User};
use crate::market::{desk, eventually, moderator, offer};
use crate::socket_client::{CODECS, Socket};
use crate::stories::stories;

const NOWHERE: &str = "01938b5e-0000-7000-8000-000000000000";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn say(hub: &Hub, who: &User, auction: &str, body: &str) -> Value {
    hub.post_as(&who.token, "/api/comments", json!({"auction": auction, "body": body})).await.is(201).body.clone()
}

async fn report(hub: &Hub, who: &User, comment: &Value, reason: &str) -> Answer {
    let path = format!("/api/comments/{}/report", text(&comment["id"]));
    hub.post_as(&who.token, &path, json!({"reason": reason})).await
}

async fn report_auction(hub: &Hub, who: &User, auction: &str, reason: &str) -> Answer {
    hub.post_as(&who.token, &format!("/api/auctions/{auction}/report"), json!({"reason": reason})).await
}

/// The items of the queue that `query` asks for.
pub async fn queue(hub: &Hub, staff: &User, query: &str) -> Vec<Value> {
    let answer = hub.get_as(&staff.token, &format!("/api/staff/moderation?{query}")).await;
    answer.is(200).body["items"].as_array().unwrap().clone()
}

async fn item(hub: &Hub, staff: &User, id: &Value) -> Value {
    hub.get_as(&staff.token, &format!("/api/staff/moderation/{}", text(id))).await.is(200).body.clone()
}

pub async fn resolve(hub: &Hub, staff: &User, id: &Value, outcome: &str, reason: &str) -> Answer {
    let path = format!("/api/staff/moderation/{}/resolve", text(id));
    hub.post_as(&staff.token, &path, json!({"outcome": outcome, "reason": reason})).await
}

async fn reports_of_a_comment_wait_as_one_until_they_are_decided(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("wait-seller").await, hub.sign_up("wait-ada").await, hub.sign_up("wait-ben").await);
    let (sam, sue) = (moderator(hub, "wait-sam", "staff").await, moderator(hub, "wait-sue", "staff").await);
    let auction = offer(hub, &seller, desk()).await;
    let said = say(hub, &ada, &auction, "buy elsewhere").await;
    let first = report(hub, &ben, &said, "advertising").await.is(201).body.clone();
    hub.clock.advance(Span::from_secs(1));
    let second = report(hub, &seller, &said, "spam").await.is(201).body.clone();
    report(hub, &ben, &said, "again").await.is(200);

    let found = queue(hub, &sam, &format!("account={}", ada.id)).await;
    let expected = json!({
        "id": found[0]["id"], "kind": "comment_report", "status": "open",
        "account": {"id": ada.id, "display_name": "wait-ada"},
        "auction": {"id": auction, "title": found[0]["auction"]["title"], "seller": found[0]["auction"]["seller"]},
        "comment": {"id": said["id"], "body": "buy elsewhere"}, "evidence": null, "times": 2,
        "first_at": first["at"], "last_at": second["at"], "closed_at": null, "closed_by": null, "reason": null,
    });
    assert_eq!(found, [expected]);
    let id = &found[0]["id"];
    let whole = item(hub, &sam, id).await;
    let told: Vec<Value> = (whole["reports"].as_array().unwrap().iter())
        .map(|it| json!([it["reporter"]["display_name"], it["reason"], it["status"]]))
        .collect();
    assert_eq!(told, [json!(["wait-ben", "advertising", "open"]), json!(["wait-seller", "spam", "open"])]);
    let page = hub.get_as(&sam.token, &format!("/api/staff/moderation/{}?limit=1", text(id))).await.body;
    let rest = format!("/api/staff/moderation/{}?cursor={}", text(id), text(&page["next"]));
    let rest = hub.get_as(&sam.token, &rest).await.body;
    assert_eq!([&page["reports"][0], &rest["reports"][0]], [&whole["reports"][0], &whole["reports"][1]]);

    for wrong in ["", " ", "a\0", &"x".repeat(501)] {
        let refused = resolve(hub, &sam, id, "upheld", wrong).await;
        assert_eq!(refused.is_problem(422, "invalid_reason").body["field"], "reason");
    }
    resolve(hub, &sam, id, "open", "x").await.is_problem(422, "invalid_field");
    let decided = resolve(hub, &sam, id, "upheld", " an advertisement ").await.is(200).body.clone();
    assert_eq!(
        json!([decided["status"], decided["reason"], decided["closed_by"]["display_name"], decided["times"]]),
        json!(["upheld", "an advertisement", "wait-sam", 2])
    );
    assert_eq!(resolve(hub, &sam, id, "upheld", "an advertisement").await.is(200).body, decided, "an answer was lost");
    for (who, outcome, reason) in
        [(&sue, "upheld", "an advertisement"), (&sam, "dismissed", "an advertisement"), (&sam, "upheld", "rude")]
    {
        let refused = resolve(hub, who, id, outcome, reason).await;
        let refused = &refused.is_problem(409, "item_closed").body;
        assert_eq!(json!([refused["outcome"], refused["closed_by"]]), json!(["upheld", sam.id]));
    }
    let closed = item(hub, &sam, id).await;
    assert!(closed["reports"].as_array().unwrap().iter().all(|it| it["status"] == "closed"), "{closed}");
    assert_eq!(report(hub, &ben, &said, "again").await.is(200).body["status"], "closed");

    // What is reported after that waits anew.
    let late = hub.sign_up("wait-late").await;
    report(hub, &late, &said, "still there").await.is(201);
    let open = queue(hub, &sam, &format!("account={}&status=open", ada.id)).await;
    assert_eq!((open.len(), &open[0]["times"], open[0]["id"] == *id), (1, &json!(1), false));

    let trail = hub.get_as(&sam.token, "/api/staff/audit?limit=200").await.body;
    let deeds: Vec<Value> = (trail["items"].as_array().unwrap().iter())
        .filter(|entry| entry["target"] == *id)
        .map(|it| json!([it["action"], it["target_kind"], it["actor"], it["reason"], it["request_id"].is_string()]))
        .collect();
    assert_eq!(deeds, [json!(["resolve_item", "item", sam.id, "upheld: an advertisement", true])], "once");
}

async fn an_auction_is_reported_once_by_each(hub: &Hub) {
    let (seller, ada, sam) =
        (hub.sign_up("lot-seller").await, hub.sign_up("lot-ada").await, moderator(hub, "lot-sam", "staff").await);
    let auction = offer(hub, &seller, desk()).await;
    for wrong in ["", " ", "a\0", &"x".repeat(501)] {
        report_auction(hub, &ada, &auction, wrong).await.is_problem(422, "invalid_reason");
    }
    report_auction(hub, &seller, &auction, "mine").await.is_problem(409, "own_auction");
    for nowhere in [NOWHERE, "desk"] {
        report_auction(hub, &ada, nowhere, "x").await.is_problem(404, "unknown_auction");
    }
    assert_eq!(queue(hub, &sam, &format!("auction={auction}")).await, Vec::<Value>::new(), "nothing was reported yet");
    let many = join_all((0..6).map(|_| report_auction(hub, &ada, &auction, "another desk"))).await;
    assert_eq!(many.iter().filter(|answer| answer.status == 201).count(), 1, "{many:?}");
    let expected = json!({
        "id": many[0].body["id"], "auction": auction, "reason": "another desk", "at": many[0].body["at"], "status": "open",
    });
    assert!(many.iter().all(|answer| answer.body == expected), "{many:?}");
    let found = queue(hub, &sam, &format!("auction={auction}&kind=auction_report")).await;
    assert_eq!((found.len(), &found[0]["times"], &found[0]["comment"]), (1, &json!(1), &Value::Null));
    assert_eq!(found[0]["account"]["id"], seller.id);
    resolve(hub, &sam, &found[0]["id"], "dismissed", "it is the desk").await.is(200);
    for (query, count) in [("status=open", 0), ("status=dismissed", 1), ("status=upheld", 0), ("kind=shill", 0)] {
        assert_eq!(queue(hub, &sam, &format!("auction={auction}&{query}")).await.len(), count, "{query}");
    }
}

async fn the_queue_is_read_a_page_at_a_time(hub: &Hub) {
    let (seller, ada, sam) =
        (hub.sign_up("page-seller").await, hub.sign_up("page-ada").await, moderator(hub, "page-sam", "staff").await);
    for _ in 0..5 {
        let auction = offer(hub, &seller, desk()).await;
        report_auction(hub, &ada, &auction, "fake").await.is(201);
    }
    let all = queue(hub, &sam, &format!("account={}", seller.id)).await;
    assert_eq!(all.len(), 5);
    for (order, expected) in [("desc", all.clone()), ("asc", all.iter().rev().cloned().collect())] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/staff/moderation?account={}&order={order}&limit=2{cursor}", seller.id);
            let page = hub.get_as(&sam.token, &path).await.is(200).body.clone();
            seen.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, expected, "{order}");
    }
    for query in ["status=done", "kind=spam", "order=up", "limit=0", "cursor=x", "auction=desk", "colour=1"] {
        hub.get_as(&sam.token, &format!("/api/staff/moderation?{query}")).await.is(422);
    }
}

async fn staff_alone_sees_and_decides_and_nobody_about_themselves(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("may-seller").await, hub.sign_up("may-ada").await);
    let (sam, sue, fallen) = (
        moderator(hub, "may-sam", "staff").await,
        moderator(hub, "may-sue", "admin").await,
        moderator(hub, "may-fallen", "staff").await,
    );
    let bad = hub.sign_up("may-bad").await;
    for banned in [&bad, &fallen] {
        let ban = format!("/api/staff/users/{}/ban", banned.id);
        hub.post_as(&sue.token, &ban, json!({"reason": "spam"})).await.is(204);
    }
    let auction = offer(hub, &seller, desk()).await;
    let path = format!("/api/auctions/{auction}/report");
    hub.post(&path, json!({"reason": "x"})).await.is_problem(401, "unauthenticated");
    report_auction(hub, &bad, &auction, "x").await.is_problem(403, "banned");
    let said = say(hub, &sam, &auction, "I am staff").await;
    report(hub, &ada, &said, "boasting").await.is(201);
    let found = queue(hub, &sam, &format!("account={}", sam.id)).await;
    let id = &found[0]["id"];
    let decision = json!({"outcome": "dismissed", "reason": "it is true"});
    let one = format!("/api/staff/moderation/{}", text(id));
    for path in ["/api/staff/moderation", &one] {
        hub.get(path).await.is_problem(401, "unauthenticated");
        for (who, code) in [(&ada, "forbidden"), (&bad, "banned"), (&fallen, "banned")] {
            hub.get_as(&who.token, path).await.is_problem(403, code);
        }
    }
    let path = format!("{one}/resolve");
    hub.post(&path, decision.clone()).await.is_problem(401, "unauthenticated");
    for (who, code) in [(&ada, "forbidden"), (&bad, "banned"), (&fallen, "banned")] {
        hub.post_as(&who.token, &path, decision.clone()).await.is_problem(403, code);
    }
    hub.post_as(&sam.token, &path, decision.clone()).await.is_problem(409, "own_account");
    hub.post_as(&sue.token, &path, json!({"outcome": "upheld"})).await.is_problem(422, "missing_field");
    hub.post_as(&sue.token, &path, decision).await.is(200);
    for nowhere in [json!(NOWHERE), json!("first")] {
        resolve(hub, &sam, &nowhere, "upheld", "x").await.is_problem(404, "unknown_item");
        let path = format!("/api/staff/moderation/{}", text(&nowhere));
        hub.get_as(&sam.token, &path).await.is_problem(404, "unknown_item");
    }
}

async fn staff_is_shown_what_comes_and_what_is_decided(hub: &Hub) {
    let (seller, ada, sam) =
        (hub.sign_up("live-seller").await, hub.sign_up("live-ada").await, moderator(hub, "live-sam", "staff").await);
    for codec in CODECS {
        let auction = offer(hub, &seller, desk()).await;
        let mut staff = Socket::of(hub.address, codec, &sam.token).await;
        let mut other = Socket::of(hub.address, codec, &ada.token).await;
        for socket in [&mut staff, &mut other] {
            socket.ask(json!({"type": "ping"})).await;
        }
        report_auction(hub, &ada, &auction, "fake").await.is(201);
        let push = item_push(&mut staff, &auction).await;
        assert_eq!(json!([push["status"], push["times"], push["kind"]]), json!(["open", 1, "auction_report"]));
        resolve(hub, &sam, &push["id"], "upheld", "so it is").await.is(200);
        let push = item_push(&mut staff, &auction).await;
        assert_eq!(json!([push["status"], push["reason"]]), json!(["upheld", "so it is"]));
        // A comment in the room comes after all of it, and nothing of the queue before it.
        other.ask(json!({"type": "join", "auction": auction})).await;
        say(hub, &ada, &auction, "hello").await;
        loop {
            let push = other.push().await.unwrap();
            assert_ne!(push["type"], "moderation", "staff alone is shown: {push}");
            if push["type"] == "comment" {
                break;
            }
        }
    }
}

/// The next push of an item about this auction.
async fn item_push(socket: &mut Socket, auction: &str) -> Value {
    loop {
        let push = socket.push().await.unwrap();
        if push["type"] == "moderation" && push["item"]["auction"]["id"] == auction {
            return push["item"].clone();
        }
    }
}

async fn the_trail_is_only_added_to(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("trail-ada").await, moderator(hub, "trail-sam", "staff").await);
    let ban = format!("/api/staff/users/{}/ban", ada.id);
    hub.post_as(&sam.token, &ban, json!({"reason": "spam"})).await.is(204);
    let trail = async || hub.get_as(&sam.token, "/api/staff/audit?limit=200").await.is(200).body.clone();
    let before = trail().await;
    let db = app::open_database(&hub.settings).await.unwrap();
    for text in [
        "delete from staff_audit",
        "update staff_audit set reason = 'other'",
        "update staff_audit set actor = target",
        "update staff_audit set request_id = 'other'",
        "update staff_audit set request_id = null",
        "update staff_audit set seq = 1 where seq is null",
    ] {
        let refused = sql!(db.write(), exec, text).unwrap_err().to_string();
        assert!(refused.contains("never changed, only added to"), "{text}: {refused}");
    }
    db.close().await;
    assert_eq!(trail().await, before);
}

#[tokio::test]
async fn open_items_are_measured() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk()).await;
    report_auction(&hub, &ada, &auction, "fake").await.is(201);
    let measured = "bidhub_moderation_open{kind=\"auction_report\"}";
    eventually(&hub, "/metrics", |body| body.as_str().unwrap().contains(measured)).await;
}

stories! {
    reports_of_a_comment_wait_as_one_until_they_are_decided
    an_auction_is_reported_once_by_each
    the_queue_is_read_a_page_at_a_time
    staff_alone_sees_and_decides_and_nobody_about_themselves
    staff_is_shown_what_comes_and_what_is_decided
    the_trail_is_only_added_to
}
