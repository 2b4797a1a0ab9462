//! Acts under a key, in a room: done once through lost replies, restarts and refusals.

use bidhub::domain::auction::Rejection;
use bidhub::domain::{BidKey, Seq, Span};
use bidhub::room::Act;

use crate::house::*;
use crate::unruly::Fate;

fn pause(name: &str, reason: &str) -> Act {
    Act::Pause { by: account(2), key: Some(key(name)), reason: reason.into() }
}

fn resume(name: &str) -> Act {
    Act::Resume { by: account(2), key: Some(key(name)), reason: None }
}

#[tokio::test]
async fn an_act_whose_reply_was_lost_is_found_in_the_log_and_done_once() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, straight(10, "first", 500)).await.unwrap();
    house.door.then([Fate::LoseReply]);
    assert_eq!(house.rooms.act(auction, pause("p", "a look")).await, Ok(Seq(3)));
    assert_eq!(house.rooms.act(auction, pause("p", "a look")).await, Ok(Seq(3)));
    assert_eq!(house.rooms.act(auction, pause("p", "another")).await, Err(Rejection::KeyReused));
    assert_eq!(house.rooms.act(auction, pause("q", "a look")).await, Err(Rejection::AuctionPaused));
    assert_eq!(house.kinds(auction).await, ["opened", "bid", "paused"]);
    house.verified(auction).await;
}

#[tokio::test]
async fn an_act_whose_commit_failed_never_was_and_can_be_asked_for_again() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.bid(auction, straight(10, "first", 500)).await.unwrap();
    house.door.then([Fate::FailBefore]);
    assert_eq!(house.rooms.act(auction, pause("p", "a look")).await, Err(Rejection::Unavailable));
    assert_eq!(house.rooms.act(auction, pause("p", "a look")).await, Ok(Seq(3)));
    assert_eq!(house.kinds(auction).await, ["opened", "bid", "paused"]);
}

#[tokio::test]
async fn an_act_is_remembered_by_who_comes_after() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    house.rooms.act(auction, pause("p", "a look")).await.unwrap();
    house.rooms.act(auction, resume("r")).await.unwrap();
    let house = house.reopened().await;
    assert_eq!(house.rooms.act(auction, pause("p", "a look")).await, Ok(Seq(2)));
    assert_eq!(house.rooms.act(auction, resume("r")).await, Ok(Seq(3)));
    assert_eq!(house.kinds(auction).await, ["opened", "paused", "resumed"]);
}

#[tokio::test]
async fn a_refusal_stands_for_as_long_as_a_copy_may_still_arrive() {
    let house = House::new().await;
    let auction = house.auction(terms(start())).await;
    assert_eq!(house.rooms.act(auction, resume("r")).await, Err(Rejection::NotPaused));
    house.rooms.act(auction, pause("p", "a look")).await.unwrap();
    assert_eq!(house.rooms.act(auction, resume("r")).await, Err(Rejection::NotPaused), "a late copy resumes nothing");
    assert_eq!(house.rooms.act(auction, pause("r", "a look")).await, Err(Rejection::KeyReused));
    house.clock.advance(Span::from_secs(11));
    assert_eq!(house.rooms.act(auction, resume("r")).await, Ok(Seq(3)));
}

#[test]
fn an_act_without_a_key_can_be_given_one() {
    let made = || BidKey::new("made").unwrap();
    assert_eq!(pause("p", "a look").keyed(made), pause("p", "a look"));
    let bare = Act::Resume { by: account(2), key: None, reason: None };
    assert_eq!(bare.keyed(made), resume("made"));
    let allowance = Act::SetAllowance { bidder: account(10), amount: money(1), version: 1 };
    assert_eq!(allowance.clone().keyed(made), allowance, "the version of the hold is its key");
}
