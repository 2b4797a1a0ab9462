//! The way of a bid from its bidder to its room, and a second time if money had to be set aside for it. All of it ends with
//! the deadline that the bid had at the beginning, and the bid counts as in flight until it is answered.

use std::time::{Duration, Instant};

use tracing::Instrument as _;

use super::funding::{Place, Raise};
use super::handle::{Answer, Reply, awaited, wait};
use super::registry::Rooms;
use crate::domain::auction::{Bid, Rejection, Verdict};
use crate::domain::{AuctionId, Timestamp};
use crate::trace;

impl Rooms {
    /// Bids and waits for the verdict.
    pub async fn bid(&self, auction: AuctionId, bid: Bid) -> Result<Verdict, Rejection> {
        let (reply, receiver) = awaited();
        self.submit(auction, bid, reply).await;
        match wait(receiver, self.deps().limits.bid_deadline).await? {
            Answer::Verdict(verdict) => Ok(verdict),
            Answer::Done(_) => Err(Rejection::Unavailable),
        }
    }

    /// Hands a bid to its room. The answer comes by `reply`. If the room refuses it for want of funds, more is asked for
    /// and the bid handed in once more; the answer is then that of the second time.
    pub async fn submit(&self, auction: AuctionId, bid: Bid, reply: Reply) {
        let deadline = self.deps().clock.now().plus(self.deps().limits.bid_deadline);
        let (rooms, span) = (self.clone(), trace::current());
        let first = Submitted { auction, bid: bid.clone(), deadline };
        let reply = Reply::with_slot(move |answer, slot| match answer {
            Err(refused @ Rejection::InsufficientFunds { .. }) => rooms.fund(first, refused, reply.holding(slot), span),
            answer => reply.give(answer),
        });
        self.hand_in(Submitted { auction, bid, deadline }, None, reply).await;
    }

    async fn hand_in(&self, submitted: Submitted, raise: Option<Raise>, reply: Reply) {
        let Submitted { auction, bid, deadline } = submitted;
        let (mut bid, mut reply) = (bid, reply);
        loop {
            match self.get(auction).await {
                Ok(room) => match room.submit(bid, raise, deadline, reply) {
                    Ok(()) => return,
                    Err(back) => (bid, reply) = back,
                },
                Err(error) => return reply.give(Err(error.rejection())),
            }
        }
    }

    /// Asks for more money for a bid that was `refused`, in a task of its own: whoever gives the answer must not wait.
    fn fund(&self, submitted: Submitted, refused: Rejection, reply: Reply, span: tracing::Span) {
        let Some(place) = self.raises().place() else {
            counted("busy");
            return reply.give(Err(Rejection::Busy));
        };
        let rooms = self.clone();
        let again = async move { rooms.try_again(submitted, refused, reply, place).await };
        self.spawn(again.instrument(span));
    }

    async fn try_again(&self, submitted: Submitted, refused: Rejection, reply: Reply, place: Place) {
        let began = Instant::now();
        let left = submitted.deadline.since(self.deps().clock.now()).millis();
        let ends = tokio::time::Instant::now() + Duration::from_millis(left.unsigned_abs());
        let bid = trace::current();
        let raised = trace::raise(&bid, self.raise(&submitted, refused));
        let raised = tokio::select! {
            () = self.closed().cancelled() => Err(Rejection::Unavailable),
            raised = tokio::time::timeout_at(ends, raised) => raised.unwrap_or(Err(Rejection::Unavailable)),
        };
        drop(place);
        metrics::histogram!("bidhub_funding_raise_seconds").record(began.elapsed());
        match raised {
            Ok(raise) => {
                counted("raised");
                // What the room cannot take in time is given up, and answered as it is dropped.
                let _ = tokio::time::timeout_at(ends, self.hand_in(submitted, Some(raise), reply)).await;
            }
            Err(rejection) => {
                counted(if rejection.is_final() { "refused" } else { "unanswered" });
                // There is no more: what the room said stands, for it knows what is set aside.
                let funds = matches!(rejection, Rejection::InsufficientFunds { .. });
                reply.give(Err(if funds { refused } else { rejection }));
            }
        }
    }

    async fn raise(&self, submitted: &Submitted, refused: Rejection) -> Result<Raise, Rejection> {
        let Submitted { auction, bid, .. } = submitted;
        let terms = self.get(*auction).await.map_err(|error| error.rejection())?.terms();
        let needed = terms.needed(bid.offer).ok_or(refused)?;
        let ask = self.deps().funding.raise(*auction, &terms, bid.bidder, needed);
        self.raises().raise((*auction, bid.bidder), needed, ask).await
    }
}

/// A bid on its way, to be decided by its deadline or not at all.
struct Submitted {
    auction: AuctionId,
    bid: Bid,
    deadline: Timestamp,
}

fn counted(outcome: &'static str) {
    metrics::counter!("bidhub_funding_raises_total", "outcome" => outcome).increment(1);
}
