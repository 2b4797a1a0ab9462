//! Messages between nodes over real channels, and what becomes of them when connections break.

use ::redis::cmd;
use bidhub::coordination::{Bus, News, NoteIds, Notice, SessionId};
use bytes::Bytes;

use crate::world::{World, auction, node, soon, until};

async fn say(world: &World, number: u128, message: &[u8]) {
    let channel = format!("bidhub:{{{}}}:news", auction(number));
    let _: i64 = world.redis.run(cmd("PUBLISH").arg(channel).arg(message)).await.unwrap();
}

async fn channels(world: &World) -> Vec<String> {
    world.redis.run(cmd("PUBSUB").arg("CHANNELS").arg("bidhub:{*")).await.unwrap()
}

#[tokio::test]
async fn a_notice_reaches_every_node_and_a_message_only_its_own_in_order() {
    let Some(world) = World::new().await else { return };
    let ((ada, stop_ada), (bob, stop_bob)) = (world.bus(node(1)).await, world.bus(node(2)).await);
    let mut notices = [ada.subscribe(), bob.subscribe()];
    let ended = Notice::SessionEnded(SessionId([1; 32]));
    ada.publish(ended).await.unwrap();
    for notices in &mut notices {
        assert_eq!(soon(notices.recv()).await, Ok(ended));
    }
    let (mut to_ada, mut to_bob) = (ada.told().unwrap(), bob.told().unwrap());
    for number in 0..2_000_u32 {
        ada.tell(node(2), Bytes::copy_from_slice(&number.to_be_bytes())).await.unwrap();
    }
    for number in 0..2_000_u32 {
        let expected = (node(1), Bytes::copy_from_slice(&number.to_be_bytes()));
        assert_eq!(soon(to_bob.recv()).await, Some(expected));
    }
    assert!(to_ada.try_recv().is_err());
    assert!(notices.iter_mut().all(|notices| notices.try_recv().is_err()), "each heard it once");
    stop_ada.cancel();
    stop_bob.cancel();
}

#[tokio::test]
async fn followers_of_one_auction_share_a_channel_that_ends_with_the_last() {
    let Some(world) = World::new().await else { return };
    let (bus, stop) = world.bus(node(1)).await;
    let (mut one, mut two) = (soon(bus.follow(auction(1))).await.unwrap(), soon(bus.follow(auction(1))).await.unwrap());
    let mut other = soon(bus.follow(auction(2))).await.unwrap();
    assert_eq!(channels(&world).await.len(), 2);
    say(&world, 1, b"Cbatch").await;
    say(&world, 1, b"?nonsense").await;
    say(&world, 1, b"R").await;
    for news in [&mut one, &mut two] {
        assert_eq!(soon(news.recv()).await, Some(News::Committed(Bytes::from("batch"))));
        assert_eq!(soon(news.recv()).await, Some(News::Released));
    }
    drop(one);
    say(&world, 1, b"R").await;
    assert_eq!(soon(two.recv()).await, Some(News::Released));
    drop(two);
    until("the channel is given up", async || channels(&world).await.len() == 1).await;
    assert!(other.try_recv().is_err());
    let mut again = soon(bus.follow(auction(1))).await.unwrap();
    say(&world, 1, b"Cmore").await;
    assert_eq!(soon(again.recv()).await, Some(News::Committed(Bytes::from("more"))));
    stop.cancel();
}

#[tokio::test]
async fn a_slow_follower_loses_news_and_nobody_waits_for_it() {
    let Some(world) = World::new().await else { return };
    let (bus, stop) = world.bus(node(1)).await;
    let mut slow = soon(bus.follow(auction(1))).await.unwrap();
    let mut quick = soon(bus.follow(auction(2))).await.unwrap();
    for _ in 0..2_000 {
        say(&world, 1, b"R").await;
    }
    say(&world, 2, b"R").await;
    assert_eq!(soon(quick.recv()).await, Some(News::Released));
    let mut kept = 0;
    while slow.try_recv().is_ok() {
        kept += 1;
    }
    assert_eq!(kept, slow.max_capacity());
    stop.cancel();
}

#[tokio::test]
async fn a_cut_connection_comes_back_with_all_its_channels_and_no_notice_is_lost() {
    let Some(world) = World::new().await else { return };
    let ((ada, stop_ada), (bob, stop_bob)) = (world.bus(node(1)).await, world.bus(node(2)).await);
    let mut news = soon(ada.follow(auction(1))).await.unwrap();
    let (mut notices, mut told) = (ada.subscribe(), ada.told().unwrap());
    for round in 0..3 {
        for kind in ["pubsub", "normal"] {
            world.server.cli(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
        }
        // Said while nobody may be listening: it is found later.
        let ended = Notice::SessionEnded(SessionId([round; 32]));
        let pushed = Notice::PushNotes(NoteIds::new(round.into(), 1));
        for notice in [ended, pushed] {
            until("the notice can be said", async || bob.publish(notice).await.is_ok()).await;
        }
        let mut open = vec![ended, pushed];
        while !open.is_empty() {
            let heard = soon(notices.recv()).await.unwrap();
            open.retain(|notice| *notice != heard);
        }
        until("it hears itself again", async || ada.probe().await.is_ok() && bob.probe().await.is_ok()).await;
        until("news are heard again", async || {
            let _: Result<i64, _> =
                world.redis.run(cmd("PUBLISH").arg(format!("bidhub:{{{}}}:news", auction(1))).arg("R")).await;
            news.try_recv().is_ok()
        })
        .await;
        until("messages are heard again", async || {
            bob.tell(node(1), Bytes::from("hello")).await.is_ok() && told.try_recv().is_ok()
        })
        .await;
    }
    stop_ada.cancel();
    stop_bob.cancel();
}

#[tokio::test]
async fn notifications_do_not_push_out_what_ends() {
    let Some(world) = World::new().await else { return };
    let (bus, stop) = world.bus(node(1)).await;
    for id in 0..3 {
        bus.publish(Notice::PushNotes(NoteIds::new(id, 1))).await.unwrap();
        bus.publish(Notice::NotesWritten).await.unwrap();
    }
    bus.publish(Notice::SessionEnded(SessionId([1; 32]))).await.unwrap();
    for (stream, length) in [("bidhub:notices", 1), ("bidhub:notes", 3)] {
        assert_eq!(world.redis.run::<i64>(cmd("XLEN").arg(stream)).await.unwrap(), length, "{stream}");
    }
    stop.cancel();
}

#[tokio::test]
async fn a_silent_redis_makes_the_probe_fail_until_it_answers_again() {
    let Some(world) = World::new().await else { return };
    let (bus, stop) = world.bus(node(1)).await;
    let mut news = soon(bus.follow(auction(1))).await.unwrap();
    soon(bus.probe()).await.unwrap();
    world.server.pause();
    assert!(soon(bus.probe()).await.is_err());
    assert!(soon(bus.follow(auction(2))).await.is_err());
    world.server.resume();
    until("it hears itself again", async || bus.probe().await.is_ok()).await;
    until("news are heard again", async || {
        let _: Result<i64, _> =
            world.redis.run(cmd("PUBLISH").arg(format!("bidhub:{{{}}}:news", auction(1))).arg("R")).await;
        news.try_recv().is_ok()
    })
    .await;
    stop.cancel();
}

#[tokio::test]
async fn nobody_is_told_after_a_node_has_ended() {
    let Some(world) = World::new().await else { return };
    let ((ada, stop_ada), (_bob, stop_bob)) = (world.bus(node(1)).await, world.bus(node(2)).await);
    ada.tell(node(2), Bytes::from("hello")).await.unwrap();
    stop_bob.cancel();
    until("it is surely not told", async || ada.tell(node(2), Bytes::from("hello")).await.is_err()).await;
    stop_ada.cancel();
}
