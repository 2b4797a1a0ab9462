//! Support tickets: their way from the first question to the end, and who sees how much of them.

mod handling;
mod limits;

use bidhub::domain::Span;
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

async fn open(hub: &Hub, who: &User, subject: &str) -> Value {
    let opened = hub.post_as(&who.token, "/api/tickets", json!({"subject": subject, "body": "Please help."})).await;
    opened.is(201).body.clone()
}

async fn write(hub: &Hub, who: &User, ticket: &Value, body: &str) -> Answer {
    hub.post_as(&who.token, &format!("{}/messages", path(ticket)), json!({"body": body})).await
}

async fn note(hub: &Hub, who: &User, ticket: &Value, body: &str) -> Answer {
    hub.post_as(&who.token, &format!("{}/messages", path(ticket)), json!({"body": body, "internal": true})).await
}

/// `close` or `reopen`.
async fn turn(hub: &Hub, who: &User, ticket: &Value, verb: &str) -> Answer {
    send(request(hub, Method::POST, who, &format!("{}/{verb}", path(ticket)))).await
}

async fn patch(hub: &Hub, who: &User, ticket: &Value, change: Value) -> Answer {
    let path = format!("/api/staff/tickets/{}", text(&ticket["id"]));
    send(request(hub, Method::PATCH, who, &path).json(&change)).await
}

async fn read(hub: &Hub, who: &User, ticket: &Value) -> Value {
    hub.get_as(&who.token, &path(ticket)).await.is(200).body.clone()
}

fn path(ticket: &Value) -> String {
    format!("/api/tickets/{}", text(&ticket["id"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bodies(messages: &Value) -> Vec<&str> {
    messages.as_array().unwrap().iter().map(|message| text(&message["body"])).collect()
}

async fn a_ticket_goes_from_a_question_to_its_end(hub: &Hub) {
    let (seller, ada, sam) =
        (hub.sign_up("way-seller").await, hub.sign_up("way-ada").await, moderator(hub, "way-sam", "staff").await);
    let auction = offer(hub, &seller, desk()).await;
    let body = json!({"subject": " My deposit ", "body": "It has\nnot come.", "auction": auction});
    let opened = hub.post_as(&ada.token, "/api/tickets", body).await;
    let ticket = opened.is(201).body.clone();
    let now = ticket["created_at"].clone();
    let expected = json!({
        "id": ticket["id"], "subject": "My deposit", "auction": auction, "status": "open", "created_at": now,
        "updated_at": now, "closed_at": null, "next": null,
        "messages": [{"id": ticket["messages"][0]["id"], "author": "way-ada", "staff": false, "internal": false,
            "body": "It has\nnot come.", "at": now}],
    });
    assert_eq!((&ticket, opened.header("location")), (&expected, path(&ticket).as_str()));
    assert_eq!(read(hub, &ada, &ticket).await, ticket);

    hub.clock.advance(Span::from_secs(60));
    let seen = read(hub, &sam, &ticket).await;
    assert_eq!(
        json!([
            seen["author"],
            seen["assignee"],
            seen["age_s"],
            seen["waiting_s"],
            seen["first_answer_s"],
            seen["version"]
        ]),
        json!([{"id": ada.id, "display_name": "way-ada"}, null, 60, 60, null, 1])
    );
    let answer = write(hub, &sam, &ticket, "It is here now.").await.is(201).body.clone();
    assert_eq!((&answer["author"], &answer["staff"]), (&json!("way-sam"), &json!(true)));
    hub.clock.advance(Span::from_secs(30));
    let seen = read(hub, &sam, &ticket).await;
    let told = |seen: &Value| json!([seen["status"], seen["age_s"], seen["waiting_s"], seen["first_answer_s"]]);
    assert_eq!(told(&seen), json!(["answered", 90, null, 60]));
    write(hub, &ada, &ticket, "I do not see it.").await.is(201);
    write(hub, &ada, &ticket, "Now I do.").await.is(201);
    assert_eq!(told(&read(hub, &sam, &ticket).await), json!(["open", 90, 0, 60]));
    let closed = turn(hub, &ada, &ticket, "close").await.is(200).body.clone();
    assert_eq!((&closed["status"], closed["closed_at"].is_string()), (&json!("closed"), true));
    hub.clock.advance(Span::from_secs(1));
    assert_eq!(turn(hub, &ada, &ticket, "close").await.is(200).body, closed, "closing twice is closing once");
    write(hub, &sam, &ticket, "One more thing").await.is_problem(409, "ticket_closed");
    let reopened = turn(hub, &ada, &ticket, "reopen").await.is(200).body.clone();
    assert_eq!((&reopened["status"], &reopened["closed_at"]), (&json!("open"), &Value::Null));
    assert_eq!(turn(hub, &ada, &ticket, "reopen").await.is(200).body, reopened);
    turn(hub, &ada, &ticket, "close").await.is(200);
    write(hub, &ada, &ticket, "And again").await.is(201);
    let whole = read(hub, &ada, &ticket).await;
    assert_eq!(whole["status"], "open", "writing opens it again");
    let all = ["It has\nnot come.", "It is here now.", "I do not see it.", "Now I do.", "And again"];
    assert_eq!(bodies(&whole["messages"]), all);
    assert!(!whole.to_string().contains(&sam.id), "staff is shown by name: {whole}");

    let first = hub.get_as(&ada.token, &format!("{}?limit=2", path(&ticket))).await.body;
    let rest = format!("{}?limit=3&cursor={}", path(&ticket), text(&first["next"]));
    let rest = hub.get_as(&ada.token, &rest).await.body;
    assert_eq!([bodies(&first["messages"]), bodies(&rest["messages"])].concat(), all);
    let second = open(hub, &ada, "Another").await;
    turn(hub, &ada, &second, "close").await.is(200);
    let list = async |query: &str| hub.get_as(&ada.token, &format!("/api/tickets{query}")).await.is(200).body.clone();
    let ids = |list: &Value| list["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&list("").await), [second["id"].clone(), ticket["id"].clone()], "the newest first");
    assert_eq!(ids(&list("?status=closed").await), [second["id"].clone()]);
    let first = list("?limit=1").await;
    assert_eq!(ids(&list(&format!("?limit=1&cursor={}", text(&first["next"]))).await), [ticket["id"].clone()]);
}

async fn what_does_not_fit_is_refused_by_its_code(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("unfit-ada").await, moderator(hub, "unfit-sam", "staff").await);
    let open = async |body: Value| hub.post_as(&ada.token, "/api/tickets", body).await;
    for (field, wrong) in [
        ("subject", json!("")),
        ("subject", json!(" \n")),
        ("subject", json!("two\nlines")),
        ("subject", json!("x".repeat(201))),
        ("body", json!(" ")),
        ("body", json!("a\0b")),
        ("body", json!("x".repeat(10_001))),
    ] {
        let mut body = json!({"subject": "s", "body": "b"});
        body[field] = wrong;
        assert_eq!(open(body).await.is_problem(422, "invalid_ticket").body["field"], field);
    }
    open(json!({"subject": "s"})).await.is_problem(422, "missing_field");
    open(json!({"subject": "s", "body": "b", "colour": 1})).await.is_problem(422, "unknown_field");
    open(json!({"subject": "s", "body": "b", "auction": "desk"})).await.is_problem(422, "invalid_field");
    open(json!({"subject": "s", "body": "b", "auction": NOWHERE})).await.is_problem(404, "unknown_auction");
    let ticket = open(json!({"subject": "ß".repeat(200), "body": "ß".repeat(10_000)})).await.is(201).body.clone();
    for wrong in [" ", "a\u{7}", &"x".repeat(10_001)] {
        for who in [&ada, &sam] {
            assert_eq!(write(hub, who, &ticket, wrong).await.is_problem(422, "invalid_ticket").body["field"], "body");
        }
    }
    for query in ["status=done", "limit=0", "cursor=x", "q=x"] {
        hub.get_as(&ada.token, &format!("/api/tickets?{query}")).await.is(422);
    }
    hub.get_as(&ada.token, &format!("{}?limit=201", path(&ticket))).await.is_problem(422, "invalid_query");
    for query in ["status=done", "assignee=you", "q=", "q=%00", "q=a%0Ab", "order=up", "auction=desk", "limit=0"] {
        let refused = hub.get_as(&sam.token, &format!("/api/staff/tickets?{query}")).await;
        refused.is_problem(422, "invalid_query");
    }
    let keyed = request(hub, Method::POST, &ada, "/api/tickets").header("Idempotency-Key", "a b");
    send(keyed.json(&json!({"subject": "s", "body": "b"}))).await.is_problem(400, "invalid_idempotency_key");
    patch(hub, &sam, &ticket, json!({"status": "done"})).await.is_problem(422, "invalid_field");
    patch(hub, &sam, &ticket, json!({"subject": "x"})).await.is_problem(422, "unknown_field");
    assert_eq!(read(hub, &sam, &ticket).await["version"], 1, "nothing has changed");
}

async fn each_endpoint_knows_who_may(hub: &Hub) {
    let (ada, eve, bad) = (hub.sign_up("may-ada").await, hub.sign_up("may-eve").await, hub.sign_up("may-bad").await);
    let cold = hub.sign_up("may-cold").await;
    let (sam, root) = (moderator(hub, "may-sam", "staff").await, moderator(hub, "may-root", "admin").await);
    let fallen = moderator(hub, "may-fallen", "staff").await;
    for account in [&bad.id, &fallen.id] {
        let ban = format!("/api/staff/users/{account}/ban");
        hub.post_as(&root.token, &ban, json!({"reason": "spam"})).await.is(204);
    }
    let freeze = format!("/api/staff/users/{}/freeze", cold.id);
    hub.post_as(&root.token, &freeze, json!({"reason": "a stolen card"})).await.is(204);
    let new = json!({"subject": "Why?", "body": "Why was I barred?"});
    let ticket = open(hub, &ada, "Mine").await;
    let nowhere = json!({"id": NOWHERE});
    let messages = format!("{}/messages", path(&ticket));
    let (close, reopen) = (format!("{}/close", path(&ticket)), format!("{}/reopen", path(&ticket)));
    let change = format!("/api/staff/tickets/{}", text(&ticket["id"]));

    for (method, path) in [
        (Method::POST, "/api/tickets"),
        (Method::GET, "/api/tickets"),
        (Method::GET, &path(&ticket)),
        (Method::POST, &messages),
        (Method::POST, &close),
        (Method::POST, &reopen),
        (Method::GET, "/api/staff/tickets"),
        (Method::PATCH, &change),
    ] {
        send(hub.request(method, path).json(&json!({}))).await.is_problem(401, "unauthenticated");
    }
    // Another user, and staff that is banned, learn nothing of it.
    for who in [&eve, &fallen] {
        hub.get_as(&who.token, &path(&ticket)).await.is_problem(404, "unknown_ticket");
        write(hub, who, &ticket, "hello").await.is_problem(404, "unknown_ticket");
        note(hub, who, &ticket, "hello").await.is_problem(404, "unknown_ticket");
        turn(hub, who, &ticket, "close").await.is_problem(404, "unknown_ticket");
        turn(hub, who, &ticket, "reopen").await.is_problem(404, "unknown_ticket");
    }
    for (who, code) in [(&ada, "forbidden"), (&eve, "forbidden"), (&bad, "banned"), (&fallen, "banned")] {
        hub.get_as(&who.token, "/api/staff/tickets").await.is_problem(403, code);
        patch(hub, who, &ticket, json!({"status": "closed"})).await.is_problem(403, code);
    }
    for who in [&sam, &root] {
        hub.get_as(&who.token, "/api/staff/tickets").await.is(200);
        read(hub, who, &ticket).await;
        write(hub, who, &ticket, "Hello").await.is(201);
        turn(hub, who, &ticket, "close").await.is_problem(403, "forbidden");
        turn(hub, who, &ticket, "reopen").await.is_problem(403, "forbidden");
        patch(hub, who, &ticket, json!({"status": "pending"})).await.is(200);
        for gone in [&nowhere, &json!({"id": "first"})] {
            hub.get_as(&who.token, &path(gone)).await.is_problem(404, "unknown_ticket");
            write(hub, who, gone, "hello").await.is_problem(404, "unknown_ticket");
            patch(hub, who, gone, json!({"status": "closed"})).await.is_problem(404, "unknown_ticket");
        }
    }
    note(hub, &ada, &ticket, "for staff").await.is_problem(403, "forbidden");

    // Who is banned or frozen asks why, and reads the answer.
    for barred in [&bad, &cold] {
        let plea = hub.post_as(&barred.token, "/api/tickets", new.clone()).await.is(201).body.clone();
        write(hub, &sam, &plea, "Look at the rules.").await.is(201);
        write(hub, barred, &plea, "Sorry.").await.is(201);
        let said = ["Why was I barred?", "Look at the rules.", "Sorry."];
        assert_eq!(bodies(&read(hub, barred, &plea).await["messages"]), said);
        turn(hub, barred, &plea, "close").await.is(200);
        turn(hub, barred, &plea, "reopen").await.is(200);
        assert_eq!(hub.get_as(&barred.token, "/api/tickets").await.is(200).body["items"].as_array().unwrap().len(), 1);
    }
}

async fn internal_notes_are_seen_by_staff_alone(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("note-ada").await, moderator(hub, "note-sam", "staff").await);
    let sue = moderator(hub, "note-sue", "staff").await;
    for (author, colleague) in [(&ada, &sam), (&sue, &sam)] {
        let ticket = open(hub, author, "Look").await;
        let before = read(hub, author, &ticket).await;
        hub.clock.advance(Span::from_secs(1));
        let noted = note(hub, colleague, &ticket, "a known troublemaker").await.is(201).body.clone();
        assert_eq!((&noted["internal"], &noted["staff"]), (&json!(true), &json!(true)));
        assert_eq!(read(hub, author, &ticket).await, before, "nothing of it is seen, also not by staff that asks");
        let seen = read(hub, colleague, &ticket).await;
        assert_eq!(bodies(&seen["messages"]), ["Please help.", "a known troublemaker"]);
        assert_eq!((&seen["status"], &seen["first_answer_s"]), (&json!("open"), &Value::Null), "it is no answer");
        write(hub, colleague, &ticket, "Done.").await.is(201);
        turn(hub, author, &ticket, "close").await.is(200);
        note(hub, colleague, &ticket, "afterwards").await.is(201);
        assert_eq!(read(hub, author, &ticket).await["status"], "closed");
        let page = hub.get_as(&author.token, &format!("{}?limit=1", path(&ticket))).await.body;
        let rest = format!("{}?cursor={}", path(&ticket), text(&page["next"]));
        assert_eq!(bodies(&hub.get_as(&author.token, &rest).await.body["messages"]), ["Done."]);
    }
}

async fn both_sides_see_a_ticket_change_at_once(hub: &Hub) {
    let (ada, eve, sam) =
        (hub.sign_up("live-ada").await, hub.sign_up("live-eve").await, moderator(hub, "live-sam", "staff").await);
    for codec in CODECS {
        let mut author = Socket::of(hub.address, codec, &ada.token).await;
        let mut staff = Socket::of(hub.address, codec, &sam.token).await;
        let mut other = Socket::of(hub.address, codec, &eve.token).await;
        // Each has been taken in once it is answered.
        for socket in [&mut author, &mut staff, &mut other] {
            socket.ask(json!({"type": "ping"})).await;
        }
        let ticket = open(hub, &ada, "Live").await;
        let answer = write(hub, &sam, &ticket, "Here").await.body;
        note(hub, &sam, &ticket, "secret").await.is(201);
        patch(hub, &sam, &ticket, json!({"assignee": sam.id})).await.is(200);
        turn(hub, &ada, &ticket, "close").await.is(200);
        open(hub, &eve, "Other").await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let push = ticket_push(&mut author).await;
            assert_eq!(push["ticket"]["id"], ticket["id"]);
            assert!(push["ticket"].get("assignee").is_none() && !push.to_string().contains(&sam.id), "{push}");
            seen.push(json!([push["ticket"]["status"], push.get("message")]));
        }
        assert_eq!(
            seen,
            [json!(["open", ticket["messages"][0]]), json!(["answered", answer]), json!(["closed", null])]
        );
        let mut seen = Vec::new();
        for _ in 0..6 {
            let push = ticket_push(&mut staff).await;
            assert!(!push.to_string().contains("secret"), "the author may be among staff: {push}");
            let assignee = &push["ticket"]["assignee"]["display_name"];
            seen.push(json!([push["ticket"]["status"], push["ticket"]["version"], assignee, push["message"]["body"]]));
        }
        let expected = [
            json!(["open", 1, null, "Please help."]),
            json!(["answered", 2, null, "Here"]),
            json!(["answered", 3, null, null]),
            json!(["answered", 4, "live-sam", null]),
            json!(["closed", 5, "live-sam", null]),
            json!(["open", 1, null, "Please help."]),
        ];
        assert_eq!(seen, expected);
        let push = ticket_push(&mut other).await;
        assert_eq!(push["ticket"]["subject"], "Other", "and nothing of anybody else's");
    }
}

/// The next push of a ticket.
async fn ticket_push(socket: &mut Socket) -> Value {
    loop {
        let push = socket.push().await.unwrap();
        if push["type"] == "ticket" {
            return push;
        }
    }
}

async fn the_author_is_told_of_answers_and_of_nothing_else(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("told-ada").await, moderator(hub, "told-sam", "staff").await);
    let ticket = open(hub, &ada, "My deposit").await;
    note(hub, &sam, &ticket, "hm").await.is(201);
    patch(hub, &sam, &ticket, json!({"status": "pending", "assignee": sam.id})).await.is(200);
    let path = format!("{}/messages", path(&ticket));
    for _ in 0..2 {
        let keyed = request(hub, Method::POST, &sam, &path).header("Idempotency-Key", "k");
        send(keyed.json(&json!({"body": "Here it is"}))).await.is(201);
    }
    write(hub, &ada, &ticket, "Thanks").await.is(201);
    let list = hub.get_as(&ada.token, "/api/notifications").await.is(200).body.clone();
    let told: Vec<Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["kind"], one["text"], one["data"]["ticket"]]))
        .collect();
    assert_eq!(told, [json!(["ticket_answer", "Your ticket “My deposit” has an answer.", ticket["id"]])]);
    assert_eq!(hub.get_as(&sam.token, "/api/notifications").await.body["items"], json!([]));
}

stories! {
    a_ticket_goes_from_a_question_to_its_end
    what_does_not_fit_is_refused_by_its_code
    each_endpoint_knows_who_may
    internal_notes_are_seen_by_staff_alone
    both_sides_see_a_ticket_change_at_once
    the_author_is_told_of_answers_and_of_nothing_else
}
