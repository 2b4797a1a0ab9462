//! The end of an auction: the sale is paid once, and nothing stays held.

use bidhub::domain::Money;
use bidhub::ledger::*;

use crate::bench::{SELLER, book, money, on_both, person};

#[tokio::test]
async fn a_sale_is_paid_once_and_everything_else_released() {
    on_both(|bench| async move {
        let (ann, ben, desk) = (person(1), person(2), book(1));
        for who in [ann, ben] {
            bench.deposit(who, 2_200).await;
            bench.set(&desk, who, Target::ForBid(money(2_000))).await.unwrap();
        }
        let outcome = Outcome::Sold { winner: ann, price: money(1_001) };
        let settled = bench.settle(&desk, outcome).await.unwrap();
        let paid = Paid { price: money(1_001), premium: money(100), commission: money(50), payout: money(951) };
        assert_eq!(settled.sale, Some(Ok(paid)));
        assert_eq!(settled.released, [(ann, money(1_099)), (ben, money(2_200))]);
        assert_eq!((bench.wallet(ann).await, bench.wallet(ben).await), ((1_099, 0), (2_200, 0)));
        assert_eq!((bench.wallet(person(SELLER)).await, bench.house().await), ((951, 0), 150));
        assert_eq!(bench.settle(&desk, outcome).await, None, "once");
        let late = bench.set(&desk, ben, Target::ForBid(money(5))).await;
        assert!(matches!(late, Err(Refusal::Settled)), "{late:?}");
        assert_eq!(bench.confirm(&desk, ben, 5, 7).await, money(0));
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_sale_all_is_released() {
    on_both(|bench| async move {
        let (ann, desk) = (person(1), book(1));
        bench.deposit(ann, 500).await;
        bench.set(&desk, ann, Target::ForBid(money(100))).await.unwrap();
        bench.set(&book(2), ann, Target::ForBid(money(100))).await.unwrap();
        let settled = bench.settle(&desk, Outcome::Nothing).await.unwrap();
        assert_eq!(settled, Settled { sale: None, released: vec![(ann, money(110))] });
        assert_eq!(bench.wallet(ann).await, (390, 110), "what is held elsewhere stays");
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn what_a_frozen_winner_owes_waits_for_staff() {
    on_both(|bench| async move {
        let (ann, ben, desk) = (person(1), person(2), book(1));
        bench.insert_account(ann).await;
        for who in [ann, ben] {
            bench.deposit(who, 1_100).await;
            bench.set(&desk, who, Target::ForBid(money(1_000))).await.unwrap();
        }
        bench.freeze(ann, true).await;
        let settled = bench.settle(&desk, Outcome::Sold { winner: ann, price: money(500) }).await.unwrap();
        assert_eq!(settled.sale, Some(Err(Unpaid::Frozen)));
        assert_eq!((bench.wallet(ann).await, bench.wallet(ben).await), ((0, 1_100), (1_100, 0)));
        let mut tx = bench.begin().await;
        let late = capture_late(&mut tx, desk.auction, ann, money(500), crate::bench::at(9)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(late.and_then(Result::ok).map(|paid| paid.payout), Some(money(475)));
        assert_eq!((bench.wallet(ann).await, bench.house().await), ((550, 0), 75));
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn what_comes_in_pays_what_is_owed_and_who_owed_it_is_told() {
    on_both(|bench| async move {
        let (ann, ben, seller, desk) = (person(1), person(2), person(SELLER), book(1));
        for who in [ann, ben] {
            bench.deposit(who, 1_100).await;
            bench.set(&desk, who, Target::ForBid(money(1_000))).await.unwrap();
        }
        bench.owe(seller, 400).await;
        bench.owe(ben, 300).await;
        let sold = Outcome::Sold { winner: ann, price: money(1_000) };
        assert!(bench.settle(&desk, sold).await.is_some());
        assert_eq!(bench.settle(&desk, sold).await, None);
        assert_eq!((bench.wallet(seller).await, bench.wallet(ben).await), ((550, 0), (800, 0)));
        assert_eq!((bench.debts_paid(seller).await, bench.debts_paid(ben).await), (vec![400], vec![300]));
        assert_eq!(bench.debts_paid(ann).await, [0; 0], "who owes nothing hears nothing");

        // What a lowered allowance gives back pays as well.
        let (eve, lamp) = (person(3), book(2));
        bench.deposit(eve, 1_100).await;
        let high = bench.set(&lamp, eve, Target::ForBid(money(1_000))).await.unwrap();
        bench.owe(eve, 5_000).await;
        assert_eq!(bench.confirm(&lamp, eve, 500, high.version).await, money(550));
        assert_eq!((bench.wallet(eve).await, bench.debts_paid(eve).await), ((0, 550), vec![550]));
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn a_seller_whose_wallet_can_hold_no_more_is_paid_later() {
    on_both(|bench| async move {
        let (ann, seller, desk) = (person(1), person(SELLER), book(1));
        bench.deposit(ann, 1_100).await;
        bench.set(&desk, ann, Target::ForBid(money(1_000))).await.unwrap();
        // Some of it is set aside elsewhere, and must fit when it comes back.
        bench.deposit(seller, 1_100).await;
        let other = Book { seller: person(2), ..book(2) };
        bench.set(&other, seller, Target::ForBid(money(1_000))).await.unwrap();
        bench.deposit(seller, Money::MAX.minor_units() - 1_200).await;
        let settled = bench.settle(&desk, Outcome::Sold { winner: ann, price: money(1_000) }).await.unwrap();
        assert_eq!(settled.sale, Some(Err(Unpaid::SellerFull)));
        assert_eq!(bench.wallet(ann).await, (0, 1_100));
        bench.settle(&other, Outcome::Nothing).await.unwrap();
        assert_eq!(bench.wallet(seller).await, (Money::MAX.minor_units() - 100, 0));
        bench.assert_balanced().await;
    })
    .await;
}
