//! What is kept of answers, by the hub and by who got them: never too long, and never what is the caller's own.

use std::collections::HashMap;

use bidhub::config::Switch;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{bid, desk, desk_with, eventually, offer, read};
use crate::postgres::server;

/// How often the cache was asked, by kind and outcome, over all hubs of this process.
async fn asked(hub: &Hub) -> HashMap<String, u64> {
    let text = hub.get("/metrics").await.body.as_str().unwrap().to_owned();
    let lines = text.lines().filter(|line| line.starts_with("bidhub_cache_requests_total{"));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

async fn hits(hub: &Hub, kind: &str) -> u64 {
    let name = format!("bidhub_cache_requests_total{{kind=\"{kind}\",outcome=\"hit\"}}");
    asked(hub).await.get(&name).copied().unwrap_or(0)
}

async fn comment(hub: &Hub, author: &User, auction: &str, body: &str) -> String {
    let answer = hub.post_as(&author.token, "/api/comments", json!({"auction": auction, "body": body})).await;
    answer.is(201).body["id"].as_str().unwrap().to_owned()
}

async fn again(hub: &Hub, path: &str, tag: &str) -> Answer {
    send(hub.request(Method::GET, path).header("if-none-match", tag)).await
}

/// What changes shows at once to who changed it, and soon to everyone, whatever was read before.
async fn changes_show(hub: &Hub) {
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(hub, &seller, desk()).await;
    let (path, list, comments) =
        (format!("/api/auctions/{auction}"), "/api/auctions?sort=price", format!("/api/comments/{auction}"));
    let search = "/api/search?q=desk&price_min=1000";
    // It opens by itself; until then the first answers may differ.
    eventually(hub, &path, |body| body["status"] == "open").await;
    eventually(hub, list, |body| body["items"][0]["status"] == "open").await;
    eventually(hub, search, |body| body["items"][0]["status"] == "open").await;
    let counted = [hits(hub, "auctions").await, hits(hub, "auction").await, hits(hub, "comments").await];
    for path in [&path, list, &comments] {
        let first = hub.get(path).await;
        for _ in 0..3 {
            let mut next = hub.get(path).await.is(200).body.clone();
            // The time of the answer is its own.
            if next["state"].is_object() {
                next["state"]["server_time"] = first.body["state"]["server_time"].clone();
            }
            assert_eq!(next, first.body, "{path}");
        }
    }
    for (kind, before) in ["auctions", "auction", "comments"].into_iter().zip(counted) {
        assert!(hits(hub, kind).await >= before + 2, "{kind} comes from the cache");
    }

    let crowd = async || {
        let before = hits(hub, "search").await;
        for answer in futures_util::future::join_all((0..10).map(|_| hub.get(search))).await {
            answer.is(200);
        }
        hits(hub, "search").await > before
    };
    assert!(crowd().await || crowd().await || crowd().await, "searches come from the cache, if only for a moment");

    let patch = hub.request(Method::PATCH, &path).bearer_auth(&seller.token).json(&json!({"title": "Oak desk"}));
    assert_eq!(send(patch).await.is(200).body["title"], "Oak desk");
    assert_eq!(read(hub, &auction).await["title"], "Oak desk");
    assert_eq!(hub.get(list).await.body["items"][0]["title"], "Oak desk");
    eventually(hub, search, |body| body["items"][0]["title"] == "Oak desk").await;

    let second = offer(hub, &seller, desk_with(json!({"title": "Chair", "opening_price": 5}))).await;
    assert_eq!(hub.get(list).await.body["items"][0]["id"], second, "a new auction is in the list at once");

    bid(hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    assert_eq!(read(hub, &auction).await["state"]["bid_count"], 1, "the page is live");
    eventually(hub, list, |body| body["items"][1]["bid_count"] == 1).await;
    eventually(hub, search, |body| body["items"][0]["bid_count"] == 1).await;

    assert_eq!(hub.get(&comments).await.body["total"], 0);
    let first = comment(hub, &ada, &auction, "How old is it?").await;
    for limit in ["", "?limit=1"] {
        let page = hub.get(&format!("{comments}{limit}")).await;
        assert_eq!((&page.body["total"], &page.body["items"][0]["mine"]), (&json!(1), &json!(false)));
        let own = hub.get_as(&ada.token, &format!("{comments}{limit}")).await;
        assert_eq!(own.body["items"][0]["mine"], true, "whose it is, is never kept");
        let page = hub.get_as(&seller.token, &format!("{comments}{limit}")).await;
        assert_eq!(page.body["items"][0]["mine"], false);
        assert!(!page.body.to_string().contains(&ada.id), "nor shown");
    }
    send(hub.request(Method::DELETE, &format!("/api/comments/{first}")).bearer_auth(&ada.token)).await.is(204);
    let page = hub.get(&comments).await;
    assert_eq!((&page.body["total"], &page.body["items"][0]["body"]), (&json!(0), &Value::Null));

    send(hub.request(Method::DELETE, &format!("/api/auctions/{second}")).bearer_auth(&seller.token)).await.is(204);
    assert_eq!(hub.get(list).await.body["items"][0]["status"], "stopped");
    hub.get("/api/auctions/01938b5e-0000-7000-8000-000000000001").await.is_problem(404, "unknown_auction");
    hub.get("/api/comments/01938b5e-0000-7000-8000-000000000001").await.is_problem(404, "unknown_auction");
}

#[tokio::test]
async fn what_changes_shows_though_it_was_kept() {
    changes_show(&Hub::start().await).await;
}

#[tokio::test]
async fn what_changes_shows_though_it_was_kept_on_postgresql() {
    let Some(server) = server::Server::start().await else { return };
    changes_show(&Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await).await;
}

#[tokio::test]
async fn a_hub_without_a_cache_gives_the_same() {
    let hub = Hub::with(|settings| settings.cache.cache = Switch::Off).await;
    let seller = hub.sign_up("seller").await;
    let auction = offer(&hub, &seller, desk()).await;
    comment(&hub, &seller, &auction, "As new.").await;
    assert_eq!(hub.get("/api/auctions").await.body["items"][0]["id"], auction);
    assert_eq!(hub.get(&format!("/api/comments/{auction}")).await.body["total"], 1);
    eventually(&hub, "/api/search?q=new", |body| body["total"]["count"] == 1).await;
    assert_eq!(read(&hub, &auction).await["title"], "Walnut desk");
}

#[tokio::test]
async fn who_has_an_answer_already_is_told_so_in_a_few_bytes() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk()).await;
    bid(&hub, &ada, &auction, "a", json!({"max": 3000})).await.is(201);
    comment(&hub, &seller, &auction, "As new.").await;
    eventually(&hub, "/api/auctions", |body| body["items"][0]["bid_count"] == 1).await;
    eventually(&hub, "/api/search?q=desk&kind=auction", |body| body["items"][0]["bid_count"] == 1).await;
    eventually(&hub, "/api/activity", |body| body["items"][0]["kind"] == "bid").await;
    let below = |rest: &str| format!("/api/auctions/{auction}/{rest}");
    let comments = format!("/api/comments/{auction}");
    for (path, vary) in [
        ("/api/auctions?limit=3", "accept-encoding"),
        ("/api/search?q=desk&kind=auction", "accept-encoding"),
        ("/api/activity", "accept-encoding"),
        (&below("activity"), "accept-encoding"),
        ("/api/openapi.json", "accept-encoding"),
        ("/api/asyncapi.json", "accept-encoding"),
        (&below("bids"), "accept-encoding"),
        (&below("events"), "authorization, cookie, accept-encoding"),
        (&comments, "authorization, cookie, accept-encoding"),
    ] {
        let first = hub.get(path).await;
        first.is(200);
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && tag.len() > 30, "{path}: {tag:?}");
        assert_eq!((first.header("cache-control"), first.header("vary")), ("no-cache", vary), "{path}");
        for known in [tag.clone(), tag.replace("W/", ""), format!("\"other\", {tag}"), "*".to_owned()] {
            let same = again(&hub, path, &known).await;
            assert_eq!(same.is(304).body, "", "{path} {known}");
            // What RFC 9110, 15.4.5 asks for.
            for name in ["etag", "cache-control", "vary"] {
                assert_eq!(same.header(name), first.header(name), "{path} {name}");
            }
            assert!(!same.header("date").is_empty());
            assert_eq!((same.header("content-type"), same.header("content-length")), ("", ""), "{path}");
        }
        again(&hub, path, "\"other\"").await.is(200);
        let two = hub.request(Method::GET, path).header("if-none-match", "\"other\"").header("if-none-match", &tag);
        send(two).await.is(304);
        let packed = hub.request(Method::GET, path).header("accept-encoding", "gzip").header("if-none-match", &tag);
        send(packed).await.is(304);
    }
    let picked = hub.get("/api/auctions?limit=3&fields=id").await;
    assert_eq!(picked.body["items"], json!([{"id": auction}]));
    assert_ne!(picked.header("etag"), hub.get("/api/auctions?limit=3").await.header("etag"));
    again(&hub, "/api/auctions?limit=3&fields=id", picked.header("etag")).await.is(304);

    let before = hub.get(&comments).await.header("etag").to_owned();
    comment(&hub, &ada, &auction, "How old is it?").await;
    let changed = again(&hub, &comments, &before).await;
    assert_eq!(changed.is(200).body["total"], 2, "what has changed is sent");
}

#[tokio::test]
async fn what_is_the_callers_own_has_no_tag_and_neither_has_a_problem() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk()).await;
    comment(&hub, &ada, &auction, "How old is it?").await;
    let (page, comments) = (format!("/api/auctions/{auction}"), format!("/api/comments/{auction}"));
    for path in ["/api/me", "/api/wallet", "/api/notifications", &page, &comments] {
        let own = send(hub.request(Method::GET, path).bearer_auth(&ada.token).header("if-none-match", "*")).await;
        own.is(200);
        assert_eq!(own.header("etag"), "", "{path}");
        assert!(["private, no-cache", "no-store"].contains(&own.header("cache-control")), "{path}");
    }
    let live = again(&hub, &page, "*").await;
    assert_eq!((live.is(200).header("etag"), live.header("cache-control")), ("", "no-store"), "its state is of now");
    for (path, status) in [("/api/nothing", 404), ("/api/auctions?status=none", 422), ("/api/me", 401)] {
        let problem = again(&hub, path, "*").await;
        assert_eq!((problem.is(status).header("etag"), problem.header("cache-control")), ("", "no-store"), "{path}");
    }
    let log = again(&hub, &format!("{page}/log"), "*").await;
    assert_eq!(log.is(200).header("etag"), "", "what is sent as it comes");
}

#[tokio::test]
async fn fields_are_picked_and_one_that_is_nowhere_is_refused_by_its_name() {
    let hub = Hub::start().await;
    let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
    let auction = offer(&hub, &seller, desk()).await;
    comment(&hub, &ada, &auction, "How old is it?").await;
    eventually(&hub, "/api/search?kind=comment", |body| body["total"]["count"] == 1).await;
    let (page, comments) = (format!("/api/auctions/{auction}"), format!("/api/comments/{auction}"));
    let items = |picked: Value| json!([picked]);
    for (path, fields, place, expected) in [
        (&*page, "title,ack", "", json!({"title": "Walnut desk", "ack": "redis"})),
        (&page, "title%2Cstate", "/title", json!("Walnut desk")),
        ("/api/auctions", "id,outcome", "/items", items(json!({"id": auction, "outcome": null}))),
        ("/api/search", "kind,body", "/items/1", json!({"kind": "auction", "body": null})),
        (&comments, "author,first_replies", "/items", items(json!({"author": "ada", "first_replies": []}))),
        // What the list itself has is always there, and may be named.
        ("/api/auctions", "id,next", "/next", Value::Null),
        ("/api/search", "kind,facets", "/items/0", json!({"kind": "comment"})),
        // Members that this answer does not have, but another has.
        (&comments, "deleted_by", "/items", items(json!({}))),
    ] {
        let picked = hub.get(&format!("{path}?fields={fields}")).await;
        assert_eq!(picked.is(200).body.pointer(place), Some(&expected), "{path} {fields}");
    }
    for (path, fields, unknown) in [
        (&*page, "title,colour", "colour"),
        (&page, "next", "next"),
        ("/api/auctions", "Title", "Title"),
        ("/api/search", "kind,colour", "colour"),
        (&comments, "id,account", "account"),
        ("/api/activity", "colour", "colour"),
        ("/api/time", "colour", "colour"),
    ] {
        let refused = hub.get(&format!("{path}?fields={fields}")).await;
        assert_eq!(refused.is_problem(422, "unknown_field").body["field"], unknown, "{path} {fields}");
        assert_eq!(refused.header("etag"), "");
    }
    let own = hub.get_as(&ada.token, "/api/me?fields=colour").await;
    own.is_problem(422, "unknown_field");
    hub.get("/api/me?fields=colour").await.is_problem(401, "unauthenticated");
    hub.get("/api/auctions?fields=id&colour=red").await.is_problem(422, "unknown_field");
    let api = hub.get("/api/openapi.json").await.body;
    for (path, item) in api["paths"].as_object().unwrap() {
        if !item["get"]["responses"]["200"]["content"]["application/json"].is_null() {
            let said = item["get"]["responses"]["422"]["description"].as_str().unwrap_or_default();
            assert!(said.contains("`unknown_field`"), "{path} {said:?}");
        }
    }
}
