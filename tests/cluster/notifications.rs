//! What an account is told reaches its sockets at every node, whichever node wrote it and whichever pushes.

use std::collections::HashSet;

use bidhub::clock;
use bidhub::notify::{self, Note, NoteKind};
use bidhub::persistence::Db;
use serde_json::json;

use crate::cluster::Plan;
use crate::redis::Server;
use crate::socket_client::{CODECS, Socket};

const NOTES: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_reaches_the_sockets_of_its_account_at_every_node() {
    let Some(redis) = Server::start().await else { return };
    let Some(mut cluster) = Plan::new(2, redis.url()).start().await else { return };
    let ada = cluster.token("ada");
    let account = cluster.account(0, &ada).await;
    let mut sockets = Vec::new();
    for (node, codec) in cluster.nodes.iter().zip(CODECS) {
        sockets.push(Socket::of(node.address(), codec, &ada).await);
    }
    let db = Db::postgres(&cluster.postgres.url()).await.unwrap();
    let at = clock::parse("2026-11-20T09:30:00.000Z").unwrap();
    let tell = async |causes: std::ops::Range<usize>| {
        let note = |number: usize| Note {
            account,
            kind: NoteKind::Outbid,
            auction: None,
            cause: number.to_string(),
            data: json!({}),
            at,
        };
        let mut tx = db.begin().await.unwrap();
        assert_eq!(
            notify::write(&mut tx, &causes.clone().map(note).collect::<Vec<_>>()).await.unwrap(),
            causes.len() as u64
        );
        tx.commit().await.unwrap();
    };
    tell(0..NOTES).await;
    let mut told = Vec::new();
    for socket in &mut sockets {
        let mut ids = HashSet::new();
        while ids.len() < NOTES {
            let push = socket.push().await.unwrap();
            assert_eq!((&push["type"], &push["kind"]), (&json!("notification"), &json!("outbid")));
            ids.insert(push["id"].as_i64().unwrap());
        }
        told.push(ids);
    }
    assert_eq!(told[0], told[1]);
    // Whichever of the two pushes: with one gone, the other does.
    cluster.kill(0);
    tell(NOTES..NOTES + 1).await;
    let id = loop {
        let id = sockets[1].push().await.unwrap()["id"].as_i64().unwrap();
        if !told[1].contains(&id) {
            break id;
        }
    };
    assert!(told[1].iter().all(|before| *before < id));
    db.close().await;
}
