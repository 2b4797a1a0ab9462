//! Someone who checks the books while all goes on: the logs, then a snapshot, then the logs, with any number of steps between.

use std::collections::HashMap;

use bidhub::domain::AuctionId;
use bidhub::ledger::Book;
use bidhub::ledger::books::{self, Finding, OpenHold, Told};

use crate::world::{Outcome, World, wrong};

/// How far the look has come.
pub enum Look {
    Idle,
    ReadLogs(HashMap<AuctionId, Told>),
    SawBooks(HashMap<AuctionId, Told>, Vec<Book>, Vec<OpenHold>),
}

impl World {
    /// Looks a little further.
    pub async fn look(&mut self) -> Outcome {
        self.look = match std::mem::replace(&mut self.look, Look::Idle) {
            Look::Idle => Look::ReadLogs(self.told()),
            Look::ReadLogs(before) => {
                let mut tx = self.db.snapshot().await.map_err(wrong)?;
                for finding in books::audit(&mut tx).await.map_err(wrong)? {
                    passes(&finding)?;
                }
                let open = books::open_books(&mut tx).await.map_err(wrong)?;
                Look::SawBooks(before, open, books::open_holds(&mut tx).await.map_err(wrong)?)
            }
            Look::SawBooks(before, open, holds) => {
                passes(&books::rooms(&open, &holds, &before, &self.told()))?;
                let ends = self.rooms.iter().filter_map(|room| Some((room.auction, room.end()?.clone()))).collect();
                let mut tx = self.db.snapshot().await.map_err(wrong)?;
                let closed = books::closed_books(&mut tx).await.map_err(wrong)?;
                passes(&books::outcomes(&closed, &ends))?;
                let terms = self.rooms.iter().map(|room| (room.auction, room.state.terms.clone())).collect();
                passes(&books::terms(
                    &closed.iter().map(|closed| closed.book).chain(open).collect::<Vec<_>>(),
                    &terms,
                ))?;
                Look::Idle
            }
        };
        Ok(())
    }

    fn told(&self) -> HashMap<AuctionId, Told> {
        self.rooms.iter().map(|room| (room.auction, room.told())).collect()
    }
}

fn passes(finding: &Finding) -> Outcome {
    match finding.breaches.first() {
        None => Ok(()),
        Some(breach) => Err(format!("check-books finds that {} is broken: {breach}", finding.rule.name)),
    }
}
