//! What the projection makes of the ends of auctions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bidhub::domain::auction::{Funds, Listing, Offer};
use bidhub::features::sales::SalesProjection;
use bidhub::persistence::{StoreError, Tx};
use bidhub::projection::{Projected, Projection};
use bidhub::room::Act;

use super::world::{SELLER, money, on_both, person};

#[tokio::test]
async fn the_winner_pays_the_seller_is_paid_and_the_others_get_theirs_back() {
    on_both(|world| async move {
        let (ann, ben, seller) = (person(1), person(2), person(SELLER));
        let auction = world.offer(Funds::Required, None).await;
        world.funded_bid(auction, ann, 3_000).await;
        world.funded_bid(auction, ben, 5_000).await;
        world.project().await;
        assert_eq!((world.wallet(ann).await, world.wallet(ben).await), ((0, 3_300), (0, 5_500)), "nothing ended");
        world.end(auction).await;
        world.project().await;
        // One step above what Ann let it go to.
        let (price, premium, commission) = (3_100, 310, 155);
        assert_eq!(world.invoices().await, [(1, "paid".into(), price, premium, commission, price - commission)]);
        assert_eq!(world.wallet(ann).await, (3_300, 0));
        assert_eq!(world.wallet(ben).await, (5_500 - price - premium, 0));
        assert_eq!(world.wallet(seller).await, (price - commission, 0));
        assert_eq!(world.house().await, premium + commission);
        let told = [
            ("Ann", "hold_released", 3_300),
            ("Ben", "captured", price + premium),
            ("Ben", "hold_released", 5_500 - price - premium),
            ("Sella", "paid_out", price - commission),
        ];
        assert_eq!(world.notes().await, told.map(|(name, kind, amount)| (name.to_owned(), kind.to_owned(), amount)));
        world.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_sale_all_get_theirs_back() {
    on_both(|world| async move {
        let (ann, ben) = (person(1), person(2));
        let stopped = world.offer(Funds::Required, None).await;
        world.funded_bid(stopped, ann, 3_000).await;
        let reason = "a mistake".into();
        let stop = Act::Stop { by: person(4), key: None, reason, only_without_bids: false };
        world.rooms.act(stopped, stop).await.unwrap();
        let unsold = world.offer(Funds::Required, None).await;
        world.deposit(ben, 2_200).await;
        world.allow(unsold, ben, 2_000).await;
        world.end(unsold).await;
        world.project().await;
        assert_eq!((world.wallet(ann).await, world.wallet(ben).await), ((3_300, 0), (2_200, 0)));
        assert_eq!(world.invoices().await, []);
        world.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn who_buys_now_pays_at_once() {
    on_both(|world| async move {
        let (ann, seller) = (person(1), person(SELLER));
        let auction = world.offer(Funds::Required, Some(9_000)).await;
        world.deposit(ann, 10_000).await;
        world.allow(auction, ann, 9_000).await;
        world.bid(auction, ann, Offer::BuyNow).await;
        world.project().await;
        assert_eq!(world.invoices().await, [(1, "paid".into(), 9_000, 900, 450, 8_550)]);
        assert_eq!((world.wallet(ann).await, world.wallet(seller).await), ((100, 0), (8_550, 0)));
        world.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn after_a_void_the_one_below_wins_and_pays() {
    on_both(|world| async move {
        let (ann, ben) = (person(1), person(2));
        let auction = world.offer(Funds::Required, None).await;
        world.funded_bid(auction, ann, 3_000).await;
        let seq = world.funded_bid(auction, ben, 5_000).await;
        let void = Act::Void { by: person(4), key: None, reason: "a mistake".into(), seq };
        world.rooms.act(auction, void).await.unwrap();
        world.end(auction).await;
        world.project().await;
        assert_eq!(world.invoices().await, [(1, "paid".into(), 1_000, 100, 50, 950)]);
        assert_eq!((world.wallet(ann).await, world.wallet(ben).await), ((3_300 - 1_100, 0), (5_500, 0)));
        world.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn a_hold_falls_when_the_log_says_that_the_room_lets_one_bid_no_higher() {
    on_both(|world| async move {
        let ann = person(1);
        let auction = world.offer(Funds::Required, None).await;
        world.deposit(ann, 5_500).await;
        world.allow(auction, ann, 5_000).await;
        world.project().await;
        world.allow(auction, ann, 2_000).await;
        assert_eq!(world.wallet(ann).await, (0, 5_500), "not before");
        world.project().await;
        assert_eq!(world.wallet(ann).await, (3_300, 2_200));
        assert_eq!(world.notes().await, [("Ann".into(), "hold_released".into(), 3_300)]);
        world.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_paid_between_the_parties_is_billed_and_moves_nothing() {
    on_both(|world| async move {
        let (ann, ben) = (person(1), person(2));
        let auction = world.offer(Funds::None, None).await;
        world.bid(auction, ann, Offer::Straight(money(1_500))).await;
        // Whatever was set aside all the same goes back.
        world.deposit(ben, 1_100).await;
        world.allow(auction, ben, 1_000).await;
        world.end(auction).await;
        world.project().await;
        assert_eq!(world.invoices().await, [(1, "outside".into(), 1_500, 0, 0, 1_500)]);
        assert_eq!((world.wallet(ann).await, world.wallet(ben).await), ((0, 0), (1_100, 0)));
        assert_eq!((world.wallet(person(SELLER)).await, world.house().await), ((0, 0), 0));
    })
    .await;
}

#[tokio::test]
async fn terms_count_as_they_were_amended() {
    on_both(|world| async move {
        let (ann, auction) = (person(1), world.offer(Funds::None, None).await);
        world.project().await;
        let listing =
            Listing { title: "Oak desk".into(), description: "".into(), category: "furniture".into(), image_url: None };
        let terms = Box::new(world.terms(Funds::Required, None));
        let amend = Act::Amend { by: person(SELLER), key: None, terms, listing: Box::new(listing), over: None };
        world.rooms.act(auction, amend).await.unwrap();
        world.funded_bid(auction, ann, 3_000).await;
        world.end(auction).await;
        world.project().await;
        assert_eq!(world.invoices().await, [(1, "paid".into(), 1_000, 100, 50, 950)]);
        assert!(world.rows().await[0].contains("Oak desk"), "{:?}", world.rows().await);
    })
    .await;
}

/// Applies the whole page, and then fails as often as it is told to.
struct Failing(AtomicBool);

#[async_trait::async_trait]
impl Projection for Failing {
    fn name(&self) -> &'static str {
        SalesProjection.name()
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        SalesProjection.apply(tx, page).await?;
        if self.0.load(Ordering::SeqCst) {
            return Err(StoreError::Inconsistent { table: "none", detail: "told to fail".to_owned() });
        }
        // The same page once more in the same transaction.
        SalesProjection.apply(tx, page).await
    }
}

#[tokio::test]
async fn a_page_counts_once_however_often_it_is_handed_over_and_not_at_all_if_it_is_cut_off() {
    on_both(|world| async move {
        let (ann, ben) = (person(1), person(2));
        let mut auctions = Vec::new();
        for funds in [Funds::Required, Funds::None, Funds::Required] {
            let auction = world.offer(funds, None).await;
            world.funded_bid(auction, ann, 3_000).await;
            world.funded_bid(auction, ben, 5_000).await;
            auctions.push(auction);
        }
        world.allow(auctions[0], ann, 1_000).await;
        world.end(auctions[0]).await;
        world.end(auctions[2]).await;
        world.freeze(ben).await;
        let before = world.rows().await;
        world.project_with(Arc::new(Failing(AtomicBool::new(true)))).await;
        assert_eq!((world.rows().await, world.checkpoint().await), (before, 0));
        world.project_with(Arc::new(Failing(AtomicBool::new(false)))).await;
        assert_eq!(world.checkpoint().await, world.last_position().await);
        let statuses: Vec<_> = world.invoices().await.into_iter().map(|it| (it.0, it.1)).collect();
        let mut kinds: Vec<_> = statuses.iter().map(|(_, status)| status.as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["open", "open", "outside"]);
        assert_eq!(statuses.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
        let rows = world.rows().await;
        world.forget_checkpoint().await;
        world.project().await;
        assert_eq!((world.rows().await, world.checkpoint().await), (rows, world.last_position().await));
        world.assert_balanced().await;
    })
    .await;
}
