//! What people are told: written once, listed, read, pushed to their sockets and to nobody else's, mailed if asked for. Each
//! story is told on SQLite by itself, and on PostgreSQL all after one another on one hub.

use bidhub::app;
use bidhub::clock;
use bidhub::domain::{AccountId, Span, Timestamp};
use bidhub::notify::{self, MAILS_PER_HOUR, Note, NoteKind};
use bidhub::persistence::Db;
use bidhub::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::mail_server::MailServer;
use crate::postgres::server;
use crate::socket::slow::narrow;
use crate::socket_client::{CODECS, Codec, Socket};

/// The database of a running hub, opened beside it.
pub async fn beside(hub: &Hub) -> Db {
    app::open_database(&hub.settings).await.unwrap()
}

pub fn note(account: &User, kind: NoteKind, cause: impl ToString, data: Value) -> Note {
    let account = AccountId(account.id.parse().unwrap());
    let at = clock::parse("2026-11-20T09:30:00.000Z").unwrap();
    Note { account, kind, auction: None, cause: cause.to_string(), data, at }
}

/// Writes and commits; gives how many were new.
pub async fn tell(db: &Db, notes: &[Note]) -> u64 {
    let mut tx = db.begin().await.unwrap();
    let new = notify::write(&mut tx, notes).await.unwrap();
    tx.commit().await.unwrap();
    new
}

fn numbered(account: &User, numbers: std::ops::Range<usize>) -> Vec<Note> {
    let data = json!({"title": "Walnut desk", "currency": "USD", "price": 12_500});
    numbers.map(|number| note(account, NoteKind::Outbid, number, data.clone())).collect()
}

async fn list(hub: &Hub, user: &User, query: &str) -> Answer {
    let answer = hub.get_as(&user.token, &format!("/api/notifications{query}")).await;
    answer.is(200);
    answer
}

fn ids(items: &Value) -> Vec<i64> {
    items.as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

async fn choose(hub: &Hub, user: &User, changes: Value) -> Answer {
    let request = hub.request(Method::PUT, "/api/notifications/preferences").bearer_auth(&user.token);
    send(request.json(&changes)).await
}

async fn pushed(socket: &mut Socket) -> Value {
    let push = socket.push().await.unwrap();
    assert_eq!(push["type"], "notification", "{push}");
    push
}

async fn a_cause_is_told_once_and_a_rollback_tells_nothing(hub: &Hub, db: &Db) {
    let (ada, ben) = (hub.sign_up("once-ada").await, hub.sign_up("once-ben").await);
    let twice = [numbered(&ada, 0..1), numbered(&ada, 0..1)].concat();
    assert_eq!(tell(db, &twice).await, 1);
    assert_eq!(tell(db, &numbered(&ada, 0..1)).await, 0);
    assert_eq!(tell(db, &numbered(&ben, 0..1)).await, 1, "a cause is an account's own");
    assert_eq!(tell(db, &[]).await, 0);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(notify::write(&mut tx, &numbered(&ada, 1..2)).await.unwrap(), 1);
    drop(tx);
    assert_eq!(list(hub, &ada, "").await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(tell(db, &numbered(&ada, 0..2_500)).await, 2_499, "many at once");
    assert_eq!(list(hub, &ada, "?limit=1").await.header("bidhub-unread"), "2500");
    let newest = list(hub, &ada, "?limit=1").await.body["items"][0]["id"].as_i64().unwrap();
    let text = "select cause from notifications where id = $1";
    assert_eq!(sql!(db.read(), scalar String, text, newest).unwrap(), "2499", "numbers follow the order of the notes");
}

async fn a_list_is_paged_without_a_gap_and_shows_what_was_asked_for(hub: &Hub, db: &Db) {
    let (ada, ben) = (hub.sign_up("page-ada").await, hub.sign_up("page-ben").await);
    tell(db, &numbered(&ada, 0..70)).await;
    tell(db, &numbered(&ben, 0..5)).await;
    let lost = json!({"reason": "not enough money", "currency": "EUR", "amount": 1_050, "more": {"a": [1]}});
    tell(db, &[note(&ada, NoteKind::DepositFailed, "deposit", lost.clone())]).await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = list(hub, &ada, &format!("?limit=20{cursor}")).await.body;
        seen.extend(ids(&page["items"]));
        pages += 1;
        // What comes meanwhile does not move the pages.
        tell(db, &numbered(&ada, 100 + pages..101 + pages)).await;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (71, 4));
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first, each once");
    let failed = list(hub, &ada, "?kind=deposit_failed").await.body["items"].clone();
    assert_eq!(
        failed,
        json!([{"id": failed[0]["id"], "kind": "deposit_failed", "auction": null, "at": "2026-11-20T09:30:00.000Z",
            "title": "Deposit failed", "text": "Your deposit of 10.50 EUR did not go through: not enough money.",
            "data": lost, "read": false}])
    );
    let of = async |query: &str| hub.get_as(&ada.token, &format!("/api/notifications?{query}")).await;
    assert_eq!(of("kind=nonsense").await.is_problem(422, "invalid_query").body["field"], "kind");
    assert_eq!(of("unread=perhaps").await.is_problem(422, "invalid_query").body["field"], "unread");
    of("colour=red").await.is_problem(422, "unknown_field");
    of("cursor=nonsense").await.is_problem(422, "invalid_query");
    hub.get("/api/notifications").await.is_problem(401, "unauthenticated");
    hub.get("/api/notifications/preferences").await.is_problem(401, "unauthenticated");
    hub.post("/api/notifications/read", json!({"up_to": 1})).await.is_problem(401, "unauthenticated");
}

async fn what_is_read_is_read_up_to_a_number_and_for_one_account_alone(hub: &Hub, db: &Db) {
    let (ada, ben) = (hub.sign_up("read-ada").await, hub.sign_up("read-ben").await);
    tell(db, &numbered(&ada, 0..4)).await;
    tell(db, &numbered(&ben, 0..1)).await;
    let all = ids(&list(hub, &ada, "").await.body["items"]);
    let read = async |up_to: Value| hub.post_as(&ada.token, "/api/notifications/read", json!({"up_to": up_to})).await;
    assert_eq!(read(json!(0)).await.is(200).body, json!({"unread": 4}));
    for _ in 0..2 {
        assert_eq!(read(json!(all[2])).await.is(200).body, json!({"unread": 2}));
    }
    let unread = list(hub, &ada, "?unread=true").await;
    assert_eq!((ids(&unread.body["items"]), unread.header("bidhub-unread")), (all[..2].to_vec(), "2"));
    let marks: Vec<_> =
        list(hub, &ada, "").await.body["items"].as_array().unwrap().iter().map(|it| it["read"] == true).collect();
    assert_eq!(marks, [false, false, true, true]);
    assert_eq!(ids(&list(hub, &ada, "?unread=true&kind=outbid&limit=1").await.body["items"]), all[..1]);
    assert_eq!(read(json!(i64::MAX)).await.is(200).body, json!({"unread": 0}));
    assert_eq!(list(hub, &ben, "").await.header("bidhub-unread"), "1");
    read(json!("all")).await.is_problem(422, "invalid_field");
    hub.post_as(&ada.token, "/api/notifications/read", json!({})).await.is_problem(422, "missing_field");
}

async fn a_push_reaches_every_socket_of_its_account_and_no_other(hub: &Hub, db: &Db) {
    let (ada, ben) = (hub.sign_up("push-ada").await, hub.sign_up("push-ben").await);
    let mut of_ada = Vec::new();
    for codec in CODECS {
        of_ada.push(Socket::of(hub.address, codec, &ada.token).await);
    }
    // One more signs in by a message.
    let mut late = Socket::open(hub.address, Codec::Json).await;
    late.ask(json!({"type": "authenticate", "token": ada.token})).await;
    of_ada.push(late);
    let mut of_ben = Socket::of(hub.address, Codec::Json, &ben.token).await;
    let mut nobody = Socket::open(hub.address, Codec::MessagePack).await;
    tell(db, &numbered(&ada, 0..200)).await;
    tell(db, &[note(&ben, NoteKind::AccountUnfrozen, "last", json!({}))]).await;
    let listed = list(hub, &ada, "?limit=200").await.body["items"].clone();
    let expected: Vec<Value> = listed.as_array().unwrap().iter().rev().cloned().collect();
    for socket in &mut of_ada {
        for expected in &expected {
            let mut push = pushed(socket).await;
            push.as_object_mut().unwrap().remove("type");
            assert_eq!(&push, expected, "a push says what the list says, in order");
        }
    }
    assert_eq!(pushed(&mut of_ben).await["kind"], "account_unfrozen", "nobody hears what others are told");
    assert_eq!(nobody.ask(json!({"type": "ping"})).await["type"], "pong");
    // All is pushed by now, once: what comes next is what is told next.
    tell(db, &numbered(&ada, 200..201)).await;
    for socket in &mut of_ada {
        assert!(pushed(socket).await["id"].as_i64() > expected[199]["id"].as_i64());
    }
    for nobody in [&mut nobody, &mut of_ben] {
        let pong = nobody.request(json!({"type": "ping"})).await;
        assert_eq!(nobody.next().await.unwrap()["reply_to"], pong, "nothing came before it");
    }
}

/// Whoever does not read is not waited for, and hears that something is missing.
async fn a_socket_that_stops_reading_is_told_that_it_missed_some(hub: &Hub, db: &Db) {
    let (ada, ben) = (hub.sign_up("slow-ada").await, hub.sign_up("slow-ben").await);
    let mut slow = narrow(hub, &[("authorization", &format!("Bearer {}", ada.token))]).await;
    let mut quick = Socket::of(hub.address, Codec::MessagePack, &ada.token).await;
    let mut other = Socket::of(hub.address, Codec::Json, &ben.token).await;
    let long = json!({"padding": "x".repeat(8_000)});
    // More than the queue and the system hold for the one who does not read, in pieces that the queue holds for one who does.
    for round in 0..6 {
        let numbers = round * 25..round * 25 + 25;
        let many: Vec<_> = numbers.map(|number| note(&ada, NoteKind::Outbid, number, long.clone())).collect();
        tell(db, &many).await;
        for _ in 0..25 {
            pushed(&mut quick).await;
        }
    }
    tell(db, &numbered(&ben, 0..1)).await;
    pushed(&mut other).await;
    let mut before = 0;
    let missed = loop {
        let push = slow.push().await.unwrap();
        if push["type"] != "notification" {
            break push;
        }
        before += 1;
    };
    assert_eq!(missed, json!({"type": "notifications_missed"}));
    assert!(before < 150, "it cannot have taken all");
    assert_eq!(slow.ask(json!({"type": "ping"})).await["type"], "pong");
    tell(db, &numbered(&ada, 2_000..2_001)).await;
    for socket in [&mut slow, &mut quick] {
        assert!(
            pushed(socket).await["text"].as_str().unwrap().contains("Walnut desk"),
            "and from there on it hears all"
        );
    }
}

async fn a_muted_group_is_kept_and_not_pushed(hub: &Hub, db: &Db) {
    let ada = hub.sign_up("mute-ada").await;
    let preferences = hub.get_as(&ada.token, "/api/notifications/preferences").await;
    let unchosen = json!({"push": true, "email": false});
    let groups = ["bidding", "money", "comments", "tickets", "watchlist", "account"];
    let mut expected = groups.map(|group| (group, unchosen.clone())).into_iter().collect::<Value>();
    expected["kinds"] = json!({});
    assert_eq!(preferences.is(200).body, expected);
    let muted = choose(hub, &ada, json!({"bidding": {"push": false, "email": false}})).await;
    assert_eq!((&muted.is(200).body["bidding"]["push"], &muted.body["money"]), (&json!(false), &unchosen));
    let wrong = json!({"selling": {"push": false, "email": false}});
    assert_eq!(choose(hub, &ada, wrong).await.is_problem(422, "unknown_field").body["field"], "selling");
    let wrong = choose(hub, &ada, json!({"money": {"push": false}})).await;
    assert_eq!(wrong.is_problem(422, "missing_field").body["field"], "money.email");
    let mut socket = Socket::of(hub.address, Codec::Json, &ada.token).await;
    tell(db, &numbered(&ada, 0..3)).await;
    tell(db, &[note(&ada, NoteKind::Deposit, "deposit", json!({"currency": "USD", "amount": 100}))]).await;
    assert_eq!(pushed(&mut socket).await["text"], "1.00 USD came into your wallet.");
    assert_eq!(list(hub, &ada, "").await.header("bidhub-unread"), "4");
    choose(hub, &ada, json!({"bidding": unchosen})).await.is(200);
    tell(db, &numbered(&ada, 3..4)).await;
    assert_eq!(pushed(&mut socket).await["kind"], "outbid", "what was muted does not come after all");
    assert_eq!(list(hub, &ada, "").await.header("bidhub-unread"), "5");
}

async fn what_is_old_is_swept_out(hub: &Hub, db: &Db) {
    let ada = hub.sign_up("sweep-ada").await;
    let mut notes = numbered(&ada, 0..1_500);
    let now = notes[0].at;
    for (number, note) in notes.iter_mut().enumerate() {
        note.at = if number < 1_400 { Timestamp::from_millis(0) } else { now };
    }
    tell(db, &notes).await;
    notify::sweep(db, now, Span::from_secs(90 * 86_400)).await;
    assert_eq!(list(hub, &ada, "").await.header("bidhub-unread"), "100");
}

/// A hub with a mail server, and who asks it for mails.
async fn with_mail(change: impl FnOnce(&mut bidhub::config::Settings)) -> (Hub, MailServer) {
    let mail = MailServer::start().await;
    let url = mail.url.clone();
    let hub = Hub::with(|settings| {
        settings.mail.smtp_url = Some(url.into());
        settings.server.public_url = Some("https://bid.example/".into());
        change(settings);
    })
    .await;
    (hub, mail)
}

async fn mails_go_to_confirmed_addresses_that_asked_for_them_and_not_too_many(
    hub: &Hub,
    db: &Db,
    mail: &mut MailServer,
) {
    let (ada, ben) = (hub.sign_up("mail-ada").await, hub.sign_up("mail-ben").await);
    let token = mail.next_token("confirm-email").await;
    mail.next_token("confirm-email").await;
    hub.post("/api/auth/email-confirm", json!({"token": token})).await.is(204);
    for user in [&ada, &ben] {
        choose(hub, user, json!({"money": {"push": true, "email": true}})).await.is(200);
    }
    let deposit = |user: &User, number: usize| {
        note(user, NoteKind::Deposit, number, json!({"currency": "USD", "amount": 100 + number}))
    };
    // Nobody asked for mails about bids, and Ben's address is not confirmed.
    let others = [numbered(&ada, 1_000..1_003), (0..3).map(|number| deposit(&ben, number)).collect()].concat();
    tell(db, &others).await;
    let many = MAILS_PER_HOUR as usize + 5;
    tell(db, &(0..many).map(|number| deposit(&ada, number)).collect::<Vec<_>>()).await;
    for number in 0..MAILS_PER_HOUR {
        let mail = mail.next().await;
        assert!(mail.contains(&format!("{}.{:02} USD", (100 + number) / 100, (100 + number) % 100)), "{mail}");
        assert!(mail.contains("Subject: Deposit received") && mail.contains(&ada.email), "{mail}");
        assert!(mail.contains("https://bid.example/"), "{mail}");
    }
    hub.clock.advance(Span::from_secs(3_601));
    let mut later = deposit(&ada, 800);
    later.at = hub.clock.now();
    tell(db, &[later]).await;
    assert!(mail.next().await.contains("9.00 USD"), "the rest of that hour is in the list alone");
    let text = "select count(*) from notifications where mail_due or pushed_at is null";
    assert_eq!(sql!(db.read(), scalar i64, text).unwrap(), 0);
}

macro_rules! on_sqlite {
    ($($story:ident)+) => {$(
        mod $story {
            #[tokio::test]
            async fn on_sqlite() {
                let hub = super::Hub::start().await;
                super::$story(&hub, &super::beside(&hub).await).await;
            }
        }
    )+};
}

on_sqlite! {
    a_cause_is_told_once_and_a_rollback_tells_nothing
    a_list_is_paged_without_a_gap_and_shows_what_was_asked_for
    what_is_read_is_read_up_to_a_number_and_for_one_account_alone
    a_push_reaches_every_socket_of_its_account_and_no_other
    a_muted_group_is_kept_and_not_pushed
    a_socket_that_stops_reading_is_told_that_it_missed_some
    what_is_old_is_swept_out
}

#[tokio::test]
async fn mails_on_sqlite() {
    let (hub, mut mail) = with_mail(|_| {}).await;
    let db = beside(&hub).await;
    mails_go_to_confirmed_addresses_that_asked_for_them_and_not_too_many(&hub, &db, &mut mail).await;
}

/// What commits late has a smaller number than what was pushed and read before it, and is neither lost nor read.
async fn what_commits_late_is_pushed_and_unread(hub: &Hub, db: &Db) {
    let ada = hub.sign_up("late-ada").await;
    let mut socket = Socket::of(hub.address, Codec::Json, &ada.token).await;
    let mut slow = db.begin().await.unwrap();
    notify::write(&mut slow, &numbered(&ada, 0..1)).await.unwrap();
    tell(db, &numbered(&ada, 1..2)).await;
    let first = pushed(&mut socket).await["id"].as_i64().unwrap();
    let read = hub.post_as(&ada.token, "/api/notifications/read", json!({"up_to": first})).await;
    assert_eq!(read.is(200).body["unread"], 0);
    slow.commit().await.unwrap();
    let late = pushed(&mut socket).await;
    assert!(late["id"].as_i64().unwrap() < first && late["read"] == false, "{late}");
    assert_eq!(list(hub, &ada, "").await.header("bidhub-unread"), "1");
}

#[tokio::test]
async fn every_story_on_postgresql() {
    let Some(server) = server::Server::start().await else { return };
    let (hub, mut mail) = with_mail(|settings| settings.server.database_url = Some(server.url().into())).await;
    let db = beside(&hub).await;
    mails_go_to_confirmed_addresses_that_asked_for_them_and_not_too_many(&hub, &db, &mut mail).await;
    a_cause_is_told_once_and_a_rollback_tells_nothing(&hub, &db).await;
    a_list_is_paged_without_a_gap_and_shows_what_was_asked_for(&hub, &db).await;
    what_is_read_is_read_up_to_a_number_and_for_one_account_alone(&hub, &db).await;
    a_push_reaches_every_socket_of_its_account_and_no_other(&hub, &db).await;
    a_muted_group_is_kept_and_not_pushed(&hub, &db).await;
    a_socket_that_stops_reading_is_told_that_it_missed_some(&hub, &db).await;
    what_commits_late_is_pushed_and_unread(&hub, &db).await;
    what_is_old_is_swept_out(&hub, &db).await;
    hub.stop().await;
}
