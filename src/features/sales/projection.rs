//! Follows the logs of auctions with money: holds fall as the room lowers its allowances, and at the end the sale is paid,
//! billed, and everything else released.

use std::collections::{BTreeMap, BTreeSet};

use super::cases::{self, CaseKind, NewCase};
use super::invoices::{Amounts, NewInvoice, Status};
use super::notes::{About, Moved, tell};
use super::store;
use crate::domain::auction::{BidVoided, Event, EventKind, Funds, Outcome};
use crate::domain::{AccountId, AuctionId, Currency, Fees, Money};
use crate::ledger::{self, Book, Unpaid};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Created, Fact, Projected, Projection};

/// The projection of sales.
#[derive(Debug, Clone, Copy, Default)]
pub struct SalesProjection;

/// Who bought, for how much.
#[derive(Clone, Copy)]
struct Sale {
    winner: AccountId,
    price: Money,
}

#[async_trait::async_trait]
impl Projection for SalesProjection {
    fn name(&self) -> &'static str {
        "sales"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        // Books before wallets, as whoever sets money aside takes them: so nobody waits for each other in a ring.
        for projected in page {
            if let Fact::Created(created) = &projected.fact {
                open(tx, projected.auction, created).await?;
            }
        }
        lock(tx, page).await?;
        for projected in page {
            if let Fact::Event(event) = &projected.fact {
                follow(tx, projected.auction, event).await?;
            }
        }
        Ok(())
    }
}

/// Opens the book of a new auction.
async fn open(tx: &mut Tx, auction: AuctionId, created: &Created) -> Result<(), StoreError> {
    let Created { terms, listing, .. } = created;
    let (seller, currency, fees) = (terms.seller, terms.currency, terms.fees);
    ledger::insert_book(tx, &Book { auction, seller, currency, fees }).await?;
    store::insert_terms(tx, auction, &listing.title, terms.funds == Funds::Required).await
}

/// Locks the books that this page settles, then all wallets that it may touch.
async fn lock(tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
    let mut ended = BTreeSet::new();
    let mut bidders: BTreeMap<AuctionId, BTreeSet<AccountId>> = BTreeMap::new();
    for projected in page {
        let Fact::Event(event) = &projected.fact else { continue };
        match &event.kind {
            EventKind::Ended { .. } | EventKind::Stopped { .. } => {
                ended.insert(projected.auction);
            }
            EventKind::AllowanceSet { bidder, .. } | EventKind::BidVoided(BidVoided { bidder, .. }) => {
                bidders.entry(projected.auction).or_default().insert(*bidder);
            }
            _ => {}
        }
    }
    ledger::lock_books(tx, &ended.iter().copied().collect::<Vec<_>>()).await?;
    let mut wallets: BTreeSet<(AccountId, Currency)> = BTreeSet::new();
    for auction in ended {
        wallets.extend(ledger::holders_in(tx, auction).await?);
    }
    for (auction, bidders) in bidders {
        let currency = store::book(tx, auction).await?.currency()?;
        wallets.extend(bidders.into_iter().map(|bidder| (bidder, currency)));
    }
    ledger::lock_wallets(tx, &wallets).await
}

/// Does what follows from an event.
async fn follow(tx: &mut Tx, auction: AuctionId, event: &Event) -> Result<(), StoreError> {
    match &event.kind {
        EventKind::Amended { terms, listing, .. } => {
            store::amend_terms(tx, auction, &listing.title, terms.funds == Funds::Required, event.seq).await
        }
        EventKind::AllowanceSet { bidder, amount, version } => {
            confirm(tx, auction, event, *bidder, (*amount, *version)).await
        }
        EventKind::BidVoided(voided) => {
            let remaining = voided.bidder_max.unwrap_or(Money::ZERO);
            ledger::lower_after_void(tx, auction, voided.bidder, remaining, event.at).await
        }
        EventKind::Stopped { .. } | EventKind::Ended { outcome: Outcome::Unsold, .. } => {
            settle(tx, auction, event, None).await
        }
        EventKind::Ended { outcome: Outcome::Sold | Outcome::BoughtNow, price, winner } => {
            let (Some(price), Some(winner)) = (*price, *winner) else {
                let detail = format!("auction {auction} was sold by event {}, but to nobody or for nothing", event.seq);
                return Err(StoreError::Inconsistent { table: "journal_records", detail });
            };
            settle(tx, auction, event, Some(Sale { winner: winner.account, price })).await
        }
        _ => Ok(()),
    }
}

/// Notes that the room lets a bidder bid so high and no higher.
async fn confirm(
    tx: &mut Tx,
    auction: AuctionId,
    event: &Event,
    bidder: AccountId,
    allowance: (Money, u64),
) -> Result<(), StoreError> {
    let freed = ledger::confirm(tx, auction, bidder, allowance, (event.seq, event.at)).await?;
    if freed == Money::ZERO {
        return Ok(());
    }
    let (terms, book) = (store::terms(tx, auction).await?, store::book(tx, auction).await?);
    told(tx, (auction, &terms.title, book.currency()?), event, &[Moved::Released(bidder, freed)]).await
}

/// Settles an auction that ended, unless it is settled already.
async fn settle(tx: &mut Tx, auction: AuctionId, end: &Event, sale: Option<Sale>) -> Result<(), StoreError> {
    let terms = store::terms(tx, auction).await?;
    let outcome = match sale {
        Some(Sale { winner, price }) if terms.funded => ledger::Outcome::Sold { winner, price },
        _ => ledger::Outcome::Nothing,
    };
    let Some(settled) = ledger::settle(tx, auction, outcome, (end.seq, end.at)).await? else { return Ok(()) };
    let book = store::book(tx, auction).await?;
    let (seller, currency) = (book.seller(), book.currency()?);
    let mut moved: Vec<Moved> = settled.released.iter().map(|(who, amount)| Moved::Released(*who, *amount)).collect();
    if let Some(Sale { winner, price }) = sale {
        let (status, amounts) = match settled.sale {
            Some(Ok(paid)) => (Status::Paid, paid.into()),
            Some(Err(_)) => (Status::Open, Amounts::of(price, book.fees()?)),
            None => (Status::Outside, Amounts::of(price, Fees::default())),
        };
        if status == Status::Paid {
            moved.extend([Moved::Captured(winner, amounts.total()), Moved::PaidOut(seller, amounts.payout)]);
        }
        let (seq, at, title) = (end.seq, end.at, terms.title.clone());
        let invoice = NewInvoice { auction, seq, at, seller, winner, currency, title, amounts, status };
        store::insert_invoice(tx, &invoice).await?;
        if let Some(Err(unpaid)) = settled.sale {
            cases::open(tx, &unpaid_case(&invoice, unpaid)).await?;
        }
    }
    told(tx, (auction, &terms.title, currency), end, &moved).await
}

/// Tells people of the money that an event has moved.
async fn told(
    tx: &mut Tx,
    (auction, title, currency): (AuctionId, &str, Currency),
    event: &Event,
    moved: &[Moved],
) -> Result<(), StoreError> {
    let cause = format!("{auction}:{}", event.seq);
    tell(tx, About { auction, title, currency, cause: &cause, at: event.at }, moved).await
}

fn unpaid_case(invoice: &NewInvoice, unpaid: Unpaid) -> NewCase {
    let NewInvoice { auction, seq, winner, .. } = *invoice;
    let reason = unpaid.code();
    tracing::warn!(%auction, %winner, reason, "the sale of auction {auction} could not be paid: {reason}");
    NewCase {
        kind: CaseKind::CaptureFailed,
        cause: format!("capture:{auction}:{seq}"),
        account: winner,
        auction: Some((auction, seq)),
        currency: invoice.currency,
        amount: invoice.amounts.total(),
        reason: reason.to_owned(),
        at: invoice.at,
    }
}
