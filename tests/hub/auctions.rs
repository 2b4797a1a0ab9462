//! Offering, reading, listing, changing and cancelling auctions.

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Hub, send};
use crate::market::{bid, desk, desk_with, eventually, offer, read, steps};

#[tokio::test]
async fn an_auction_is_offered_and_read_at_once() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let body = desk_with(json!({
        "reserve": 5000, "buy_now": 9000, "soft_close": {"window_s": 60, "extension_s": 120, "max_total_s": 600},
        "image_url": "/images/desk.webp",
    }));
    let made = hub.post_as(&seller.token, "/api/auctions", body).await;
    made.is(201);
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("/api/auctions/{id}"));
    let auction = read(&hub, id).await;
    for (field, value) in [
        ("seller", json!(seller.id)),
        ("title", json!("Walnut desk")),
        ("category", json!("furniture")),
        ("currency", json!("USD")),
        ("opening_price", json!(1000)),
        ("increments", steps()),
        ("reserve", json!("not_met")),
        ("buy_now", json!(9000)),
        ("buy_now_until", json!("first_bid")),
        ("soft_close", json!({"window_s": 60, "extension_s": 120, "max_total_s": 600})),
        ("funds", json!("none")),
        ("premium_bp", json!(0)),
        ("commission_bp", json!(0)),
        ("ack", json!("redis")),
        ("image_url", json!("/images/desk.webp")),
        ("starts_at", json!("2026-11-20T09:30:00.000Z")),
        ("ends_at", json!("2026-11-20T10:30:00.000Z")),
        ("created_at", json!("2026-11-20T09:30:00.000Z")),
        ("price", Value::Null),
        ("minimum_bid", json!(1000)),
        ("bid_count", json!(0)),
    ] {
        assert_eq!(auction[field], value, "{field}");
    }
    assert_eq!(auction["state"]["server_time"], "2026-11-20T09:30:00.000Z");
    assert_eq!((&auction["state"]["buy_now"], &auction["state"]["you"]), (&json!(9000), &Value::Null));
    assert!(auction["log"].is_string() && auction["seq"].is_u64());
    assert!(!auction.to_string().contains(":5000"), "the reserve stays hidden");
    let own = hub.get_as(&seller.token, &format!("/api/auctions/{id}")).await;
    assert_eq!(own.body["state"]["you"], json!({"alias": null, "leading": false, "max": null, "allowance": 0}));
    hub.stop().await;
}

#[tokio::test]
async fn each_field_that_does_not_fit_is_named() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let long = |count| "x".repeat(count);
    for (members, field) in [
        (json!({"title": ""}), "title"),
        (json!({"title": long(201)}), "title"),
        (json!({"description": long(10_001)}), "description"),
        (json!({"category": long(61)}), "category"),
        (json!({"currency": "usd"}), "currency"),
        (json!({"currency": "ABC"}), "currency"),
        (json!({"opening_price": 0}), "opening_price"),
        (json!({"opening_price": 9_007_199_254_740_992_i64}), "opening_price"),
        (json!({"reserve": 999}), "reserve"),
        (json!({"buy_now": 999}), "buy_now"),
        (json!({"buy_now_until": "reserve_met"}), "buy_now_until"),
        (json!({"increments": []}), "increments"),
        (json!({"increments": [{"from": 0, "step": 0}]}), "increments"),
        (json!({"increments": [{"from": 0, "step": 10}, {"from": 100, "step": 5}]}), "increments"),
        (json!({"ends_at": "2026-11-20T09:30:00.000Z"}), "ends_at"),
        (json!({"starts_at": "2026-11-20T11:00:00.000Z"}), "ends_at"),
        (json!({"starts_at": "2028-11-20T11:00:00.000Z", "ends_at": "2028-11-21T11:00:00.000Z"}), "starts_at"),
        (json!({"soft_close": {"window_s": 0, "extension_s": 1, "max_total_s": 1}}), "soft_close.window_s"),
        (json!({"image_url": "javascript:alert(1)"}), "image_url"),
    ] {
        let answer = hub.post_as(&seller.token, "/api/auctions", desk_with(members.clone())).await;
        answer.is_problem(422, "invalid_auction");
        assert_eq!(answer.body["field"], field, "{members}");
    }
    for (members, code, field) in [
        (json!({"opening_price": "1000"}), "invalid_field", "opening_price"),
        (json!({"colour": "brown"}), "unknown_field", "colour"),
        (json!({"soft_close": {"window_s": 1, "extension_s": 1}}), "missing_field", "soft_close.max_total_s"),
        (json!({"ends_at": "soon"}), "invalid_field", "ends_at"),
        (json!({"ack": "disk"}), "invalid_field", "ack"),
        (json!({"ack": "replica"}), "invalid_field", "ack"),
    ] {
        let answer = hub.post_as(&seller.token, "/api/auctions", desk_with(members)).await;
        answer.is_problem(422, code);
        assert_eq!(answer.body["field"], field);
    }
    hub.post("/api/auctions", desk()).await.is_problem(401, "unauthenticated");
    assert_eq!(hub.get("/api/auctions").await.body["items"], json!([]));
}

#[tokio::test]
async fn the_ack_level_is_the_sellers_or_the_hubs_own() {
    let hub = Hub::with(|settings| {
        settings.cluster.default_ack = "sql".parse().unwrap();
        settings.cluster.redis_replicas = 1;
    })
    .await;
    let seller = hub.sign_up("seller").await;
    for (members, level) in
        [(json!({}), "sql"), (json!({"ack": "replica"}), "replica"), (json!({"ack": "redis"}), "redis")]
    {
        let made = hub.post_as(&seller.token, "/api/auctions", desk_with(members)).await;
        assert_eq!(made.is(201).body["ack"], level);
        assert_eq!(read(&hub, made.body["id"].as_str().unwrap()).await["ack"], level);
    }
}

#[tokio::test]
async fn fees_are_the_hubs_own_and_stay_as_they_were_at_the_creation() {
    let hub = Hub::with(|settings| (settings.money.premium_bp, settings.money.commission_bp) = (250, 1_000)).await;
    let seller = hub.sign_up("seller").await;
    let auction = offer(&hub, &seller, desk()).await;
    let fees = |body: &Value| (body["premium_bp"].clone(), body["commission_bp"].clone());
    let expected = (json!(250), json!(1_000));
    assert_eq!(fees(&read(&hub, &auction).await), expected);
    let patch = async |body: Value| {
        let request = hub.request(Method::PATCH, &format!("/api/auctions/{auction}"));
        send(request.bearer_auth(&seller.token).json(&body)).await
    };
    patch(json!({"premium_bp": 0})).await.is_problem(422, "unknown_field");
    let changed = patch(json!({"title": "Oak desk"})).await;
    assert_eq!(fees(&changed.is(200).body), expected);
    let listed = eventually(&hub, "/api/auctions", |list| list["items"][0]["title"] == "Oak desk").await;
    assert_eq!(fees(&listed["items"][0]), expected);
    let events = hub.get(&format!("/api/auctions/{auction}/events")).await;
    let items = events.is(200).body["items"].as_array().unwrap();
    let amended = items.iter().find(|event| event["kind"] == "amended").expect("it was");
    assert_eq!(fees(&amended["terms"]), expected);
    hub.post_as(&seller.token, "/api/auctions", desk_with(json!({"premium_bp": 0})))
        .await
        .is_problem(422, "unknown_field");
}

#[tokio::test]
async fn without_a_table_the_hubs_own_steps_hold() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let mut body = desk();
    body.as_object_mut().unwrap().remove("increments");
    let auction = offer(&hub, &seller, body).await;
    let increments = read(&hub, &auction).await["increments"].clone();
    assert_eq!((&increments[0], increments.as_array().unwrap().len()), (&json!({"from": 0, "step": 5}), 10));
}

#[tokio::test]
async fn lists_filter_sort_and_page_without_gap_or_repeat() {
    let hub = Hub::start().await;
    let (ada, bob) = (hub.sign_up("ada").await, hub.sign_up("bob").await);
    let mut ids = Vec::new();
    for number in 0..5 {
        let body = desk_with(json!({
            "title": format!("Lot {number}"), "category": if number < 2 { "art" } else { "furniture" },
            "opening_price": 1000 * (5 - number), "ends_at": format!("2026-11-20T1{}:00:00.000Z", (number * 3) % 5),
        }));
        ids.push(offer(&hub, if number == 4 { &bob } else { &ada }, body).await);
        hub.clock.advance(Span::from_millis(1));
    }
    let titles = |list: &Value| {
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["title"].as_str().unwrap()[4..].to_owned()).collect::<String>()
    };
    for (query, expected) in [
        ("", "43210"),
        ("?sort=created_at", "01234"),
        ("?sort=ends_at", "02413"),
        ("?sort=-ends_at", "31420"),
        ("?sort=price", "43210"),
        ("?sort=-price", "01234"),
        ("?category=art", "10"),
        ("?ends_before=2026-11-20T12:00:00.000Z&sort=ends_at", "02"),
        ("?status=ended", ""),
    ] {
        assert_eq!(titles(&hub.get(&format!("/api/auctions{query}")).await.body), expected, "{query}");
    }
    assert_eq!(titles(&hub.get(&format!("/api/auctions?seller={}", bob.id)).await.body), "4");
    for (sort, expected) in [("ends_at", "02413"), ("-price", "01234"), ("-created_at", "43210")] {
        let (mut seen, mut cursor) = (String::new(), String::new());
        loop {
            let page = hub.get(&format!("/api/auctions?limit=2&sort={sort}{cursor}")).await;
            seen += &titles(&page.body);
            let Some(next) = page.body["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, expected, "{sort}");
    }
    let next = hub.get("/api/auctions?limit=2&sort=price").await.body["next"].as_str().unwrap().to_owned();
    for (query, field) in [
        (format!("sort=ends_at&cursor={next}"), "cursor"),
        ("sort=title".to_owned(), "sort"),
        ("status=closed".to_owned(), "status"),
        ("limit=0".to_owned(), "limit"),
    ] {
        let answer = hub.get(&format!("/api/auctions?{query}")).await;
        answer.is_problem(422, "invalid_query");
        assert_eq!(answer.body["field"], field);
    }
}

#[tokio::test]
async fn what_is_no_auction_is_unknown() {
    let hub = Hub::start().await;
    let ada = hub.sign_up("ada").await;
    for id in ["01938b5e-0000-7000-8000-000000000000", "desk"] {
        for below in ["", "/bids", "/events", "/log"] {
            hub.get(&format!("/api/auctions/{id}{below}")).await.is_problem(404, "unknown_auction");
        }
        bid(&hub, &ada, id, "k", json!({"amount": 1000})).await.is_problem(404, "unknown_auction");
        let delete = hub.request(Method::DELETE, &format!("/api/auctions/{id}")).bearer_auth(&ada.token);
        send(delete).await.is_problem(404, "unknown_auction");
    }
}

#[tokio::test]
async fn a_seller_changes_an_auction_until_somebody_bids() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk_with(json!({"reserve": 5000, "buy_now": 9000}))).await;
    let path = format!("/api/auctions/{auction}");
    let patch =
        async |token: &str, body: Value| send(hub.request(Method::PATCH, &path).bearer_auth(token).json(&body)).await;
    let changed = patch(&seller.token, json!({"title": "Oak desk", "opening_price": 2000, "reserve": null})).await;
    changed.is(200);
    let now = read(&hub, &auction).await;
    for (field, value) in [
        ("title", json!("Oak desk")),
        ("description", json!("About 1890.")),
        ("opening_price", json!(2000)),
        ("minimum_bid", json!(2000)),
        ("reserve", json!("none")),
        ("buy_now", json!(9000)),
    ] {
        assert_eq!((&changed.body[field], &now[field]), (&value, &value), "{field}");
    }
    let second = patch(&seller.token, json!({"category": "tables"})).await;
    assert_eq!((&second.body["title"], &second.body["category"]), (&json!("Oak desk"), &json!("tables")));

    patch(&ada.token, json!({"title": "Mine"})).await.is_problem(403, "forbidden");
    patch(&seller.token, json!({"currency": "EUR"})).await.is_problem(422, "unknown_field");
    let moved = patch(&seller.token, json!({"starts_at": "2026-11-20T09:45:00.000Z"})).await;
    assert_eq!(moved.is_problem(422, "invalid_auction").body["field"], "starts_at");
    let low = patch(&seller.token, json!({"buy_now": 1000})).await;
    assert_eq!(low.is_problem(422, "invalid_auction").body["field"], "buy_now");

    bid(&hub, &ada, &auction, "k1", json!({"amount": 2000})).await.is(201);
    patch(&seller.token, json!({"title": "Late"})).await.is_problem(409, "has_bids");
    let delete = send(hub.request(Method::DELETE, &path).bearer_auth(&seller.token)).await;
    delete.is_problem(409, "has_bids");
    assert_eq!(read(&hub, &auction).await["title"], "Oak desk");
}

#[tokio::test]
async fn changes_of_different_fields_made_at_once_all_survive() {
    let hub = Hub::start().await;
    let seller = hub.sign_up("seller").await;
    let auction = offer(&hub, &seller, desk()).await;
    let path = format!("/api/auctions/{auction}");
    for round in 0..5 {
        let changes = [
            json!({"title": format!("Desk {round}")}),
            json!({"description": format!("It is of {round}.")}),
            json!({"category": format!("tables {round}")}),
            json!({"opening_price": 2000 + round}),
        ];
        let patch = |body: &Value| send(hub.request(Method::PATCH, &path).bearer_auth(&seller.token).json(body));
        let [title, text, category, price] = changes.each_ref().map(patch);
        let (title, text, category, price) = tokio::join!(title, text, category, price);
        for answer in [title, text, category, price] {
            answer.is(200);
        }
        let now = read(&hub, &auction).await;
        for (name, value) in changes.iter().flat_map(|change| change.as_object().unwrap()) {
            assert_eq!(now[name], *value, "round {round}: {name}");
        }
    }
}

#[tokio::test]
async fn a_seller_cancels_an_auction_without_bids() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk()).await;
    let delete =
        |token: &str| send(hub.request(Method::DELETE, &format!("/api/auctions/{auction}")).bearer_auth(token));
    delete(&ada.token).await.is_problem(403, "forbidden");
    delete(&seller.token).await.is(204);
    assert_eq!(hub.get("/api/auctions?status=stopped").await.body["items"][0]["id"], json!(auction));
    delete(&seller.token).await.is_problem(409, "auction_stopped");
    bid(&hub, &ada, &auction, "k1", json!({"amount": 1000})).await.is_problem(409, "auction_stopped");
}

#[tokio::test]
async fn auctions_open_and_end_on_time_with_nobody_connected() {
    // Rooms leave memory at once, so that the sweeper has to bring them back.
    let hub = Hub::with(|settings| settings.room.idle_unload_s = 1).await;
    let seller = hub.sign_up("seller").await;
    let body = desk_with(json!({"starts_at": "2026-11-20T09:40:00.000Z"}));
    let auction = offer(&hub, &seller, body).await;
    let list = hub.get("/api/auctions").await.body;
    assert_eq!(list["items"][0]["status"], "scheduled");
    // Lists come from the database and load no room.
    let status_is = |status: &'static str| move |list: &Value| list["items"][0]["status"] == status;
    hub.clock.advance(Span::from_secs(600));
    eventually(&hub, "/api/auctions", status_is("open")).await;
    hub.clock.advance(Span::from_secs(3_000));
    let ended = eventually(&hub, "/api/auctions", status_is("ended")).await;
    assert_eq!((&ended["items"][0]["id"], &ended["items"][0]["outcome"]), (&json!(auction), &json!("unsold")));
    hub.stop().await;
}
