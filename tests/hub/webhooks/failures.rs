//! Endpoints that refuse, fail, redirect or are gone.

use std::collections::HashMap;

use bidhub::domain::Span;
use serde_json::{Value, json};

use super::{ask, deliveries, hook, hubs, open_desk, patch, read};
use crate::harness::Hub;
use crate::market::bid;
use crate::receiver::{Receiver, Reply};

const DAY_S: u32 = 24 * 3_600;

/// Lets time pass until everything that was put off is due.
fn later(hub: &Hub) {
    hub.clock.advance(Span::from_secs(15 * 3_600));
}

fn all(status: &'static str, count: usize) -> impl Fn(&[Value]) -> bool {
    move |items| items.iter().filter(|item| item["status"] == status).count() == count
}

#[tokio::test]
async fn what_is_refused_holds_up_its_own_auction_alone_and_comes_again_in_order() {
    let (hubs, _server) = hubs(|_| {}).await;
    for hub in hubs {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let mut endpoint = Receiver::start().await;
        let (id, _) = hook(&hub, &seller, json!({"url": endpoint.url})).await;
        let (stuck, free) = (open_desk(&hub, &seller).await, open_desk(&hub, &seller).await);
        for _ in 0..4 {
            endpoint.next().await;
        }
        // The first bid on one of the two is not taken.
        let poison = stuck.clone();
        endpoint.answer(move |sent| Reply::Status(if sent.auction() == poison && sent.seq() == 2 { 500 } else { 200 }));
        for number in 0..3 {
            for auction in [&stuck, &free] {
                let amount = 1_000 + 1_000 * number;
                bid(&hub, &ada, auction, &format!("k{number}"), json!({"amount": amount})).await.is(201);
            }
        }
        // Who failed once is left alone for a few seconds as a whole; after that only what comes behind the failure waits.
        let mut seen: HashMap<String, Vec<u64>> = HashMap::new();
        while seen.get(&free).is_none_or(|seqs| seqs.len() < 3) {
            match endpoint.rest() {
                sent if sent.is_empty() => {
                    hub.clock.advance(Span::from_secs(4));
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                sent => {
                    sent.into_iter().for_each(|one| seen.entry(one.auction().to_owned()).or_default().push(one.seq()));
                }
            }
        }
        assert_eq!(seen[&free], [2, 3, 4]);
        assert!(seen[&stuck].iter().all(|seq| *seq == 2), "{seen:?}");
        let waiting = deliveries(&hub, &seller, &id, "&status=pending", |items| items.len() == 3).await;
        let first = waiting.last().unwrap();
        assert_eq!((&first["problem"], &first["status_code"]), (&json!("refused"), &json!(500)));
        assert!(first["attempts"].as_u64().unwrap() >= 1 && first["next_attempt_at"].is_string(), "{first}");
        assert_eq!(waiting[0]["attempts"], 0);

        endpoint.answer(|_| Reply::Status(204));
        later(&hub);
        let mut rest = Vec::new();
        while rest.last() != Some(&4) {
            let sent = endpoint.next().await;
            assert_eq!(sent.auction(), stuck);
            rest.push(sent.seq());
        }
        // One more of the refused may have been on its way while the answer changed.
        rest.dedup();
        assert_eq!(rest, [2, 3, 4]);
        deliveries(&hub, &seller, &id, "", all("delivered", 10)).await;
        assert_eq!(read(&hub, &seller, &id).await["failing_since"], json!(null));
        hub.stop().await;
    }
}

#[tokio::test]
async fn after_twelve_attempts_it_is_given_up_and_can_be_asked_for() {
    // The pauses, each as long as it can be, in seconds; none shorter than an endpoint is left alone.
    const PAUSES_S: [u32; 11] = [721, 721, 721, 1_081, 4_321, 17_281, 51_841, 51_841, 51_841, 51_841, 51_841];
    let (hubs, _server) = hubs(|_| {}).await;
    for hub in hubs {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let mut endpoint = Receiver::start().await;
        let auction = open_desk(&hub, &seller).await;
        let (id, _) = hook(&hub, &seller, json!({"url": endpoint.url})).await;
        endpoint.answer(|sent| Reply::Status(if sent.body["type"] == "webhook.test" { 200 } else { 503 }));
        bid(&hub, &ada, &auction, "k", json!({"amount": 1_000})).await.is(201);
        let first = endpoint.next_of("auction.bid").await;
        for (attempts, pause_s) in (1..).zip(PAUSES_S) {
            deliveries(&hub, &seller, &id, "", |items| items.iter().any(|item| item["attempts"] == attempts)).await;
            // A test is taken in between, or the endpoint would count as failing.
            ask(&hub, &seller, &id, "test", json!({})).await.is(202);
            hub.clock.advance(Span::from_secs(pause_s));
            endpoint.next_of("webhook.test").await;
            assert_eq!(endpoint.next_of("auction.bid").await.id, first.id);
        }
        let dead = deliveries(&hub, &seller, &id, "&status=dead", |items| items.len() == 1).await;
        assert_eq!((&dead[0]["attempts"], &dead[0]["problem"]), (&json!(12), &json!("attempts")));
        assert_eq!((&dead[0]["status_code"], &dead[0]["next_attempt_at"]), (&json!(503), &json!(null)));
        assert_eq!(read(&hub, &seller, &id).await["enabled"], true);

        endpoint.answer(|_| Reply::Status(200));
        hub.clock.advance(Span::from_secs(721));
        ask(&hub, &seller, &id, &format!("deliveries/{}/retry", dead[0]["id"]), json!({})).await.is(202);
        assert_eq!(endpoint.next_of("auction.bid").await.id, first.id);
        deliveries(&hub, &seller, &id, "", all("delivered", 12)).await;
        hub.stop().await;
    }
}

#[tokio::test]
async fn who_is_gone_or_fails_for_days_is_sent_nothing_until_the_owner_says_so() {
    let (hubs, _server) = hubs(|_| {}).await;
    for hub in hubs {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let (mut gone, mut failing) = (Receiver::start().await, Receiver::start().await);
        let auction = open_desk(&hub, &seller).await;
        let gone_id = hook(&hub, &seller, json!({"url": gone.url})).await.0;
        let failing_id = hook(&hub, &seller, json!({"url": failing.url})).await.0;
        gone.answer(|_| Reply::Status(410));
        failing.answer(|_| Reply::Status(500));
        bid(&hub, &ada, &auction, "a", json!({"amount": 1_000})).await.is(201);
        gone.next_of("auction.bid").await;
        failing.next_of("auction.bid").await;
        let dead = deliveries(&hub, &seller, &gone_id, "&status=dead", |items| items.len() == 1).await;
        assert_eq!((&dead[0]["problem"], &dead[0]["status_code"]), (&json!("gone"), &json!(410)));
        let disabled = read(&hub, &seller, &gone_id).await;
        assert_eq!((&disabled["enabled"], &disabled["disabled_reason"]), (&json!(false), &json!("gone")));
        deliveries(&hub, &seller, &failing_id, "", |items| items[0]["attempts"] == 1).await;
        let tried = read(&hub, &seller, &failing_id).await;
        assert!(tried["enabled"] == true && tried["failing_since"].is_string() && tried["retry_at"].is_string());

        hub.clock.advance(Span::from_secs(3 * DAY_S));
        failing.next_of("auction.bid").await;
        let off = async || read(&hub, &seller, &failing_id).await["disabled_reason"] == "failing";
        while !off().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // The owner is told of both, once each.
        let told = async || {
            let list = hub.get_as(&seller.token, "/api/notifications").await;
            let items = list.is(200).body["items"].as_array().unwrap().clone();
            items.into_iter().filter(|item| item["kind"] == "webhook_disabled").collect::<Vec<_>>()
        };
        let texts: Vec<String> = told().await.iter().map(|item| item["text"].to_string()).collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts.iter().all(|text| text.contains("127.0.0.1") && !text.contains("tell-nobody")), "{texts:?}");
        // Neither hears of more, and who asks is told so.
        bid(&hub, &ada, &auction, "b", json!({"amount": 2_000})).await.is(201);
        for id in [&gone_id, &failing_id] {
            for what in ["test", "replay", "deliveries/1/retry"] {
                let body = if what == "replay" { json!({"auction": auction}) } else { json!({}) };
                ask(&hub, &seller, id, what, body).await.is_problem(409, "webhook_disabled");
            }
        }
        gone.answer(|_| Reply::Status(200));
        failing.answer(|_| Reply::Status(200));
        let enabled = patch(&hub, &seller, &failing_id, json!({"enabled": true})).await;
        assert_eq!((&enabled.is(200).body["enabled"], &enabled.body["failing_since"]), (&json!(true), &json!(null)));
        hub.clock.advance(Span::from_secs(DAY_S / 2));
        assert_eq!(failing.next_of("auction.bid").await.seq(), 2, "what had waited goes on");
        ask(&hub, &seller, &failing_id, "replay", json!({"auction": auction, "after_seq": 2})).await.is(202);
        assert_eq!(failing.next_of("auction.bid").await.seq(), 3, "what was missed is in the log");
        assert!(gone.rest().is_empty() && failing.rest().is_empty());

        // An owner may do the same.
        let off = patch(&hub, &seller, &failing_id, json!({"enabled": false})).await;
        assert_eq!(off.is(200).body["disabled_reason"], "owner");
        bid(&hub, &ada, &auction, "c", json!({"amount": 3_000})).await.is(201);
        patch(&hub, &seller, &gone_id, json!({"enabled": true})).await.is(200);
        bid(&hub, &ada, &auction, "d", json!({"amount": 4_000})).await.is(201);
        assert_eq!(gone.next_of("auction.bid").await.seq(), 5);
        assert!(failing.rest().is_empty());
        hub.stop().await;
    }
}

#[tokio::test]
async fn who_does_not_answer_holds_up_nobody_else() {
    let (hubs, _server) = hubs(|_| {}).await;
    for hub in hubs {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let (mut silent, mut quick) = (Receiver::start().await, Receiver::start().await);
        silent.answer(|_| Reply::Never);
        let id = hook(&hub, &seller, json!({"url": silent.url, "events": ["bid"]})).await.0;
        hook(&hub, &seller, json!({"url": quick.url, "events": ["bid"]})).await;
        let auction = open_desk(&hub, &seller).await;
        for number in 0..5 {
            bid(&hub, &ada, &auction, &format!("k{number}"), json!({"max": 2_000 + number})).await.is(201);
            assert_eq!(quick.next_of("auction.bid").await.seq(), 2 + number);
        }
        silent.next_of("auction.bid").await;
        // All of that while the first attempt at the other was still waited for.
        deliveries(&hub, &seller, &id, "", |items| items.len() == 5).await;
        let waiting = deliveries(&hub, &seller, &id, "&status=pending", |items| items.len() == 5).await;
        assert!(waiting.iter().all(|item| item["attempts"] == 0), "{waiting:?}");
        let tried = async || deliveries(&hub, &seller, &id, "", |_| true).await.last().unwrap().clone();
        while tried().await["attempts"] == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(tried().await["problem"], "timeout");
        assert!(silent.rest().is_empty(), "what comes behind it waits");
        hub.stop().await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let hub = Hub::with(super::open).await;
    let seller = hub.sign_up("seller").await;
    let (mut endpoint, mut elsewhere) = (Receiver::start().await, Receiver::start().await);
    let (id, _) = hook(&hub, &seller, json!({"url": endpoint.url})).await;
    let place = elsewhere.url.clone();
    endpoint.answer(move |_| Reply::Redirect(place.clone()));
    ask(&hub, &seller, &id, "test", json!({})).await.is(202);
    endpoint.next_of("webhook.test").await;
    let tried = deliveries(&hub, &seller, &id, "", |items| items[0]["attempts"] == 1).await;
    assert_eq!((&tried[0]["problem"], &tried[0]["status_code"]), (&json!("redirected"), &json!(307)));
    assert!(elsewhere.rest().is_empty());
    hub.stop().await;
}

#[tokio::test]
async fn of_more_than_may_wait_the_oldest_are_given_up() {
    let (hubs, _server) = hubs(|settings| settings.webhooks.webhook_waiting_max = 5).await;
    for hub in hubs {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let mut endpoint = Receiver::start().await;
        let auction = open_desk(&hub, &seller).await;
        let (id, _) = hook(&hub, &seller, json!({"url": endpoint.url})).await;
        endpoint.answer(|_| Reply::Status(500));
        for number in 0..9 {
            bid(&hub, &ada, &auction, &format!("k{number}"), json!({"max": 2_000 + number})).await.is(201);
        }
        let dead = deliveries(&hub, &seller, &id, "&status=dead", |items| items.len() == 4).await;
        let seqs = |items: &[Value]| items.iter().map(|item| item["seq"].as_u64().unwrap()).collect::<Vec<_>>();
        assert_eq!(seqs(&dead), [5, 4, 3, 2]);
        assert!(dead.iter().all(|item| item["problem"] == "overflow"), "{dead:?}");
        let waiting = deliveries(&hub, &seller, &id, "&status=pending", |items| items.len() == 5).await;
        assert_eq!(seqs(&waiting), [10, 9, 8, 7, 6]);
        let replay = ask(&hub, &seller, &id, "replay", json!({"auction": auction})).await;
        assert_eq!(replay.is_problem(409, "too_many_deliveries").body["waiting"], 5);
        ask(&hub, &seller, &id, "test", json!({})).await.is_problem(409, "too_many_deliveries");
        endpoint.answer(|_| Reply::Status(200));
        later(&hub);
        endpoint.rest();
        deliveries(&hub, &seller, &id, "", all("delivered", 5)).await;
        hub.stop().await;
    }
}
