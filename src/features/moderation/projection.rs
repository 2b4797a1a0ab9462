//! Looks through each auction once it has ended, and puts before staff who looks like a shill or like one of a ring.
//!
//! It follows from the log alone: an auction is looked through once however often its end is handed over. What was decided
//! about an item does not change what is found later: after a decision the same may come up again.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Kind;
use super::evidence::Evidence;
use super::signals::{self, Bid, Dealings, Lot, Member, Permille, Visit};
use super::store::{self, ConductRow, Raised};
use crate::clock::from_datetime;
use crate::domain::auction::{Event, EventKind, Winner};
use crate::domain::{AccountId, AuctionId, Money, Span, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Fact, Projected, Projection};

/// How far back what bidders did counts.
const WINDOW: Span = Span::from_secs(180 * 86_400);
/// How many bids of an auction are looked at, from the first on; what shills do shows in them.
const BIDS_MAX: i64 = 50_000;
/// How many bidders of an auction are looked at closely: those with most auctions of its seller.
const CANDIDATES_MAX: i64 = 50;
/// In how many auctions of the seller one must have bid to be looked at closely: what the least of the signals asks for.
const HERE_MIN: i64 = 4;
/// How many auctions of a bidder are compared with those of others, the last first.
const VISITS_MAX: i64 = 500;

/// The projection of the moderation queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct ModerationProjection;

/// An auction that has ended.
#[derive(Clone, Copy)]
struct Ended {
    auction: AuctionId,
    seller: Uuid,
    at: Timestamp,
}

#[async_trait::async_trait]
impl Projection for ModerationProjection {
    fn name(&self) -> &'static str {
        "moderation"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        for projected in page {
            if let Fact::Event(event) = &projected.fact
                && let EventKind::Ended { winner, .. } = &event.kind
            {
                look_through(tx, projected.auction, event, *winner).await?;
            }
        }
        Ok(())
    }
}

async fn look_through(
    tx: &mut Tx,
    auction: AuctionId,
    event: &Event,
    winner: Option<Winner>,
) -> Result<(), StoreError> {
    // Until the auction itself is projected up to its end there is nothing to look at.
    let row = store::lot(tx, auction).await?.filter(|row| row.seq.unsigned_abs() >= event.seq.0);
    let row = row.ok_or_else(|| inconsistent("auctions", format!("auction {auction} is not projected to its end")))?;
    if !store::insert_lot(tx, auction, row.seller, (event.seq, event.at)).await? {
        return Ok(());
    }
    let starts_at = from_datetime(row.starts_at);
    let lot = Lot { starts_at, ended_at: event.at, winner: winner.map(|winner| winner.account) };
    let mut bids = Vec::new();
    for (bidder, at, price) in store::bids(tx, auction, BIDS_MAX).await? {
        let price = Money::new(price).ok_or_else(|| inconsistent("bids", format!("a price of {price}")))?;
        bids.push(Bid { bidder: AccountId(bidder), at: from_datetime(at), price });
    }
    let conducts: Vec<ConductRow> = signals::conducts(&lot, &bids).into_iter().map(ConductRow::from).collect();
    store::insert_conducts(tx, auction, row.seller, event.at, &conducts).await?;
    if conducts.iter().any(|it| it.lost) {
        judge(tx, Ended { auction, seller: row.seller, at: event.at }).await?;
    }
    Ok(())
}

/// Looks closely at those who lost the auction and have often bid on those of its seller.
async fn judge(tx: &mut Tx, ended: Ended) -> Result<(), StoreError> {
    let Ended { auction, seller, at } = ended;
    let since = at.minus(WINDOW);
    let rows = store::dealings(tx, auction, seller, since, (HERE_MIN, CANDIDATES_MAX)).await?;
    let candidates: Vec<Dealings> = rows.into_iter().map(Dealings::from).collect();
    for dealings in &candidates {
        if let Some(suspicion) = signals::shill(dealings) {
            raise(tx, ended, Kind::Shill, dealings.bidder, Evidence::shill(dealings, &suspicion)).await?;
        }
    }
    // One alone is no ring.
    if candidates.len() < 2 {
        return Ok(());
    }
    let mut members = Vec::new();
    for Dealings { bidder, .. } in &candidates {
        let visits = store::visits(tx, *bidder, since, VISITS_MAX).await?.into_iter();
        let visit = |(auction, of, lost): (Uuid, Uuid, bool)| (AuctionId(auction), Visit { here: of == seller, lost });
        members.push(Member { bidder: *bidder, visits: visits.map(visit).collect::<BTreeMap<_, _>>() });
    }
    for joined in signals::rings(&members) {
        raise(tx, ended, Kind::Ring, joined.bidder, Evidence::ring(&joined)).await?;
    }
    Ok(())
}

async fn raise(
    tx: &mut Tx,
    ended: Ended,
    kind: Kind,
    account: AccountId,
    evidence: Evidence,
) -> Result<(), StoreError> {
    let Ended { auction, seller, at } = ended;
    let id = derived_id(at, &format!("{}:{auction}:{account}", kind.name()));
    let raised = Raised { id, kind, topic: seller, account, auction, evidence: Some(evidence), at };
    store::raise(tx, &raised).await.map(drop)
}

/// The id of what follows from `cause` at `at`: a UUIDv7 of which nothing is chance, so that who reads a log twice gives it
/// the same id twice.
fn derived_id(at: Timestamp, cause: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(cause.as_bytes()).into();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&digest[..10]);
    uuid::Builder::from_unix_timestamp_millis(at.millis().unsigned_abs(), &bytes).into_uuid()
}

fn inconsistent(table: &'static str, detail: String) -> StoreError {
    StoreError::Inconsistent { table, detail }
}

impl From<signals::Conduct> for ConductRow {
    fn from(conduct: signals::Conduct) -> Self {
        let part = |part: Permille| i64::from(part.get());
        let signals::Conduct { bidder, lost, share, small, early } = conduct;
        Self { bidder: bidder.0, lost, share: part(share), small: part(small), early: part(early) }
    }
}

impl From<store::DealingsRow> for Dealings {
    fn from(row: store::DealingsRow) -> Self {
        Self {
            bidder: AccountId(row.bidder),
            everywhere: row.everywhere.unsigned_abs(),
            here: row.here.unsigned_abs(),
            lost: row.lost.unsigned_abs(),
            share: row.share.unsigned_abs(),
            small: row.small.unsigned_abs(),
            early: row.early.unsigned_abs(),
        }
    }
}
