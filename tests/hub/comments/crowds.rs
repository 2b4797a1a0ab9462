//! Many comments at once: none is lost, doubled or passed over, and nobody writes more than they may.

use std::collections::BTreeSet;

use bidhub::config::Switch;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{answer, comments, delete, keyed, path, say, stories, text};
use crate::harness::Hub;
use crate::market::{desk, offer};

async fn a_comment_sent_again_is_written_once(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("once-seller").await, hub.sign_up("once-ada").await, hub.sign_up("once-ben").await);
    let (auction, other) = (offer(hub, &seller, desk()).await, offer(hub, &seller, desk()).await);
    let body = json!({"auction": auction, "body": "once"});
    let sent = join_all((0..8).map(|_| keyed(hub, &ada, "k", body.clone()))).await;
    let first = sent[0].is(201).body.clone();
    assert!(sent.iter().all(|answer| answer.status == 201 && answer.body == first), "{sent:?}");
    assert_eq!(comments(hub, &auction).await["total"], 1);
    for changed in [
        json!({"auction": auction, "body": "twice"}),
        json!({"auction": other, "body": "once"}),
        json!({"auction": auction, "body": "once", "parent": first["id"]}),
    ] {
        keyed(hub, &ada, "k", changed).await.is_problem(409, "key_reused");
    }
    keyed(hub, &ben, "k", body.clone()).await.is(201);
    let at_once = [&auction, &other].map(|auction| keyed(hub, &ben, "x", json!({"auction": auction, "body": "x"})));
    let mut statuses: Vec<u16> = join_all(at_once).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "one key, two auctions, one comment");
    delete(hub, &ada, &first).await.is(204);
    let again = keyed(hub, &ada, "k", body).await.is(201).body.clone();
    assert_eq!((&again["id"], &again["deleted"], &again["body"]), (&first["id"], &json!(true), &Value::Null));
    let total = comments(hub, &auction).await["total"].as_i64().unwrap()
        + comments(hub, &other).await["total"].as_i64().unwrap();
    assert_eq!(total, 2);
}

async fn pages_join_without_a_gap_while_comments_arrive(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("pages-seller").await, hub.sign_up("pages-ada").await);
    let auction = offer(hub, &seller, desk()).await;
    for number in 0..25 {
        say(hub, &ada, &auction, &format!("old {number}")).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for turn in 0.. {
        let page = hub.get(&format!("/api/comments/{auction}?limit=4{cursor}")).await.is(200).body.clone();
        let news = (0..3).map(|number| format!("new {turn} {number}")).collect::<Vec<_>>();
        join_all(news.iter().map(|body| say(hub, &ada, &auction, body))).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["number"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>(), "all that was there, once each, and nothing newer");

    // A thread is read from its beginning, so who reads on to the end finds also what came meanwhile.
    let top = say(hub, &ada, &auction, "top").await;
    answer(hub, &ada, &top, "0").await.is(201);
    let (writing, reading) = (
        async {
            for batch in 0..10 {
                let batch = (0..4).map(|number| format!("{batch} {number}")).collect::<Vec<_>>();
                join_all(batch.iter().map(|body| answer(hub, &seller, &top, body)))
                    .await
                    .iter()
                    .for_each(|it| assert_eq!(it.status, 201, "{it:?}"));
            }
        },
        async {
            let mut seen = Vec::new();
            let mut cursor = String::new();
            while seen.len() < 41 {
                let page = hub.get(&format!("{}?limit=3{cursor}", path(&top))).await.is(200).body.clone();
                let items = page["items"].as_array().unwrap();
                // Where the list ends for now, the same page is asked for until it is full.
                if let Some(next) = page["next"].as_str() {
                    seen.extend(items.iter().map(|item| text(&item["id"]).to_owned()));
                    cursor = format!("&cursor={next}");
                } else if seen.len() + items.len() == 41 {
                    seen.extend(items.iter().map(|item| text(&item["id"]).to_owned()));
                }
            }
            seen
        },
    );
    let ((), seen) = tokio::join!(writing, reading);
    let whole = hub.get(&format!("{}?limit=200", path(&top))).await.body;
    let all: Vec<String> = whole["items"].as_array().unwrap().iter().map(|item| text(&item["id"]).to_owned()).collect();
    assert_eq!(seen, all);
}

async fn a_hundred_answers_at_once_are_a_hundred(hub: &Hub) {
    let seller = hub.sign_up("crowd-seller").await;
    let auction = offer(hub, &seller, desk()).await;
    let people = join_all((0..10).map(|number| {
        let name = format!("crowd-{number}");
        async move { hub.sign_up(&name).await }
    }))
    .await;
    let top = say(hub, &seller, &auction, "Ask me anything").await;
    let texts: Vec<(usize, String)> = (0..100).map(|number| (number % 10, format!("question {number}"))).collect();
    let written = join_all(texts.iter().map(|(who, body)| answer(hub, &people[*who], &top, body))).await;
    let numbers: BTreeSet<i64> = written.iter().map(|it| it.is(201).body["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (2..=101).collect(), "no number twice, none left out");
    let list = comments(hub, &auction).await;
    assert_eq!((&list["total"], &list["items"][0]["replies"]), (&json!(101), &json!(100)));
    let thread = hub.get(&format!("{}?limit=200", path(&top))).await.body;
    let items = thread["items"].as_array().unwrap();
    assert_eq!((items.len(), &thread["comment"]["replies"]), (100, &json!(100)));
    let gone = join_all(
        written[..30]
            .iter()
            .flat_map(|it| [&it.body, &it.body])
            .zip((0..60).map(|n| (n / 2) % 10))
            .map(|(comment, who)| delete(hub, &people[who], comment)),
    )
    .await;
    assert!(gone.iter().all(|answer| answer.status == 204), "{gone:?}");
    let list = comments(hub, &auction).await;
    assert_eq!(
        (&list["total"], &list["items"][0]["replies"]),
        (&json!(71), &json!(100)),
        "deleted twice, counted once"
    );
}

stories! {
    a_comment_sent_again_is_written_once
    pages_join_without_a_gap_while_comments_arrive
    a_hundred_answers_at_once_are_a_hundred
}

#[tokio::test]
async fn nobody_floods_an_auction_or_staff() {
    let hub = Hub::with(|settings| settings.connections.rate_limits = Switch::On).await;
    let (seller, ada, ben) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("ben").await);
    let auction = offer(&hub, &seller, desk()).await;
    let body = json!({"auction": auction, "body": "first!"});
    for _ in 0..10 {
        hub.post_as(&ada.token, "/api/comments", json!({"auction": auction, "body": ""})).await.is(422);
    }
    let mut said = Vec::new();
    for _ in 0..10 {
        said.push(hub.post_as(&ada.token, "/api/comments", body.clone()).await.is(201).body.clone());
    }
    let limited = hub.post_as(&ada.token, "/api/comments", body.clone()).await;
    assert!(limited.is_problem(429, "rate_limited").header("retry-after").parse::<u64>().unwrap() >= 1);
    hub.post_as(&ben.token, "/api/comments", body).await.is(201);
    let report = json!({"reason": "boring"});
    let mut statuses = Vec::new();
    for comment in said.iter().chain(&said) {
        statuses
            .push(hub.post_as(&ben.token, &format!("{}/report", path(comment)), report.clone()).await.status.as_u16());
    }
    assert_eq!(statuses[..10], [201; 10]);
    assert!(statuses[10..].contains(&429), "{statuses:?}");
}
