//! Invoices as those who bought and sold read them, and nobody else.

use bidhub::domain::auction::Funds;
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{World, on_both, person};
use crate::harness::{Answer, Hub, User, send};
use crate::market::{bid, desk, eventually, offer};

async fn page(hub: &Hub, token: &str, path: &str) -> Answer {
    send(hub.request(Method::GET, path).bearer_auth(token).header("Accept", "text/html,*/*;q=0.8")).await
}

/// One that Ben won from Ann, at 31.00, and one of 10.00 that Ann won.
async fn two_sales(world: &World) {
    let (ann, ben) = (person(1), person(2));
    let first = world.offer(Funds::Required, None).await;
    world.funded_bid(first, ann, 3_000).await;
    world.funded_bid(first, ben, 5_000).await;
    world.end(first).await;
    let second = world.offer(Funds::Required, None).await;
    world.funded_bid(second, ann, 2_000).await;
    world.end(second).await;
    world.project().await;
}

#[tokio::test]
async fn each_party_reads_its_own_side_and_strangers_nothing() {
    on_both(|world| async move {
        two_sales(&world).await;
        let (hub, users, _world) = world.hub().await;
        let [sella, ann, ben, cleo, sam] = &users[..] else { panic!("five people") };
        let list = hub.get_as(&ben.token, "/api/invoices").await;
        let item = list.is(200).body["items"][0].clone();
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
        let path = format!("/api/invoices/{}", item["id"].as_str().unwrap());
        let buyer = hub.get_as(&ben.token, &path).await.is(200).body.clone();
        assert_eq!(buyer, item);
        assert_eq!(buyer["buyer"], json!({"id": ben.id, "display_name": "Ben"}));
        assert_eq!(buyer["seller"], json!({"id": sella.id, "display_name": "Sella"}));
        assert_eq!((&buyer["status"], &buyer["number"]), (&json!("paid"), &json!(1)));
        assert_eq!((&buyer["at"], &buyer["paid_at"]), (&json!("2026-11-20T10:30:00.000Z"), &buyer["at"]));
        assert_eq!((&buyer["title"], &buyer["currency"]), (&json!("Walnut <b>desk</b> & chair"), &json!("USD")));
        let amounts = |body: &Value| {
            ["price", "premium", "total", "commission", "payout"].map(|name| body.get(name).and_then(Value::as_i64))
        };
        assert_eq!(amounts(&buyer), [Some(3_100), Some(310), Some(3_410), None, None]);
        let seller = hub.get_as(&sella.token, &path).await.is(200).body.clone();
        assert_eq!(amounts(&seller), [Some(3_100), None, None, Some(155), Some(2_945)]);
        let staff = hub.get_as(&sam.token, &path).await.is(200).body.clone();
        assert_eq!(amounts(&staff), [Some(3_100), Some(310), Some(3_410), Some(155), Some(2_945)]);
        for stranger in [ann, cleo] {
            hub.get_as(&stranger.token, &path).await.is_problem(404, "unknown_invoice");
            page(&hub, &stranger.token, &path).await.is_problem(404, "unknown_invoice");
        }
        hub.get(&path).await.is_problem(401, "unauthenticated");
        for nothing in ["01938b5e-0000-7000-8000-000000000000", "1"] {
            hub.get_as(&sam.token, &format!("/api/invoices/{nothing}")).await.is_problem(404, "unknown_invoice");
        }
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_to_print_shows_what_json_does_and_nothing_that_people_wrote_is_markup() {
    on_both(|world| async move {
        two_sales(&world).await;
        let (hub, users, _world) = world.hub().await;
        let id = hub.get_as(&users[2].token, "/api/invoices").await.body["items"][0]["id"].clone();
        let path = format!("/api/invoices/{}", id.as_str().unwrap());
        let answer = page(&hub, &users[2].token, &path).await;
        assert_eq!(answer.is(200).header("content-type"), "text/html; charset=utf-8");
        assert_eq!(
            (answer.header("vary").contains("accept"), answer.header("cache-control")),
            (true, "private, no-cache")
        );
        let buyer = answer.body.as_str().unwrap();
        for text in [
            "Invoice",
            "Walnut &#60;b&#62;desk&#60;/b&#62; &#38; chair",
            "31.00 USD",
            "3.10 USD",
            "34.10 USD",
            "Sella",
            "Ben",
            "20 November 2026",
        ] {
            assert!(buyer.contains(text), "{text}: {buyer}");
        }
        for text in ["Commission", "29.45", "<script", "style=", "<style", "http://1"] {
            assert!(!buyer.contains(text), "{text}: {buyer}");
        }
        let linked: Vec<_> = buyer.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(linked.len(), 2);
        for file in linked {
            hub.get(file).await.is(200);
        }
        assert!(
            answer.header("content-security-policy").starts_with("default-src 'self'"),
            "its style is a file of ours"
        );
        let asked = hub.get_as(&users[0].token, &format!("{path}?format=html")).await;
        let seller = asked.is(200).body.as_str().unwrap();
        assert!(seller.contains("29.45 USD") && seller.contains("−1.55 USD") && !seller.contains("34.10"), "{seller}");
        let staff = page(&hub, &users[4].token, &path).await;
        let staff = staff.is(200).body.as_str().unwrap();
        assert!(staff.contains("29.45 USD") && staff.contains("34.10 USD"), "{staff}");
        let json = send(
            hub.request(Method::GET, &format!("{path}?format=json"))
                .bearer_auth(&users[2].token)
                .header("Accept", "text/html"),
        )
        .await;
        assert_eq!(json.is(200).body["id"], id);
        hub.get_as(&users[2].token, &format!("{path}?format=pdf")).await.is_problem(422, "invalid_query");
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn lists_show_one_side_or_both_newest_first_and_others_only_to_staff() {
    on_both(|world| async move {
        two_sales(&world).await;
        let (hub, users, _world) = world.hub().await;
        let [sella, ann, ben, cleo, sam] = &users[..] else { panic!("five people") };
        let numbers = async |who: &User, query: &str| {
            let list = hub.get_as(&who.token, &format!("/api/invoices{query}")).await;
            list.is(200).body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["number"].as_i64().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(sella, "").await, [2, 1]);
        assert_eq!(numbers(sella, "?role=seller").await, [2, 1]);
        assert_eq!(numbers(sella, "?role=buyer").await, [0; 0]);
        assert_eq!(numbers(ann, "?role=buyer").await, [2]);
        assert_eq!(numbers(ann, "?role=seller").await, [0; 0]);
        assert_eq!(numbers(cleo, "").await, [0; 0]);
        assert_eq!(numbers(ben, &format!("?account={}", ben.id)).await, [1]);
        assert_eq!(numbers(sam, "").await, [0; 0]);
        assert_eq!(numbers(sam, &format!("?account={}", sella.id)).await, [2, 1]);
        let of_others = format!("/api/invoices?account={}", sella.id);
        hub.get_as(&ben.token, &of_others).await.is_problem(403, "forbidden");
        hub.get("/api/invoices").await.is_problem(401, "unauthenticated");
        for wrong in ["?role=staff", "?account=me", "?cursor=x"] {
            hub.get_as(&ben.token, &format!("/api/invoices{wrong}")).await.is_problem(422, "invalid_query");
        }
        let first = hub.get_as(&sella.token, "/api/invoices?limit=1&fields=number,items,next").await.body;
        let next = first["next"].as_str().unwrap();
        assert_eq!(numbers(sella, &format!("?limit=1&cursor={next}")).await, [1]);
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_sale_without_money_set_aside_is_billed_by_the_hub_itself() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk()).await;
    bid(&hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    hub.clock.advance(bidhub::domain::Span::from_secs(3_700));
    eventually(&hub, "/api/auctions?status=ended", |body| body["items"][0]["outcome"] == "sold").await;
    let mut list = hub.get_as(&ada.token, "/api/invoices").await.body;
    for _ in 0..200 {
        if list["items"][0].is_object() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        list = hub.get_as(&ada.token, "/api/invoices").await.body;
    }
    let invoice = &list["items"][0];
    assert_eq!((&invoice["status"], &invoice["paid_at"]), (&json!("outside"), &Value::Null), "{list}");
    assert_eq!(
        (&invoice["price"], &invoice["total"], &invoice["auction"]),
        (&json!(1000), &json!(1000), &json!(auction))
    );
    let path = format!("/api/invoices/{}?format=html", invoice["id"].as_str().unwrap());
    let html = hub.get_as(&seller.token, &path).await;
    assert!(html.is(200).body.as_str().unwrap().contains("Paid between buyer and seller"), "{html:?}");
    hub.stop().await;
}
