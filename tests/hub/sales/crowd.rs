//! Holds are set from all sides while sales are settled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bidhub::chance::Chance;
use bidhub::domain::AuctionId;
use bidhub::domain::BidKey;
use bidhub::domain::auction::{Bid, Funds, Offer};
use bidhub::features::sales::SalesProjection;
use bidhub::ledger::{self, Refusal, Target};
use bidhub::persistence::{StoreError, Tx};
use bidhub::projection::{Projected, Projection};
use bidhub::room::Act;

use super::world::{SELLER, World, money, on_both, person};

const AUCTIONS: usize = 12;
const BIDDERS: u64 = 3;
const ROUNDS: usize = 60;
const DEPOSIT: i64 = 100_000_000;

/// The projection of sales, and what went wrong in it.
#[derive(Default)]
struct Watched(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl Projection for Watched {
    fn name(&self) -> &'static str {
        SalesProjection.name()
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        let applied = SalesProjection.apply(tx, page).await;
        if let Err(error) = &applied {
            self.0.lock().unwrap().push(error.to_string());
        }
        applied
    }
}

/// Sets allowances here and there, and bids them.
async fn bid_about(world: Arc<World>, auctions: Vec<AuctionId>, bidder: u64, chance: Chance) {
    let bidder = person(bidder);
    for _ in 0..ROUNDS {
        let auction = auctions[chance.below(AUCTIONS as u64) as usize];
        let amount = money(1_000 * (1 + chance.below(50) as i64));
        let mut tx = world.db.begin().await.unwrap();
        let (book, now) = (world.book(auction), world.clock.now());
        let set = match ledger::set_allowance(&mut tx, &book, bidder, Target::Exactly(amount), None, now).await {
            Ok(set) => set,
            Err(Refusal::Settled) => continue,
            Err(refusal) => panic!("{refusal}"),
        };
        tx.commit().await.unwrap();
        // The room may refuse to lower it, or be closed already.
        let act = Act::SetAllowance { bidder, amount: set.allowance, version: set.version };
        let _ = world.rooms.act(auction, act).await;
        let key = BidKey::generated(chance.uuid(now));
        let _ = world.rooms.bid(auction, Bid { bidder, barred: None, key, offer: Offer::Max(amount) }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_in_a_ring_and_no_money_stays_behind() {
    on_both(|world| async move {
        let seed = std::env::var("BIDHUB_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
        eprintln!("BIDHUB_SEED={seed}");
        let world = Arc::new(world);
        let mut auctions = Vec::new();
        for _ in 0..AUCTIONS {
            auctions.push(world.offer(Funds::Required, None).await);
        }
        let mut bidding = tokio::task::JoinSet::new();
        for bidder in 1..=BIDDERS {
            world.deposit(person(bidder), DEPOSIT).await;
            bidding.spawn(bid_about(world.clone(), auctions.clone(), bidder, Chance::seeded(seed + bidder)));
        }
        let (watched, done) = (Arc::new(Watched::default()), Arc::new(AtomicBool::new(false)));
        let projecting = {
            let (world, watched, done) = (world.clone(), watched.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    world.project_with(watched.clone()).await;
                    tokio::task::yield_now().await;
                }
            })
        };
        // Half of them end while the others go on.
        for auction in &auctions[..AUCTIONS / 2] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            let stop = Act::Stop { by: person(4), key: None, reason: "enough".into(), only_without_bids: false };
            world.rooms.act(*auction, stop).await.unwrap();
        }
        while let Some(bid) = bidding.join_next().await {
            bid.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        projecting.await.unwrap();
        for auction in &auctions[AUCTIONS / 2..] {
            world.end(*auction).await;
        }
        world.project_with(watched.clone()).await;
        assert_eq!(*watched.0.lock().unwrap(), Vec::<String>::new());
        assert_eq!(world.checkpoint().await, world.last_position().await);
        let mut total = world.house().await;
        for number in SELLER..=BIDDERS {
            let (available, held) = world.wallet(person(number)).await;
            assert_eq!(held, 0, "{number}");
            total += available;
        }
        assert_eq!(total, DEPOSIT * BIDDERS as i64);
        world.assert_balanced().await;
    })
    .await;
}
