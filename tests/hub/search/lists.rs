//! Filters, facets, pages, and what changes: auctions that go on, comments that come and go.

use bidhub::domain::Span;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CHAIR, LAMP, TABLE, WALNUT, found, indexed, lot, on_both, shop, titles_of};
use crate::harness::{Hub, User, send};
use crate::market::{bid, desk_with, eventually, moderator, offer};

#[tokio::test]
async fn filters_narrow_and_facets_count() {
    on_both(|hub| async move {
        let (seller, other, ada) = (hub.sign_up("seller").await, hub.sign_up("other").await, hub.sign_up("ada").await);
        let ids = shop(&hub, &seller).await;
        let planned = desk_with(json!({
            "title": "Walnut box", "category": "Boxes", "opening_price": 50,
            "starts_at": "2026-11-20T10:00:00.000Z", "ends_at": "2026-11-20T11:00:00.000Z",
        }));
        offer(&hub, &other, planned).await;
        bid(&hub, &ada, &ids[0], "a", json!({"amount": 7_000})).await.is(201);
        eventually(&hub, "/api/search?q=box", |body| body["total"]["count"] == 1).await;
        eventually(&hub, "/api/search?price_min=7000", |body| body["total"]["count"] == 1).await;
        let boxes = "Walnut box";
        for (filters, expected) in [
            (&[("category", "Furniture")][..], &[TABLE, CHAIR, WALNUT][..]),
            (&[("category", "furniture")], &[]),
            (&[("category", "Furniture"), ("q", "walnut")], &[WALNUT, CHAIR]),
            (&[("status", "scheduled")], &[boxes]),
            (&[("status", "open"), ("q", "walnut")], &[WALNUT, CHAIR, LAMP]),
            (&[("author", other.id.as_str())], &[boxes]),
            (&[("author", ada.id.as_str())], &[]),
            (&[("price_min", "7000"), ("price_max", "7000"), ("q", "desk")], &[WALNUT]),
            (&[("price_max", "999")], &[boxes]),
            (&[("price_min", "1001"), ("q", "walnut")], &[WALNUT]),
            (&[("from", "2026-11-20T09:34:00.000Z")], &[boxes, TABLE]),
            (&[("from", "2026-11-20T09:31:00.000Z"), ("to", "2026-11-20T09:33:00.000Z")], &[CHAIR, LAMP]),
            (&[("to", "2026-11-20T09:31:00.000Z"), ("q", "desk")], &[WALNUT]),
            (&[("kind", "auction"), ("q", "box")], &[boxes]),
            (&[("kind", "comment")], &[]),
        ] {
            let body = found(&hub, filters).await;
            assert_eq!(titles_of(&body), expected, "{filters:?}: {body}");
        }
        let facets = found(&hub, &[("q", "walnut")]).await["facets"].clone();
        assert_eq!(facets["kind"], json!([{"value": "auction", "count": 4}]));
        assert_eq!(facets["status"], json!([{"value": "open", "count": 3}, {"value": "scheduled", "count": 1}]));
        let categories = [("Furniture", 2), ("Boxes", 1), ("Lighting", 1)];
        assert_eq!(facets["category"], json!(categories.map(|(value, count)| json!({"value": value, "count": count}))));
        // The answer is shaped as every other.
        let picked = found(&hub, &[("q", "box"), ("fields", "title")]).await;
        assert_eq!(picked["items"], json!([{"title": "Walnut box"}]));
        hub
    })
    .await;
}

#[tokio::test]
async fn pages_join_without_gap_or_repeat_while_more_comes_in() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        for number in 0..25 {
            let title = ["Old stamp", "Stamp album", "Letters"][number % 3];
            lot(&hub, &seller, &format!("{title} {number}"), "Paper", "With one stamp on it.").await;
        }
        indexed(&hub, 25).await;
        for query in ["stamp", "", "-album", "stapm"] {
            let all = found(&hub, &[("q", query), ("limit", "200")]).await;
            let mut seen: Vec<String> = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let mut asked = vec![("q", query), ("limit", "4")];
                asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
                let page = found(&hub, &asked).await;
                assert_eq!(page["facets"].is_null(), cursor.is_some());
                assert_eq!(page["total"].is_null(), cursor.is_some());
                seen.extend(titles_of(&page).into_iter().map(str::to_owned));
                // What is new belongs to no list that was begun before.
                let more = found(&hub, &[]).await["total"]["count"].as_u64().unwrap() as usize + 1;
                lot(&hub, &seller, "New stamp", "Stamps", "A stamp.").await;
                indexed(&hub, more).await;
                cursor = page["next"].as_str().map(str::to_owned);
                if cursor.is_none() {
                    break;
                }
            }
            let expected = titles_of(&all);
            assert_eq!(seen, expected, "{query}");
            assert!(seen.len() >= 16, "{query}: {seen:?}");
        }
        hub
    })
    .await;
}

#[tokio::test]
async fn what_was_meant_on_the_first_page_is_meant_on_all() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        for number in 0..6 {
            lot(&hub, &seller, &format!("Stamp {number}"), "Paper", "").await;
        }
        indexed(&hub, 6).await;
        let first = found(&hub, &[("q", "stanp"), ("limit", "2")]).await;
        assert_eq!(titles_of(&first), ["Stamp 5", "Stamp 4"]);
        // By now the word that was typed is the more common one, and another near it is there too.
        for number in 0..7 {
            lot(&hub, &seller, &format!("Stanp {number} stand"), "Paper", "").await;
        }
        indexed(&hub, 13).await;
        let cursor = first["next"].as_str().unwrap();
        let second = found(&hub, &[("q", "stanp"), ("limit", "200"), ("cursor", cursor)]).await;
        assert_eq!(titles_of(&second), ["Stamp 3", "Stamp 2", "Stamp 1", "Stamp 0"]);
        assert_eq!(second["corrections"], json!([{"word": "stanp", "to": ["stamp"]}]));
        assert_eq!(titles_of(&found(&hub, &[("q", "stanp")]).await).len(), 7);
        hub
    })
    .await;
}

#[tokio::test]
async fn what_is_changed_or_ends_is_found_as_it_is_now() {
    on_both(|hub| async move {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let id = lot(&hub, &seller, "Mahogany sideboard", "Furniture", "A veneered piece.").await;
        indexed(&hub, 1).await;
        let path = format!("/api/auctions/{id}");
        let patch =
            json!({"title": "Walnut sideboard", "category": "Cabinets", "description": "Solid.", "opening_price": 400});
        send(hub.request(Method::PATCH, &path).bearer_auth(&seller.token).json(&patch)).await.is(200);
        eventually(&hub, "/api/search?q=walnut", |body| body["total"]["count"] == 1).await;
        for (query, count) in
            [("mahogany", 0), ("veneered", 0), ("furniture", 0), ("solid", 1), ("cabinets", 1), ("sideboard", 1)]
        {
            assert_eq!(found(&hub, &[("q", query)]).await["total"]["count"], count, "{query}");
        }
        // A word that is gone is not offered any more.
        assert_eq!(found(&hub, &[("q", "mahogony")]).await["corrections"], json!([]));
        assert_eq!(found(&hub, &[("price_max", "400")]).await["total"]["count"], 1);
        bid(&hub, &ada, &id, "a", json!({"amount": 1_500})).await.is(201);
        eventually(&hub, "/api/search?price_min=1500", |body| body["total"]["count"] == 1).await;
        hub.clock.advance(Span::from_secs(3_700));
        eventually(&hub, "/api/search?status=ended&q=walnut", |body| body["total"]["count"] == 1).await;
        assert_eq!(found(&hub, &[("status", "open")]).await["total"]["count"], 0);
        let sam = moderator(&hub, "sam", "staff").await;
        let ends_at = json!({"title": "Oak sideboard", "ends_at": "2026-11-20T12:30:00.000Z"});
        let other = offer(&hub, &seller, desk_with(ends_at)).await;
        let stop = format!("/api/staff/auctions/{other}/stop");
        hub.post_as(&sam.token, &stop, json!({"reason": "not oak"})).await.is(200);
        eventually(&hub, "/api/search?status=stopped&q=oak", |body| body["total"]["count"] == 1).await;
        hub
    })
    .await;
}

/// Writes a comment and gives its id.
pub(super) async fn say(hub: &Hub, user: &User, auction: &str, body: &str) -> String {
    let answer = hub.post_as(&user.token, "/api/comments", json!({"auction": auction, "body": body})).await;
    answer.is(201);
    answer.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn comments_are_found_beside_auctions_and_no_more_once_they_are_deleted() {
    on_both(|hub| async move {
        let (seller, ada, ben) = (hub.sign_up("seller").await, hub.sign_up("ada").await, hub.sign_up("ben").await);
        let desk = lot(&hub, &seller, WALNUT, "Furniture", "").await;
        indexed(&hub, 1).await;
        let asked = say(&hub, &ada, &desk, "Is the <i>Walnut</i> veneer original?").await;
        let answered = say(&hub, &ben, &desk, "The veneer is, the handles are not.").await;
        eventually(&hub, "/api/search?kind=comment", |body| body["total"]["count"] == 2).await;
        let body = found(&hub, &[("q", "walnut")]).await;
        let ids: Vec<&str> = body["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [&desk, &asked], "a title counts more than a comment: {body}");
        let kinds = json!([{"value": "auction", "count": 1}, {"value": "comment", "count": 1}]);
        assert_eq!(body["facets"]["kind"], kinds);
        let item = &body["items"][1];
        assert_eq!(
            (&item["kind"], &item["auction"], &item["title"]),
            (&json!("comment"), &json!(desk), &json!(WALNUT))
        );
        assert_eq!((&item["author"], &item["author_name"]), (&Value::Null, &json!("ada")), "known by name alone");
        assert_eq!(item["body"], "Is the <i>Walnut</i> veneer original?");
        let pieces = json!([
            {"text": "Is the <i>", "match": false}, {"text": "Walnut", "match": true},
            {"text": "</i> veneer original?", "match": false},
        ]);
        assert_eq!(item["highlights"], json!([{"field": "body", "fragments": pieces}]));
        for (filters, expected) in [
            (&[("q", "veneer")][..], &[&answered, &asked][..]),
            (&[("q", "\"veneer is\"")], &[&answered]),
            (&[("q", "veneer -walnut")], &[&answered]),
            (&[("q", "veneer"), ("kind", "auction")], &[]),
            (&[("q", "walnut"), ("kind", "comment")], &[&asked]),
            (&[("author", &ben.id)], &[&answered]),
            // These are of auctions.
            (&[("q", "walnut"), ("category", "Furniture")], &[&desk]),
            (&[("q", "walnut"), ("status", "open")], &[&desk]),
            (&[("q", "walnut"), ("price_min", "0")], &[&desk]),
        ] {
            let body = found(&hub, filters).await;
            let ids: Vec<&str> =
                body["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
            assert_eq!(ids, expected, "{filters:?}");
        }
        let path = format!("/api/comments/{asked}");
        send(hub.request(Method::DELETE, &path).bearer_auth(&ada.token)).await.is(204);
        assert_eq!(titles_of(&found(&hub, &[("q", "original")]).await), Vec::<&str>::new(), "at once");
        eventually(&hub, "/api/search?kind=comment", |body| body["total"]["count"] == 1).await;
        assert_eq!(found(&hub, &[("q", "original")]).await["total"]["count"], 0);
        hub
    })
    .await;
}
