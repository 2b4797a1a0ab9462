//! The questions of an audit: one statement for each rule of the books, and what the logs are compared with. They only read.

use uuid::Uuid;

use super::{fees, money};
use crate::domain::{AccountId, AuctionId, Fees, Money, Seq};
use crate::ledger::books::BREACHES_SHOWN;
use crate::persistence::{StoreError, Tx};
use crate::sql;

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

/// Runs the statement for one rule. `$subjects` selects everything that the rule is about, with the columns name, auction,
/// owner, found, expected and wrong; who has no name has an empty one.
macro_rules! examine {
    ($tx:expr, $subjects:literal) => {{
        let text = concat!(
            "with examined as (",
            $subjects,
            "), broken as (select * from examined where wrong)
             select (select count(*) from examined) as counted, (select count(*) from broken) as broken,
                shown.name, shown.auction, shown.owner,
                cast(shown.found as bigint) as found, cast(shown.expected as bigint) as expected
             from (select 1 as one) one left join (select * from broken order by name, auction, owner limit $1) shown on 1 = 1"
        );
        let limit = i64::try_from(BREACHES_SHOWN).unwrap_or(i64::MAX);
        Ok(Examined::new(sql!($tx.on(), all ExaminedRow, text, limit)?))
    }};
}

/// Every transaction moves something, and its entries sum to zero in each currency.
pub(in crate::ledger) async fn transactions(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
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
    )
}

/// All balances of a currency sum to zero.
pub(in crate::ledger) async fn currencies(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select currency as name, null as auction, null as owner, sum(balance) as found, 0 as expected,
            sum(balance) <> 0 as wrong
         from ledger_accounts group by currency"
    )
}

/// A balance is the sum of the entries of its account.
pub(in crate::ledger) async fn balances(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select account.name as name, account.auction as auction, account.owner as owner, account.balance as found,
            coalesce(entries.total, 0) as expected, account.balance <> coalesce(entries.total, 0) as wrong
         from ledger_accounts account left join (
            select entry.account as account, sum(entry.amount) as total from ledger_entries entry group by entry.account
         ) entries on entries.account = account.id"
    )
}

/// Nothing is overdrawn but what may be, and nobody owes less than nothing.
pub(in crate::ledger) async fn overdrawn(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select name, auction, owner, balance as found, 0 as expected,
            case when kind = 'owed' then balance > 0 else balance < 0 end as wrong
         from ledger_accounts where kind <> 'provider'"
    )
}

/// What is held for an auction that goes on is the allowance of its bidder with the premium on it.
pub(in crate::ledger) async fn holds(tx: &mut Tx) -> Result<Examined, StoreError> {
    // Divided before it is multiplied, so that no product leaves the range; the parts add up to the same.
    examine!(
        tx,
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
    )
}

/// No allowance is asked for above the one that is held.
pub(in crate::ledger) async fn wanted(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select '' as name, auction, bidder as owner, wanted as found, allowance as expected,
            wanted > allowance as wrong
         from holds"
    )
}

/// Nothing counts as confirmed that was not asked for.
pub(in crate::ledger) async fn confirmed(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select '' as name, auction, bidder as owner, confirmed as found, version as expected,
            confirmed > version or version < 1 as wrong
         from holds"
    )
}

/// Money is held only where there is a hold, in the currency of its auction.
pub(in crate::ledger) async fn held_accounts(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select account.name as name, account.auction as auction, account.owner as owner, account.balance as found,
            null as expected, hold.bidder is null as wrong
         from ledger_accounts account
         left join auction_books book on book.auction = account.auction and book.currency = account.currency
         left join holds hold on hold.auction = book.auction and hold.bidder = account.owner
         where account.kind = 'held'"
    )
}

/// Nothing is held for an auction that is settled, but where staff has yet to decide.
pub(in crate::ledger) async fn settled(tx: &mut Tx) -> Result<Examined, StoreError> {
    examine!(
        tx,
        "select account.name as name, account.auction as auction, account.owner as owner, account.balance as found,
            0 as expected, account.balance <> 0 and undecided.id is null as wrong
         from ledger_accounts account
         join auction_books book on book.auction = account.auction and book.settled_seq is not null
         left join staff_cases undecided on undecided.auction = account.auction
            and undecided.account = account.owner and undecided.kind = 'capture_failed' and undecided.closed_at is null
         where account.kind = 'held'"
    )
}

/// An auction whose book is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenBook {
    /// Which.
    pub auction: AuctionId,
    /// What a sale costs beyond the price.
    pub fees: Fees,
}

/// A hold of an auction whose book is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenHold {
    /// For which auction.
    pub auction: AuctionId,
    /// Whose.
    pub bidder: AccountId,
    /// The last change that was asked for.
    pub version: u64,
    /// What was asked for at that version.
    pub wanted: Money,
    /// The last change that is known to be in the log.
    pub confirmed: u64,
    /// What is held, premium included.
    pub held: Money,
}

impl OpenHold {
    /// What stands where nothing was ever asked for.
    pub fn none(auction: AuctionId, bidder: AccountId) -> Self {
        Self { auction, bidder, version: 0, wanted: Money::ZERO, confirmed: 0, held: Money::ZERO }
    }
}

/// An auction whose book is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedBook {
    /// Which.
    pub auction: AuctionId,
    /// The event that it was settled by.
    pub seq: Seq,
    /// What a sale costs beyond the price.
    pub fees: Fees,
    /// Who paid for it, and how much in all.
    pub sale: Option<(AccountId, Money)>,
}

/// Every auction whose book is open.
pub async fn open_books(tx: &mut Tx) -> Result<Vec<OpenBook>, StoreError> {
    let text = "select auction, premium_bp, commission_bp from auction_books where settled_seq is null";
    let rows = sql!(tx.on(), all(Uuid, i64, i64), text)?;
    let read =
        |(auction, premium, commission)| Ok(OpenBook { auction: AuctionId(auction), fees: fees(premium, commission)? });
    rows.into_iter().map(read).collect()
}

/// Every hold of an auction whose book is open.
pub async fn open_holds(tx: &mut Tx) -> Result<Vec<OpenHold>, StoreError> {
    let text = "select hold.auction, hold.bidder, hold.version, hold.wanted, hold.confirmed,
            coalesce(account.balance, 0) as held
         from holds hold
         join auction_books book on book.auction = hold.auction and book.settled_seq is null
         left join ledger_accounts account on account.kind = 'held' and account.owner = hold.bidder
            and account.auction = hold.auction and account.currency = book.currency";
    let rows = sql!(tx.on(), all(Uuid, Uuid, i64, i64, i64, i64), text)?;
    let read = |(auction, bidder, version, wanted, confirmed, held): (_, _, i64, _, i64, i64)| {
        let (auction, bidder) = (AuctionId(auction), AccountId(bidder));
        let (version, confirmed) = (version.max(0).unsigned_abs(), confirmed.max(0).unsigned_abs());
        // A hold that is overdrawn is another rule's; here it holds nothing.
        let (wanted, held) = (money("holds", wanted)?, money("ledger_accounts", held.max(0))?);
        Ok(OpenHold { auction, bidder, version, wanted, confirmed, held })
    };
    rows.into_iter().map(read).collect()
}

/// Every auction whose book is closed, with what was paid.
pub async fn closed_books(tx: &mut Tx) -> Result<Vec<ClosedBook>, StoreError> {
    let text = "select book.auction, book.settled_seq, book.premium_bp, book.commission_bp, sale.winner, sale.total
         from auction_books book left join (
            select booked.auction as auction, account.owner as winner, cast(sum(transfer.amount) as bigint) as total
            from ledger_transactions booked
            join ledger_transfers transfer on transfer.transaction_id = booked.id
            join ledger_accounts account on account.id = transfer.from_account
            where booked.kind = 'sale' group by booked.auction, account.owner
         ) sale on sale.auction = book.auction
         where book.settled_seq is not null";
    let rows = sql!(tx.on(), all(Uuid, i64, i64, i64, Option<Uuid>, Option<i64>), text)?;
    let read = |(auction, seq, premium, commission, winner, total): (_, i64, _, _, Option<Uuid>, Option<i64>)| {
        let total = total.map(|total| money("ledger_transfers", total)).transpose()?;
        let (seq, fees) = (Seq(seq.max(0).unsigned_abs()), fees(premium, commission)?);
        Ok(ClosedBook { auction: AuctionId(auction), seq, fees, sale: winner.map(AccountId).zip(total) })
    };
    rows.into_iter().map(read).collect()
}
