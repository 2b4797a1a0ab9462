//! How a room comes back from its log: the newest snapshot that is whole, or the state that a mirror has already, then
//! every record after it, each checked against the chain. A log that cannot be read is never run.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::auction::{Event, EventKind, Offer, PriorBid, State};
use crate::domain::{AuctionId, LogId, Seq};
use crate::journal::{AckLevel, Chain, Digest, Head, Journal, JournalError, OpenLog, Record, RecordError};

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

/// What a mirror has, on which recovery can build.
#[derive(Clone)]
pub(super) struct Base {
    pub log: LogId,
    pub state: State,
    pub head: Head,
}

/// A room as its log tells it.
pub(super) struct Recovered {
    pub log: LogId,
    pub ack: AckLevel,
    pub state: State,
    pub chain: Chain,
    pub since_snapshot: usize,
    pub fresh: Fresh,
}

/// What recovery has found beyond what a mirror had.
pub(super) enum Fresh {
    /// The mirror had nothing, or nothing of this history: the newest public bytes.
    Whole(VecDeque<Arc<str>>),
    /// These records, which follow.
    Since(Vec<Event>, Vec<Record>),
}

/// Reads an auction back from its log, which `grows` if another node runs the room meanwhile.
pub(super) async fn recover(
    journal: &dyn Journal,
    auction: AuctionId,
    open: OpenLog,
    base: Option<Base>,
    grows: bool,
) -> Result<Recovered, RoomError> {
    let mut reader = Reader { journal, auction, genesis: open.genesis.digest, head: open.head };
    let known = match base {
        Some(base) if base.log == open.log && reader.has(base.head).await? => Some(base),
        _ => None,
    };
    let recovered = match known {
        Some(base) => reader.go_on(open, base).await?,
        None => reader.whole(open).await?,
    };
    let end = recovered.chain.head();
    if end.seq < reader.head.seq || (!grows && end != reader.head) {
        let detail = format!("the log ends at {end:?}, and should at {:?}", reader.head);
        return Err(unreadable(auction, RecordError::Malformed(detail)));
    }
    Ok(recovered)
}

fn unreadable(auction: AuctionId, source: RecordError) -> RoomError {
    JournalError::Unreadable { auction, source }.into()
}

struct Reader<'a> {
    journal: &'a dyn Journal,
    auction: AuctionId,
    genesis: Digest,
    /// Where the log ended when it was opened.
    head: Head,
}

impl Reader<'_> {
    async fn go_on(&mut self, open: OpenLog, base: Base) -> Result<Recovered, RoomError> {
        let mut chain = Chain::new(&open.secret, base.head);
        let mut state = base.state;
        let (mut events, mut records) = (Vec::new(), Vec::new());
        self.follow(&mut chain, &mut state, |event, record| {
            events.push(event);
            records.push(record);
        })
        .await?;
        let since_snapshot = records.len();
        let fresh = Fresh::Since(events, records);
        Ok(Recovered { log: open.log, ack: open.ack, state, chain, since_snapshot, fresh })
    }

    async fn whole(&mut self, open: OpenLog) -> Result<Recovered, RoomError> {
        let auction = self.auction;
        let mut chain = Chain::origin(&open.secret);
        chain.follow(&open.genesis).map_err(|broken| unreadable(auction, broken.into()))?;
        let (id, _, terms, _) = open.genesis.genesis().map_err(|error| unreadable(auction, error))?;
        if id != auction {
            let detail = "the log is another auction's".to_owned();
            return Err(unreadable(auction, RecordError::Malformed(detail)));
        }
        let mut state = State::new(terms);
        let whole = open.snapshot.and_then(|snapshot| Some((snapshot.head, snapshot.restore()?)));
        if let Some((head, snapshot)) = whole
            && self.has(head).await?
        {
            chain = Chain::new(&open.secret, head);
            state = snapshot;
        }
        let mut recent = VecDeque::new();
        if state.seq > Seq(0) {
            let after = Seq(state.seq.0.saturating_sub(RECENT_ON_LOAD));
            let before = self.journal.read(auction, after, (state.seq.0 - after.0) as usize).await?;
            recent.extend(before.into_iter().map(|record| record.public));
        }
        let mut since_snapshot = 0;
        self.follow(&mut chain, &mut state, |_, record| {
            if recent.len() as u64 >= RECENT_ON_LOAD {
                recent.pop_front();
            }
            recent.push_back(record.public);
            since_snapshot += 1;
        })
        .await?;
        let fresh = Fresh::Whole(recent);
        Ok(Recovered { log: open.log, ack: open.ack, state, chain, since_snapshot, fresh })
    }

    /// Reads what follows `state` to the end, and hands each event and record over.
    async fn follow(
        &mut self,
        chain: &mut Chain,
        state: &mut State,
        mut take: impl FnMut(Event, Record),
    ) -> Result<(), RoomError> {
        let auction = self.auction;
        loop {
            let page = self.journal.read(auction, state.seq, PAGE).await?;
            let short = page.len() < PAGE;
            for record in page {
                chain.follow(&record).map_err(|broken| unreadable(auction, broken.into()))?;
                if record.seq == self.head.seq && record.digest != self.head.digest {
                    let detail = format!("record {} is not the one that the log had there", record.seq.0);
                    return Err(unreadable(auction, RecordError::Malformed(detail)));
                }
                let event = record.event().map_err(|error| unreadable(auction, error))?;
                state.apply(&event);
                take(event, record);
            }
            if short && chain.head().seq >= self.head.seq {
                return Ok(());
            }
            if short {
                let detail = format!("the log has nothing after {}, and should go on", state.seq.0);
                return Err(unreadable(auction, RecordError::Malformed(detail)));
            }
        }
    }

    /// True if the log has this very position: a snapshot or a mirror of another history is passed over.
    async fn has(&self, head: Head) -> Result<bool, RoomError> {
        if head == self.head || (head.seq == Seq(0) && head.digest == self.genesis) {
            return Ok(true);
        }
        let Some(before) = head.seq.0.checked_sub(1).filter(|_| head.seq <= self.head.seq) else { return Ok(false) };
        let found = self.journal.read(self.auction, Seq(before), 1).await?;
        Ok(found.first().is_some_and(|record| record.seq == head.seq && record.digest == head.digest))
    }
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
