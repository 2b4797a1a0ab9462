//! Who is erased at one node while the other has bids of theirs that are not archived yet: what follows from those bids later
//! brings nothing of the person back.

use std::collections::BTreeMap;
use std::time::Duration;

use bidhub::app;
use bidhub::domain::AccountId;
use bidhub::persistence::{Db, On};
use bidhub::personal::Fate;
use bidhub::sql;
use serde_json::{Value, json};

use crate::cluster::{PATIENCE, Plan, eventually};
use crate::redis::Server;

/// How many rows name this account in each column whose person is let go, but for those with none.
async fn rows(db: &Db, account: AccountId) -> BTreeMap<String, i64> {
    let On::Pg(pool) = db.read() else { unreachable!("a cluster has PostgreSQL") };
    let mut found = BTreeMap::new();
    for column in app::keepers().iter().flat_map(|keeper| keeper.columns()) {
        if column.fate != Fate::Erased {
            continue;
        }
        let text = format!("select count(*) from {} where {} = $1", column.table, column.name);
        let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(account.0);
        let count: i64 = asked.fetch_one(pool).await.unwrap();
        if count > 0 {
            found.insert(format!("{}.{}", column.table, column.name), count);
        }
    }
    found
}

/// Up to which record of an auction everything is projected that follows its bids.
async fn projected(db: &Db, auction: uuid::Uuid) -> i64 {
    let text = "select min(seq) from (select seq from auctions where id = $1 union all
            select seq from races where auction = $1 union all
            select seq from activity_auctions where auction = $1) as all_of_them";
    sql!(db.read(), scalar i64, text, auction).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_does_not_come_back_by_what_another_node_archives_later() {
    let Some(redis) = Server::start().await else { return };
    let plan = Plan::new(2, redis.url()).with("BIDHUB_CUSTOMERS_SNAPSHOT_CRON", "* * * * * *");
    let Some(cluster) = plan.start().await else { return };
    let (ben, sam) = (cluster.token("ben"), cluster.with_role("sam", "staff").await);
    let auction = cluster.offer(0, Duration::from_secs(3_600), json!({})).await;
    // The node that runs the room archives what it decides; the person goes at the other one.
    let here = &cluster.nodes[1 - cluster.owner().await].rest;
    let ada = here.sign_up("ada").await;
    let me = here.try_get(Some(&ada), "/api/me").await.unwrap().1;
    let account = AccountId(me["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"));
    let db = Db::postgres(&cluster.postgres.url()).await.unwrap();
    let id = auction.parse().unwrap();
    here.bid(&ada, &auction, "a", 1_000).await;
    here.bid(&ben, &auction, "b", 2_000).await;
    let seq = here.get(&format!("/api/auctions/{auction}")).await["seq"].as_i64().unwrap();
    eventually("two bids are projected", PATIENCE, async || projected(&db, id).await == seq).await;
    let before = rows(&db, account).await;
    assert!(before.contains_key("notifications.account"), "she was told that she leads: {before:?}");

    // From here on nothing can be archived. What the room decides stands all the same.
    let mut archive = db.begin().await.unwrap();
    if let On::Pg(on) = archive.on() {
        sqlx::query("lock table journal_records in exclusive mode").execute(on).await.unwrap();
    }
    here.bid(&ada, &auction, "c", 3_000).await;
    here.bid(&ben, &auction, "d", 4_000).await;
    let seq = here.get(&format!("/api/auctions/{auction}")).await["seq"].as_i64().unwrap();
    here.order(Some(&ada), "/api/me/erase", json!({"password": "correct horse battery"})).await;
    let erased = rows(&db, account).await;
    assert!(!erased.contains_key("notifications.account"), "{erased:?}");
    assert!(projected(&db, id).await < seq, "the other node has archived what it could not");

    drop(archive);
    eventually("all bids are projected", PATIENCE, async || projected(&db, id).await == seq).await;
    let text = "select count(*) from bids where bidder = $1";
    assert_eq!(sql!(db.read(), scalar i64, text, account.0).unwrap(), 2, "the log has the late one too");
    assert_eq!(rows(&db, account).await, erased, "nothing came back");
    let taken = async || sql!(db.read(), scalar i64, "select count(*) from scheduled_runs").unwrap();
    let runs = taken().await;
    eventually("two more snapshots are taken", PATIENCE, async || taken().await >= runs + 2).await;
    assert_eq!(rows(&db, account).await, erased, "nothing came back with a snapshot");
    for node in &cluster.nodes {
        let path = format!("/api/staff/users/{}/export", account.0);
        let left: Value = node.rest.try_get(Some(&sam), &path).await.expect("an answer").1;
        assert_eq!(left["notifications"], json!({"notifications": [], "preferences": []}), "{left}");
        let text = left.to_string();
        assert!(text.contains("Deleted user") && !text.contains("\"ada\"") && !text.contains("ada@"), "{text}");
        let found = node.rest.get("/api/search?q=ada").await.to_string();
        assert!(!found.contains("\"ada\""), "{found}");
    }
    db.close().await;
}
