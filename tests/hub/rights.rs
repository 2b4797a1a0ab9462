//! Who may call what: every endpoint for everyone, as the table says, and no endpoint that the table forgets.

mod examples;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bidhub::config::Settings;
use bidhub::domain::Span;
use examples::Examples;
use reqwest::Method;
use serde_json::{Value, json};
use table::{Call, TABLE};

use crate::harness::{Answer, Hub, PASSWORD, User, send};
use crate::images::{tiny_picture, upload};
use crate::market::{bid, desk_with, moderator, offer};
use crate::postgres::server::Server;
use crate::socket_client::PATIENCE;

const NOBODY: &str = "01938b5e-0000-7000-8000-000000000000";
const LATER: &str = "2026-11-20T20:00:00.000Z";
const BECAUSE: &str = "looked into";

/// Everyone, and the things that calls are about. What a call may use up is made anew for each.
struct World<'a> {
    hub: &'a Hub,
    people: BTreeMap<&'static str, User>,
    /// Words in braces that stand for one and the same thing throughout.
    lasting: BTreeMap<&'static str, String>,
    made: usize,
}

impl<'a> World<'a> {
    async fn new(hub: &'a Hub) -> World<'a> {
        let mut people = BTreeMap::new();
        for name in ["sella", "ann", "ben", "bad", "cold"] {
            people.insert(name, hub.sign_up(name).await);
        }
        people.insert("sam", moderator(hub, "sam", "staff").await);
        let mut world = World { hub, people, lasting: BTreeMap::new(), made: 0 };
        for name in ["sella", "ann", "ben", "bad", "cold", "sam"] {
            let paid = world.keyed(name, "/api/wallet/deposits", json!({"amount": 50_000})).await;
            if name == "ann" {
                world.lasting.insert("payment", text(&paid["id"]));
            }
        }
        let ends_soon = json!({"funds": "required", "ends_at": "2026-11-20T10:30:00.000Z"});
        let (sold, unpaid) = (world.auction(ends_soon.clone()).await, world.auction(ends_soon).await);
        world.bid("ann", &sold).await;
        world.bid("cold", &unpaid).await;
        world.staff("users", &world.people["cold"].id.clone(), "freeze").await;
        hub.clock.advance(Span::from_secs(3_700));
        let invoice = world.first("ann", "/api/invoices").await;
        let case = world.first("sam", "/api/staff/cases").await;
        let standing = world.auction(json!({})).await;
        let funded = world.auction(json!({"funds": "required"})).await;
        world.lasting.extend([("invoice", invoice), ("case", case), ("standing", standing), ("funded", funded)]);
        let (standing, ann) = (world.lasting["standing"].clone(), "ann");
        world.bid(ann, &standing).await;
        world.post(ann, "/api/comments", json!({"auction": standing, "body": "Is it oak?"})).await;
        let ticket = world.thing("open_ticket").await;
        world.lasting.insert("ticket", ticket);
        let image = upload(hub, &world.people[ann], tiny_picture(2)).await.is(201).body.clone();
        world.lasting.insert("image", text(&image["id"]));
        let webhook = world.thing("new_webhook").await;
        let test = world.post("sella", &format!("/api/webhooks/{webhook}/test"), json!({})).await;
        world.lasting.extend([("webhook", webhook), ("delivery", test["id"].to_string())]);
        world.lasting.insert("ben", world.people["ben"].id.clone());
        world.lasting.insert("nobody", NOBODY.to_owned());
        world.staff("users", &world.people["bad"].id.clone(), "ban").await;
        world
    }

    fn token(&self, name: &str) -> &str {
        &self.people[name].token
    }

    fn key(&mut self) -> String {
        self.made += 1;
        format!("k{}", self.made)
    }

    async fn post(&self, name: &str, path: &str, body: Value) -> Value {
        let answer = self.hub.post_as(self.token(name), path, body).await;
        assert!(answer.status.is_success(), "{name} {path}: {answer:?}");
        answer.body
    }

    async fn keyed(&mut self, name: &str, path: &str, body: Value) -> Value {
        let key = self.key();
        let request = self.hub.request(Method::POST, path).bearer_auth(self.token(name)).header("Idempotency-Key", key);
        send(request.json(&body)).await.is(201).body.clone()
    }

    async fn staff(&self, what: &str, id: &str, verb: &str) {
        self.post("sam", &format!("/api/staff/{what}/{id}/{verb}"), json!({"reason": BECAUSE})).await;
    }

    /// The id of the first of a list, as soon as there is one.
    async fn first(&self, name: &str, path: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let list = self.hub.get_as(self.token(name), path).await.is(200).body.clone();
            if let Some(id) = list["items"][0]["id"].as_str() {
                return id.to_owned();
            }
            assert!(Instant::now() < deadline, "{path} stays empty");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// An auction of Sella's.
    async fn auction(&self, mut members: Value) -> String {
        if members["ends_at"].is_null() {
            members["ends_at"] = LATER.into();
        }
        offer(self.hub, &self.people["sella"], desk_with(members)).await
    }

    /// A bid that leads; gives its number.
    async fn bid(&mut self, name: &str, auction: &str) -> u64 {
        let key = self.key();
        let verdict = bid(self.hub, &self.people[name], auction, &key, json!({"amount": 1_000})).await;
        verdict.is(201).body["seq"].as_u64().expect("a number")
    }

    /// What the word in braces stands for in this call.
    async fn thing(&mut self, word: &str) -> String {
        if let Some(lasting) = self.lasting.get(word) {
            return lasting.clone();
        }
        match word {
            "key" => self.key(),
            "auction" => self.auction(json!({})).await,
            "for_sale" => self.auction(json!({"buy_now": 9_000})).await,
            "paused" => {
                let id = self.auction(json!({})).await;
                self.staff("auctions", &id, "pause").await;
                id
            }
            "bid_on" => {
                let id = self.auction(json!({})).await;
                let seq = self.bid("ann", &id).await;
                format!("{id}/bids/{seq}")
            }
            "comment" => {
                let body = json!({"auction": self.lasting["standing"], "body": "Is it oak?"});
                text(&self.post("ann", "/api/comments", body).await["id"])
            }
            "open_ticket" => {
                text(&self.post("ann", "/api/tickets", json!({"subject": "Help", "body": "Please."})).await["id"])
            }
            "closed" => {
                let id =
                    text(&self.post("ann", "/api/tickets", json!({"subject": "Help", "body": "Please."})).await["id"]);
                self.post("ann", &format!("/api/tickets/{id}/close"), json!({})).await;
                id
            }
            "spare_image" => {
                let image = upload(self.hub, &self.people["ann"], tiny_picture(3)).await;
                assert!(image.status.is_success(), "{image:?}");
                text(&image.body["id"])
            }
            "item" => {
                let id = self.auction(json!({})).await;
                self.post("ann", &format!("/api/auctions/{id}/report"), json!({"reason": "not oak"})).await;
                let queue =
                    self.hub.get_as(self.token("sam"), "/api/staff/moderation?status=open&limit=200").await.body;
                let item = queue["items"].as_array().expect("items").iter().find(|item| item["auction"]["id"] == *id);
                text(&item.expect("what was reported waits")["id"])
            }
            "new_webhook" => {
                text(&self.post("sella", "/api/webhooks", json!({"url": "https://shop.example/"})).await["id"])
            }
            "stranger" => {
                let name = self.key();
                self.hub.sign_up(&name).await.id
            }
            "banned" => {
                let name = self.key();
                let id = self.hub.sign_up(&name).await.id;
                self.staff("users", &id, "ban").await;
                id
            }
            "frozen" => {
                let name = self.key();
                let id = self.hub.sign_up(&name).await.id;
                self.staff("users", &id, "freeze").await;
                id
            }
            other => panic!("nothing is called {{{other}}}"),
        }
    }

    async fn sign_in(&self, name: &str) -> String {
        text(&self.hub.login(&self.people[name].email, PASSWORD).await.is(200).body["token"])
    }

    /// `text` with what its words in braces stand for.
    async fn with_things(&mut self, text: &str) -> String {
        let (mut whole, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (word, after) = after.split_once("}}").expect("a word ends");
            whole.push_str(before);
            whole.push_str(&self.thing(word).await);
            rest = after;
        }
        whole + rest
    }

    /// Has it asked by someone; gives what was sent, and what came back.
    async fn ask(&mut self, call: &Call, name: Option<&str>) -> (String, Answer) {
        let (path, body) = (self.with_things(call.path).await, self.with_things(call.body).await);
        let key = self.key();
        let request = self.hub.request(call.method.to_uppercase().parse().expect("a method"), &path);
        let mut request = request.header("Idempotency-Key", key);
        if let Some(name) = name {
            // Whoever ends sessions does so with one of their own.
            let token = match call.route {
                "/api/auth/logout" => self.sign_in(name).await,
                _ => self.token(name).to_owned(),
            };
            request = request.bearer_auth(token);
        }
        request = match (call.route, body.as_str()) {
            ("/api/images", _) => request.header("content-type", "image/png").body(tiny_picture(1)),
            (_, "") => request,
            _ => request.header("content-type", "application/json").body(body.clone()),
        };
        let answer = send(request).await;
        // A new password, though it is the old one, ends all other sessions.
        if call.route == "/api/auth/password" && answer.status.is_success() {
            let name = name.expect("somebody signed in");
            let token = self.sign_in(name).await;
            self.people.get_mut(name).expect("one of the people").token = token;
        }
        (body, answer)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// The status, and the code if there is one.
fn verdict(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    if status < 400 {
        return status.to_string();
    }
    let code = answer.body["code"].as_str().expect("whatever is refused has a code");
    answer.is_problem(status, code);
    format!("{status} {code}")
}

/// Gives an example of each call.
async fn everyone_may_what_the_table_says(change: impl FnOnce(&mut Settings)) -> Examples {
    let hub = Hub::with(change).await;
    let mut world = World::new(&hub).await;
    let (mut wrong, mut examples) = (Vec::new(), Examples::default());
    for call in TABLE {
        let mut found = Vec::new();
        for name in [None, Some("ann"), Some("ben"), Some("sella"), Some("sam"), Some("bad"), Some("cold")] {
            let (sent, answer) = world.ask(call, name).await;
            found.push(verdict(&answer));
            examples.take(call, &sent, &answer);
        }
        if found != call.expected {
            wrong.push(format!("{} {}\n  found    {found:?}\n  expected {:?}", call.method, call.path, call.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    drop(world);
    hub.stop().await;
    examples
}

#[tokio::test]
async fn everyone_may_what_the_table_says_on_sqlite() {
    everyone_may_what_the_table_says(|_| {}).await.are_those_of_the_description();
}

#[tokio::test]
async fn everyone_may_what_the_table_says_on_postgresql() {
    let Some(server) = Server::start().await else { return };
    everyone_may_what_the_table_says(|settings| settings.server.database_url = Some(server.url().into())).await;
}

#[tokio::test]
async fn no_endpoint_is_missing_from_the_table() {
    let hub = Hub::start().await;
    let api = hub.get("/api/openapi.json").await.is(200).body.clone();
    let operations = api["paths"].as_object().expect("paths").iter().flat_map(|(path, item)| {
        item.as_object().expect("operations").keys().map(move |method| format!("{method} {path}"))
    });
    let described: BTreeSet<String> = operations.collect();
    let listed: BTreeSet<String> = TABLE.iter().map(|call| format!("{} {}", call.method, call.route)).collect();
    assert_eq!(listed, described);
    hub.stop().await;
}
