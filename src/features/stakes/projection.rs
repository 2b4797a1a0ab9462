//! Follows the logs of auctions with the standing of bidders and with what people are told, event by event.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::notes::{People, Teller, number};
use super::race::{How, Race, concerned};
use super::store::{self, RaceRow};
use crate::clock::Clock;
use crate::domain::auction::Event;
use crate::domain::{AuctionId, Span};
use crate::persistence::{StoreError, Tx};
use crate::projection::{Fact, Projected, Projection};

/// What is older is not told to anyone any more: a hub that reads its logs from the beginning is not news.
const TOLD_AGE_MAX: Span = Span::from_secs(7 * 86_400);

/// The projection of races and stakes.
#[derive(Debug, Clone)]
pub struct StakesProjection {
    clock: Clock,
}

impl StakesProjection {
    /// One that tells what is young by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

#[async_trait::async_trait]
impl Projection for StakesProjection {
    fn name(&self) -> &'static str {
        "stakes"
    }

    async fn apply(&self, tx: &mut Tx, page: &[Projected]) -> Result<(), StoreError> {
        let (mut events, mut order): (HashMap<AuctionId, Vec<&Event>>, Vec<AuctionId>) = Default::default();
        for projected in page {
            match &projected.fact {
                Fact::Created(created) => store::insert_race(tx, &RaceRow::new(projected.auction, created)).await?,
                Fact::Event(event) => events
                    .entry(projected.auction)
                    .or_insert_with(|| {
                        order.push(projected.auction);
                        Vec::new()
                    })
                    .push(event),
            }
        }
        let mut teller = Teller::default();
        for auction in order {
            follow(tx, auction, &events[&auction], &mut teller).await?;
        }
        teller.write(tx, self.clock.now().minus(TOLD_AGE_MAX)).await
    }
}

/// Takes the events of one auction in.
async fn follow(tx: &mut Tx, auction: AuctionId, events: &[&Event], teller: &mut Teller) -> Result<(), StoreError> {
    let missing = || inconsistent(format!("auction {auction} has events but no race"));
    let mut race = Race::new(store::race(tx, auction).await?.ok_or_else(missing)?);
    let new: Vec<&&Event> = events.iter().filter(|event| number(event.seq) > race.from).collect();
    let bidders: BTreeSet<Uuid> = new.iter().flat_map(|event| concerned(event)).chain(race.row.leader).collect();
    let bidders: Vec<Uuid> = bidders.into_iter().collect();
    for stake in store::stakes(tx, auction, &bidders).await? {
        race.stakes.insert(stake.bidder, stake);
    }
    for event in new {
        let seq = number(event.seq);
        if seq != race.row.seq + 1 {
            let stands = race.row.seq;
            return Err(inconsistent(format!("auction {auction} stands at {stands}, so {seq} does not follow")));
        }
        race.fold(event, teller);
    }
    if race.row.seq == race.from {
        return Ok(());
    }
    store::write_stakes(tx, &race.changed().collect::<Vec<_>>()).await?;
    store::update_race(tx, race.from, &race.row).await?;
    let Some(end) = &race.end else { return Ok(()) };
    let mut people = People::default();
    match &end.how {
        How::Stopped { .. } => {
            store::end_stakes(tx, auction, None, "stopped").await?;
            people.everyone.extend(store::bidders(tx, auction).await?);
            people.everyone.extend(store::watchers(tx, auction).await?);
        }
        How::Sold { winner, .. } => {
            store::end_stakes(tx, auction, Some(*winner), "lost").await?;
            people.losers = store::losers(tx, auction).await?;
        }
        How::Unsold => {
            store::end_stakes(tx, auction, None, "lost").await?;
            people.losers = store::losers(tx, auction).await?;
        }
    }
    teller.ended(&race.row, end, &people);
    Ok(())
}

fn inconsistent(detail: String) -> StoreError {
    StoreError::Inconsistent { table: "races", detail }
}
