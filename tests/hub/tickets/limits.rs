//! How much and how often: what is sent again counts once, and nobody has more open than they may.

use bidhub::config::Switch;
use bidhub::domain::Span;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{bodies, note, open, path, read, request, stories, turn, write};
use crate::harness::{Answer, Hub, PASSWORD, User, send};
use crate::market::moderator;

async fn keyed(hub: &Hub, who: &User, path: &str, key: &str, body: Value) -> Answer {
    send(request(hub, Method::POST, who, path).header("Idempotency-Key", key).json(&body)).await
}

async fn what_is_sent_again_is_done_once(hub: &Hub) {
    let (ada, ben, sam) =
        (hub.sign_up("once-ada").await, hub.sign_up("once-ben").await, moderator(hub, "once-sam", "staff").await);
    let new = json!({"subject": "Once", "body": "b"});
    let sent = join_all((0..6).map(|_| keyed(hub, &ada, "/api/tickets", "k", new.clone()))).await;
    let ticket = sent[0].is(201).body.clone();
    assert!(sent.iter().all(|answer| answer.status == 201 && answer.body == ticket), "{sent:?}");
    let other = json!({"subject": "Twice", "body": "b"});
    keyed(hub, &ada, "/api/tickets", "k", other).await.is_problem(409, "key_reused");
    keyed(hub, &ben, "/api/tickets", "k", new).await.is(201);

    let messages = format!("{}/messages", path(&ticket));
    let hello = json!({"body": "hello"});
    for who in [&ada, &sam] {
        let sent = join_all((0..6).map(|_| keyed(hub, who, &messages, "m", hello.clone()))).await;
        assert!(sent.iter().all(|answer| answer.status == 201 && answer.body == sent[0].body), "{sent:?}");
        keyed(hub, who, &messages, "m", json!({"body": "bye"})).await.is_problem(409, "key_reused");
    }
    keyed(hub, &sam, &messages, "m", json!({"body": "hello", "internal": true})).await.is_problem(409, "key_reused");
    let second = open(hub, &ada, "Second").await;
    let elsewhere = format!("{}/messages", path(&second));
    keyed(hub, &ada, &elsewhere, "m", hello.clone()).await.is_problem(409, "key_reused");
    let at_once = [&messages, &elsewhere].map(|path| keyed(hub, &sam, path, "x", hello.clone()));
    let mut statuses: Vec<u16> = join_all(at_once).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "one key, two tickets, one message");
    turn(hub, &ada, &ticket, "close").await.is(200);
    let count = read(hub, &sam, &ticket).await["messages"].as_array().unwrap().len();
    keyed(hub, &ada, &messages, "m", hello).await.is(201);
    let now = read(hub, &sam, &ticket).await;
    assert_eq!((&now["status"], now["messages"].as_array().unwrap().len()), (&json!("closed"), count));
}

async fn twenty_are_open_at_most(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("many-ada").await, moderator(hub, "many-sam", "staff").await);
    let body = json!({"subject": "Many", "body": "b"});
    let sent = join_all((0..30).map(|_| hub.post_as(&ada.token, "/api/tickets", body.clone()))).await;
    let opened: Vec<&Answer> = sent.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(opened.len(), 20);
    for refused in sent.iter().filter(|answer| answer.status != 201) {
        refused.is_problem(409, "too_many_tickets");
    }
    let (first, second) = (&opened[0].body, &opened[1].body);
    turn(hub, &ada, first, "close").await.is(200);
    super::patch(hub, &sam, second, json!({"status": "closed"})).await.is(200);
    turn(hub, &ada, first, "reopen").await.is(200);
    open(hub, &ada, "One more").await;
    turn(hub, &ada, second, "reopen").await.is_problem(409, "too_many_tickets");
    write(hub, &ada, second, "hello").await.is_problem(409, "too_many_tickets");
    write(hub, &ada, first, "hello").await.is(201);
    super::patch(hub, &sam, second, json!({"status": "open"})).await.is(200);
    assert_eq!(read(hub, &ada, second).await["status"], "open", "staff may at any time");
}

async fn all_that_is_written_at_once_is_there_once(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("both-ada").await, moderator(hub, "both-sam", "staff").await);
    let ticket = open(hub, &ada, "Both").await;
    let texts: Vec<String> = (0..60).map(|number| format!("message {number}")).collect();
    let reading = async {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        while seen.len() < 61 {
            let page = hub.get_as(&sam.token, &format!("{}?limit=4{cursor}", path(&ticket))).await.is(200).body.clone();
            let texts = bodies(&page["messages"]).into_iter().map(str::to_owned);
            // Where the list ends for now, the same page is asked for until it is full.
            if let Some(next) = page["next"].as_str() {
                seen.extend(texts);
                cursor = format!("&cursor={next}");
            } else if seen.len() + texts.len() == 61 {
                seen.extend(texts);
            }
        }
        seen
    };
    let writing = join_all(texts.iter().enumerate().map(|(number, text)| {
        let ticket = &ticket;
        let (ada, sam) = (&ada, &sam);
        async move {
            match number % 3 {
                0 => write(hub, ada, ticket, text).await,
                1 => write(hub, sam, ticket, text).await,
                _ => note(hub, sam, ticket, text).await,
            }
        }
    }));
    let (written, seen) = tokio::join!(writing, reading);
    assert!(written.iter().all(|answer| answer.status == 201), "{written:?}");
    let whole = hub.get_as(&sam.token, &format!("{}?limit=200", path(&ticket))).await.body;
    assert_eq!(seen, bodies(&whole["messages"]), "read page by page while it was written");
    let mut sorted = seen;
    sorted.sort();
    let mut expected = [&["Please help.".to_owned()][..], &texts].concat();
    expected.sort();
    assert_eq!((sorted, &whole["version"]), (expected, &json!(61)));
    let own = hub.get_as(&ada.token, &format!("{}?limit=200", path(&ticket))).await.body;
    assert_eq!(own["messages"].as_array().unwrap().len(), 41);
}

/// The last of its list, for the clock goes far ahead.
async fn what_was_closed_long_ago_stays_closed(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("old-ada").await, moderator(hub, "old-sam", "staff").await);
    let tickets = [open(hub, &ada, "Old").await, open(hub, &ada, "Older").await];
    for ticket in &tickets {
        turn(hub, &ada, ticket, "close").await.is(200);
    }
    let signed_in = async |user: &User| {
        let token = hub.login(&user.email, PASSWORD).await.is(200).body["token"].as_str().unwrap().to_owned();
        User { id: user.id.clone(), email: user.email.clone(), token }
    };
    hub.clock.advance(Span::from_secs(30 * 86_400));
    let (ada, sam) = (signed_in(&ada).await, signed_in(&sam).await);
    turn(hub, &ada, &tickets[0], "reopen").await.is(200);
    hub.clock.advance(Span::from_millis(1));
    turn(hub, &ada, &tickets[1], "reopen").await.is_problem(409, "ticket_closed");
    write(hub, &ada, &tickets[1], "hello").await.is_problem(409, "ticket_closed");
    write(hub, &sam, &tickets[1], "hello").await.is_problem(409, "ticket_closed");
    super::patch(hub, &sam, &tickets[1], json!({"status": "pending"})).await.is(200);
    write(hub, &ada, &tickets[1], "hello").await.is(201);
}

stories! {
    what_is_sent_again_is_done_once
    twenty_are_open_at_most
    all_that_is_written_at_once_is_there_once
    what_was_closed_long_ago_stays_closed
}

#[tokio::test]
async fn nobody_floods_staff_which_answers_as_fast_as_it_can() {
    let hub = Hub::with(|settings| settings.connections.rate_limits = Switch::On).await;
    let (ada, sam) = (hub.sign_up("ada").await, moderator(&hub, "sam", "staff").await);
    let ticket = open(&hub, &ada, "Flood").await;
    for _ in 0..9 {
        write(&hub, &ada, &ticket, "hello?").await.is(201);
    }
    let mut limited = false;
    for _ in 0..3 {
        let again = write(&hub, &ada, &ticket, "hello?").await;
        limited |=
            again.status == 429 && again.body["code"] == "rate_limited" && !again.header("retry-after").is_empty();
    }
    assert!(limited);
    for _ in 0..30 {
        write(&hub, &sam, &ticket, "patience").await.is(201);
    }
}
