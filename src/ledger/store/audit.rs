//! The questions of an audit: one statement for each rule of the books, and what the logs are compared with. They only read.

mod beside_logs;
mod deals;

use uuid::Uuid;

use crate::domain::{AccountId, AuctionId};
use crate::ledger::books::BREACHES_SHOWN;
use crate::persistence::{StoreError, Tx};
use crate::sql;

pub use beside_logs::{Billed, ClosedBook, OpenHold, closed_books, open_books, open_holds};
pub(in crate::ledger) use deals::{orders, reversals, sales, withdrawing};

/// What one statement found: how much it looked at, how much of it breaks the rule, and the first of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Examined {
    pub counted: u64,
    pub broken: u64,
    pub shown: Vec<Shown>,
}

/// One thing that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Shown {
    pub name: String,
    pub auction: Option<AuctionId>,
    pub owner: Option<AccountId>,
    /// What is there, as far as it is a number.
    pub found: Option<i64>,
    /// What must be there.
    pub expected: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ExaminedRow {
    counted: i64,
    broken: i64,
    name: Option<String>,
    auction: Option<Uuid>,
    owner: Option<Uuid>,
    found: Option<i64>,
    expected: Option<i64>,
}

impl Examined {
    fn new(rows: Vec<ExaminedRow>) -> Self {
        let count = |of: fn(&ExaminedRow) -> i64| rows.first().map_or(0, |row| of(row).unsigned_abs());
        let (counted, broken) = (count(|row| row.counted), count(|row| row.broken));
        let shown = rows.into_iter().filter_map(|row| {
            let (auction, owner) = (row.auction.map(AuctionId), row.owner.map(AccountId));
            Some(Shown { name: row.name?, auction, owner, found: row.found, expected: row.expected })
        });
        Self { counted, broken, shown: shown.collect() }
    }
}

/// The statement for one rule. `$subjects` selects everything that the rule is about, with the columns name, auction, owner,
/// found, expected and wrong; who has no name has an empty one.
macro_rules! examined {
    ($($subjects:expr),*) => {
        concat!(
            "with examined as (",
            $($subjects,)*
            "), broken as (select * from examined where wrong)
             select (select count(*) from examined) as counted, (select count(*) from broken) as broken,
                shown.name, shown.auction, shown.owner,
                cast(shown.found as bigint) as found, cast(shown.expected as bigint) as expected
             from (select 1 as one) one left join (select * from broken order by name, auction, owner limit $1) shown on 1 = 1"
        )
    };
}
use examined;

/// Asks what such a statement asks.
async fn examine(tx: &mut Tx, text: &'static str) -> Result<Examined, StoreError> {
    let limit = i64::try_from(BREACHES_SHOWN).unwrap_or(i64::MAX);
    Ok(Examined::new(sql!(tx.on(), all ExaminedRow, text, limit)?))
}

/// Every transaction moves something, and its entries sum to zero in each currency.
pub(in crate::ledger) async fn transactions(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select coalesce(booked.cause, 'transaction ' || entries.transaction_id) as name, booked.auction as auction,
            null as owner, entries.total as found, 0 as expected, entries.total <> 0 or booked.id is null as wrong
         from (
            select entry.transaction_id as transaction_id, account.currency as currency, sum(entry.amount) as total
            from ledger_entries entry left join ledger_accounts account on account.id = entry.account
            group by entry.transaction_id, account.currency
         ) entries left join ledger_transactions booked on booked.id = entries.transaction_id
         union all
         select cause, auction, null, null, 0, true from ledger_transactions booked
         where not exists (select 1 from ledger_transfers transfer where transfer.transaction_id = booked.id)"
    );
    examine(tx, text).await
}

/// All balances of a currency sum to zero.
pub(in crate::ledger) async fn currencies(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select currency as name, null as auction, null as owner, sum(balance) as found, 0 as expected,
            sum(balance) <> 0 as wrong
         from ledger_accounts group by currency"
    );
    examine(tx, text).await
}

/// A balance is the sum of the entries of its account.
pub(in crate::ledger) async fn balances(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select account.name as name, account.auction as auction, account.owner as owner, account.balance as found,
            coalesce(entries.total, 0) as expected, account.balance <> coalesce(entries.total, 0) as wrong
         from ledger_accounts account left join (
            select entry.account as account, sum(entry.amount) as total from ledger_entries entry group by entry.account
         ) entries on entries.account = account.id"
    );
    examine(tx, text).await
}

/// Nothing is overdrawn but what may be, and nobody owes less than nothing.
pub(in crate::ledger) async fn overdrawn(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select name, auction, owner, balance as found, 0 as expected,
            case when kind = 'owed' then balance > 0 else balance < 0 end as wrong
         from ledger_accounts where kind <> 'provider'"
    );
    examine(tx, text).await
}

/// What is held for an auction that goes on is the allowance of its bidder with the premium on it.
pub(in crate::ledger) async fn holds(tx: &mut Tx) -> Result<Examined, StoreError> {
    // Divided before it is multiplied, so that no product leaves the range; the parts add up to the same.
    let text = examined!(
        "select '' as name, auction, owner, found, expected, not coalesce(found = expected, false) as wrong
         from (
            select hold.auction as auction, hold.bidder as owner, coalesce(account.balance, 0) as found,
                hold.allowance + hold.allowance / 10000 * book.premium_bp
                    + hold.allowance % 10000 * book.premium_bp / 10000 as expected
            from holds hold
            left join auction_books book on book.auction = hold.auction
            left join ledger_accounts account on account.kind = 'held' and account.owner = hold.bidder
                and account.auction = hold.auction and account.currency = book.currency
            where book.settled_seq is null
         ) standing"
    );
    examine(tx, text).await
}

/// No allowance is asked for above the one that is held.
pub(in crate::ledger) async fn wanted(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select '' as name, auction, bidder as owner, wanted as found, allowance as expected,
            wanted > allowance as wrong
         from holds"
    );
    examine(tx, text).await
}

/// Nothing counts as confirmed that was not asked for.
pub(in crate::ledger) async fn confirmed(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select '' as name, auction, bidder as owner, confirmed as found, version as expected,
            confirmed > version or version < 1 as wrong
         from holds"
    );
    examine(tx, text).await
}

/// Money is held only where there is a hold, in the currency of its auction.
pub(in crate::ledger) async fn held_accounts(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select account.name as name, account.auction as auction, account.owner as owner, account.balance as found,
            null as expected, hold.bidder is null as wrong
         from ledger_accounts account
         left join auction_books book on book.auction = account.auction and book.currency = account.currency
         left join holds hold on hold.auction = book.auction and hold.bidder = account.owner
         where account.kind = 'held'"
    );
    examine(tx, text).await
}

/// Nobody has anything available while owing.
pub(in crate::ledger) async fn debts(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select owed.name as name, null as auction, owed.owner as owner, available.balance as found, 0 as expected,
            owed.balance < 0 and coalesce(available.balance > 0, false) as wrong
         from ledger_accounts owed left join ledger_accounts available on available.kind = 'available'
            and available.owner = owed.owner and available.currency = owed.currency
         where owed.kind = 'owed'"
    );
    examine(tx, text).await
}

/// Nothing is held for an auction that is settled, but where staff has yet to decide.
pub(in crate::ledger) async fn settled(tx: &mut Tx) -> Result<Examined, StoreError> {
    let text = examined!(
        "select account.name as name, account.auction as auction, account.owner as owner, account.balance as found,
            0 as expected, account.balance <> 0 and undecided.id is null as wrong
         from ledger_accounts account
         join auction_books book on book.auction = account.auction and book.settled_seq is not null
         left join staff_cases undecided on undecided.auction = account.auction
            and undecided.account = account.owner and undecided.kind = 'capture_failed' and undecided.closed_at is null
         where account.kind = 'held'"
    );
    examine(tx, text).await
}
