//! The queue of staff, and what staff does from it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{note, open, patch, read, stories, text, turn, write};
use crate::harness::{Hub, User};
use crate::market::{desk, moderator, offer};

async fn queue(hub: &Hub, who: &User, query: &str) -> Vec<String> {
    let list = hub.get_as(&who.token, &format!("/api/staff/tickets?limit=200&{query}")).await.is(200).body.clone();
    list["items"].as_array().unwrap().iter().map(|one| text(&one["subject"]).to_owned()).collect()
}

async fn the_queue_shows_what_is_asked_for(hub: &Hub) {
    let (seller, ada, sam) =
        (hub.sign_up("queue-seller").await, hub.sign_up("queue-ada").await, moderator(hub, "queue-sam", "staff").await);
    let sue = moderator(hub, "queue-sue", "admin").await;
    let auction = offer(hub, &seller, desk()).await;
    let mut tickets = Vec::new();
    for (subject, body) in
        [("First ÄPFEL", "pears"), ("Second", "50%_off \\o/"), ("Third", "PEARS"), ("Fourth", "plums")]
    {
        let new = json!({"subject": subject, "body": body, "auction": auction});
        tickets.push(hub.post_as(&ada.token, "/api/tickets", new).await.is(201).body.clone());
    }
    write(hub, &sam, &tickets[1], "Yes").await.is(201);
    note(hub, &sam, &tickets[2], "cherries").await.is(201);
    patch(hub, &sam, &tickets[2], json!({"status": "pending", "assignee": sam.id})).await.is(200);
    patch(hub, &sam, &tickets[3], json!({"assignee": sue.id})).await.is(200);
    turn(hub, &ada, &tickets[3], "close").await.is(200);
    let here = async |query: &str| queue(hub, &sam, &format!("auction={auction}&{query}")).await;
    assert_eq!(here("").await, ["Fourth", "Third", "Second", "First ÄPFEL"], "the newest first");
    assert_eq!(here("order=asc").await, ["First ÄPFEL", "Second", "Third", "Fourth"]);
    for (query, expected) in [
        ("status=open", &["First ÄPFEL"][..]),
        ("status=answered", &["Second"]),
        ("status=pending", &["Third"]),
        ("status=closed", &["Fourth"]),
        ("assignee=me", &["Third"]),
        (&format!("assignee={}", sue.id), &["Fourth"]),
        ("assignee=none", &["Second", "First ÄPFEL"]),
        ("assignee=none&status=open", &["First ÄPFEL"]),
        ("q=pears", &["Third", "First ÄPFEL"]),
        ("q=%C3%A4pfel", &["First ÄPFEL"]),
        ("q=cherries", &["Third"]),
        ("q=50%25_", &["Second"]),
        ("q=%5Co", &["Second"]),
        ("q=%25", &["Second"]),
        ("q=p_ars", &[]),
        ("q=peaches", &[]),
    ] {
        assert_eq!(here(query).await, expected, "{query}");
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = format!("/api/staff/tickets?auction={auction}&order=asc&limit=3{cursor}");
        let page = hub.get_as(&sam.token, &page).await.is(200).body.clone();
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| text(&one["subject"]).to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, here("order=asc").await);
    let first = hub.get_as(&sam.token, &format!("/api/staff/tickets?auction={auction}&q=cherries")).await.body;
    let ticket = &first["items"][0];
    assert_eq!(
        json!([
            ticket["author"]["id"],
            ticket["assignee"]["id"],
            ticket["messages"],
            ticket["version"],
            ticket["status"]
        ]),
        json!([ada.id, sam.id, 2, 3, "pending"])
    );
}

async fn a_ticket_is_handled_by_staff_and_never_by_its_author(hub: &Hub) {
    let (ada, sam, sue) = (
        hub.sign_up("own-ada").await,
        moderator(hub, "own-sam", "staff").await,
        moderator(hub, "own-sue", "staff").await,
    );
    let fallen = moderator(hub, "own-fallen", "staff").await;
    let root = moderator(hub, "own-root", "admin").await;
    let ban = format!("/api/staff/users/{}/ban", fallen.id);
    hub.post_as(&root.token, &ban, json!({"reason": "spam"})).await.is(204);
    let ticket = open(hub, &ada, "Whose?").await;
    for wrong in [&ada.id, &fallen.id, "01938b5e-0000-7000-8000-000000000000"] {
        let refused = patch(hub, &sam, &ticket, json!({"assignee": wrong})).await;
        assert_eq!(refused.is_problem(422, "invalid_assignee").body["field"], "assignee");
    }
    for (assignee, name) in
        [(json!(sue.id), json!("own-sue")), (json!(root.id), json!("own-root")), (Value::Null, Value::Null)]
    {
        let given = patch(hub, &sam, &ticket, json!({"assignee": assignee})).await;
        assert_eq!(given.is(200).body["assignee"]["display_name"], name);
    }
    let mine = open(hub, &sam, "Mine").await;
    patch(hub, &sam, &mine, json!({"status": "closed"})).await.is_problem(409, "own_ticket");
    patch(hub, &sue, &mine, json!({"assignee": sam.id})).await.is_problem(422, "invalid_assignee");
    note(hub, &sam, &mine, "let it pass").await.is_problem(403, "forbidden");
    let asked = write(hub, &sam, &mine, "Please").await.is(201).body.clone();
    assert_eq!((&asked["staff"], &read(hub, &sue, &mine).await["status"]), (&json!(false), &json!("open")));
    write(hub, &sue, &mine, "No").await.is(201);
    assert_eq!(read(hub, &sam, &mine).await["status"], "answered");
}

async fn a_change_is_made_on_what_was_seen(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("change-ada").await, moderator(hub, "change-sam", "staff").await);
    let ticket = open(hub, &ada, "Change").await;
    let seen = read(hub, &sam, &ticket).await["version"].clone();
    let same = patch(hub, &sam, &ticket, json!({"version": seen, "status": "open", "assignee": null})).await;
    assert_eq!(same.is(200).body["version"], seen, "nothing is changed to what it is");
    write(hub, &ada, &ticket, "by the way").await.is(201);
    let late = patch(hub, &sam, &ticket, json!({"version": seen, "status": "closed"})).await;
    assert_eq!(late.is_problem(409, "version_conflict").body["version"], 2);
    assert_eq!(read(hub, &sam, &ticket).await["status"], "open");
    let change = json!({"version": 2, "status": "pending"});
    let at_once = join_all((0..5).map(|_| patch(hub, &sam, &ticket, change.clone()))).await;
    assert_eq!(at_once.iter().filter(|answer| answer.status == 200).count(), 1, "{at_once:?}");
    for (status, waiting, closed) in [
        ("closed", Value::Null, true),
        ("open", json!(0), false),
        ("answered", Value::Null, false),
        ("pending", json!(0), false),
    ] {
        let now = patch(hub, &sam, &ticket, json!({"status": status})).await.is(200).body.clone();
        assert_eq!((&now["status"], &now["waiting_s"]), (&json!(status), &waiting));
        assert_eq!(now["closed_at"].is_string(), closed);
        assert_eq!(read(hub, &ada, &ticket).await["status"], status);
    }
}

async fn the_trail_holds_what_staff_did(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("trail-ada").await, moderator(hub, "trail-sam", "staff").await);
    let ticket = open(hub, &ada, "Trail").await;
    let mut requests = Vec::new();
    for answer in [
        note(hub, &sam, &ticket, "hm").await,
        patch(hub, &sam, &ticket, json!({"assignee": sam.id})).await,
        patch(hub, &sam, &ticket, json!({"assignee": sam.id})).await,
        write(hub, &sam, &ticket, "Yes").await,
        patch(hub, &sam, &ticket, json!({"assignee": null, "status": "closed"})).await,
    ] {
        assert!(answer.status.is_success(), "{answer:?}");
        requests.push(answer.header("x-request-id").to_owned());
    }
    write(hub, &ada, &ticket, "Thanks").await.is(201);
    let trail = hub.get_as(&sam.token, "/api/staff/audit?limit=200").await.body;
    let of_ticket = trail["items"].as_array().unwrap().iter().rev().filter(|entry| entry["target"] == ticket["id"]);
    let told: Vec<Value> = of_ticket
        .inspect(|entry| assert_eq!((&entry["actor"], &entry["target_kind"]), (&json!(sam.id), &json!("ticket"))))
        .map(|entry| json!([entry["action"], entry["reason"], entry["request_id"]]))
        .collect();
    let expected = [
        json!(["note_ticket", null, requests[0]]),
        json!(["assign_ticket", sam.id, requests[1]]),
        json!(["answer_ticket", null, requests[3]]),
        json!(["ticket_status", "closed", requests[4]]),
        json!(["unassign_ticket", null, requests[4]]),
    ];
    assert_eq!(told, expected, "and nothing that its author did");
}

stories! {
    the_queue_shows_what_is_asked_for
    a_ticket_is_handled_by_staff_and_never_by_its_author
    a_change_is_made_on_what_was_seen
    the_trail_holds_what_staff_did
}
