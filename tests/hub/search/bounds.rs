//! What is too much, too often, or no query at all.

use bidhub::app;
use bidhub::config::Switch;
use bidhub::domain::auction::{Funds, Listing, Terms};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, AuctionId, Currency, Fees, Money, Seq, Span};
use bidhub::features::auctions::AuctionsProjection;
use bidhub::features::search::SearchProjection;
use bidhub::journal::{Digest, Record};
use bidhub::persistence::Db;
use bidhub::projection::{Created, Fact, Projected, Projection as _};
use bidhub::sql;
use futures_util::future::join_all;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{found, indexed, lot, on_both, search, shop, titles_of};
use crate::harness::Hub;
use crate::postgres::server::Server;

/// Writes so many auctions into the hub's database as its projections do.
async fn many(hub: &Hub, titles: impl Iterator<Item = String>, description: &str) {
    // A hub that answers has its tables.
    found(hub, &[]).await;
    let db = app::open_database(&hub.settings).await.unwrap();
    let created = |(number, title): (usize, String)| {
        let at = hub.clock.now();
        let english = English {
            opening_price: Money::new(100).unwrap(),
            increments: Increments::default(),
            reserve: None,
            buy_now: None,
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close: None,
        };
        let (funds, fees, grace, format) = (Funds::None, Fees::default(), Span::ZERO, Format::English(english));
        let seller = AccountId(Uuid::from_u128(1));
        let currency = Currency::new("USD").unwrap();
        let terms = Terms { seller, currency, starts_at: at, ends_at: at, funds, fees, grace, format };
        let description = description.into();
        let listing = Listing { title: title.into(), description, category: "Many".into(), image_url: None };
        let digest = Digest::ORIGIN;
        let (public, private, commitment) = ("{}".into(), Vec::new(), [0; 32]);
        let record = Record { version: 1, seq: Seq(0), epoch: 0, public, private, commitment, digest };
        let auction = AuctionId(Uuid::from_u128(1_000 + number as u128));
        Projected { position: 0, auction, record, fact: Fact::Created(Created { at, terms, listing }) }
    };
    let page: Vec<Projected> = titles.enumerate().map(created).collect();
    let mut tx = db.begin().await.unwrap();
    AuctionsProjection.apply(&mut tx, &page).await.unwrap();
    SearchProjection.apply(&mut tx, &page).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn an_old_title_does_not_go_under_in_many_that_mention_it() {
    on_both(|hub| async move {
        let titles = |number| match number {
            0 => "Walnut desk".to_owned(),
            1 => "Desk lamp".to_owned(),
            _ => format!("Chair {number}"),
        };
        many(&hub, (0..1_100).map(titles), "Goes with a walnut desk.").await;
        for (query, first, count) in [
            ("desk", &["Desk lamp", "Walnut desk", "Chair 1099"][..], 302),
            ("walnut desk", &["Walnut desk", "Chair 1099"], 301),
            ("\"walnut desk\" -lamp", &["Walnut desk", "Chair 1099"], 301),
            ("chair", &["Chair 1099", "Chair 1098"], 300),
        ] {
            let body = found(&hub, &[("q", query)]).await;
            assert_eq!(titles_of(&body)[..first.len()], *first, "{query}");
            assert_eq!(body["total"], json!({"count": count, "more": true}), "{query}");
            assert_eq!(body["facets"]["category"], json!([{"value": "Many", "count": count}]), "{query}");
        }
        // Without words there is no end to the list.
        let (mut seen, mut cursor) = (0, String::new());
        loop {
            let page = found(
                &hub,
                &[("q", "-lamp"), ("limit", "200"), ("cursor", &cursor)][..if cursor.is_empty() { 2 } else { 3 }],
            )
            .await;
            seen += titles_of(&page).len();
            match page["next"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, 1_099);
        hub
    })
    .await;
}

#[tokio::test]
async fn what_is_old_is_found_among_many_newer_ones_or_said_to_be_missing() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        lot(&hub, &seller, "Walnut box", "Boxes", "Dovetailed, lined with green baize.").await;
        indexed(&hub, 1).await;
        many(&hub, (0..6_000).map(|number| format!("Walnut chair {number}")), "Green or lined.").await;
        let whole = json!({"count": 1, "more": false});
        for query in [
            &[("q", "walnut"), ("category", "Boxes")][..],
            &[("q", "walnut"), ("author", seller.id.as_str())],
            &[("q", "walnut"), ("status", "open"), ("category", "Boxes")],
            &[("q", "walnut dovet")],
            &[("q", "walnut -chair")],
            &[("q", "\"walnut box\"")],
        ] {
            let body = found(&hub, query).await;
            assert_eq!((titles_of(&body), &body["total"]), (vec!["Walnut box"], &whole), "{query:?}");
        }
        for query in [&[("q", "walnut"), ("status", "open")][..], &[("q", "\"lined with green\"")]] {
            let body = found(&hub, query).await;
            assert!(body["total"] == whole || body["total"] == json!({"count": 0, "more": true}), "{query:?}: {body}");
        }
        for (query, first) in
            [("wal", "Walnut chair 5999"), ("walnut 47", "Walnut chair 47"), ("cha", "Walnut chair 5999")]
        {
            let body = found(&hub, &[("q", query)]).await;
            assert_eq!(titles_of(&body)[0], first, "{query}");
        }
        assert_eq!(found(&hub, &[("q", "walnut 47")]).await["total"], json!({"count": 111, "more": false}));
        hub
    })
    .await;
}

#[tokio::test]
async fn every_text_can_be_made_searchable() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        let texts = [
            "a".repeat(10_000),
            "a ".repeat(5_000),
            "木".repeat(10_000),
            "\u{fdfa}".repeat(10_000),
            "' \" \\ : * & | ! ( ) <-> \u{a6} $1 ? % _ ".repeat(200),
            (0..1_850).map(|number| format!("w{number} ")).collect(),
            "e\u{301}\u{302}\u{303}".repeat(2_000),
        ];
        for (number, text) in texts.iter().enumerate() {
            let title: String = text.chars().take(190).collect();
            lot(&hub, &seller, &format!("lot{number} {title}"), &text.chars().take(50).collect::<String>(), text).await;
        }
        indexed(&hub, texts.len()).await;
        for number in 0..texts.len() {
            assert_eq!(found(&hub, &[("q", &format!("lot{number}"))]).await["total"]["count"], 1, "{number}");
        }
        assert_eq!(found(&hub, &[("q", "w1849")]).await["total"]["count"], 1);
        hub
    })
    .await;
}

#[tokio::test]
async fn no_query_upsets_the_hub() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        shop(&hub, &seller).await;
        let long = "a".repeat(201);
        let very_long = "desk ".repeat(2_000);
        for (name, value) in [
            ("q", "a\u{0}b"),
            ("q", "\u{1b}[0m"),
            ("q", long.as_str()),
            ("q", very_long.as_str()),
            ("status", "nothing"),
            ("kind", "user"),
            ("category", "a\u{0}b"),
            ("category", very_long.as_str()),
            ("author", "seller"),
            ("from", "yesterday"),
            ("price_min", "-1"),
            ("price_max", "9007199254740992"),
            ("price_max", "1.5"),
            ("limit", "0"),
            ("limit", "201"),
            ("cursor", "nonsense"),
            ("cursor", "eyJyYW5rIjoxfQ"),
        ] {
            search(&hub, &[(name, value)]).await.is_problem(422, "invalid_query");
        }
        search(&hub, &[("colour", "red")]).await.is_problem(422, "unknown_field");
        for raw in ["q=%FF%FE", "q=%", "q=a&q=b", "q=%u0041"] {
            let status = hub.get(&format!("/api/search?{raw}")).await.status.as_u16();
            assert!(status == 200 || status == 422, "{raw}: {status}");
        }
        let many = "a b c d e f g h i j ".repeat(10);
        let deep = "(\"".repeat(100);
        for query in [
            "'",
            "''",
            "\"",
            "\"\"\"",
            "\\",
            "\\'",
            "%",
            "_",
            "*",
            "desk*",
            "*desk",
            "^desk",
            "desk:",
            "title:desk",
            "-",
            "--",
            "- -",
            "-\"",
            "(desk",
            "desk)",
            "desk & | !",
            "a <-> b",
            "desk:*A",
            "'desk':1A",
            "AND",
            "desk AND",
            "NOT desk",
            "NEAR(desk lamp, 2)",
            "{words} : desk",
            "words:desk",
            "desk + lamp",
            "; drop table search_texts; --",
            "' or 1=1 --",
            "$1",
            "?",
            ":name",
            "@a",
            "\u{a6}",
            "desk \u{a6} furniture",
            "\u{feff}desk",
            "\u{202e}ksed",
            "\u{300}\u{301}",
            "ﷺ",
            "\u{10ffff}",
            "👩‍👩‍👧",
            "½",
            "İ",
            "🔥desk🔥",
            "desk\tlamp\ndesk",
            "-desk -lamp -chair -walnut -oak",
            many.trim(),
            &deep,
            "a",
            "de",
            "0",
            "000000000000000000000000000000",
            "1e309",
            "NaN",
            "null",
            "true",
        ] {
            for kind in ["auction", "comment"] {
                found(&hub, &[("q", query), ("kind", kind)]).await;
            }
        }
        hub
    })
    .await;
}

#[tokio::test]
async fn an_ordinary_role_with_a_database_of_its_own_is_enough() {
    let Some(server) = Server::start().await else { return };
    let db = Db::postgres(&server.url()).await.unwrap();
    sql!(db.write(), exec, "create role shop login nosuperuser nocreatedb nocreaterole").unwrap();
    sql!(db.write(), exec, "create database shop owner shop").unwrap();
    let mut url = Url::parse(&server.url()).unwrap();
    url.set_username("shop").unwrap();
    url.set_path("shop");
    let hub = Hub::with(|settings| settings.server.database_url = Some(url.as_str().into())).await;
    let seller = hub.sign_up("seller").await;
    shop(&hub, &seller).await;
    assert_eq!(titles_of(&found(&hub, &[("q", "wlanut desk")]).await)[0], super::WALNUT);
    hub.stop().await;
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_cut_off() {
    let Some(server) = Server::start().await else { return };
    let hub = Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await;
    found(&hub, &[("q", "desk")]).await;
    let db = Db::postgres(&server.url()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    sql!(tx.on(), exec, "lock table search_documents").unwrap();
    // Another than before, which may still be kept.
    let answer = search(&hub, &[("q", "lamp")]).await;
    answer.is_problem(503, "busy");
    assert_eq!((&answer.body["retry"], answer.header("retry-after")), (&json!(true), "1"));
    drop(tx);
    found(&hub, &[("q", "desk")]).await;
    hub.stop().await;
}

#[tokio::test]
async fn who_searches_too_often_is_asked_to_wait() {
    let hub = Hub::with(|settings| settings.connections.rate_limits = Switch::On).await;
    let ada = hub.sign_up("ada").await;
    let answers = join_all((0..100).map(|_| hub.get("/api/search?q=desk"))).await;
    let (good, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert!(good.len() >= 30 && !refused.is_empty(), "{} of 100", good.len());
    refused[0].is_problem(429, "rate_limited");
    // Who has signed in has a limit of their own, and other things go on.
    hub.get_as(&ada.token, "/api/search?q=desk").await.is(200);
    hub.get("/api/auctions").await.is(200);
    hub.stop().await;
}
