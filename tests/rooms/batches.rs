//! However commands fall into batches, the log is the same, byte for byte.

use std::sync::Arc;

use bidhub::clock::Clock;
use bidhub::domain::Span;
use bidhub::domain::auction::{Bid, Rejection};
use bidhub::domain::formats::{Format, SoftClose};
use bidhub::journal::Record;
use bidhub::room::{Act, Answer, InFlightLimit, Limits};
use proptest::prelude::*;
use tokio::sync::oneshot;

use crate::house::*;

/// Decides `bids` in rooms that take `batch_max` commands at once; gives the log and the answers.
async fn run(bids: Vec<Bid>, batch_max: usize) -> (Vec<Record>, Vec<Result<Answer, Rejection>>) {
    let limits = Limits { batch_max, in_flight_max: InFlightLimit(255), ..Limits::default() };
    let house = House::at(limits, Clock::manual(start()), 7).await;
    let mut terms = terms(start());
    terms.ends_at = start().plus(Span::from_secs(60));
    let Format::English(english) = &mut terms.format;
    english.reserve = Some(money(20_000));
    let late = Span::from_secs(120);
    english.soft_close = Some(SoftClose { window: late, extension: late, max_total: Span::from_secs(600) });
    let auction = house.auction(terms).await;
    let room = house.rooms.get(auction).await.unwrap();
    eventually("it is open", || async { room.seq().0 == 1 }).await;
    let mut waiting = Vec::new();
    for (number, bid) in bids.into_iter().enumerate() {
        let (sender, receiver) = oneshot::channel();
        house.rooms.submit(auction, bid, reply_to(sender)).await;
        waiting.push(receiver);
        if number == 40 {
            let _ = house.rooms.act(auction, Act::Pause { by: account(2), key: None, reason: "a look".into() }).await;
            let _ = house.rooms.act(auction, Act::Resume { by: account(2), key: None, reason: None }).await;
        }
    }
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.unwrap());
    }
    house.verified(auction).await;
    (house.records(auction).await, answers)
}

fn bids() -> impl Strategy<Value = Vec<Bid>> {
    let bid = (0..6_u128, 0..60_u32, 1..60_000_i64, any::<bool>()).prop_map(|(bidder, name, minor, proxy)| {
        let name = format!("key-{name}");
        if proxy { max(10 + bidder, &name, minor) } else { straight(10 + bidder, &name, minor) }
    });
    prop::collection::vec(bid, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_into_batches_gives_the_same_log(bids in bids()) {
        let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
        runtime.block_on(async {
            let (log, answers) = run(bids.clone(), 1).await;
            for batch_max in [3, 512] {
                let (other, others) = run(bids.clone(), batch_max).await;
                assert_eq!(other, log, "batches of {batch_max}");
                assert_eq!(others, answers, "batches of {batch_max}");
            }
        });
    }
}
