//! From the feed to the ledger, page by page; a page is written as a whole or not at all, and may be handed over again.

use std::collections::BTreeSet;

use bidhub::domain::auction::{Event, EventKind, Funds};
use bidhub::domain::{AccountId, Currency, Money};
use bidhub::ledger::{self, Book, Outcome as Ending, Settled, confirm, holders_in, lock_books, lock_wallets, settle};
use bidhub::persistence::{StoreError, Tx};
use bidhub::projection::{Fact, Projected};

use crate::dice::Dice;
use crate::people::usd;
use crate::world::{Case, Outcome, World, wrong};

impl World {
    /// Takes a page; it may all come to nothing at its end.
    pub async fn project(&mut self, dice: &mut Dice) -> Outcome {
        let until = self.feed.len().min(self.checkpoint + 1 + dice.below(8));
        let dies = dice.percent(10);
        self.project_until(until, dies).await
    }

    /// Writes what follows from the feed up to there.
    pub async fn project_until(&mut self, until: usize, dies: bool) -> Outcome {
        let page = &self.feed[self.checkpoint..until];
        let mut tx = self.db.begin().await.map_err(wrong)?;
        let Followed { unpaid, released } = apply(&mut tx, page).await.map_err(wrong)?;
        if dies {
            return Ok(());
        }
        tx.commit().await.map_err(wrong)?;
        self.checkpoint = until;
        (0..released).for_each(|_| self.saw("a release of what a room has lowered"));
        self.cases.extend(unpaid);
        Ok(())
    }
}

/// What came of a page: sales that could not be paid, and how many holds were lowered.
#[derive(Default)]
struct Followed {
    unpaid: Vec<Case>,
    released: usize,
}

async fn apply(tx: &mut Tx, page: &[Projected]) -> Result<Followed, StoreError> {
    let ends = page.iter().filter(|it| event(it).is_some_and(|event| outcome(event).is_some()));
    let ending: BTreeSet<_> = ends.map(|it| it.auction).collect();
    lock_books(tx, &ending.iter().copied().collect::<Vec<_>>()).await?;
    let mut owners: BTreeSet<(AccountId, Currency)> = BTreeSet::new();
    for auction in &ending {
        owners.extend(holders_in(tx, *auction).await?);
    }
    owners.extend(page.iter().filter_map(event).filter_map(|event| match event.kind {
        EventKind::AllowanceSet { bidder, .. } => Some((bidder, usd())),
        _ => None,
    }));
    lock_wallets(tx, &owners).await?;
    let mut followed = Followed::default();
    for projected in page {
        let auction = projected.auction;
        match &projected.fact {
            Fact::Created(created) => {
                let (seller, currency, fees) = (created.terms.seller, created.terms.currency, created.terms.fees);
                if created.terms.funds == Funds::Required {
                    ledger::insert_book(tx, &Book { auction, seller, currency, fees }).await?;
                }
            }
            Fact::Event(Event { seq, at, kind: EventKind::AllowanceSet { bidder, amount, version } }) => {
                let freed = confirm(tx, auction, *bidder, (*amount, *version), (*seq, *at)).await?;
                followed.released += usize::from(freed > Money::ZERO);
            }
            Fact::Event(event) => {
                let Some(outcome) = outcome(event) else { continue };
                let settled = settle(tx, auction, outcome, (event.seq, event.at)).await?;
                if let (Ending::Sold { winner, price }, Some(Settled { sale: Some(Err(_)), .. })) = (outcome, settled) {
                    followed.unpaid.push(Case { auction, winner, price });
                }
            }
        }
    }
    Ok(followed)
}

fn event(projected: &Projected) -> Option<&Event> {
    match &projected.fact {
        Fact::Event(event) => Some(event),
        Fact::Created(_) => None,
    }
}

fn outcome(event: &Event) -> Option<Ending> {
    match event.kind {
        EventKind::Ended { winner: Some(winner), price: Some(price), .. } => {
            Some(Ending::Sold { winner: winner.account, price })
        }
        EventKind::Ended { .. } | EventKind::Stopped { .. } => Some(Ending::Nothing),
        _ => None,
    }
}
