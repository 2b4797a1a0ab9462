//! The end of a run: everyone who was about to do something has died. What is left to itself comes right: what no log has is
//! told again, the projection catches up, all auctions end, staff decides its cases.

use std::collections::BTreeMap;

use bidhub::domain::auction::{Command, Rejection};
use bidhub::domain::{AccountId, Span};
use bidhub::sql;

use crate::dice::Dice;
use crate::look::Look;
use crate::people::{PEOPLE, person, staff};
use crate::world::{Outcome, World, wrong};

impl World {
    pub async fn recover(&mut self, seed: u64) -> Outcome {
        let mut dice = Dice::new(seed);
        self.tell("everyone dies, and what is left to itself comes right");
        self.tasks.clear();
        self.letters.clear();
        self.project_until(self.feed.len(), false).await?;
        self.check().await?;
        self.confirm_all().await?;
        self.close_all().await?;
        for owner in (0..PEOPLE).map(person) {
            self.freeze(owner, false).await?;
        }
        while !self.cases().await?.is_empty() {
            self.decide_case(&mut dice).await?;
            self.check().await?;
        }
        self.all_is_where_it_must_be().await?;
        let text = "select count(*) from ledger_transactions where kind = 'release' and cause not like '%:end'";
        for _ in 0..sql!(self.db.write(), scalar i64, text).map_err(wrong)? {
            self.saw("a release of what a room has lowered");
        }
        self.look = Look::Idle;
        for _ in 0..3 {
            self.look().await?;
        }
        Ok(())
    }

    /// Everything that was asked for reaches its room, but for what the bidder cannot have while leading with more.
    async fn confirm_all(&mut self) -> Outcome {
        self.now = self.now.plus(Span::from_secs(11));
        self.tick();
        for letter in self.unconfirmed().await? {
            match self.hand_in(letter) {
                Ok(()) | Err(Rejection::Leading) => {}
                // The auction is over and only not settled yet: that releases what no room takes any more.
                Err(Rejection::AuctionClosed | Rejection::AuctionStopped) => {}
                Err(refused) => return Err(format!("{letter:?} cannot be told again: {refused:?}")),
            }
        }
        self.project_until(self.feed.len(), false).await?;
        self.check().await?;
        for letter in self.unconfirmed().await? {
            let state = &self.rooms[letter.room].state;
            let leader = state.standing.leader;
            if !state.is_over()
                && !leader.is_some_and(|leader| leader.account == letter.bidder && leader.ceiling > letter.amount)
            {
                return Err(format!("{letter:?} stays unconfirmed"));
            }
        }
        Ok(())
    }

    async fn close_all(&mut self) -> Outcome {
        for room in 0..self.rooms.len() {
            let _ = self.order(room, &Command::Resume { by: staff(), key: None, reason: None });
        }
        self.now = self.now.plus(Span::from_secs(3_600));
        self.tick();
        self.tick();
        if let Some(room) = self.rooms.iter().find(|room| !room.state.is_over()) {
            return Err(format!("{} does not end", room.auction));
        }
        self.check().await?;
        self.project_until(self.feed.len(), false).await?;
        self.check().await
    }

    /// Everyone has what came in, less what was bought, and what was sold; the house has its share; nothing is held.
    async fn all_is_where_it_must_be(&mut self) -> Outcome {
        let balances = self.balances().await?;
        let mut expected: BTreeMap<AccountId, i64> = (0..PEOPLE).map(|number| (person(number), 0)).collect();
        let mut house = 0;
        for (owner, amount) in &self.brought {
            *expected.entry(*owner).or_default() += amount;
        }
        let outside: i64 = expected.values().sum();
        for (number, winner, price) in self.sales().collect::<Vec<_>>() {
            self.saw("a sale");
            let room = &self.rooms[number];
            if self.called_off.contains(&room.auction) {
                continue;
            }
            let fees = room.state.terms.fees;
            let (premium, commission) = (fees.premium(price).minor_units(), fees.commission(price).minor_units());
            *expected.entry(winner).or_default() -= price.minor_units() + premium;
            *expected.entry(room.state.terms.seller).or_default() += price.minor_units() - commission;
            house += premium + commission;
        }
        for (owner, amount) in expected {
            if balances.of(owner) != amount {
                return Err(format!("{owner} has {} in the end, and must have {amount}", balances.of(owner)));
            }
        }
        for (kind, amount) in [("held", 0), ("house", house), ("provider", -outside)] {
            if balances.all(kind) != amount {
                return Err(format!("{kind} has {} in the end, and must have {amount}", balances.all(kind)));
            }
        }
        Ok(())
    }
}
