//! Comments: threads that keep together, numbers without a gap, and who may do what to them.

mod crowds;

use bidhub::domain::Span;
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{desk, moderator, offer};
use crate::socket_client::{CODECS, Socket};
use crate::stories::stories;

const NOWHERE: &str = "01938b5e-0000-7000-8000-000000000000";

fn request(hub: &Hub, method: Method, who: &User, path: &str) -> RequestBuilder {
    hub.request(method, path).bearer_auth(&who.token)
}

async fn say(hub: &Hub, who: &User, auction: &str, body: &str) -> Value {
    let said = hub.post_as(&who.token, "/api/comments", json!({"auction": auction, "body": body})).await;
    said.is(201).body.clone()
}

async fn answer(hub: &Hub, who: &User, parent: &Value, body: &str) -> Answer {
    let (auction, parent) = (&parent["auction"], &parent["id"]);
    hub.post_as(&who.token, "/api/comments", json!({"auction": auction, "parent": parent, "body": body})).await
}

async fn keyed(hub: &Hub, who: &User, key: &str, body: Value) -> Answer {
    send(request(hub, Method::POST, who, "/api/comments").header("Idempotency-Key", key).json(&body)).await
}

async fn comments(hub: &Hub, id: &str) -> Value {
    hub.get(&format!("/api/comments/{id}")).await.is(200).body.clone()
}

async fn delete(hub: &Hub, who: &User, comment: &Value) -> Answer {
    send(request(hub, Method::DELETE, who, &path(comment))).await
}

fn path(comment: &Value) -> String {
    format!("/api/comments/{}", text(&comment["id"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bodies(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| text(&item["body"])).collect()
}

async fn a_thread_has_two_levels_and_is_read_from_both_ends(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("thread-seller").await, hub.sign_up("thread-ada").await, hub.sign_up("thread-ben").await);
    let auction = offer(hub, &seller, desk()).await;
    let none = comments(hub, &auction).await;
    assert_eq!(none, json!({"items": [], "next": null, "total": 0}));
    let first = hub.post_as(&ada.token, "/api/comments", json!({"auction": auction, "body": " Is it\n\toak? "})).await;
    assert_eq!(first.is(201).header("location"), path(&first.body));
    let first = first.body;
    let expected = json!({
        "id": first["id"], "auction": auction, "number": 1, "thread": null, "parent": null, "author": "thread-ada",
        "seller": false, "mine": true, "body": "Is it\n\toak?", "at": "2026-11-20T09:30:00.000Z", "replies": 0, "deleted": false,
    });
    assert_eq!(first, expected);
    let second = say(hub, &ben, &auction, "Nice.").await;
    let reply = answer(hub, &seller, &first, "Walnut.").await.is(201).body.clone();
    assert_eq!((&reply["thread"], &reply["parent"]), (&first["id"], &first["id"]));
    assert_eq!(
        (&reply["seller"], &reply["author"], &reply["number"]),
        (&json!(true), &json!("thread-seller"), &json!(3))
    );
    let deeper = answer(hub, &ben, &reply, "Thank you").await.is(201).body.clone();
    assert_eq!((&deeper["thread"], &deeper["parent"]), (&first["id"], &reply["id"]), "two levels are shown");
    for number in 0..3 {
        answer(hub, &ada, &deeper, &format!("more {number}")).await.is(201);
    }

    let list = comments(hub, &auction).await;
    assert_eq!(
        (bodies(&list["items"]), &list["total"]),
        (vec!["Nice.", "Is it\n\toak?"], &json!(7)),
        "the newest first"
    );
    let thread = &list["items"][1];
    assert_eq!((&thread["replies"], &thread["mine"]), (&json!(5), &json!(false)));
    assert_eq!(bodies(&thread["first_replies"]), ["Walnut.", "Thank you", "more 0"]);
    assert_eq!((&list["items"][0]["first_replies"], &list["items"][0]["id"]), (&json!([]), &second["id"]));
    for id in [&first["id"], &deeper["id"]] {
        let whole = comments(hub, text(id)).await;
        assert_eq!(whole["comment"]["id"], first["id"], "an answer leads to its thread");
        assert_eq!(bodies(&whole["items"]), ["Walnut.", "Thank you", "more 0", "more 1", "more 2"]);
    }
    let page = hub.get(&format!("{}?limit=2", path(&first))).await.body;
    let rest = hub.get(&format!("{}?limit=200&cursor={}", path(&first), text(&page["next"]))).await.body;
    assert_eq!(
        (bodies(&page["items"]), bodies(&rest["items"])),
        (vec!["Walnut.", "Thank you"], vec!["more 0", "more 1", "more 2"])
    );
    let other = format!("/api/comments/{auction}?cursor={}", text(&page["next"]));
    hub.get(&other).await.is_problem(422, "invalid_query");
    let mine = hub.get_as(&ada.token, &path(&first)).await.body;
    assert_eq!((&mine["comment"]["mine"], &mine["items"][0]["mine"]), (&json!(true), &json!(false)));
    for told in [&list, &page] {
        for account in [&seller.id, &ada.id, &ben.id] {
            assert!(!told.to_string().contains(account.as_str()), "an account is shown: {told}");
        }
    }
}

async fn what_does_not_fit_is_refused_by_its_code(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("refused-seller").await, hub.sign_up("refused-ada").await);
    let (auction, other) = (offer(hub, &seller, desk()).await, offer(hub, &seller, desk()).await);
    let write = async |body: Value| hub.post_as(&ada.token, "/api/comments", body).await;
    for wrong in ["", "  \n", "a\0b", "a\u{1b}[1m", &"x".repeat(2_001)] {
        let refused = write(json!({"auction": auction, "body": wrong})).await;
        assert_eq!(refused.is_problem(422, "invalid_comment").body["field"], "body", "{wrong:?}");
    }
    write(json!({"auction": auction, "body": "ß".repeat(2_000)})).await.is(201);
    write(json!({"auction": auction})).await.is_problem(422, "missing_field");
    write(json!({"auction": "desk", "body": "x"})).await.is_problem(422, "invalid_field");
    write(json!({"auction": auction, "body": "x", "colour": 1})).await.is_problem(422, "unknown_field");
    write(json!({"auction": NOWHERE, "body": "x"})).await.is_problem(404, "unknown_auction");
    let there = say(hub, &ada, &other, "there").await;
    for parent in [&json!(NOWHERE), &there["id"]] {
        let refused = write(json!({"auction": auction, "body": "x", "parent": parent})).await;
        assert_eq!(refused.is_problem(404, "unknown_comment").body["field"], "parent");
    }
    delete(hub, &ada, &there).await.is(204);
    answer(hub, &ada, &there, "x").await.is_problem(409, "comment_deleted");
    for nowhere in [NOWHERE, "desk"] {
        hub.get(&format!("/api/comments/{nowhere}")).await.is_problem(404, "unknown_auction");
        let gone = json!({"id": nowhere});
        delete(hub, &ada, &gone).await.is_problem(404, "unknown_comment");
        hub.post_as(&ada.token, &format!("{}/report", path(&gone)), json!({"reason": "x"}))
            .await
            .is_problem(404, "unknown_comment");
    }
    for query in ["limit=0", "limit=201", "cursor=x", "order=asc"] {
        let answer = hub.get(&format!("/api/comments/{auction}?{query}")).await;
        answer.is(422);
    }
    keyed(hub, &ada, "a b", json!({"auction": auction, "body": "x"})).await.is_problem(400, "invalid_idempotency_key");
    assert_eq!(comments(hub, &auction).await["total"], 1, "what was refused counts nothing");
    assert_eq!(comments(hub, &other).await["total"], 0);
}

async fn each_endpoint_knows_who_may(hub: &Hub) {
    let (seller, ada, eve) =
        (hub.sign_up("may-seller").await, hub.sign_up("may-ada").await, hub.sign_up("may-eve").await);
    let (bad, sam) = (hub.sign_up("may-bad").await, moderator(hub, "may-sam", "staff").await);
    let auction = offer(hub, &seller, desk()).await;
    let old = say(hub, &bad, &auction, "before the ban").await;
    let ban = format!("/api/staff/users/{}/ban", bad.id);
    hub.post_as(&sam.token, &ban, json!({"reason": "spam"})).await.is(204);
    let body = json!({"auction": auction, "body": "hello"});
    let because = json!({"reason": "rude"});

    hub.post("/api/comments", body.clone()).await.is_problem(401, "unauthenticated");
    hub.post_as(&bad.token, "/api/comments", body.clone()).await.is_problem(403, "banned");
    for who in [&seller, &ada, &sam] {
        hub.post_as(&who.token, "/api/comments", body.clone()).await.is(201);
    }
    hub.get_as(&bad.token, &format!("/api/comments/{auction}")).await.is(200);

    let said = say(hub, &ada, &auction, "mine").await;
    let report = format!("{}/report", path(&said));
    hub.post(&report, because.clone()).await.is_problem(401, "unauthenticated");
    hub.post_as(&bad.token, &report, because.clone()).await.is_problem(403, "banned");
    hub.post_as(&ada.token, &report, because.clone()).await.is_problem(409, "own_comment");
    for who in [&seller, &eve, &sam] {
        hub.post_as(&who.token, &report, because.clone()).await.is(201);
    }

    send(hub.request(Method::DELETE, &path(&said))).await.is_problem(401, "unauthenticated");
    delete(hub, &eve, &said).await.is_problem(403, "forbidden");
    delete(hub, &seller, &said).await.is_problem(403, "forbidden");
    delete(hub, &bad, &said).await.is_problem(403, "banned");
    delete(hub, &bad, &old).await.is_problem(403, "banned");
    delete(hub, &ada, &said).await.is(204);
    delete(hub, &sam, &old).await.is(204);
}

async fn deleting_keeps_the_thread_and_drops_the_text(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("gone-seller").await, hub.sign_up("gone-ada").await, hub.sign_up("gone-ben").await);
    let sam = moderator(hub, "gone-sam", "admin").await;
    let auction = offer(hub, &seller, desk()).await;
    let top = say(hub, &ada, &auction, "regretted").await;
    let replies = ["one", "two", "three", "four"];
    let mut said = Vec::new();
    for body in replies {
        said.push(answer(hub, &ben, &top, body).await.is(201).body.clone());
    }
    delete(hub, &ada, &top).await.is(204);
    delete(hub, &ada, &top).await.is(204);
    delete(hub, &sam, &top).await.is(204);
    for wrong in ["", &"x".repeat(501)] {
        let refused = send(request(hub, Method::DELETE, &sam, &path(&said[0])).json(&json!({"reason": wrong}))).await;
        assert_eq!(refused.is_problem(422, "invalid_reason").body["field"], "reason");
    }
    send(request(hub, Method::DELETE, &sam, &path(&said[0])).json(&json!({"reason": "an insult"}))).await.is(204);
    send(request(hub, Method::DELETE, &sam, &format!("{}?reason=advertising", path(&said[1])))).await.is(204);
    delete(hub, &sam, &said[2]).await.is(204);
    delete(hub, &sam, &said[2]).await.is(204);
    let mistaken = request(hub, Method::DELETE, &sam, &path(&said[3])).header("content-type", "text/plain").body("why");
    send(mistaken).await.is_problem(415, "unsupported_media_type");

    let thread = comments(hub, text(&top["id"])).await;
    let told = |comment: &Value| json!([comment["deleted"], comment["body"], comment["deleted_by"], comment["author"]]);
    assert_eq!(told(&thread["comment"]), json!([true, null, "author", "gone-ada"]), "the first to delete it is named");
    let expected = [
        json!([true, null, "staff", "gone-ben"]),
        json!([true, null, "staff", "gone-ben"]),
        json!([true, null, "staff", "gone-ben"]),
        json!([false, "four", null, "gone-ben"]),
    ];
    assert_eq!(thread["items"].as_array().unwrap().iter().map(told).collect::<Vec<_>>(), expected);
    let list = comments(hub, &auction).await;
    assert_eq!((&list["total"], &list["items"][0]["replies"]), (&json!(1), &json!(4)));
    assert_eq!(list["items"][0]["first_replies"].as_array().unwrap().len(), 3);
    answer(hub, &ada, &said[3], "it goes on").await.is(201);
    answer(hub, &ada, &said[0], "it does not here").await.is_problem(409, "comment_deleted");

    let trail = hub.get_as(&sam.token, "/api/staff/audit?limit=200").await.body;
    let deletions: Vec<Value> = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "delete_comment" && entry["actor"] == json!(sam.id))
        .map(|entry| json!([entry["target_kind"], entry["target"], entry["reason"]]))
        .collect();
    let expected = [(2, Value::Null), (1, json!("advertising")), (0, json!("an insult"))];
    assert_eq!(deletions, expected.map(|(at, reason)| json!(["comment", said[at]["id"], reason])), "each act once");
}

async fn a_report_is_made_once(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("report-seller").await, hub.sign_up("report-ada").await, hub.sign_up("report-ben").await);
    let auction = offer(hub, &seller, desk()).await;
    let said = say(hub, &ada, &auction, "buy elsewhere").await;
    let report = async |who: &User, comment: &Value, reason: &str| {
        hub.post_as(&who.token, &format!("{}/report", path(comment)), json!({"reason": reason})).await
    };
    for wrong in ["", " ", "a\0", &"x".repeat(501)] {
        assert_eq!(report(&ben, &said, wrong).await.is_problem(422, "invalid_reason").body["field"], "reason");
    }
    let first = report(&ben, &said, " advertising ").await;
    let expected = json!({
        "id": first.body["id"], "comment": said["id"], "reason": "advertising", "at": "2026-11-20T09:30:00.000Z", "status": "open",
    });
    assert_eq!(first.is(201).body, expected);
    assert_eq!(report(&ben, &said, "again").await.is(200).body, expected);
    let many = join_all((0..6).map(|_| report(&seller, &said, "seller"))).await;
    assert_eq!(many.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(many.iter().all(|answer| answer.body["id"] == many[0].body["id"]), "{many:?}");
    delete(hub, &ada, &said).await.is(204);
    assert_eq!(report(&ben, &said, "again").await.is(200).body, expected, "what was reported stays");
    let late = hub.sign_up("report-late").await;
    report(&late, &said, "too late").await.is_problem(409, "comment_deleted");
}

async fn everyone_in_the_room_sees_a_comment_at_once(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("live-seller").await, hub.sign_up("live-ada").await);
    let (auction, other) = (offer(hub, &seller, desk()).await, offer(hub, &seller, desk()).await);
    let mut sockets = Vec::new();
    for codec in CODECS {
        let mut here = Socket::open(hub.address, codec).await;
        here.ask(json!({"type": "join", "auction": auction})).await;
        let mut elsewhere = Socket::of(hub.address, codec, &ada.token).await;
        elsewhere.ask(json!({"type": "join", "auction": other})).await;
        sockets.push((here, elsewhere));
    }
    let top = say(hub, &ada, &auction, "Is it \"oak\"? ❤").await;
    let reply = answer(hub, &seller, &top, "No.").await.body;
    delete(hub, &ada, &top).await.is(204);
    delete(hub, &ada, &top).await.is(204);
    let there = say(hub, &ada, &other, "here").await;
    let public = |mut comment: Value| {
        comment.as_object_mut().unwrap().remove("mine");
        comment
    };
    let mut gone = public(top.clone());
    (gone["body"], gone["deleted"], gone["deleted_by"], gone["replies"]) =
        (Value::Null, json!(true), json!("author"), json!(1));
    for (here, elsewhere) in &mut sockets {
        for (comment, total) in [(public(top.clone()), 1), (public(reply.clone()), 2), (gone.clone(), 1)] {
            let expected = json!({"type": "comment", "auction": auction, "comment": comment, "total": total});
            assert_eq!(comment_push(here).await, expected);
        }
        let expected = json!({"type": "comment", "auction": other, "comment": public(there.clone()), "total": 1});
        assert_eq!(comment_push(elsewhere).await, expected, "and nothing of the other room");
    }
}

/// The next push of a comment.
async fn comment_push(socket: &mut Socket) -> Value {
    loop {
        let push = socket.push().await.unwrap();
        if push["type"] == "comment" {
            return push;
        }
    }
}

async fn who_is_answered_is_told_and_so_is_the_seller(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("told-seller").await, hub.sign_up("told-ada").await, hub.sign_up("told-ben").await);
    let auction = offer(hub, &seller, desk()).await;
    let body = json!({"auction": auction, "body": "Is it oak?"});
    let top = keyed(hub, &ada, "k", body.clone()).await.is(201).body.clone();
    keyed(hub, &ada, "k", body).await.is(201);
    let reply = answer(hub, &ben, &top, "Walnut").await.is(201).body.clone();
    let deeper = answer(hub, &ada, &reply, "Thanks").await.is(201).body.clone();
    answer(hub, &ada, &deeper, "and bye").await.is(201);
    say(hub, &seller, &auction, "Any questions?").await;
    answer(hub, &ada, &json!({"auction": auction, "id": NOWHERE}), "x").await.is_problem(404, "unknown_comment");
    let told = async |who: &User| {
        let list = hub.get_as(&who.token, "/api/notifications").await.is(200).body.clone();
        let told = |one: &Value| json!([one["kind"], one["auction"], one["text"], one["data"]["comment"]]);
        list["items"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let data = |text: &str, of: &Value, kind: &str| json!([kind, auction, text, of["id"]]);
    let of_seller = data("told-ada commented on “Walnut desk”.", &top, "comment");
    assert_eq!(told(&seller).await, [of_seller], "once, and of no answers between others");
    assert_eq!(told(&ada).await, [data("told-ben replied to your comment on “Walnut desk”.", &reply, "comment_reply")]);
    assert_eq!(
        told(&ben).await,
        [data("told-ada replied to your comment on “Walnut desk”.", &deeper, "comment_reply")]
    );
}

async fn comments_outlive_their_auction(hub: &Hub) {
    let (seller, ada, sam) =
        (hub.sign_up("late-seller").await, hub.sign_up("late-ada").await, moderator(hub, "late-sam", "staff").await);
    let (stopped, ended) = (offer(hub, &seller, desk()).await, offer(hub, &seller, desk()).await);
    let path = format!("/api/staff/auctions/{stopped}/stop");
    hub.post_as(&sam.token, &path, json!({"reason": "a mistake"})).await.is(200);
    hub.clock.advance(Span::from_secs(3_700));
    for auction in [&stopped, &ended] {
        let said = say(hub, &ada, auction, "and now?").await;
        answer(hub, &seller, &said, "nothing").await.is(201);
        assert_eq!(comments(hub, auction).await["total"], 2);
    }
}

stories! {
    a_thread_has_two_levels_and_is_read_from_both_ends
    what_does_not_fit_is_refused_by_its_code
    each_endpoint_knows_who_may
    deleting_keeps_the_thread_and_drops_the_text
    a_report_is_made_once
    everyone_in_the_room_sees_a_comment_at_once
    who_is_answered_is_told_and_so_is_the_seller
    comments_outlive_their_auction
}
