//! What staff reads of customers.

use bidhub::clock::{self, WireTime};
use bidhub::domain::{Span, Timestamp};
use serde_json::{Value, json};

use super::until;
use crate::harness::{Hub, User};
use crate::market::{bid, desk, moderator, offer};
use crate::postgres::server::Server;
use crate::socket_client::{Codec, Socket};

const PATH: &str = "/api/staff/customers";

/// The customer's row in a list.
fn of<'a>(list: &'a Value, user: &User) -> &'a Value {
    let rows = list["items"].as_array().unwrap();
    rows.iter().find(|row| row["user"] == *user.id).unwrap_or(&Value::Null)
}

fn due_at(run: &Value) -> Timestamp {
    clock::parse(run["due_at"].as_str().unwrap()).unwrap()
}

async fn an_hour(hub: Hub) {
    let [seller, ben, idle] = [hub.sign_up("seller").await, hub.sign_up("ben").await, hub.sign_up("idle").await];
    let sly =
        json!({"email": "sly@example.com", "password": crate::harness::PASSWORD, "display_name": "=cmd|' /C'!A0"});
    let sly = hub.post("/api/auth/register", sly).await.is(201).body.clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let sly = User { id: text(&sly["user"]["id"]), email: String::new(), token: text(&sly["token"]) };
    let sam = moderator(&hub, "sam", "staff").await;
    assert_eq!(hub.get_as(&sam.token, PATH).await.is(200).body, json!({"items": [], "next": null}));
    hub.get(PATH).await.is_problem(401, "unauthenticated");
    hub.get_as(&ben.token, PATH).await.is_problem(403, "forbidden");

    let auction = offer(&hub, &seller, desk()).await;
    bid(&hub, &sly, &auction, "a", json!({"amount": 1000})).await.is(201);
    bid(&hub, &ben, &auction, "b", json!({"max": 3000})).await.is(201);
    bid(&hub, &sly, &auction, "c", json!({"amount": 2000})).await.is(201);
    // The bids are in the main database before the clock moves.
    until(&hub, &sam, &format!("/api/auctions/{auction}/bids"), |body| body["items"].as_array().unwrap().len() == 3)
        .await;
    hub.clock.advance(Span::from_secs(600));
    let first = until(&hub, &sam, PATH, |body| !body["items"].as_array().unwrap().is_empty()).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 4, "{first}");
    for (who, bids) in [(&sly, 2), (&ben, 1), (&seller, 0)] {
        let row = of(&first, who);
        assert_eq!((&row["bids"], &row["wins"], &row["spend"]), (&json!(bids), &json!(0), &json!([])), "{row}");
        assert_eq!((&row["taken_at"], &row["watch_s"]), (&json!("2026-11-20T09:40:00.000Z"), &json!(0)));
        assert_eq!(row["last_seen"], "2026-11-20T09:30:00.000Z");
    }
    assert_eq!(of(&first, &idle), &Value::Null, "who does nothing is not looked at");
    assert_eq!(of(&first, &sam)["last_seen"], "2026-11-20T09:40:00.000Z", "who only reads was there");

    // Who comes back later, and only reads, is in the next one with that moment.
    hub.clock.advance(Span::from_secs(300));
    hub.get_as(&idle.token, "/api/me").await.is(200);
    hub.clock.advance(Span::from_secs(300));
    let taken = |body: &Value| body["items"][0]["taken_at"] == "2026-11-20T09:50:00.000Z";
    let second = until(&hub, &sam, PATH, taken).await;
    let row = of(&second, &idle);
    assert_eq!((&row["last_seen"], &row["watch_s"]), (&json!("2026-11-20T09:45:00.000Z"), &json!(0)), "{second}");

    // Somebody watches for a while, and the auction ends.
    let mut socket = Socket::of(hub.address, Codec::Json, &idle.token).await;
    socket.ask(json!({"type": "join", "auction": auction})).await;
    hub.clock.advance(Span::from_secs(2_500));
    until(&hub, &sam, "/api/auctions?status=ended", |body| body["items"][0]["outcome"] == "sold").await;
    until(&hub, &ben, "/api/invoices", |body| body["items"].as_array().unwrap().len() == 1).await;
    // What they watched is known at the next moment of the schedule, and the clock stands still there until it is written down.
    let (mut watched, mut step) = (0, 500);
    for _ in 0..5 {
        hub.clock.advance(Span::from_secs(std::mem::replace(&mut step, 600)));
        let now = WireTime(hub.clock.now());
        let taken = |body: &Value| body["items"][0]["due_at"] == json!(now);
        let runs = until(&hub, &sam, "/api/staff/customers/runs?limit=200", taken).await;
        let due: Vec<Timestamp> = runs["items"].as_array().unwrap().iter().map(due_at).collect();
        assert!(due.windows(2).all(|pair| pair[0].since(pair[1]) == Span::from_secs(600)), "none was left out: {runs}");
        let list = hub.get_as(&sam.token, &format!("{PATH}?user={}", idle.id)).await;
        watched = list.is(200).body["items"][0]["watch_s"].as_i64().unwrap_or(0);
        if watched > 0 {
            break;
        }
    }
    assert!(watched > 0, "who watches is counted");
    drop(socket);

    let history = until(&hub, &sam, &format!("{PATH}?user={}", ben.id), |body| body["items"][0]["wins"] == 1).await;
    let last = &history["items"][0];
    assert_eq!((&last["bids"], &last["spend"]), (&json!(1), &json!([{"currency": "USD", "amount": 2100}])), "{last}");
    let at = format!("{PATH}?at=2026-11-20T09:45:00Z");
    let then = hub.get_as(&sam.token, &at).await.is(200).body.clone();
    assert_eq!(then, first, "a snapshot does not change");
    let page = hub.get_as(&sam.token, &format!("{at}&limit=1")).await.is(200).body.clone();
    let rest = format!("{PATH}?limit=1&cursor={}", page["next"].as_str().unwrap());
    let rest = hub.get_as(&sam.token, &rest).await.is(200).body.clone();
    assert_eq!(
        json!([page["items"][0], rest["items"][0]]).as_array().unwrap()[..],
        first["items"].as_array().unwrap()[..2]
    );
    assert_ne!(rest["next"], Value::Null);

    let file = hub.get_as(&sam.token, &format!("{at}&format=csv")).await;
    assert!(file.is(200).header("content-type").starts_with("text/csv"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"customers.csv\"");
    let mut lines = csv::Reader::from_reader(file.body.as_str().unwrap().as_bytes());
    let names: Vec<String> = lines.records().map(|line| line.unwrap()[2].to_owned()).collect();
    assert_eq!(names.len(), 4);
    assert!(names.contains(&"'=cmd|' /C'!A0".to_owned()) && names.contains(&"ben".to_owned()), "{names:?}");
    let own = hub.get_as(&sam.token, &format!("{PATH}?user={}&format=csv", ben.id)).await;
    assert!(own.is(200).body.as_str().unwrap().contains(",1,1,2100 USD,"), "{own:?}");

    let runs = hub.get_as(&sam.token, "/api/staff/customers/runs").await.is(200).body.clone();
    let oldest = runs["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&oldest["customers"], &oldest["skipped"], &oldest["skipped_from"]),
        (&json!(4), &json!(0), &Value::Null)
    );
    for (query, code) in
        [("format=xml", "invalid_query"), ("colour=red", "unknown_field"), ("limit=0", "invalid_query")]
    {
        hub.get_as(&sam.token, &format!("{PATH}?{query}")).await.is_problem(422, code);
    }
    let nobody = uuid::Uuid::nil();
    hub.get_as(&sam.token, &format!("{PATH}?user={nobody}")).await.is_problem(404, "unknown_user");
    hub.stop().await;
}

#[tokio::test]
async fn staff_reads_what_customers_did() {
    an_hour(Hub::start().await).await;
}

#[tokio::test]
async fn staff_reads_what_customers_did_on_postgresql() {
    let Some(server) = Server::start().await else { return };
    an_hour(Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await).await;
}
