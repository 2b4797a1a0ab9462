//! Erasing somebody while the world goes on: what they begin meanwhile, what comes to light late, and a hub that dies in it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bidhub::app;
use bidhub::auth::{Caller, Roles};
use bidhub::cache::Cache;
use bidhub::chance::Chance;
use bidhub::clock::to_datetime;
use bidhub::config::Switch;
use bidhub::coordination::local::LocalLeases;
use bidhub::domain::{AccountId, Span};
use bidhub::features::privacy::{Deed, Doors, Log, Parts, Privacy, Trail};
use bidhub::http::{ApiError, RequestId};
use bidhub::journal::Lease;
use bidhub::lifecycle::Tasks;
use bidhub::notify::{self, Note, NoteKind};
use bidhub::persistence::{Db, StoreError, Tx};
use bidhub::rate_limit::RateLimits;
use bidhub::sql;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{erase, under_key};
use crate::harness::{Answer, Hub, User};
use crate::market::{bid, desk, eventually, offer};
use crate::postgres::server::Server;

/// Nobody is signed in anywhere but at the hub itself, and nothing is written down.
struct Nowhere;

#[async_trait]
impl Doors for Nowhere {
    async fn roles(&self, _account: AccountId) -> Result<Option<Roles>, StoreError> {
        Ok(None)
    }

    async fn is_password(&self, _account: AccountId, _password: Option<&str>) -> Result<bool, ApiError> {
        Ok(false)
    }

    async fn sign_out(&self, _caller: &Caller) {}

    async fn end_sockets(&self, _account: AccountId) {}
}

#[async_trait]
impl Trail for Nowhere {
    async fn record(&self, _tx: &mut Tx, _deed: &Deed) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A log for which the test says how long it is waited, and whether it helped.
#[derive(Default)]
struct Gate {
    reached: Notify,
    open: Notify,
    is_behind: bool,
}

#[async_trait]
impl Log for Gate {
    async fn is_followed(&self, _limit: Duration) -> Result<bool, ApiError> {
        if self.is_behind {
            return Ok(false);
        }
        self.reached.notify_one();
        self.open.notified().await;
        Ok(true)
    }
}

/// Privacy beside the hub, on its database.
fn beside(hub: &Hub, db: &Db, log: Arc<Gate>) -> Privacy {
    let lease = Lease { epoch: 1, holder: Uuid::from_u128(1), nonce: 1 };
    Privacy::new(Parts {
        db: db.clone(),
        keepers: app::keepers(),
        doors: Arc::new(Nowhere),
        trail: Arc::new(Nowhere),
        log,
        cache: Cache::off(),
        leases: Arc::new(LocalLeases::new(lease, CancellationToken::new())),
        tasks: Tasks::new(CancellationToken::new()),
        limits: Arc::new(RateLimits::new(Switch::Off)),
        clock: hub.clock.clone(),
    })
}

async fn erase_by(privacy: Privacy, account: AccountId) -> Result<(), &'static str> {
    privacy.erase(account, account, None, RequestId("test".to_owned())).await.map_err(|error| error.code())
}

async fn comment(hub: &Hub, who: &User, auction: &str) -> Answer {
    hub.post_as(&who.token, "/api/comments", json!({"auction": auction, "body": "a fine desk"})).await
}

async fn meanwhile(hub: Hub) {
    let [seller, ada] = [hub.sign_up("seller").await, hub.sign_up("ada").await];
    let auction = offer(&hub, &seller, desk()).await;
    eventually(&hub, &format!("/api/auctions/{auction}/bids"), |_| true).await;
    let db = app::open_database(&hub.settings).await.unwrap();
    let account = AccountId(ada.id.parse().unwrap());

    // While the database is behind the log nobody is erased, and all is as it was.
    let behind = beside(&hub, &db, Arc::new(Gate { is_behind: true, ..Gate::default() }));
    assert_eq!(erase_by(behind, account).await, Err("unavailable"));
    comment(&hub, &ada, &auction).await.is(201);

    // From the first look on nothing can begin that would stand in the way; what comes to light meanwhile does.
    let gate = Arc::new(Gate::default());
    let privacy = beside(&hub, &db, gate.clone());
    let going = tokio::spawn(erase_by(privacy.clone(), account));
    gate.reached.notified().await;
    bid(&hub, &ada, &auction, "a", json!({"amount": 1000})).await.is_problem(409, "banned");
    comment(&hub, &ada, &auction).await.is_problem(403, "banned");
    for (path, key) in [("/api/wallet/deposits", "d"), ("/api/wallet/withdrawals", "w")] {
        under_key(&hub, &ada, path, key, json!({"amount": 500})).await.is_problem(403, "banned");
    }
    let text = "update auctions set seller = $1 where id = $2";
    let id = auction.parse::<Uuid>().unwrap();
    let sellers = [&ada, &seller].map(|it| it.id.parse::<Uuid>().unwrap());
    sql!(db.write(), exec, text, sellers[0], id).unwrap();
    gate.open.notify_one();
    assert_eq!(going.await.unwrap(), Err("selling"));
    sql!(db.write(), exec, text, sellers[1], id).unwrap();
    comment(&hub, &ada, &auction).await.is(201);

    // A hub that dies in it leaves a bar that ends by itself.
    let dying = tokio::spawn(erase_by(privacy.clone(), account));
    gate.reached.notified().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    comment(&hub, &ada, &auction).await.is_problem(403, "banned");
    hub.clock.advance(Span::from_secs(60));
    comment(&hub, &ada, &auction).await.is(201);

    let going = tokio::spawn(erase_by(privacy.clone(), account));
    gate.reached.notified().await;
    gate.open.notify_one();
    assert_eq!(going.await.unwrap(), Ok(()));
    hub.get_as(&ada.token, "/api/me").await.is_problem(401, "unauthenticated");
    assert_eq!(erase_by(privacy.clone(), account).await, Ok(()), "done again it is done");

    // What they said is gone and not counted any more.
    let said = async || {
        let text = "select count(*) from comments where author = $1 and body is not null";
        let texts = sql!(db.read(), scalar i64, text, account.0).unwrap();
        let text = "select total from comment_counts where auction = $1";
        (texts, sql!(db.read(), scalar i64, text, id).unwrap())
    };
    assert_eq!(said().await, (0, 0));

    // What was under way then is erased too, for as long as anything can be.
    for (minutes, left) in [(1, 0), (20, 1)] {
        let text = "update comment_counts set total = total + 1 where auction = $1";
        sql!(db.write(), exec, text, id).unwrap();
        let text = "insert into comments (id, auction, number, author, by_seller, body, at)
             values ($1, $2, $3, $4, $5, 'a late word', $6)";
        let (comment, at) = (Uuid::from_u128(minutes as u128), to_datetime(hub.clock.now()));
        sql!(db.write(), exec, text, comment, id, i64::from(100 + minutes), account.0, false, at).unwrap();
        hub.clock.advance(Span::from_secs(minutes * 60));
        let text = "insert into customer_presence (account, watched_ms, last_seen, noted_at) values ($1, 1, $2, $2)";
        sql!(db.write(), exec, text, account.0, to_datetime(hub.clock.now())).unwrap();
        privacy.erase_again().await.unwrap();
        let text = "select count(*) from customer_presence where account = $1";
        assert_eq!(sql!(db.read(), scalar i64, text, account.0).unwrap(), left, "after {minutes} minutes");
        assert_eq!(said().await, (left, left), "after {minutes} minutes");
    }
    // What the log tells them later than that, as after a time in which it could not be read, is told to nobody.
    let note = |account, kind| {
        let (cause, data, at) = (format!("late:{kind:?}"), json!({}), hub.clock.now());
        Note { account, kind, auction: None, cause, data, at }
    };
    let other = AccountId(seller.id.parse().unwrap());
    let mut tx = db.begin().await.unwrap();
    let notes = [note(account, NoteKind::Won), note(other, NoteKind::Won), note(account, NoteKind::Lost)];
    assert_eq!(notify::write(&mut tx, &notes).await.unwrap(), 1, "only who is there is told");
    assert_eq!(notify::replace(&mut tx, &[note(account, NoteKind::Outbid)]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let text = "select kind from notifications where account = $1";
    assert_eq!(sql!(db.read(), scalars String, text, account.0).unwrap(), [""; 0]);
    let text = "select display_name from accounts where id = $1";
    assert_eq!(sql!(db.read(), scalar String, text, account.0).unwrap(), "Deleted user");
    db.close().await;
    hub.stop().await;
}

#[tokio::test]
async fn nothing_begins_while_somebody_goes() {
    meanwhile(Hub::start().await).await;
}

#[tokio::test]
async fn nothing_begins_while_somebody_goes_on_postgresql() {
    let Some(server) = Server::start().await else { return };
    meanwhile(Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await).await;
}

/// Each pays money in while being erased, one a moment before the other: whichever comes second is refused.
async fn races(hub: Hub) {
    let seed = std::env::var("BIDHUB_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(23);
    eprintln!("BIDHUB_SEED={seed}");
    let chance = Chance::seeded(seed);
    let db = app::open_database(&hub.settings).await.unwrap();
    let (mut gone, mut stayed) = (0, 0);
    for round in 0..4 {
        let names = (0..6).map(|number| format!("user-{round}-{number}"));
        let hub = &hub;
        let users = join_all(names.map(|name| async move { hub.sign_up(&name).await })).await;
        join_all(users.iter().map(|user| {
            let [going, paying] = [0, 1].map(|_| Duration::from_micros(chance.below(60_000)));
            async move {
                let go = async {
                    tokio::time::sleep(going).await;
                    erase(hub, user).await
                };
                let pay = async {
                    tokio::time::sleep(paying).await;
                    under_key(hub, user, "/api/wallet/deposits", "d", json!({"amount": 500})).await
                };
                tokio::join!(go, pay)
            }
        }))
        .await
        .iter()
        .for_each(|(erased, _)| match erased.status.as_u16() {
            204 => gone += 1,
            _ => stayed += 1,
        });
        for user in &users {
            let id = user.id.parse::<Uuid>().unwrap();
            let text = "select count(*) from accounts where id = $1 and erased_at is not null and (
                    exists (select 1 from ledger_accounts where owner = $1 and balance <> 0)
                    or exists (select 1 from payment_orders where owner = $1 and status in ('new', 'open')))";
            assert_eq!(sql!(db.read(), scalar i64, text, id).unwrap(), 0, "{} is gone and has money", user.email);
        }
    }
    assert!(gone > 0 && stayed > 0, "{gone} went, {stayed} stayed: nothing was tried");
    db.close().await;
    hub.stop().await;
}

#[tokio::test]
async fn nobody_goes_with_money() {
    races(Hub::start().await).await;
}

#[tokio::test]
async fn nobody_goes_with_money_on_postgresql() {
    let Some(server) = Server::start().await else { return };
    races(Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await).await;
}
