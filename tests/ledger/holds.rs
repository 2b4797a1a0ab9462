//! Money set aside: raised at once, lowered when the room has, never twice and never too little.

use bidhub::ledger::*;

use crate::bench::{book, money, on_both, person, usd};

#[tokio::test]
async fn a_hold_covers_the_allowance_and_the_premium() {
    on_both(|bench| async move {
        let (ann, desk) = (person(1), book(1));
        bench.deposit(ann, 1_000).await;
        let set = bench.set(&desk, ann, Target::ForBid(money(500))).await.unwrap();
        assert_eq!((set.allowance, set.version, set.moved), (money(500), 1, money(550)));
        assert_eq!(bench.wallet(ann).await, (450, 550));
        let again = bench.set(&desk, ann, Target::ForBid(money(400))).await.unwrap();
        assert_eq!((again.allowance, again.version, again.moved), (money(500), 1, money(0)), "it is enough as it is");
        let short = bench.set(&desk, ann, Target::ForBid(money(910))).await.unwrap_err();
        assert!(matches!(short, Refusal::Insufficient { available, .. } if available == money(450)), "{short:?}");
        let all = bench.set(&desk, ann, Target::ForBid(money(909))).await.unwrap();
        assert_eq!((all.version, bench.wallet(ann).await), (2, (1, 999)));
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn it_is_lowered_only_by_the_log_and_only_at_its_version() {
    on_both(|bench| async move {
        let (ann, desk) = (person(1), book(1));
        bench.deposit(ann, 1_100).await;
        bench.set(&desk, ann, Target::Exactly(money(1_000))).await.unwrap();
        let lower = bench.set(&desk, ann, Target::Exactly(money(100))).await.unwrap();
        assert_eq!(
            (lower.version, bench.wallet(ann).await),
            (2, (0, 1_100)),
            "nothing is free before the room says so"
        );
        let raised = bench.set(&desk, ann, Target::ForBid(money(300))).await.unwrap();
        assert_eq!((raised.allowance, raised.version, raised.moved), (money(300), 3, money(0)));
        assert_eq!(bench.confirm(&desk, ann, 100, 2).await, money(0), "something newer was asked for");
        assert_eq!(bench.confirm(&desk, ann, 300, 3).await, money(770));
        assert_eq!(bench.confirm(&desk, ann, 300, 3).await, money(0), "once");
        assert_eq!(bench.confirm(&desk, ann, 1_000, 1).await, money(0), "what is old changes nothing");
        assert_eq!(bench.wallet(ann).await, (770, 330));
        assert!(unconfirmed(&bench.db, crate::bench::at(100), 10).await.unwrap().is_empty());
        bench.set(&desk, ann, Target::Exactly(money(0))).await.unwrap();
        let open = unconfirmed(&bench.db, crate::bench::at(100), 10).await.unwrap();
        assert_eq!((open.len(), open[0].version, open[0].wanted), (1, 4, money(0)));
        assert_eq!(bench.confirm(&desk, ann, 0, 4).await, money(330));
        assert_eq!(bench.wallet(ann).await, (1_100, 0));
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn policies_and_limits_bind_it() {
    on_both(|bench| async move {
        let (ann, desk) = (person(1), book(1));
        bench.deposit(ann, 10_000).await;
        let mut tx = bench.begin().await;
        lock_wallet(&mut tx, ann, usd()).await.unwrap();
        set_policy(&mut tx, ann, usd(), Policy::UpTo(money(1_000))).await.unwrap();
        let limits = Limits { exposure_max: Some(money(1_500)), daily_deposit_max: None };
        set_limits(&mut tx, ann, usd(), limits).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(bench.set(&desk, ann, Target::ForBid(money(300))).await.unwrap().allowance, money(600));
        assert_eq!(bench.set(&desk, ann, Target::ForBid(money(700))).await.unwrap().allowance, money(1_000));
        let beyond = bench.set(&desk, ann, Target::ForBid(money(1_001))).await.unwrap_err();
        assert!(matches!(beyond, Refusal::Insufficient { .. }), "{beyond:?}");
        assert_eq!(bench.set(&desk, ann, Target::Exactly(money(1_100))).await.unwrap().moved, money(110));
        let exposed = bench.set(&book(2), ann, Target::Exactly(money(1_000))).await.unwrap_err();
        assert!(matches!(exposed, Refusal::Exposure { max } if max == money(1_500)), "{exposed:?}");
        let wallet = wallet(&bench.db, ann, usd()).await.unwrap();
        assert_eq!((wallet.policy, wallet.limits), (Policy::UpTo(money(1_000)), limits));
    })
    .await;
}

#[tokio::test]
async fn who_is_frozen_sets_nothing_aside() {
    on_both(|bench| async move {
        let ann = person(1);
        bench.insert_account(ann).await;
        bench.deposit(ann, 1_000).await;
        bench.freeze(ann, true).await;
        assert!(matches!(bench.set(&book(1), ann, Target::ForBid(money(1))).await, Err(Refusal::Frozen)));
        bench.freeze(ann, false).await;
        assert!(bench.set(&book(1), ann, Target::ForBid(money(1))).await.is_ok());
    })
    .await;
}
