//! One step of the world, chosen by chance.

use bidhub::clock::to_datetime;
use bidhub::domain::auction::{Command, EventKind};
use bidhub::domain::{AccountId, AuctionId, BidKey, Money, Span};
use bidhub::ledger::*;
use bidhub::persistence::Tx;
use bidhub::sql;
use uuid::Uuid;

use crate::deposits::{self, PROVIDER};
use crate::dice::Dice;
use crate::people::{PEOPLE, money, person, staff, usd};
use crate::world::{Letter, Outcome, World, wrong};

#[derive(Clone, Copy, Debug)]
enum Step {
    Bid,
    Allow,
    GoOn,
    Deliver,
    Project,
    HandOverAgain,
    Reconcile,
    Pass,
    Void,
    Halt,
    Stop,
    Deposit,
    TakeBack,
    Withdraw,
    Freeze,
    Decide,
    Policy,
    Look,
}

const STEPS: [(u64, Step); 18] = [
    (120, Step::Bid),
    (100, Step::Allow),
    (400, Step::GoOn),
    (80, Step::Deliver),
    (150, Step::Project),
    (8, Step::HandOverAgain),
    (15, Step::Reconcile),
    (20, Step::Pass),
    (20, Step::Void),
    (8, Step::Halt),
    (2, Step::Stop),
    (20, Step::Deposit),
    (12, Step::TakeBack),
    (20, Step::Withdraw),
    (12, Step::Freeze),
    (12, Step::Decide),
    (6, Step::Policy),
    (60, Step::Look),
];

/// After so long what no log has confirmed is told again.
const CONFIRM_WITHIN: Span = Span::from_secs(10);

impl World {
    /// Does what `seed` says.
    pub async fn step(&mut self, seed: u64) -> Outcome {
        let mut dice = Dice::new(seed);
        let step = dice.weighed(&STEPS);
        self.tell(format_args!("{step:?}"));
        match step {
            Step::Bid => self.new_bid(&mut dice),
            Step::Allow => self.new_allowance(&mut dice),
            Step::Withdraw => self.new_withdrawal(&mut dice),
            Step::GoOn => self.go_on(&mut dice).await?,
            Step::Deliver => self.deliver(&mut dice),
            Step::Project => self.project(&mut dice).await?,
            Step::HandOverAgain => self.checkpoint = self.checkpoint.saturating_sub(dice.below(12)),
            Step::Reconcile => self.reconcile().await?,
            Step::Pass => {
                self.now = self.now.plus(Span::from_millis(dice.between(100, 20_000)));
                self.tick();
            }
            Step::Void => self.void(&mut dice),
            Step::Halt => self.halt(&mut dice),
            Step::Stop => {
                let (by, reason) = (staff(), "because".into());
                let stop = Command::Stop { by, key: None, reason, only_without_bids: dice.percent(50) };
                let _ = self.order(dice.below(self.rooms.len()), &stop);
            }
            Step::Deposit => self.deposit(person(dice.below(PEOPLE)), dice.between(10, 200)).await?,
            Step::TakeBack => self.take_back(person(dice.below(PEOPLE)), money(dice.between(1, 80))).await?,
            Step::Freeze => self.freeze(person(dice.below(PEOPLE)), dice.percent(50)).await?,
            Step::Decide => self.decide_case(&mut dice).await?,
            Step::Policy => self.set_policy(&mut dice).await?,
            Step::Look => self.look().await?,
        }
        Ok(())
    }

    /// Opens and closes what is due.
    pub fn tick(&mut self) {
        for room in 0..self.rooms.len() {
            let _ = self.order(room, &Command::Tick);
        }
    }

    /// Sends again what no log has confirmed.
    async fn reconcile(&mut self) -> Outcome {
        self.now = self.now.plus(CONFIRM_WITHIN);
        for letter in self.unconfirmed().await? {
            self.letters.push(letter);
        }
        Ok(())
    }

    /// What no log has confirmed for some time.
    pub async fn unconfirmed(&self) -> Outcome<Vec<Letter>> {
        let open = unconfirmed(&self.db, self.now, 1_000).await.map_err(wrong)?;
        let letter = |Unconfirmed { auction, bidder, wanted, version }| Letter {
            room: self.room_of(auction),
            bidder,
            amount: wanted,
            version,
        };
        Ok(open.into_iter().map(letter).collect())
    }

    fn void(&mut self, dice: &mut Dice) {
        let room = dice.below(self.rooms.len());
        let bids = self.rooms[room].bids.clone();
        if bids.is_empty() {
            return;
        }
        // The newest most of all: it is the one that has outbid somebody.
        let back = dice.weighed(&[(5, 0), (2, 1), (1, 2)]);
        let seq = bids[bids.len().saturating_sub(1 + back)].seq;
        let void = Command::Void { by: staff(), key: None, reason: "because".into(), seq, bids };
        let leads = |world: &Self| world.rooms[room].state.standing.leader.map(|leader| leader.account);
        let before = leads(self);
        let answer = self.order(room, &void);
        if answer.is_ok() {
            self.saw(if leads(self) == before { "a bid voided" } else { "a leader voided" });
        }
        self.tell(format_args!("voids {seq} in {room}: {answer:?}"));
    }

    fn halt(&mut self, dice: &mut Dice) {
        let (by, key) = (staff(), None::<BidKey>);
        let room = dice.below(self.rooms.len());
        let pause = Command::Pause { by, key: key.clone(), reason: "because".into() };
        if self.order(room, &pause).is_err() {
            let _ = self.order(room, &Command::Resume { by, key, reason: None });
        }
    }

    pub async fn deposit(&mut self, owner: AccountId, amount: i64) -> Outcome {
        let id = self.order_id();
        let mut tx = self.db.begin().await.map_err(wrong)?;
        deposits::credit(&mut tx, id, owner, (money(amount), usd()), self.now).await.map_err(wrong)?;
        pay_debt(&mut tx, owner, usd(), &format!("paid:{id}"), self.now).await.map_err(wrong)?;
        tx.commit().await.map_err(wrong)?;
        *self.brought.entry(owner).or_default() += amount;
        Ok(())
    }

    /// The provider takes some of the first deposit back, whether the money is still there or not.
    async fn take_back(&mut self, owner: AccountId, amount: Money) -> Outcome {
        let reversal = self.number().to_string();
        let mut tx = self.db.begin().await.map_err(wrong)?;
        lock_wallet(&mut tx, owner, usd()).await.map_err(wrong)?;
        let available = Account::Available(owner);
        let there = balance(&mut tx, &available, usd()).await.map_err(wrong)?.min(amount);
        let owed = amount.checked_sub(there).unwrap_or(Money::ZERO);
        self.saw(if owed > Money::ZERO { "a debt" } else { "a deposit taken back" });
        let transfers = [(available, PROVIDER, there), (Account::Owed(owner), PROVIDER, owed)];
        self.post(&mut tx, Kind::DepositReversal, &format!("reversal:{reversal}"), &transfers).await?;
        let text = "insert into deposit_reversals (provider, reversal, deposit, amount, taken, at)
             select 'test', $1, min(id), $2, $3, $4 from payment_orders where owner = $5 and kind = 'deposit'";
        let (amount, taken) = (amount.minor_units(), there.minor_units());
        sql!(tx.on(), exec, text, &reversal, amount, taken, to_datetime(self.now), owner.0).map_err(wrong)?;
        tx.commit().await.map_err(wrong)?;
        *self.brought.entry(owner).or_default() -= amount;
        Ok(())
    }

    pub async fn freeze(&mut self, owner: AccountId, frozen: bool) -> Outcome {
        let when = frozen.then(|| to_datetime(self.now));
        sql!(self.db.write(), exec, "update accounts set frozen_at = $2 where id = $1", owner.0, when)
            .map_err(wrong)?;
        if frozen {
            self.frozen.insert(owner)
        } else {
            self.frozen.remove(&owner)
        };
        Ok(())
    }

    /// Sales that wait for staff: which auction, whose money, which price.
    pub async fn cases(&self) -> Outcome<Vec<(AuctionId, AccountId, Money)>> {
        let text = "select pending.auction, pending.account, invoice.price
             from staff_cases pending join invoices invoice on invoice.auction = pending.auction
             where pending.closed_at is null and pending.kind = 'capture_failed' order by pending.auction";
        let rows = sql!(self.db.write(), all(Uuid, Uuid, i64), text).map_err(wrong)?;
        Ok(rows.into_iter().map(|(auction, who, price)| (AuctionId(auction), AccountId(who), money(price))).collect())
    }

    /// Staff decides one of them.
    pub async fn decide_case(&mut self, dice: &mut Dice) -> Outcome {
        let cases = self.cases().await?;
        if cases.is_empty() {
            return Ok(());
        }
        let case @ (auction, winner, price) = cases[dice.below(cases.len())];
        let mut tx = self.db.begin().await.map_err(wrong)?;
        lock_books(&mut tx, &[auction]).await.map_err(wrong)?;
        let owners = holders_in(&mut tx, auction).await.map_err(wrong)?;
        lock_wallets(&mut tx, &owners.into_iter().collect()).await.map_err(wrong)?;
        let takes = dice.percent(60);
        self.tell(format_args!("staff {} {case:?}", if takes { "takes the money for" } else { "calls off" }));
        let (status, paid_at) = if takes {
            self.saw("a sale paid late");
            let paid = capture_late(&mut tx, auction, winner, price, self.now).await.map_err(wrong)?;
            if !matches!(paid, Some(Ok(_))) {
                return Err(format!("what was held for a sale does not pay it: {case:?} {paid:?}"));
            }
            ("paid", Some(to_datetime(self.now)))
        } else {
            release_late(&mut tx, auction, winner, self.now).await.map_err(wrong)?;
            self.called_off.insert(auction);
            self.saw("a sale called off");
            ("cancelled", None)
        };
        let text = "update invoices set status = $2, paid_at = $3 where auction = $1";
        sql!(tx.on(), exec, text, auction.0, status, paid_at).map_err(wrong)?;
        let text = "update staff_cases set closed_at = $2, closed_by = $3, resolution = $4 where auction = $1";
        sql!(tx.on(), exec, text, auction.0, to_datetime(self.now), staff().0, status).map_err(wrong)?;
        tx.commit().await.map_err(wrong)
    }

    async fn set_policy(&mut self, dice: &mut Dice) -> Outcome {
        let owner = person(dice.below(PEOPLE));
        let policy = if dice.percent(50) { Policy::Exact } else { Policy::UpTo(money(dice.between(20, 300))) };
        let mut tx = self.db.begin().await.map_err(wrong)?;
        lock_wallet(&mut tx, owner, usd()).await.map_err(wrong)?;
        set_policy(&mut tx, owner, usd(), policy).await.map_err(wrong)?;
        tx.commit().await.map_err(wrong)
    }

    /// Books transfers under a cause. False if they were booked already.
    pub async fn post(
        &self,
        tx: &mut Tx,
        kind: Kind,
        cause: &str,
        transfers: &[(Account, Account, Money)],
    ) -> Outcome<bool> {
        let transfers = transfers.iter().map(|(from, to, amount)| Transfer { from: *from, to: *to, amount: *amount });
        let (cause, currency, at) = (cause.to_owned(), usd(), self.now);
        let movement = Movement { kind, cause, currency, at, auction: None, transfers: transfers.collect() };
        post(tx, &movement).await.map_err(wrong)
    }

    /// Who won what for how much, as the logs have it.
    pub fn sales(&self) -> impl Iterator<Item = (usize, AccountId, Money)> {
        self.rooms.iter().enumerate().filter_map(|(number, room)| match room.end()?.kind {
            EventKind::Ended { winner: Some(winner), price: Some(price), .. } => Some((number, winner.account, price)),
            _ => None,
        })
    }
}
