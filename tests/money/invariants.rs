//! What must be so after every step.

use std::collections::{HashMap, HashSet};

use bidhub::domain::auction::EventKind;
use bidhub::domain::{AccountId, AuctionId};
use bidhub::sql;
use uuid::Uuid;

use crate::world::{Outcome, World, wrong};

/// An account of the ledger: kind, owner, auction, balance, and whether its auction is settled.
type Row = (String, Option<Uuid>, Option<Uuid>, i64, bool);

/// What the ledger has at one moment.
pub struct Balances(Vec<Row>);

impl World {
    pub async fn balances(&self) -> Outcome<Balances> {
        let text = "select kind, owner, account.auction, balance, settled_seq is not null
            from ledger_accounts account left join auction_books book on book.auction = account.auction";
        let rows = sql!(self.db.write(), all(String, Option<Uuid>, Option<Uuid>, i64, bool), text);
        Ok(Balances(rows.map_err(wrong)?))
    }

    /// Holds everything that is against everything that must be.
    pub async fn check(&self) -> Outcome {
        let balances = self.balances().await?;
        let overdrawn = |(kind, _, _, balance, _): &&Row| match kind.as_str() {
            "provider" => false,
            "owed" => *balance > 0,
            _ => *balance < 0,
        };
        if let Some(row) = balances.0.iter().find(overdrawn) {
            return Err(format!("overdrawn: {row:?}"));
        }
        let owes = |row: &&Row| row.0 == "owed" && row.3 < 0 && balances.available(row.1) > 0;
        if let Some(row) = balances.0.iter().find(owes) {
            return Err(format!("who owes has money: {row:?}"));
        }
        let sum: i64 = balances.0.iter().map(|row| row.3).sum();
        if sum != 0 {
            return Err(format!("all balances sum to {sum}"));
        }
        let (held, settled) = (balances.held(), balances.settled());
        for room in self.rooms.iter().filter(|room| !settled.contains(&room.auction)) {
            let fees = room.state.terms.fees;
            let holds = |account| held.get(&(account, room.auction)).copied().unwrap_or(0);
            for (account, bidder) in room.state.bidders() {
                let gross = fees.gross(bidder.allowance).map_or(i64::MAX, |gross| gross.minor_units());
                if !room.state.is_over() && holds(account) < gross {
                    let allowance = bidder.allowance;
                    return Err(format!("{account} may bid {allowance} in {}: {} held", room.auction, holds(account)));
                }
            }
            let allowance = |account| room.state.bidder(account).map(|bidder| bidder.allowance).unwrap_or_default();
            if let Some(leader) = room.state.standing.leader
                && !room.state.is_over()
                && leader.ceiling > allowance(leader.account)
            {
                return Err(format!("{leader:?} leads in {} beyond {}", room.auction, allowance(leader.account)));
            }
            if let Some(EventKind::Ended { winner: Some(winner), price: Some(price), .. }) =
                room.end().map(|event| &event.kind)
                && fees.gross(*price).is_none_or(|gross| holds(winner.account) < gross.minor_units())
            {
                return Err(format!("{price} is to be paid in {} by {winner:?}, who has not so much", room.auction));
            }
        }
        Ok(())
    }
}

impl Balances {
    pub fn held(&self) -> HashMap<(AccountId, AuctionId), i64> {
        let held = self.0.iter().filter(|(kind, ..)| kind == "held");
        held.filter_map(|row| Some(((AccountId(row.1?), AuctionId(row.2?)), row.3))).collect()
    }

    /// The auctions that are settled, as far as anything was ever held for them.
    fn settled(&self) -> HashSet<AuctionId> {
        self.0.iter().filter(|row| row.4).filter_map(|row| row.2.map(AuctionId)).collect()
    }

    fn available(&self, owner: Option<Uuid>) -> i64 {
        self.0.iter().filter(|row| row.0 == "available" && row.1 == owner).map(|row| row.3).sum()
    }

    /// All that somebody has and owes.
    pub fn of(&self, owner: AccountId) -> i64 {
        self.0.iter().filter(|row| row.1 == Some(owner.0)).map(|row| row.3).sum()
    }

    /// The sum of all accounts of one kind.
    pub fn all(&self, kind: &str) -> i64 {
        self.0.iter().filter(|row| row.0 == kind).map(|row| row.3).sum()
    }
}
