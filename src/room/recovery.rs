//! How a room comes back from its log: the newest snapshot that is whole, then every record after it, each checked
//! against the chain. A log that cannot be read is never run.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::auction::{EventKind, Offer, PriorBid, State};
use crate::domain::{AuctionId, LogId, Seq};
use crate::journal::{AckLevel, Chain, Head, Journal, JournalError, Record, RecordError};

const PAGE: usize = 4_096;
const RECENT_ON_LOAD: u64 = 256;

/// A room cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// There is no such auction.
    #[error("there is no such auction")]
    Unknown,
    /// The journal or the lease cannot be had at the moment.
    #[error("the room cannot be opened: {0}")]
    Unavailable(String),
}

impl From<JournalError> for RoomError {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

pub(super) struct Recovered {
    pub log: LogId,
    pub ack: AckLevel,
    pub state: State,
    pub chain: Chain,
    pub recent: VecDeque<Arc<str>>,
    pub since_snapshot: usize,
}

/// Reads an auction back from its log.
pub(super) async fn recover(journal: &dyn Journal, auction: AuctionId) -> Result<Recovered, RoomError> {
    let open = journal.open(auction).await?.ok_or(RoomError::Unknown)?;
    let unreadable = |source| RoomError::from(JournalError::Unreadable { auction, source });
    let mut chain = Chain::origin(&open.secret);
    chain.follow(&open.genesis).map_err(|broken| unreadable(broken.into()))?;
    let (id, _, terms, _) = open.genesis.genesis().map_err(unreadable)?;
    if id != auction {
        return Err(unreadable(RecordError::Malformed("the log is another auction's".to_owned())));
    }
    let mut state = State::new(terms);
    let whole = open.snapshot.and_then(|snapshot| Some((snapshot.head, snapshot.restore()?)));
    if let Some((head, snapshot)) = whole
        && on_the_log(journal, auction, head).await?
    {
        chain = Chain::new(&open.secret, head);
        state = snapshot;
    }
    let base = state.seq;
    let mut recent = VecDeque::new();
    if base > Seq(0) {
        let after = Seq(base.0.saturating_sub(RECENT_ON_LOAD));
        let before = journal.read(auction, after, (base.0 - after.0) as usize).await?;
        recent.extend(before.into_iter().map(|record| record.public));
    }
    let mut since_snapshot = 0;
    loop {
        let page = journal.read(auction, state.seq, PAGE).await?;
        let last = page.len() < PAGE;
        for record in page {
            chain.follow(&record).map_err(|broken| unreadable(broken.into()))?;
            state.apply(&record.event().map_err(unreadable)?);
            if recent.len() as u64 >= RECENT_ON_LOAD {
                recent.pop_front();
            }
            recent.push_back(record.public);
            since_snapshot += 1;
        }
        if last {
            break;
        }
    }
    if chain.head() != open.head {
        let detail = format!("the log ends at {:?}, and should at {:?}", chain.head(), open.head);
        return Err(unreadable(RecordError::Malformed(detail)));
    }
    Ok(Recovered { log: open.log, ack: open.ack, state, chain, recent, since_snapshot })
}

/// True if the log has this very position: a snapshot of another history is passed over.
async fn on_the_log(journal: &dyn Journal, auction: AuctionId, head: Head) -> Result<bool, RoomError> {
    let Some(before) = head.seq.0.checked_sub(1) else { return Ok(false) };
    let found = journal.read(auction, Seq(before), 1).await?;
    Ok(found.first().is_some_and(|record| record.seq == head.seq && record.digest == head.digest))
}

/// Every bid that counts, in order, read back from the log.
pub(super) async fn counting_bids(journal: &dyn Journal, auction: AuctionId) -> Result<Vec<PriorBid>, RoomError> {
    let mut bids: Vec<PriorBid> = Vec::new();
    let mut after = Seq(0);
    loop {
        let page = journal.read(auction, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(bids) };
        after = last.seq;
        for record in &page {
            collect(&mut bids, record).map_err(|source| JournalError::Unreadable { auction, source })?;
        }
    }
}

fn collect(bids: &mut Vec<PriorBid>, record: &Record) -> Result<(), RecordError> {
    match record.event()?.kind {
        EventKind::Bid(bid) if bid.offer != Offer::BuyNow => {
            bids.push(PriorBid { seq: record.seq, bidder: bid.bidder, alias: bid.alias, offer: bid.offer });
        }
        EventKind::BidVoided(void) => bids.retain(|bid| bid.seq != void.voided),
        _ => {}
    }
    Ok(())
}
