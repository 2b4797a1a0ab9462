//! Snapshots of customers among nodes: one node takes each, none is taken twice, and none is missed without a word.

use std::collections::BTreeSet;

use bidhub::persistence::Db;
use bidhub::sql;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::cluster::{PATIENCE, Plan, eventually};
use crate::redis::Server;

/// Runs so far: when due, by which node, how many before it were skipped.
async fn runs(db: &Db) -> Vec<(DateTime<Utc>, Uuid, i64)> {
    let text = "select due_at, node, skipped from scheduled_runs order by due_at";
    sql!(db.read(), all(DateTime<Utc>, Uuid, i64), text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_takes_each_snapshot_and_another_goes_on_when_it_dies() {
    let Some(redis) = Server::start().await else { return };
    let plan = Plan::new(2, redis.url()).with("BIDHUB_CUSTOMERS_SNAPSHOT_CRON", "* * * * * *");
    let Some(mut cluster) = plan.start().await else { return };
    let db = Db::postgres(&cluster.postgres.url()).await.unwrap();
    eventually("runs are done", PATIENCE, async || runs(&db).await.len() >= 3).await;
    let before = runs(&db).await;
    let nodes: BTreeSet<Uuid> = before.iter().map(|(_, node, _)| *node).collect();
    assert_eq!(nodes.len(), 1, "who holds the task does them all: {before:?}");
    // Which of the two it is, it says itself.
    let mut done = Vec::new();
    for node in &cluster.nodes {
        done.push(node.metric("bidhub_scheduled_runs_total").await);
    }
    let taker = usize::from(done[1] > done[0]);
    cluster.kill(taker);
    let others = async || runs(&db).await.iter().filter(|(_, node, _)| !nodes.contains(node)).count();
    eventually("the other goes on", PATIENCE, async || others().await >= 2).await;
    let after = runs(&db).await;
    for pair in after.windows(2) {
        let [(last, ..), (due, _, skipped)] = pair else { unreachable!("two at a time") };
        assert_eq!(
            *due - *last,
            TimeDelta::seconds(skipped + 1),
            "each moment was done or is said to be missed: {pair:?}"
        );
    }
    db.close().await;
}
