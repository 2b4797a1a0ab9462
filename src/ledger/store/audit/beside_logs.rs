//! What the logs of auctions are compared with: books that are open, with what is held, and books that are closed, with what
//! was billed.

use uuid::Uuid;

use crate::domain::{AccountId, AuctionId, Money, Seq};
use crate::ledger::hold::Book;
use crate::ledger::store::{BookRow, money};
use crate::persistence::{StoreError, Tx};
use crate::sql;

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

/// An auction whose book is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedBook {
    /// Its book.
    pub book: Book,
    /// The event that it was settled by.
    pub seq: Seq,
    /// Its invoice, if there is one.
    pub billed: Option<Billed>,
}

/// What an invoice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billed {
    /// Who bought.
    pub winner: AccountId,
    /// For how much.
    pub price: Money,
    /// What comes on top of it.
    pub premium: Money,
    /// What the house keeps of it.
    pub commission: Money,
    /// False if it is between buyer and seller alone, so that the house takes nothing.
    pub by_house: bool,
}

impl OpenHold {
    /// What stands where nothing was ever asked for.
    pub fn none(auction: AuctionId, bidder: AccountId) -> Self {
        Self { auction, bidder, version: 0, wanted: Money::ZERO, confirmed: 0, held: Money::ZERO }
    }
}

/// Every open book.
pub async fn open_books(tx: &mut Tx) -> Result<Vec<Book>, StoreError> {
    let text = "select * from auction_books where settled_seq is null";
    let rows = sql!(tx.on(), all BookRow, text)?;
    rows.iter().map(Book::try_from).collect()
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

#[derive(sqlx::FromRow)]
struct ClosedRow {
    #[sqlx(flatten)]
    book: BookRow,
    winner: Option<Uuid>,
    price: Option<i64>,
    premium: Option<i64>,
    commission: Option<i64>,
    status: Option<String>,
}

impl TryFrom<ClosedRow> for ClosedBook {
    type Error = StoreError;

    fn try_from(row: ClosedRow) -> Result<Self, StoreError> {
        let amount = |minor: Option<i64>| money("invoices", minor.unwrap_or_default());
        let by_house = row.status.as_deref() != Some("outside");
        let (price, premium, commission) = (amount(row.price)?, amount(row.premium)?, amount(row.commission)?);
        let billed = |winner| Billed { winner: AccountId(winner), price, premium, commission, by_house };
        let seq = row.book.settled_by().unwrap_or_default();
        Ok(Self { book: Book::try_from(&row.book)?, seq, billed: row.winner.map(billed) })
    }
}

/// Every closed book, with what was billed.
pub async fn closed_books(tx: &mut Tx) -> Result<Vec<ClosedBook>, StoreError> {
    let text = "select book.auction, book.seller, book.currency, book.premium_bp, book.commission_bp, book.settled_seq,
            invoice.winner, invoice.price, invoice.premium, invoice.commission, invoice.status
         from auction_books book left join invoices invoice on invoice.auction = book.auction
         where book.settled_seq is not null";
    let rows = sql!(tx.on(), all ClosedRow, text)?;
    rows.into_iter().map(ClosedBook::try_from).collect()
}
