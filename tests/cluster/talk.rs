//! What people say at one node is seen at once at the other: comments by the room, tickets by their two sides, reports by
//! staff.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Plan;
use crate::redis::Server;
use crate::socket_client::{Codec, Socket};

/// The next push of this type that fits.
async fn shown(socket: &mut Socket, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        let push = socket.push_of(kind).await;
        if fits(&push) {
            return push;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_say_at_one_node_is_seen_at_the_other() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, redis.url()).start().await else { return };
    let auction = cluster.offer(0, Duration::from_secs(3_600), json!({})).await;
    let (ada, ben, sam) = (cluster.token("ada"), cluster.token("ben"), cluster.with_role("sam", "staff").await);
    let [here, there] = [&cluster.nodes[0].rest, &cluster.nodes[1].rest];
    let mut room = Socket::open(there.address, Codec::Json).await;
    room.ask(json!({"type": "join", "auction": auction})).await;
    let mut of_ada = Socket::of(there.address, Codec::MessagePack, &ada).await;
    let mut of_sam = Socket::of(there.address, Codec::Json, &sam).await;

    let body = json!({"auction": auction, "body": "Is it oak?"});
    let question = here.post(Some(&ada), "/api/comments", body).await;
    let push = room.push_of("comment").await;
    assert_eq!((&push["comment"]["id"], &push["comment"]["body"]), (&question["id"], &json!("Is it oak?")));
    assert_eq!((&push["auction"], &push["total"]), (&json!(auction), &json!(1)));
    let body = json!({"auction": auction, "parent": question["id"], "body": "Walnut."});
    here.post(Some(&ben), "/api/comments", body).await;
    assert_eq!(room.push_of("comment").await["total"], 2);
    let told = of_ada.push_of("notification").await;
    assert_eq!((&told["kind"], &told["data"]["author"]), (&json!("comment_reply"), &json!("ben")));

    let path = format!("/api/comments/{}/report", question["id"].as_str().unwrap());
    here.post(Some(&ben), &path, json!({"reason": "not a question"})).await;
    let push = of_sam.push_of("moderation").await;
    assert_eq!((&push["item"]["kind"], &push["item"]["status"]), (&json!("comment_report"), &json!("open")));
    let path = format!("/api/staff/moderation/{}/resolve", push["item"]["id"].as_str().unwrap());
    here.post(Some(&sam), &path, json!({"outcome": "upheld", "reason": "it was none"})).await;
    shown(&mut of_sam, "moderation", |push| push["item"]["status"] == "upheld").await;

    let body = json!({"subject": "My deposit", "body": "It has not come."});
    let ticket = here.post(Some(&ada), "/api/tickets", body).await;
    let fits = |push: &Value| push["ticket"]["id"] == ticket["id"];
    assert_eq!(shown(&mut of_sam, "ticket", fits).await["message"]["body"], "It has not come.");
    let path = format!("/api/tickets/{}/messages", ticket["id"].as_str().unwrap());
    here.post(Some(&sam), &path, json!({"body": "It is on its way."})).await;
    let answered = |push: &Value| push["message"]["body"] == "It is on its way.";
    assert_eq!(shown(&mut of_ada, "ticket", answered).await["message"]["staff"], true);
    let told = of_ada.push_of("notification").await;
    assert_eq!((&told["kind"], &told["data"]["subject"]), (&json!("ticket_answer"), &json!("My deposit")));
}
