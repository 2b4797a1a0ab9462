//! Money by Stripe, from end to end with the stand-in: what it tells is heeded once, however often, and what it takes back
//! is taken back.

use bidhub::config::{Payments, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use super::stand_in::{Fault, Message, SECRET_KEY, Server, WEBHOOK_SECRET};
use super::{People, ask, deposit, done, entries, funded, on_both, purse, sanction, told, until, wallet, withdraw};
use crate::harness::{Answer, Hub, User, send};
use crate::market::{bid, eventually};
use crate::socket_client::{Codec, Socket};

const TRANSFERS: &str = "/v1/transfers";

fn paid_by(server: &Server) -> impl Fn(&mut Settings) {
    let url = server.url();
    move |settings| {
        settings.money.payments = Payments::Stripe;
        settings.money.stripe_url = url.clone();
        settings.money.stripe_secret_key = Some(SECRET_KEY.into());
        settings.money.stripe_webhook_secret = Some(WEBHOOK_SECRET.into());
    }
}

async fn tell(hub: &Hub, message: Message) -> Answer {
    let request = hub.request(Method::POST, "/api/payments/stripe/webhook").headers(message.headers);
    send(request.body(message.body)).await
}

/// Has the stand-in say something about an object.
async fn say(hub: &Hub, server: &Server, kind: &str, object: &str) {
    tell(hub, server.message(kind, object, hub.clock.now())).await.is(204);
}

/// Pays so much in; gives the payment.
async fn pay_in(hub: &Hub, server: &Server, who: &User, key: &str, amount: i64) -> String {
    let order = deposit(hub, who, key, amount).await.is(201).body.clone();
    assert_eq!(order["status"], "open");
    let session = session_of(&order);
    let intent = server.pay(&session);
    say(hub, server, "checkout.session.completed", &session).await;
    intent
}

/// Pays 5,000 in, and has it told where money is to go out to.
async fn may_withdraw(hub: &Hub, server: &Server, who: &User) {
    pay_in(hub, server, who, "k", 5_000).await;
    hub.post_as(&who.token, "/api/wallet/payout-account", json!({})).await.is(200);
}

/// The name under which the provider knows the page of an order.
fn session_of(order: &Value) -> String {
    order["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_paid_on_the_page_is_credited_once() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        let order = deposit(&hub, &ann, "k", 5_000).await.is(201).body.clone();
        assert!(order["url"].as_str().unwrap().starts_with("https://checkout.test/cs_"), "{order}");
        let session = &session_of(&order);
        assert_eq!(deposit(&hub, &ann, "k", 5_000).await.is(201).body, order, "the same page");
        server.pay(session);
        assert_eq!(purse(&hub, &ann).await, (0, 0), "nobody has said so");

        let good = server.message("checkout.session.completed", session, hub.clock.now());
        let mut unsigned = good.clone();
        unsigned.headers.clear();
        let mut altered = good.clone();
        altered.body.push(b' ');
        for bad in [unsigned, altered] {
            tell(&hub, bad).await.is_problem(400, "bad_signature");
        }
        let elsewhere = hub.request(Method::POST, "/api/payments/test/webhook").body("{}");
        send(elsewhere).await.is_problem(404, "unknown_provider");
        assert_eq!(purse(&hub, &ann).await, (0, 0));
        for _ in 0..2 {
            tell(&hub, good.clone()).await.is(204);
        }
        say(&hub, server, "checkout.session.async_payment_succeeded", session).await;
        assert_eq!((purse(&hub, &ann).await, entries(&hub, &ann).await.len()), ((5_000, 0), 1));
        let now = deposit(&hub, &ann, "k", 5_000).await.is(201).body.clone();
        assert_eq!((&now["status"], &now["url"]), (&json!("paid"), &json!(null)));
        assert_eq!(told(&hub, &ann).await, [("deposit".into(), json!(5_000))]);
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn a_payment_of_which_nobody_tells_is_asked_about() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        let order = deposit(&hub, &ann, "k", 5_000).await.is(201).body.clone();
        server.pay(&session_of(&order));
        hub.clock.advance(bidhub::domain::Span::from_secs(6));
        until(&hub, &ann, "/api/wallet", |body| body["available"] == 5_000).await;
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn a_deposit_that_was_given_up_and_is_paid_after_all_is_credited_once() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        let order = deposit(&hub, &ann, "k", 5_000).await.is(201).body.clone();
        let session = session_of(&order);
        say(&hub, server, "checkout.session.expired", &session).await;
        let path = format!("/api/wallet/payments/{}", order["id"].as_str().unwrap());
        assert_eq!(hub.get_as(&ann.token, &path).await.body["status"], "failed");
        server.pay(&session);
        for kind in
            ["checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.expired"]
        {
            say(&hub, server, kind, &session).await;
        }
        assert_eq!((purse(&hub, &ann).await, entries(&hub, &ann).await.len()), ((5_000, 0), 1));
        assert_eq!(hub.get_as(&ann.token, &path).await.body["status"], "paid");
        done(hub).await;
    })
    .await;
}

/// What somebody was told that they no longer owe, oldest first.
async fn debts_paid(hub: &Hub, who: &User) -> Vec<i64> {
    let all = told(hub, who).await.into_iter();
    all.filter(|(kind, _)| kind == "debt_paid").filter_map(|(_, amount)| amount.as_i64()).collect()
}

#[tokio::test]
async fn money_that_was_spent_and_is_taken_back_is_owed_until_it_comes_again() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let People { sella, ann, sam, .. } = People::of(&hub).await;
        let intent = pay_in(&hub, server, &ann, "k", 5_000).await;
        let auction = funded(&hub, &sella).await;
        bid(&hub, &ann, &auction, "a", json!({"amount": 4_000})).await.is(201);
        hub.clock.advance(bidhub::domain::Span::from_secs(3_700));
        eventually(&hub, &format!("/api/auctions/{auction}"), |body| body["state"]["status"] == "ended").await;
        until(&hub, &sella, "/api/wallet", |body| body["available"] == 4_000).await;
        assert_eq!(purse(&hub, &ann).await, (1_000, 0));

        let mut socket = Socket::of(hub.address, Codec::Json, &ann.token).await;
        let refund = server.refund(&intent, 5_000);
        for _ in 0..2 {
            say(&hub, server, "refund.created", &refund).await;
        }
        assert!(socket.closed().await.is_some());
        let owing = wallet(&hub, &ann).await;
        assert_eq!((&owing["available"], &owing["owed"]), (&json!(0), &json!(4_000)));
        assert_eq!(hub.get_as(&ann.token, "/api/me").await.body["frozen"], true);
        let cases = hub.get_as(&sam.token, "/api/staff/cases?kind=deposit_reversed&status=open").await;
        let items = cases.is(200).body["items"].as_array().unwrap().clone();
        let [case] = &items[..] else { panic!("one case: {items:?}") };
        assert_eq!((&case["account"], &case["amount"]), (&json!(ann.id), &json!(4_000)));
        assert_eq!((&case["reason"], &case["currency"]), (&json!("deposit_reversed"), &json!("USD")));
        assert_eq!(purse(&hub, &sella).await, (4_000, 0), "who sold keeps what was paid");
        let seen = hub.get_as(&sam.token, &format!("/api/staff/users/{}/wallet", ann.id)).await;
        assert_eq!(seen.is(200).body["owed"], 4_000);

        server.stands(&refund, "failed");
        for _ in 0..2 {
            say(&hub, server, "refund.failed", &refund).await;
        }
        let after = wallet(&hub, &ann).await;
        assert_eq!((&after["available"], &after["owed"]), (&json!(1_000), &json!(0)));
        assert_eq!(hub.get_as(&ann.token, "/api/me").await.body["frozen"], true, "staff decides");
        withdraw(&hub, &ann, "w", 100).await.is_problem(403, "account_frozen");
        let close = json!({"action": "close", "note": "it came again"});
        let path = format!("/api/staff/cases/{}/resolve", case["id"].as_str().unwrap());
        hub.post_as(&sam.token, &path, close).await.is(200);
        sanction(&hub, &sam, "unfreeze", &ann).await;
        assert_eq!(hub.get_as(&ann.token, "/api/me").await.body["frozen"], false);
        let kinds: Vec<String> = told(&hub, &ann).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "deposit_reversed").count(), 1, "{kinds:?}");
        assert_eq!(kinds.iter().filter(|kind| *kind == "deposit").count(), 2, "{kinds:?}");
        assert_eq!(debts_paid(&hub, &ann).await, [4_000], "{kinds:?}");
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn parts_are_taken_back_one_by_one_and_what_comes_in_pays_what_is_owed() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        let intent = pay_in(&hub, server, &ann, "k", 5_000).await;
        for amount in [1_000, 1_500] {
            let refund = server.refund(&intent, amount);
            say(&hub, server, "refund.created", &refund).await;
        }
        assert_eq!(purse(&hub, &ann).await, (2_500, 0));
        let mut back = told(&hub, &ann).await;
        back.retain(|(kind, _)| kind == "deposit_reversed");
        back.sort_by_key(|(_, amount)| amount.as_i64());
        assert_eq!(back, [("deposit_reversed".into(), json!(1_000)), ("deposit_reversed".into(), json!(1_500))]);
        assert_eq!(hub.get_as(&ann.token, "/api/me").await.body["frozen"], false, "nothing is owed");

        // What went out is missing when the rest is taken back as well.
        hub.post_as(&ann.token, "/api/wallet/payout-account", json!({})).await.is(200);
        withdraw(&hub, &ann, "w", 2_000).await.is(201);
        let dispute = server.dispute(&intent, 2_500, "needs_response");
        say(&hub, server, "charge.dispute.funds_withdrawn", &dispute).await;
        let owing = wallet(&hub, &ann).await;
        assert_eq!((&owing["available"], &owing["owed"]), (&json!(0), &json!(2_000)));
        pay_in(&hub, server, &ann, "k2", 3_000).await;
        let after = wallet(&hub, &ann).await;
        assert_eq!((&after["available"], &after["owed"]), (&json!(1_000), &json!(0)));
        assert_eq!(debts_paid(&hub, &ann).await, [2_000]);
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn money_goes_out_to_the_account_that_was_told() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        pay_in(&hub, server, &ann, "k", 5_000).await;
        let nowhere = withdraw(&hub, &ann, "early", 700).await;
        assert_eq!(nowhere.is_problem(402, "payment_refused").body["reason"], "destination_required");
        assert_eq!(purse(&hub, &ann).await, (5_000, 0));
        let told_how = ask(&hub, &ann, (Method::POST, "/api/wallet/payout-account"), None, None).await;
        let page = told_how.is(200).body["url"].as_str().unwrap().to_owned();
        assert!(page.starts_with("https://connect.test/"), "{page}");
        let paid = withdraw(&hub, &ann, "w", 700).await.is(201).body.clone();
        assert_eq!(paid["status"], "paid");
        assert_eq!(withdraw(&hub, &ann, "w", 700).await.is(201).body, paid);
        let transfer = server.asked("/v1/transfers").into_iter().rfind(|asked| asked.method == "POST").unwrap();
        assert_eq!(transfer.form["amount"], "700");
        let destination = &transfer.form["destination"];
        assert!(destination.starts_with("acct_"), "{destination}");
        assert_eq!(purse(&hub, &ann).await, (4_300, 0));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn what_comes_back_of_a_withdrawal_is_credited_once_however_often_it_is_told() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        may_withdraw(&hub, server, &ann).await;
        withdraw(&hub, &ann, "w", 700).await.is(201);
        let transfer = server.newest("tr_");
        // Each message tells all that has come back of it so far.
        for amount in [300, 400] {
            hub.clock.advance(bidhub::domain::Span::from_secs(1));
            server.reverse(&transfer, amount);
            for _ in 0..2 {
                say(&hub, server, "transfer.reversed", &transfer).await;
            }
        }
        assert_eq!(purse(&hub, &ann).await, (5_000, 0));
        let mut back = told(&hub, &ann).await;
        back.retain(|(kind, _)| kind == "withdrawal_failed");
        assert_eq!(back, [("withdrawal_failed".into(), json!(300)), ("withdrawal_failed".into(), json!(400))]);
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_question_says_nothing_of_the_order() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        may_withdraw(&hub, server, &ann).await;
        // Whatever it is asked, the answer is lost; and then no question is understood for a while.
        let before = server.count("tr_");
        let questions = || server.asked(TRANSFERS).iter().filter(|asked| asked.method == "GET").count();
        let known = questions();
        server.fail(TRANSFERS, std::iter::repeat_n(Fault::DropReply, 3));
        server.fail(TRANSFERS, std::iter::repeat_n(Fault::Answer(400, "invalid_request_error", "api_version"), 2));
        let order = withdraw(&hub, &ann, "w", 700).await.is(202).body.clone();
        assert_eq!(server.count("tr_"), before + 1, "it has gone out");
        for asked in 1..=2 {
            hub.clock.advance(bidhub::domain::Span::from_secs(60));
            let deadline = std::time::Instant::now() + crate::socket_client::PATIENCE;
            while questions() < known + asked {
                assert!(std::time::Instant::now() < deadline, "nobody asks");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            assert_eq!(wallet(&hub, &ann).await["available"], 4_300, "it is not given back");
        }
        hub.clock.advance(bidhub::domain::Span::from_secs(600));
        let path = format!("/api/wallet/payments/{}", order["id"].as_str().unwrap());
        until(&hub, &ann, &path, |body| body["status"] == "paid").await;
        assert_eq!((purse(&hub, &ann).await, server.count("tr_")), ((4_300, 0), before + 1));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn a_withdrawal_that_is_paid_after_its_money_was_given_back_is_left_to_staff() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let People { ann, sam, .. } = People::of(&hub).await;
        may_withdraw(&hub, server, &ann).await;
        server.fail(TRANSFERS, [Fault::AnswerForGood(400, "invalid_request_error", "refused")]);
        let refused = withdraw(&hub, &ann, "w", 700).await;
        let order = refused.is_problem(402, "payment_refused").body["order"].as_str().unwrap().to_owned();
        assert_eq!(purse(&hub, &ann).await, (5_000, 0));
        // The same request under another key, as if the refusal had been wrong.
        let form =
            server.asked(TRANSFERS).into_iter().rfind(|asked| asked.form.values().any(|it| *it == order)).unwrap().form;
        let made = reqwest::Client::new().post(format!("{}{TRANSFERS}", server.url())).bearer_auth(SECRET_KEY);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
        let made = made
            .header("idempotency-key", format!("again-{order}"))
            .header("content-type", "application/x-www-form-urlencoded");
        let made = made.body(body).send().await.unwrap();
        let transfer: Value = made.json().await.unwrap();
        for _ in 0..2 {
            say(&hub, server, "transfer.created", transfer["id"].as_str().unwrap()).await;
        }
        let cases = hub.get_as(&sam.token, "/api/staff/cases?kind=paid_after_all").await;
        let items = cases.is(200).body["items"].as_array().unwrap().clone();
        let [case] = &items[..] else { panic!("one case: {items:?}") };
        assert_eq!((&case["account"], &case["amount"]), (&json!(ann.id), &json!(700)));
        assert_eq!(purse(&hub, &ann).await, (5_000, 0));
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn a_reversal_that_is_told_after_it_was_undone_takes_nothing() {
    let server = Server::start().await;
    let server = &server;
    on_both(paid_by(server), |hub| async move {
        let ann = hub.sign_up("ann").await;
        let intent = pay_in(&hub, server, &ann, "k", 5_000).await;
        let refund = server.refund(&intent, 5_000);
        let first = server.message("refund.created", &refund, hub.clock.now());
        server.stands(&refund, "failed");
        say(&hub, server, "refund.failed", &refund).await;
        server.stands(&refund, "pending");
        tell(&hub, first).await.is(204);
        assert_eq!((purse(&hub, &ann).await, entries(&hub, &ann).await.len()), ((5_000, 0), 1));
        assert_eq!(hub.get_as(&ann.token, "/api/me").await.body["frozen"], false);
        done(hub).await;
    })
    .await;
}

#[tokio::test]
async fn money_of_one_provider_never_goes_out_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::with(|settings| settings.server.data_dir = dir.path().to_owned()).await;
    let ann = hub.sign_up("ann").await;
    deposit(&hub, &ann, "k", 5_000).await.is(201);
    let mut settings = hub.settings.clone();
    hub.stop().await;
    let server = Server::start().await;
    paid_by(&server)(&mut settings);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let begun = bidhub::app::serve(listener, settings, bidhub::env::Env::default(), Default::default());
    let refused = tokio::time::timeout(crate::socket_client::PATIENCE, begun).await.expect("it does not begin");
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("payments is stripe") && why.contains("another provider"), "{why}");
}
