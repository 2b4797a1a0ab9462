//! The rules of what money comes from and goes to: orders to bring it in and to take it out, and sales.

use super::{Examined, examine, examined};
use crate::persistence::{On, StoreError, Tx};

/// What is on its way out is what was ordered and is not settled.
pub(in crate::ledger) async fn withdrawing(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select account.name as name, null as auction, account.owner as owner, account.balance as found,
            coalesce(pending.total, 0) as expected, account.balance <> coalesce(pending.total, 0) as wrong
         from ledger_accounts account left join (
            select owner, currency, sum(amount) as total from payment_orders
            where kind = 'withdrawal' and status in ('new', 'open') group by owner, currency
         ) pending on pending.owner = account.owner and pending.currency = account.currency
         where account.kind = 'withdrawing'
         union all
         select 'withdrawals in ' || orders.currency, null, orders.owner, 0, sum(orders.amount), true
         from payment_orders orders
         where orders.kind = 'withdrawal' and orders.status in ('new', 'open') and not exists (
            select 1 from ledger_accounts account where account.kind = 'withdrawing'
                and account.owner = orders.owner and account.currency = orders.currency)
         group by orders.owner, orders.currency"
    );
    examine(tx, text).await
}

/// The rule of orders; `$id` writes the id of an order as causes do.
macro_rules! of_orders {
    ($id:literal) => {
        examined!(
            "with booked as (
                select booked.cause as cause, transfer.amount as amount, giver.currency as currency,
                    giver.kind as giver, giver.owner as given_by, taker.kind as taker, taker.owner as taken_by
                from ledger_transactions booked
                join ledger_transfers transfer on transfer.transaction_id = booked.id
                join ledger_accounts giver on giver.id = transfer.from_account
                join ledger_accounts taker on taker.id = transfer.to_account
                where booked.kind in ('deposit', 'withdrawal', 'withdrawal_paid', 'withdrawal_return')
             )
             select 'order ' || orders.text_id as name, null as auction, orders.owner as owner,
                coalesce(paid.amount, returned.amount, reserved.amount) as found, orders.amount as expected,
                case when reserved.cause is null then orders.kind = 'withdrawal'
                    else not (orders.kind = 'withdrawal' and reserved.amount = orders.amount
                        and reserved.currency = orders.currency
                        and reserved.giver = 'available' and reserved.given_by = orders.owner
                        and reserved.taker = 'withdrawing' and reserved.taken_by = orders.owner) end
                or case when paid.cause is null then orders.status = 'paid'
                    else not (orders.status = 'paid' and paid.currency = orders.currency
                        and (orders.kind = 'deposit' and paid.giver = 'provider'
                            and paid.taker = 'available' and paid.taken_by = orders.owner
                            or orders.kind = 'withdrawal' and paid.amount = orders.amount
                            and paid.giver = 'withdrawing' and paid.given_by = orders.owner
                            and paid.taker = 'provider')) end
                or case when returned.cause is null then orders.kind = 'withdrawal' and orders.status = 'failed'
                    else not (orders.kind = 'withdrawal' and orders.status = 'failed'
                        and returned.amount = orders.amount and returned.currency = orders.currency
                        and returned.giver = 'withdrawing' and returned.given_by = orders.owner
                        and returned.taker = 'available' and returned.taken_by = orders.owner) end as wrong
             from (select orders.*, ",
            $id,
            " as text_id from payment_orders orders) orders
             left join booked reserved on reserved.cause = 'withdrawal:' || orders.text_id
             left join booked paid on paid.cause = 'paid:' || orders.text_id
             left join booked returned on returned.cause = 'failed:' || orders.text_id
             union all
             select cause, null, null, null, null, true from ledger_transactions
             where kind = 'deposit' and cause not in (
                select 'paid:' || ",
            $id,
            " from payment_orders orders where orders.kind = 'deposit'
                union all select 'undone:' || reversal from deposit_reversals)"
        )
    };
}

/// What was ordered has moved money as its status says, once and by whom it must; no deposit came without an order.
pub(in crate::ledger) async fn orders(tx: &mut Tx) -> Result<Examined, StoreError> {
    // SQLite keeps ids as bytes, and the cause of a transaction has them as text.
    let text = match tx.on() {
        On::Lite(_) => of_orders!(
            "lower(substr(hex(orders.id), 1, 8) || '-' || substr(hex(orders.id), 9, 4) || '-'
                || substr(hex(orders.id), 13, 4) || '-' || substr(hex(orders.id), 17, 4) || '-'
                || substr(hex(orders.id), 21))"
        ),
        On::Pg(_) => of_orders!("cast(orders.id as text)"),
    };
    examine(tx, text).await
}

/// What a provider took back was booked as it is noted, and given back if it was.
pub(in crate::ledger) async fn reversals(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "with booked as (
            select booked.cause as cause, sum(transfer.amount) as total,
                sum(case when giver.kind = 'available' then transfer.amount else 0 end) as taken
            from ledger_transactions booked
            join ledger_transfers transfer on transfer.transaction_id = booked.id
            join ledger_accounts giver on giver.id = transfer.from_account
            where booked.kind in ('deposit_reversal', 'deposit') group by booked.cause
         )
         select 'reversal ' || reversal.reversal as name, null as auction, null as owner, reversed.total as found,
            reversal.amount as expected,
            not coalesce(reversed.total = reversal.amount and reversed.taken = reversal.taken, false)
                or case when reversal.undone_at is null then undone.cause is not null
                    else not coalesce(undone.total = reversal.amount, false) end as wrong
         from deposit_reversals reversal
         left join booked reversed on reversed.cause = 'reversal:' || reversal.reversal
         left join booked undone on undone.cause = 'undone:' || reversal.reversal
         union all
         select cause, null, null, null, null, true from ledger_transactions
         where kind = 'deposit_reversal'
            and cause not in (select 'reversal:' || reversal from deposit_reversals)"
    );
    examine(tx, text).await
}

/// What was paid for a sale is what its invoice says, from whom and to whom it says; nothing else was.
pub(in crate::ledger) async fn sales(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select 'invoice ' || invoice.number as name, invoice.auction as auction, invoice.winner as owner,
            sale.total as found, case invoice.status when 'paid' then invoice.price + invoice.premium end as expected,
            case invoice.status when 'paid' then not coalesce(
                sale.total = invoice.price + invoice.premium and sale.by_winner = sale.total
                and sale.to_seller = invoice.payout and sale.to_house = invoice.premium + invoice.commission, false)
                else sale.total is not null end as wrong
         from invoices invoice left join (
            select invoice.id as invoice, sum(transfer.amount) as total,
                sum(case when giver.kind = 'held' and giver.owner = invoice.winner and giver.auction = invoice.auction
                    and giver.currency = invoice.currency then transfer.amount else 0 end) as by_winner,
                sum(case when taker.kind = 'available' and taker.owner = invoice.seller
                    then transfer.amount else 0 end) as to_seller,
                sum(case when taker.kind = 'house' then transfer.amount else 0 end) as to_house
            from invoices invoice
            join ledger_transactions booked on booked.kind = 'sale' and booked.auction = invoice.auction
            join ledger_transfers transfer on transfer.transaction_id = booked.id
            join ledger_accounts giver on giver.id = transfer.from_account
            join ledger_accounts taker on taker.id = transfer.to_account
            group by invoice.id
         ) sale on sale.invoice = invoice.id
         union all
         select cause, auction, null, null, null, true from ledger_transactions booked
         where booked.kind = 'sale' and not exists (
            select 1 from invoices invoice where invoice.auction = booked.auction)"
    );
    examine(tx, text).await
}
