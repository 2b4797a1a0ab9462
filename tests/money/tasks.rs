//! What people are about to do, one step at a time: each step is one transaction or one decision, and between any two
//! everything may stop, or the answer may be lost so that it is asked again.

use bidhub::domain::auction::{Barred, Bid, Command, Offer, Rejection};
use bidhub::domain::{AccountId, BidKey, Money};
use bidhub::ledger::*;
use bidhub::sql;
use uuid::Uuid;

use crate::deposits::{self, PROVIDER};
use crate::dice::Dice;
use crate::people::{PEOPLE, money, person, usd};
use crate::world::{Letter, Outcome, World, wrong};

#[derive(Clone, Debug)]
pub enum Task {
    /// A bid: asked of the room, then funded, then handed in again with the raise.
    Bid { room: usize, bid: Bid, stage: Stage },
    /// An allowance set by hand: written down, then told to the room.
    Allow { room: usize, bidder: AccountId, amount: Money, set: Option<Set> },
    /// Money on its way out: reserved, then paid or given back.
    Withdraw { order: Uuid, owner: AccountId, amount: Money, reserved: bool },
}

#[derive(Clone, Copy, Debug)]
pub enum Stage {
    Offered,
    Short,
    Funded(Set),
}

/// What becomes of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Goes,
    /// Whoever does it dies before.
    DiesBefore,
    /// Whoever does it dies after, and nobody hears of it.
    DiesAfter,
    /// It is done, the answer is lost, and it is all asked again.
    Again,
}

const FATES: [(u64, Fate); 4] = [(80, Fate::Goes), (5, Fate::DiesBefore), (8, Fate::DiesAfter), (7, Fate::Again)];

impl World {
    pub fn new_bid(&mut self, dice: &mut Dice) {
        let (room, bidder) = (dice.below(self.rooms.len()), person(dice.below(PEOPLE)));
        let minimum = self.rooms[room].state.minimum_bid().minor_units();
        let amount = money(dice.between(minimum - 5, minimum + 80).max(1));
        let offer = dice.weighed(&[(6, Offer::Max(amount)), (3, Offer::Straight(amount)), (1, Offer::BuyNow)]);
        let key = BidKey::new(&format!("key-{}", self.number())).unwrap();
        let barred = self.frozen.contains(&bidder).then_some(Barred::Frozen);
        let bid = Bid { bidder, barred, key, offer };
        self.tasks.push(Task::Bid { room, bid, stage: Stage::Offered });
    }

    pub fn new_allowance(&mut self, dice: &mut Dice) {
        let (room, bidder) = (dice.below(self.rooms.len()), person(dice.below(PEOPLE)));
        let amount = money(if dice.percent(25) { 0 } else { dice.between(1, 200) });
        self.tasks.push(Task::Allow { room, bidder, amount, set: None });
    }

    pub fn new_withdrawal(&mut self, dice: &mut Dice) {
        let (order, owner, amount) = (self.order_id(), person(dice.below(PEOPLE)), money(dice.between(1, 150)));
        self.tasks.push(Task::Withdraw { order, owner, amount, reserved: false });
    }

    /// Moves one task on by one step.
    pub async fn go_on(&mut self, dice: &mut Dice) -> Outcome {
        if self.tasks.is_empty() {
            return Ok(());
        }
        let task = self.tasks.swap_remove(dice.below(self.tasks.len()));
        let fate = dice.weighed(&FATES);
        self.tell(format_args!("{fate:?} {task:?}"));
        if fate == Fate::DiesBefore {
            return Ok(());
        }
        let first = task.clone().anew();
        let next = match task {
            Task::Bid { room, bid, stage } => self.bid(room, bid, stage, dice).await?,
            Task::Allow { room, bidder, amount, set } => self.allow(room, bidder, amount, set, dice).await?,
            Task::Withdraw { order, owner, amount, reserved } => {
                self.withdraw(order, owner, amount, reserved, dice).await?
            }
        };
        match fate {
            Fate::Goes => self.tasks.extend(next),
            Fate::Again => self.tasks.push(first),
            Fate::DiesBefore | Fate::DiesAfter => {}
        }
        Ok(())
    }

    async fn bid(&mut self, room: usize, bid: Bid, stage: Stage, dice: &mut Dice) -> Outcome<Option<Task>> {
        let again = |bid, stage| Ok(Some(Task::Bid { room, bid, stage }));
        match stage {
            Stage::Offered => match self.order(room, &Command::Bid(bid.clone())) {
                Err(Rejection::InsufficientFunds { .. }) => again(bid, Stage::Short),
                _ => Ok(None),
            },
            Stage::Short => {
                let state = &self.rooms[room].state;
                let buy_now = state.terms.format.buy_now(&state.standing);
                let Some(needed) = bid.offer.amount().or(buy_now) else { return Ok(None) };
                match self.set_aside(room, bid.bidder, Target::ForBid(needed)).await? {
                    Some(set) => again(bid, Stage::Funded(set)),
                    None => Ok(None),
                }
            }
            Stage::Funded(set) => {
                let letter = Letter { room, bidder: bid.bidder, amount: set.allowance, version: set.version };
                if dice.percent(20) {
                    self.letters.push(letter);
                }
                // Both are one batch: an older raise than the room knows does not keep the bid from being judged.
                let _ = self.hand_in(letter);
                if self.order(room, &Command::Bid(bid)).is_ok() {
                    self.saw("a bid that had to be funded");
                }
                Ok(None)
            }
        }
    }

    async fn allow(
        &mut self,
        room: usize,
        bidder: AccountId,
        amount: Money,
        set: Option<Set>,
        dice: &mut Dice,
    ) -> Outcome<Option<Task>> {
        let Some(set) = set else {
            let set = self.set_aside(room, bidder, Target::Exactly(amount)).await?;
            return Ok(set.map(|set| Task::Allow { room, bidder, amount, set: Some(set) }));
        };
        let letter = Letter { room, bidder, amount: set.allowance, version: set.version };
        // It arrives now, or later, or both.
        if dice.percent(40) {
            self.letters.push(letter);
        }
        if dice.percent(60) {
            let _ = self.hand_in(letter);
        }
        Ok(None)
    }

    /// The first step of every change of an allowance: one transaction.
    async fn set_aside(&mut self, room: usize, bidder: AccountId, target: Target) -> Outcome<Option<Set>> {
        let mut tx = self.db.begin().await.map_err(wrong)?;
        let exposure = Some(money(250));
        match set_allowance(&mut tx, &self.rooms[room].book(), bidder, target, exposure, self.now).await {
            Ok(set) => {
                tx.commit().await.map_err(wrong)?;
                Ok(Some(set))
            }
            Err(Refusal::Store(error)) => Err(wrong(error)),
            Err(refusal) => {
                self.saw(match refusal {
                    Refusal::Insufficient { .. } => "a wallet with too little",
                    Refusal::Exposure { .. } => "a wallet with too much set aside",
                    Refusal::Settled => "a raise after the end",
                    Refusal::Frozen | Refusal::Store(_) => "a raise of somebody frozen",
                });
                Ok(None)
            }
        }
    }

    /// What the room makes of an allowance.
    pub fn hand_in(&mut self, letter: Letter) -> Result<(), Rejection> {
        let Letter { room, bidder, amount, version } = letter;
        let known = self.rooms[room].state.bidder(bidder).map(|bidder| (bidder.allowance_version, bidder.allowance));
        let (before, allowed) = known.unwrap_or_default();
        let answer = self.order(room, &Command::SetAllowance { bidder, amount, version });
        self.saw(match &answer {
            Ok(()) if version == before => "an allowance that comes twice",
            Ok(()) if version > before + 1 => "an allowance that overtakes another",
            Ok(()) if amount < allowed => "an allowance lowered",
            Ok(()) => "an allowance raised",
            Err(Rejection::StaleAllowance) => "an allowance that comes too late",
            Err(Rejection::Leading) => "a leader who may not lower",
            Err(_) => "an allowance refused",
        });
        answer
    }

    /// Has a room decide something.
    pub fn order(&mut self, room: usize, command: &Command) -> Result<(), Rejection> {
        self.rooms[room].decide(command, self.now, &mut self.feed)
    }

    /// A letter arrives, and may arrive again; or it is lost.
    pub fn deliver(&mut self, dice: &mut Dice) {
        if self.letters.is_empty() {
            return;
        }
        let place = dice.below(self.letters.len());
        let letter = if dice.percent(25) { self.letters[place] } else { self.letters.swap_remove(place) };
        let lost = dice.percent(10);
        let answer = (!lost).then(|| self.hand_in(letter));
        self.tell(format_args!("{letter:?}: {answer:?}"));
    }

    async fn withdraw(
        &mut self,
        order: Uuid,
        owner: AccountId,
        amount: Money,
        reserved: bool,
        dice: &mut Dice,
    ) -> Outcome<Option<Task>> {
        let mut tx = self.db.begin().await.map_err(wrong)?;
        lock_wallet(&mut tx, owner, usd()).await.map_err(wrong)?;
        let text = "select status from payment_orders where id = $1";
        let known = sql!(tx.on(), opt_scalar String, text, order).map_err(wrong)?;
        let (available, withdrawing) = (Account::Available(owner), Account::Withdrawing(owner));
        if !reserved {
            let has = balance(&mut tx, &available, usd()).await.map_err(wrong)?;
            if known.is_none() && (self.frozen.contains(&owner) || has < amount) {
                return Ok(None);
            }
            if known.is_none() {
                let placed = (order, "withdrawal", "open");
                deposits::order(&mut tx, placed, owner, (amount, usd()), self.now).await.map_err(wrong)?;
                let transfer = (available, withdrawing, amount);
                self.post(&mut tx, Kind::Withdrawal, &format!("withdrawal:{order}"), &[transfer]).await?;
                tx.commit().await.map_err(wrong)?;
            }
            return Ok(Some(Task::Withdraw { order, owner, amount, reserved: true }));
        }
        if known.is_none_or(|status| status != "open") {
            return Ok(None);
        }
        let paid = dice.percent(70);
        let (kind, status, to) = match paid {
            true => (Kind::WithdrawalPaid, "paid", PROVIDER),
            false => (Kind::WithdrawalReturn, "failed", available),
        };
        let cause = format!("{status}:{order}");
        self.post(&mut tx, kind, &cause, &[(withdrawing, to, amount)]).await?;
        pay_debt(&mut tx, owner, usd(), &cause, self.now).await.map_err(wrong)?;
        sql!(tx.on(), exec, "update payment_orders set status = $2 where id = $1", order, status).map_err(wrong)?;
        tx.commit().await.map_err(wrong)?;
        if paid {
            self.saw("a withdrawal");
            *self.brought.entry(owner).or_default() -= amount.minor_units();
        }
        Ok(None)
    }
}

impl Task {
    /// The same from its beginning, as whoever heard no answer asks for it. What goes out is known by its order.
    fn anew(self) -> Self {
        match self {
            Self::Bid { room, bid, .. } => Self::Bid { room, bid, stage: Stage::Offered },
            Self::Allow { room, bidder, amount, .. } => Self::Allow { room, bidder, amount, set: None },
            paying @ Self::Withdraw { .. } => paying,
        }
    }
}
