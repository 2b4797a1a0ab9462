//! What people are told of auctions: who lost the lead, who has it again, who won; that one was stopped, or ends soon.

mod steps;

use bidhub::clock;
use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Hub, User, send};
use crate::mail_server::MailServer;
use crate::market::{bid, desk_with, eventually, moderator, offer};
use crate::socket_client::{Codec, Socket};
use crate::stories::stories;

/// A desk that is on offer for so many seconds from now on.
pub async fn desk_for(hub: &Hub, seller: &User, seconds: u32, members: Value) -> String {
    let ends_at = clock::format(hub.clock.now().plus(Span::from_secs(seconds)));
    let mut body = desk_with(json!({"ends_at": ends_at}));
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    let auction = offer(hub, seller, body).await;
    eventually(hub, &format!("/api/auctions/{auction}"), |body| body["state"]["status"] == "open").await;
    auction
}

/// Asks `path` as `who` until the answer fits.
pub async fn until(hub: &Hub, who: &User, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..800 {
        let answer = hub.get_as(&who.token, path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{path} never came to what was expected: {}", hub.get_as(&who.token, path).await.body);
}

fn items(body: &Value) -> Vec<Value> {
    body["items"].as_array().unwrap().clone()
}

/// The kinds of what somebody was told, the oldest first.
fn kinds(body: &Value) -> Vec<String> {
    items(body).iter().rev().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

/// Waits until somebody was told just this, the oldest first.
async fn told(hub: &Hub, who: &User, expected: &[&str]) -> Vec<Value> {
    items(&until(hub, who, "/api/notifications", |body| kinds(body) == expected).await)
}

pub async fn watch(hub: &Hub, who: &User, auction: &str) {
    let request = hub.request(Method::PUT, &format!("/api/me/watchlist/{auction}"));
    send(request.bearer_auth(&who.token)).await.is(204);
}

async fn read_all(hub: &Hub, who: &User) {
    hub.post_as(&who.token, "/api/notifications/read", json!({"up_to": i64::MAX})).await.is(200);
}

async fn everyone_hears_how_a_race_goes(hub: &Hub) {
    let [seller, ada, ben, cleo] = [
        hub.sign_up("race-seller").await,
        hub.sign_up("race-ada").await,
        hub.sign_up("race-ben").await,
        hub.sign_up("race-cleo").await,
    ];
    let auction = desk_for(hub, &seller, 3_600, json!({"title": "Oak chair"})).await;
    bid(hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    let first = told(hub, &ada, &["winning"]).await;
    assert_eq!(first[0]["text"], "You lead “Oak chair” at 10.00 USD.");
    read_all(hub, &ada).await;
    // Who leads and raises the own ceiling hears nothing; who is beaten as they bid hears that.
    bid(hub, &ada, &auction, "b", json!({"max": 3500})).await.is(201);
    bid(hub, &cleo, &auction, "a", json!({"max": 2000})).await.is(201);
    let beaten = told(hub, &cleo, &["outbid"]).await;
    assert_eq!(beaten[0]["text"], "Somebody bid more than you on “Oak chair”, now at 21.00 USD.");
    read_all(hub, &cleo).await;
    bid(hub, &cleo, &auction, "b", json!({"max": 3000})).await.is(201);
    told(hub, &cleo, &["outbid", "outbid"]).await;
    told(hub, &ada, &["winning"]).await;
    bid(hub, &ben, &auction, "a", json!({"max": 5000})).await.is(201);
    told(hub, &ben, &["winning"]).await;
    let outbid = told(hub, &ada, &["winning", "outbid"]).await;
    assert_eq!(
        (&outbid[0]["text"], &outbid[0]["auction"], &outbid[0]["read"]),
        (&json!("Somebody bid more than you on “Oak chair”, now at 36.00 USD."), &json!(auction), &json!(false))
    );
    assert_eq!(outbid[0]["data"], json!({"title": "Oak chair", "currency": "USD", "price": 3600}));
    read_all(hub, &ada).await;
    bid(hub, &ada, &auction, "c", json!({"max": 9000})).await.is(201);
    let leads = told(hub, &ada, &["winning", "outbid", "winning"]).await;
    assert_eq!(leads[0]["text"], "You lead “Oak chair” at 51.00 USD.");
    told(hub, &ben, &["outbid"]).await;
    hub.clock.advance(Span::from_secs(3_600));
    let won = told(hub, &ada, &["winning", "outbid", "winning", "won"]).await;
    assert_eq!(won[0]["text"], "You won “Oak chair” for 51.00 USD.");
    let lost = told(hub, &ben, &["outbid", "lost"]).await;
    assert_eq!(lost[0]["text"], "Somebody else won “Oak chair” for 51.00 USD.");
    told(hub, &cleo, &["outbid", "outbid", "lost"]).await;
    let sold = told(hub, &seller, &["sold"]).await;
    assert_eq!(sold[0]["text"], "You sold “Oak chair” for 51.00 USD.");
}

async fn a_long_war_leaves_one_notification_that_waits(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("war-seller").await, hub.sign_up("war-ada").await, hub.sign_up("war-ben").await);
    let auction = desk_for(hub, &seller, 3_600, json!({})).await;
    let mut socket = Socket::of(hub.address, Codec::Json, &ada.token).await;
    socket.ask(json!({"type": "ping"})).await;
    for round in 0..30 {
        bid(hub, &ada, &auction, &format!("a{round}"), json!({"amount": 1000 + round * 200})).await.is(201);
        bid(hub, &ben, &auction, &format!("b{round}"), json!({"amount": 1100 + round * 200})).await.is(201);
    }
    // The last of it is pushed, whatever was left out before.
    loop {
        let push = socket.push_of("notification").await;
        if (&push["kind"], &push["data"]["price"]) == (&json!("outbid"), &json!(1100 + 29 * 200)) {
            break;
        }
    }
    let of_ada = told(hub, &ada, &["outbid"]).await;
    assert_eq!(of_ada[0]["data"]["price"], 1100 + 29 * 200);
    told(hub, &ben, &["winning"]).await;
    read_all(hub, &ada).await;
    bid(hub, &ada, &auction, "more", json!({"amount": 20_000})).await.is(201);
    told(hub, &ada, &["outbid", "winning"]).await;
    told(hub, &ben, &["outbid"]).await;
}

async fn a_void_gives_the_lead_back_and_says_so(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("void-seller").await, hub.sign_up("void-ada").await, hub.sign_up("void-ben").await);
    let sam = moderator(hub, "void-sam", "staff").await;
    let auction = desk_for(hub, &seller, 3_600, json!({"reserve": 50_000})).await;
    bid(hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    let high = bid(hub, &ben, &auction, "b", json!({"max": 5000})).await.is(201).body["seq"].as_u64().unwrap();
    told(hub, &ada, &["outbid"]).await;
    read_all(hub, &ada).await;
    let void = format!("/api/staff/auctions/{auction}/bids/{high}/void");
    hub.post_as(&sam.token, &void, json!({"reason": "a stolen card"})).await.is(200);
    let again = told(hub, &ada, &["outbid", "winning"]).await;
    assert_eq!(again[0]["text"], "You lead “Walnut desk” at 10.00 USD.");
    let voided = told(hub, &ben, &["winning", "bid_voided"]).await;
    assert_eq!(voided[0]["text"], "Your bid on “Walnut desk” no longer counts: a stolen card.");
    assert_eq!(voided[0]["data"]["bid"], high);
    hub.clock.advance(Span::from_secs(3_600));
    let lost = told(hub, &ada, &["outbid", "winning", "lost"]).await;
    assert_eq!(lost[0]["text"], "You did not win “Walnut desk”.");
    let unsold = told(hub, &seller, &["unsold"]).await;
    assert_eq!(unsold[0]["text"], "“Walnut desk” ended without a sale.");
    told(hub, &ben, &["winning", "bid_voided"]).await;
}

/// The end says it all, to who bought and to who led.
async fn who_buys_at_once_is_told_of_the_end_alone(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("now-seller").await, hub.sign_up("now-ada").await, hub.sign_up("now-ben").await);
    let auction =
        desk_for(hub, &seller, 3_600, json!({"buy_now": 9_000, "reserve": 8_000, "buy_now_until": "reserve_met"}))
            .await;
    bid(hub, &ada, &auction, "a", json!({"max": 2000})).await.is(201);
    let path = format!("/api/auctions/{auction}/buy-now");
    send(hub.request(Method::POST, &path).bearer_auth(&ben.token).header("Idempotency-Key", "b")).await.is(201);
    told(hub, &ben, &["won"]).await;
    told(hub, &ada, &["winning", "lost"]).await;
}

async fn everyone_hears_that_an_auction_was_stopped(hub: &Hub) {
    let [seller, ada, ben, cleo] = [
        hub.sign_up("stop-seller").await,
        hub.sign_up("stop-ada").await,
        hub.sign_up("stop-ben").await,
        hub.sign_up("stop-cleo").await,
    ];
    let sam = moderator(hub, "stop-sam", "staff").await;
    let auction = desk_for(hub, &seller, 3_600, json!({})).await;
    watch(hub, &cleo, &auction).await;
    watch(hub, &ada, &auction).await;
    bid(hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    bid(hub, &ben, &auction, "b", json!({"max": 2000})).await.is(201);
    let stop = format!("/api/staff/auctions/{auction}/stop");
    hub.post_as(&sam.token, &stop, json!({"reason": "it is not walnut"})).await.is(200);
    for (who, before) in [(&seller, None), (&ada, Some("winning")), (&ben, Some("outbid")), (&cleo, None)] {
        let kinds: Vec<_> = before.into_iter().chain(["auction_stopped"]).collect();
        let stopped = told(hub, who, &kinds).await;
        assert_eq!(stopped[0]["text"], "“Walnut desk” was stopped: it is not walnut.");
    }
    // A seller who cancels knows; who watches does not.
    let cancelled = desk_for(hub, &seller, 3_600, json!({"title": "Lamp"})).await;
    watch(hub, &cleo, &cancelled).await;
    let cancel = hub.request(Method::DELETE, &format!("/api/auctions/{cancelled}")).bearer_auth(&seller.token);
    send(cancel).await.is(204);
    let heard = told(hub, &cleo, &["auction_stopped", "auction_stopped"]).await;
    assert_eq!(heard[0]["text"], "“Lamp” was stopped: cancelled by the seller.");
    told(hub, &seller, &["auction_stopped"]).await;
}

async fn who_watches_hears_once_that_the_end_is_near(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("soon-seller").await, hub.sign_up("soon-ada").await, hub.sign_up("soon-ben").await);
    let sam = moderator(hub, "soon-sam", "staff").await;
    let soft = json!({"soft_close": {"window_s": 600, "extension_s": 600, "max_total_s": 3000}, "title": "Clock"});
    let auction = desk_for(hub, &seller, 3_600, soft).await;
    let later = desk_for(hub, &seller, 7_200, json!({})).await;
    watch(hub, &ada, &auction).await;
    watch(hub, &ada, &later).await;
    hub.clock.advance(Span::from_secs(3_010));
    let soon = told(hub, &ada, &["ending_soon"]).await;
    let ends_at = &hub.get(&format!("/api/auctions/{auction}")).await.body["ends_at"];
    assert_eq!((&soon[0]["data"]["ends_at"], &soon[0]["auction"]), (ends_at, &json!(auction)));
    // The end moves, and somebody else begins to watch: only that one hears of it.
    bid(hub, &ben, &auction, "b", json!({"amount": 1000})).await.is(201);
    let moved = hub.get(&format!("/api/auctions/{auction}")).await.body["ends_at"].clone();
    assert_ne!(&moved, ends_at);
    watch(hub, &ben, &auction).await;
    hub.clock.advance(Span::from_secs(60));
    let heard = told(hub, &ben, &["winning", "ending_soon"]).await;
    assert_eq!(heard[0]["data"]["ends_at"], moved);
    told(hub, &ada, &["ending_soon"]).await;
    // After a pause of a day it is another end.
    hub.post_as(&sam.token, &format!("/api/staff/auctions/{auction}/pause"), json!({"reason": "a look"})).await.is(200);
    hub.clock.advance(Span::from_secs(86_400));
    hub.post_as(&sam.token, &format!("/api/staff/auctions/{auction}/resume"), json!({})).await.is(200);
    let again = until(hub, &ada, "/api/notifications?kind=ending_soon", |body| {
        items(body).iter().filter(|item| item["auction"] == json!(auction)).count() == 2
    })
    .await;
    assert_ne!(again["items"][0]["data"]["ends_at"], moved);
}

async fn a_muted_group_is_not_pushed_and_kept(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("quiet-seller").await, hub.sign_up("quiet-ada").await, hub.sign_up("quiet-ben").await);
    let choose = hub.request(Method::PUT, "/api/notifications/preferences").bearer_auth(&ada.token);
    send(choose.json(&json!({"bidding": {"push": false, "email": false}}))).await.is(200);
    let auction = desk_for(hub, &seller, 3_600, json!({})).await;
    watch(hub, &ada, &auction).await;
    let mut quiet = Socket::of(hub.address, Codec::MessagePack, &ada.token).await;
    let mut other = Socket::of(hub.address, Codec::Json, &ben.token).await;
    for socket in [&mut quiet, &mut other] {
        socket.ask(json!({"type": "ping"})).await;
    }
    bid(hub, &ada, &auction, "a", json!({"amount": 1000})).await.is(201);
    bid(hub, &ben, &auction, "b", json!({"amount": 1100})).await.is(201);
    bid(hub, &ada, &auction, "c", json!({"amount": 1200})).await.is(201);
    // That he led is pushed unless he no longer did before it could be.
    while other.push_of("notification").await["kind"] != "outbid" {}
    told(hub, &ada, &["winning"]).await;
    hub.clock.advance(Span::from_secs(3_100));
    assert_eq!(quiet.push_of("notification").await["kind"], "ending_soon", "nothing of bids came before it");
    told(hub, &ada, &["winning", "ending_soon"]).await;
}

async fn a_kind_is_chosen_apart_from_its_group(hub: &Hub) {
    let (seller, ada, ben) =
        (hub.sign_up("kind-seller").await, hub.sign_up("kind-ada").await, hub.sign_up("kind-ben").await);
    let choose = async |changes: Value| {
        let request = hub.request(Method::PUT, "/api/notifications/preferences").bearer_auth(&ada.token);
        send(request.json(&changes)).await
    };
    let (on, off) = (json!({"push": true, "email": false}), json!({"push": false, "email": false}));
    let chosen = choose(json!({"kinds": {"outbid": off, "won": on}})).await.is(200).body.clone();
    assert_eq!((&chosen["kinds"], &chosen["bidding"]), (&json!({"outbid": off, "won": on}), &on));
    let chosen = choose(json!({"kinds": {"won": null}})).await.is(200).body.clone();
    assert_eq!(chosen["kinds"], json!({"outbid": off}));
    assert_eq!(
        choose(json!({"kinds": {"all": off}})).await.is_problem(422, "invalid_field").body["field"],
        "kinds.all"
    );
    choose(json!({"kinds": {"won": {"push": true}}})).await.is_problem(422, "missing_field");
    let mut socket = Socket::of(hub.address, Codec::Json, &ada.token).await;
    socket.ask(json!({"type": "ping"})).await;
    let auction = desk_for(hub, &seller, 3_600, json!({})).await;
    bid(hub, &ada, &auction, "a", json!({"amount": 1000})).await.is(201);
    bid(hub, &ben, &auction, "b", json!({"amount": 1100})).await.is(201);
    told(hub, &ada, &["outbid"]).await;
    bid(hub, &ada, &auction, "c", json!({"amount": 1200})).await.is(201);
    loop {
        let push = socket.push_of("notification").await;
        assert_eq!(push["kind"], "winning", "and not that somebody bid more");
        if push["data"]["price"] == 1200 {
            break;
        }
    }
}

stories! {
    a_kind_is_chosen_apart_from_its_group
    everyone_hears_how_a_race_goes
    a_long_war_leaves_one_notification_that_waits
    a_void_gives_the_lead_back_and_says_so
    who_buys_at_once_is_told_of_the_end_alone
    everyone_hears_that_an_auction_was_stopped
    who_watches_hears_once_that_the_end_is_near
    a_muted_group_is_not_pushed_and_kept
}

#[tokio::test]
async fn a_war_is_mailed_about_once_an_hour_and_its_end_at_once() {
    let mut mail = MailServer::start().await;
    let url = mail.url.clone();
    let hub = Hub::with(|settings| settings.mail.smtp_url = Some(url.into())).await;
    let (seller, ada, ben) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("ben").await);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(mail.next_token("confirm-email").await);
    }
    for token in tokens {
        hub.post("/api/auth/email-confirm", json!({"token": token})).await.is(204);
    }
    let choose = hub.request(Method::PUT, "/api/notifications/preferences").bearer_auth(&ada.token);
    send(choose.json(&json!({"bidding": {"push": true, "email": true}}))).await.is(200);
    let auction = desk_for(&hub, &seller, 3_600, json!({})).await;
    let mailed = async |mail: &mut MailServer, subject: &str| {
        let text = mail.next().await;
        assert!(text.contains(&format!("Subject: {subject}")) && text.contains(&ada.email), "{text}");
    };
    bid(&hub, &ada, &auction, "a0", json!({"amount": 1000})).await.is(201);
    mailed(&mut mail, "You are leading").await;
    // That the lead is lost is mailed though that it was won has just been, but not again and again.
    bid(&hub, &ben, &auction, "b0", json!({"amount": 1100})).await.is(201);
    mailed(&mut mail, "You were outbid").await;
    hub.clock.advance(Span::from_secs(1));
    for round in 1..10 {
        bid(&hub, &ada, &auction, &format!("a{round}"), json!({"amount": 1000 + round * 200})).await.is(201);
        bid(&hub, &ben, &auction, &format!("b{round}"), json!({"amount": 1100 + round * 200})).await.is(201);
    }
    told(&hub, &ada, &["outbid"]).await;
    bid(&hub, &ada, &auction, "last", json!({"amount": 9000})).await.is(201);
    told(&hub, &ada, &["winning"]).await;
    hub.clock.advance(Span::from_secs(3_600));
    mailed(&mut mail, "You won").await;
    hub.stop().await;
}
