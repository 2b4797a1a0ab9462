//! Each rule of the database, broken behind the ledger's back.

use super::broken;
use crate::bench::on_both;

/// The rule, what breaks it, which others that breaks too, what is said.
const DAMAGES: [(&str, &str, &[&str], &str); 34] = [
    (
        "transactions",
        "insert into ledger_transfers (transaction_id, from_account, to_account, amount)
             select 1, 999, id, 5 from ledger_accounts where name like 'available:%1:USD'",
        &["balances"],
        "its entries sum to ",
    ),
    (
        "transactions",
        "insert into ledger_transfers (transaction_id, from_account, to_account, amount) values (999, 1, 2, 5)",
        &["balances"],
        "transaction 999: its entries sum to 0",
    ),
    (
        "transactions",
        "delete from ledger_transfers where id = 1",
        &["balances", "orders"],
        "its entries sum to nothing",
    ),
    (
        "currencies",
        "update ledger_accounts set currency = 'EUR' where kind = 'house'",
        &["transactions"],
        "its balances sum to ",
    ),
    (
        "currencies",
        "update ledger_accounts set balance = balance + 5 where kind = 'house'",
        &["balances"],
        "USD: its balances sum to 5",
    ),
    (
        "balances",
        "update ledger_accounts set balance = case kind when 'house' then balance + 5 else balance - 5 end
             where kind in ('house', 'provider')",
        &[],
        "house:USD: its balance is 80, its entries sum to 75",
    ),
    (
        "overdrawn",
        "update ledger_accounts set balance = -balance where kind = 'house'",
        &["currencies", "balances"],
        "house:USD: its balance is -75",
    ),
    ("holds", "update holds set allowance = 501 where wanted = 500", &[], "550 is held where it must be 551"),
    ("holds", "update holds set allowance = 499 where wanted = 500", &["wanted"], "550 is held where it must be 548"),
    (
        "holds",
        "delete from auction_books where settled_seq is null",
        &["held_accounts"],
        "0 is held where it must be nothing",
    ),
    ("wanted", "update holds set wanted = 501 where wanted = 500", &[], "501 is asked for, and the allowance is 500"),
    (
        "confirmed",
        "update holds set confirmed = 2 where wanted = 500",
        &[],
        "version 2 is confirmed, and 1 was the last asked for",
    ),
    ("held_accounts", "delete from holds where wanted = 500", &[], "550 is held, and there is no hold"),
    (
        "settled",
        "update auction_books set settled_seq = 5 where settled_seq is null",
        &[],
        "550 is held, and the auction is settled",
    ),
    (
        "debts",
        "update ledger_accounts set balance = 5 where kind = 'available' and balance = 0 and name like '%03:USD'",
        &["currencies", "balances"],
        "5 is available to who owes",
    ),
    ("withdrawing", "delete from payment_orders where status = 'open'", &[], "50 is on its way out, and 0 is ordered"),
    (
        "withdrawing",
        "update payment_orders set amount = 51 where status = 'open'",
        &["orders"],
        "50 is on its way out, and 51 is ordered",
    ),
    (
        "withdrawing",
        "update payment_orders set currency = 'EUR' where status = 'open'",
        &["orders"],
        "withdrawals in EUR: 0 is on its way out, and 50 is ordered",
    ),
    ("orders", "update payment_orders set status = 'paid' where status = 'new'", &[], "nothing was moved where 77 is"),
    ("orders", "update payment_orders set status = 'failed' where kind = 'deposit'", &[], "not as its status says"),
    ("orders", "update payment_orders set currency = 'EUR' where status = 'paid'", &[], "not as its status says"),
    (
        "orders",
        "update payment_orders set owner = (select seller from auction_books where settled_seq is null)
         where kind = 'deposit' and status = 'paid'",
        &[],
        "not as its status says",
    ),
    ("orders", "update ledger_transactions set cause = 'gift' where id = 1", &[], "gift: nothing was moved"),
    (
        "orders",
        "update payment_orders set status = 'open' where kind = 'withdrawal' and status = 'failed'",
        &["withdrawing"],
        "not as its status says",
    ),
    (
        "orders",
        "update payment_orders set status = 'failed' where kind = 'withdrawal' and status = 'paid'",
        &[],
        "not as its status says",
    ),
    ("reversals", "update deposit_reversals set amount = 41", &[], "r1: 40 was taken back where 41 is noted"),
    (
        "reversals",
        "update deposit_reversals set taken = 9",
        &[],
        "r1: 40 was taken back where 40 is noted, or not from whom",
    ),
    (
        "reversals",
        "update deposit_reversals set undone_at = at",
        &[],
        "r1: 40 was taken back where 40 is noted, or not",
    ),
    ("reversals", "delete from deposit_reversals", &[], "reversal:r1: nothing was taken back"),
    ("sales", "update invoices set price = 501, payout = 476", &[], "invoice 1: 550 was paid where 551 is billed"),
    ("sales", "update invoices set winner = seller", &[], "550 was paid where 550 is billed, or not to whom it must"),
    ("sales", "update invoices set status = 'open', paid_at = null", &[], "550 was paid where nothing is billed"),
    (
        "sales",
        "update invoices set commission = 24, payout = 476",
        &[],
        "550 was paid where 550 is billed, or not to whom",
    ),
    ("sales", "delete from invoices", &[], "nothing was paid where nothing is billed"),
];

#[tokio::test]
async fn each_rule_that_is_broken_is_found() {
    on_both(|bench| async move {
        bench.with_history().await;
        let mut missed = Vec::new();
        for (rule, text, others, said) in DAMAGES {
            let found = broken(bench.forced(text).await);
            let first = found.iter().find(|(name, _)| *name == rule).map_or("", |(_, first)| first);
            let others_too = found.iter().all(|(name, _)| *name == rule || others.contains(name));
            if first.is_empty() || !first.contains(said) || !others_too {
                missed.push(format!("{text}: {found:#?}"));
            }
        }
        assert!(missed.is_empty(), "{}", missed.join("\n"));
        assert_eq!(bench.broken().await, [], "all is undone");
    })
    .await;
}
