//! What the database itself refuses, whoever asks.

use bidhub::ledger::*;
use bidhub::sql;

use crate::bench::{Bench, at, money, on_both, person, usd};

#[tokio::test]
async fn what_is_written_is_never_changed() {
    on_both(|bench| async move {
        bench.deposit(person(1), 500).await;
        for text in [
            "update ledger_transfers set amount = 5",
            "delete from ledger_transfers",
            "update ledger_transactions set kind = 'gift'",
            "delete from ledger_transactions",
            "update ledger_accounts set balance = 10 where kind = 'available'",
            "update ledger_accounts set balance = balance + 1",
            "update ledger_accounts set name = 'mine' where kind = 'available'",
            "delete from ledger_accounts",
            "insert into ledger_accounts (name, kind, currency, balance) values ('house:EUR', 'house', 'EUR', 10)",
        ] {
            assert!(sql!(bench.db.write(), exec, text).is_err(), "{text}");
        }
        assert_eq!(bench.wallet(person(1)).await, (500, 0));
        bench.assert_balanced().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_is_overdrawn_and_no_currency_becomes_another() {
    on_both(|bench| async move {
        bench.deposit(person(1), 500).await;
        let move_to = |to, amount, cause: &str| Movement {
            kind: Kind::Withdrawal,
            cause: cause.to_owned(),
            currency: usd(),
            at: at(1),
            auction: None,
            transfers: vec![Transfer { from: Account::Available(person(1)), to, amount: money(amount) }],
        };
        let mut tx = bench.begin().await;
        assert!(post(&mut tx, &move_to(Account::House, 501, "too much")).await.is_err());
        drop(tx);
        let mut tx = bench.begin().await;
        assert!(post(&mut tx, &move_to(Account::House, 0, "nothing")).await.is_ok_and(|booked| !booked));
        assert!(post(&mut tx, &move_to(Account::House, 500, "all")).await.unwrap());
        assert!(!post(&mut tx, &move_to(Account::House, 500, "all")).await.unwrap(), "a cause is booked once");
        tx.commit().await.unwrap();
        assert_eq!((bench.wallet(person(1)).await, bench.house().await), ((0, 0), 500));
        bench.assert_balanced().await;
        refuses_two_currencies(&bench).await;
    })
    .await;
}

async fn refuses_two_currencies(bench: &Bench) {
    let text = "insert into ledger_accounts (name, kind, currency) values ('house:EUR', 'house', 'EUR')";
    sql!(bench.db.write(), exec, text).unwrap();
    let text = "insert into ledger_transfers (transaction_id, from_account, to_account, amount)
        select (select max(id) from ledger_transactions), euro.id, dollar.id, 5
        from ledger_accounts euro, ledger_accounts dollar
        where euro.name = 'house:EUR' and dollar.name = 'house:USD'";
    assert!(sql!(bench.db.write(), exec, text).is_err());
}
