//! Whose an image is: who may show it, see it among their own, and have it gone.

use bidhub::domain::Span;
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use super::{desk_for_now, picture, upload};
use crate::harness::{Answer, Hub, User, send};
use crate::market::{moderator, offer};
use crate::stories::stories;

async fn uploaded(hub: &Hub, who: &User, shade: u8) -> String {
    let made = upload(hub, who, picture(shade, 50, 40, ImageFormat::Png)).await;
    made.is(201).body["url"].as_str().unwrap().to_owned()
}

async fn delete(hub: &Hub, who: &User, path: &str) -> Answer {
    send(hub.request(Method::DELETE, path).bearer_auth(&who.token)).await
}

async fn offered(hub: &Hub, who: &User, image: &str) -> Answer {
    hub.post_as(&who.token, "/api/auctions", desk_for_now(hub, json!({"image_url": image}))).await
}

async fn an_auction_shows_images_of_its_seller_alone(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("whose-ada").await, hub.sign_up("whose-ben").await);
    let url = uploaded(hub, &ada, 1).await;
    for image in [url.clone(), format!("{url}/thumbnail"), hub.url(&url)] {
        let answer = offered(hub, &ben, &image).await;
        assert_eq!(answer.is_problem(422, "unknown_image").body["field"], "image_url", "{image}");
    }
    let auction = offer(hub, &ben, desk_for_now(hub, json!({}))).await;
    let patch = hub.request(Method::PATCH, &format!("/api/auctions/{auction}")).bearer_auth(&ben.token);
    send(patch.json(&json!({"image_url": url}))).await.is_problem(422, "unknown_image");
    offered(hub, &ada, &url).await.is(201);
}

async fn an_image_under_another_address_of_the_hub_is_the_same(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("alias-ada").await, hub.sign_up("alias-ben").await);
    let url = uploaded(hub, &ada, 2).await;
    let port = hub.address.port();
    let unknown = "/api/images/01938b5e-0000-7000-8000-000000000000";
    for before in [
        format!("http://2130706433:{port}"),
        format!("http://localhost:{port}"),
        format!("http://LOCALHOST:{port}/x/.."),
        format!("http://someone@127.0.0.1:{port}/."),
        "https://bid.example".to_owned(),
        "/x/..".to_owned(),
    ] {
        assert_eq!(offered(hub, &ada, &format!("{before}{url}")).await.is(201).body["image_url"], url, "{before}");
        let thumbnail = format!("{url}/thumbnail");
        assert_eq!(offered(hub, &ada, &format!("{before}{thumbnail}")).await.is(201).body["image_url"], thumbnail);
        offered(hub, &ben, &format!("{before}{url}")).await.is_problem(422, "unknown_image");
    }
    for before in [format!("http://2130706433:{port}"), format!("http://127.0.0.1:{port}/x/.."), "/x/..".to_owned()] {
        offered(hub, &ada, &format!("{before}{unknown}")).await.is_problem(422, "unknown_image");
    }
    // Elsewhere there may be images of that name, which are none of ours.
    let other = format!("https://bid.example{unknown}");
    assert_eq!(offered(hub, &ada, &other).await.is(201).body["image_url"], other);
}

async fn owners_delete_what_no_auction_needs(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("delete-ada").await, hub.sign_up("delete-ben").await);
    let (shown, spare) = (uploaded(hub, &ada, 3).await, uploaded(hub, &ada, 4).await);
    let auction = offered(hub, &ada, &format!("{shown}/thumbnail")).await.is(201).body["id"].clone();
    let auction = format!("/api/auctions/{}", auction.as_str().unwrap());
    send(hub.request(Method::DELETE, &spare)).await.is_problem(401, "unauthenticated");
    delete(hub, &ben, &spare).await.is_problem(403, "forbidden");
    delete(hub, &ben, "/api/images/x").await.is_problem(404, "unknown_image");
    hub.get(&spare).await.is(200);
    delete(hub, &ada, &spare).await.is(204);
    for path in [&spare, &format!("{spare}/thumbnail")] {
        hub.get(path).await.is_problem(404, "unknown_image");
    }
    delete(hub, &ada, &spare).await.is_problem(404, "unknown_image");
    offered(hub, &ada, &spare).await.is_problem(422, "unknown_image");

    delete(hub, &ada, &shown).await.is_problem(409, "in_use");
    hub.get(&shown).await.is(200);
    hub.clock.advance(Span::from_secs(3_700));
    let begun = std::time::Instant::now();
    let deleted = loop {
        let answer = delete(hub, &ada, &shown).await;
        // An hour that passes at once leaves projections behind for a moment.
        let soon = answer.body["code"] == "in_use" || answer.status == 503;
        if !soon || begun.elapsed().as_secs() > 15 {
            break answer;
        }
    };
    deleted.is(204);
    hub.get(&format!("{shown}/thumbnail")).await.is_problem(404, "unknown_image");
    // The auction is as its log says; what it names is gone.
    assert_eq!(hub.get(&auction).await.is(200).body["image_url"], format!("{shown}/thumbnail"));
}

async fn an_image_just_named_is_in_use_before_its_auction_is_seen(hub: &Hub) {
    let ada = hub.sign_up("named-ada").await;
    let url = uploaded(hub, &ada, 6).await;
    let auction = offered(hub, &ada, &url).await.is(201).body["id"].clone();
    let path = format!("/api/auctions/{}", auction.as_str().unwrap());
    send(hub.request(Method::DELETE, &path).bearer_auth(&ada.token)).await.is(204);
    delete(hub, &ada, &url).await.is_problem(409, "in_use");
    hub.clock.advance(Span::from_secs(61));
    delete(hub, &ada, &url).await.is(204);
}

async fn everyone_sees_their_own_images(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("mine-ada").await, hub.sign_up("mine-ben").await);
    assert_eq!(hub.get_as(&ada.token, "/api/me/images").await.is(200).body, json!({"items": [], "next": null}));
    hub.get("/api/me/images").await.is_problem(401, "unauthenticated");
    let mut urls = Vec::new();
    for shade in 10..13 {
        urls.push(uploaded(hub, &ada, shade).await);
        hub.clock.advance(Span::from_secs(1));
    }
    uploaded(hub, &ben, 10).await;
    let auction = offered(hub, &ada, &format!("{}/thumbnail", urls[1])).await.is(201).body["id"].clone();
    let page = async |query: &str| hub.get_as(&ada.token, &format!("/api/me/images{query}")).await.is(200).body.clone();
    let first = page("?limit=2").await;
    let next = first["next"].as_str().expect("there is more");
    let last = page(&format!("?limit=2&cursor={next}")).await;
    let items: Vec<&Value> =
        [&first, &last].iter().flat_map(|page| page["items"].as_array().unwrap()).collect::<Vec<_>>();
    assert_eq!(last["next"], Value::Null);
    let seen: Vec<_> = items.iter().map(|item| item["url"].as_str().unwrap()).collect();
    assert_eq!(seen, [&urls[2], &urls[1], &urls[0]]);
    assert_eq!((&items[1]["auction"], &items[1]["in_use"]), (&auction, &json!(true)));
    for item in [items[0], items[2]] {
        assert_eq!((&item["auction"], &item["in_use"]), (&Value::Null, &json!(false)));
    }
    let made = upload(hub, &ada, picture(10, 50, 40, ImageFormat::Png)).await.is(200).body.clone();
    for name in ["id", "url", "thumbnail_url", "content_type", "width", "height", "bytes", "created_at"] {
        assert_eq!(items[2][name], made[name], "{name}");
    }
    hub.get_as(&ada.token, "/api/me/images?limit=0").await.is_problem(422, "invalid_query");
    hub.get_as(&ada.token, "/api/me/images?page=2").await.is(422);
}

async fn staff_takes_images_down_and_says_why(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("down-ada").await, moderator(hub, "down-sam", "staff").await);
    let url = uploaded(hub, &ada, 14).await;
    offered(hub, &ada, &url).await.is(201);
    let path = format!("/api/staff/images/{}/remove", url.rsplit('/').next().unwrap());
    let because = |reason: &str| json!({"reason": reason});
    delete(hub, &sam, &url).await.is_problem(403, "forbidden");
    hub.post_as(&ada.token, &path, because("mine")).await.is_problem(403, "forbidden");
    hub.post_as(&sam.token, &path, json!({})).await.is_problem(422, "missing_field");
    for wrong in ["", " ", "\0", &"x".repeat(501)] {
        hub.post_as(&sam.token, &path, because(wrong)).await.is_problem(422, "invalid_reason");
    }
    hub.get(&url).await.is(200);
    hub.post_as(&sam.token, &path, because("shows somebody's passport")).await.is(204);
    hub.get(&url).await.is_problem(404, "unknown_image");
    hub.post_as(&sam.token, &path, because("again")).await.is_problem(404, "unknown_image");
    hub.post_as(&sam.token, "/api/staff/images/x/remove", because("again")).await.is_problem(404, "unknown_image");
    let trail = hub.get_as(&sam.token, "/api/staff/audit").await.is(200).body["items"].clone();
    let of_it = |item: &&Value| item["target"] == url.rsplit('/').next().unwrap();
    let deeds: Vec<&Value> = trail.as_array().unwrap().iter().filter(of_it).collect();
    assert_eq!(deeds.len(), 1, "{trail}");
    let said = [&deeds[0]["action"], &deeds[0]["target_kind"], &deeds[0]["reason"], &deeds[0]["actor"]];
    assert_eq!(said, [&json!("remove_image"), &json!("image"), &json!("shows somebody's passport"), &json!(sam.id)]);
    assert!(deeds[0]["request_id"].is_string());
}

stories! {
    an_auction_shows_images_of_its_seller_alone
    an_image_under_another_address_of_the_hub_is_the_same
    owners_delete_what_no_auction_needs
    an_image_just_named_is_in_use_before_its_auction_is_seen
    everyone_sees_their_own_images
    staff_takes_images_down_and_says_why
}
