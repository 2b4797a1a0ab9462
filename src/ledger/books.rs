//! The proof that the books are right: rules that hold at every moment, whatever is under way.
//!
//! Most rules are about the database alone, and are looked at in one snapshot. Three compare it with the logs of the
//! auctions, which move on meanwhile; what is compared is chosen so that it holds all the same. Nothing here writes, repairs
//! or asks a running hub, and nothing here reads a log: what logs say comes from the caller.

mod logs;

use std::fmt;

use super::store::audit::{self, Examined};
use crate::domain::{AccountId, AuctionId};
use crate::persistence::{StoreError, Tx};

pub use super::store::audit::{Billed, ClosedBook, OpenHold, closed_books, open_books, open_holds};
pub use logs::{Told, outcomes, rooms, terms};

/// How many breaches of one rule are shown.
pub const BREACHES_SHOWN: usize = 20;

/// What is true of the books at every moment.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name for programs.
    pub name: &'static str,
    /// What it says.
    pub promise: &'static str,
    /// What it is about, in the plural.
    pub subjects: &'static str,
}

/// What came of looking at one rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How many things were looked at.
    pub counted: u64,
    /// How many of them break it.
    pub broken: u64,
    /// The first of those, at most [`BREACHES_SHOWN`].
    pub breaches: Vec<Breach>,
}

/// One thing that breaks a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// The account, the cause of the transaction or the currency, where it has such a name.
    pub name: Option<String>,
    /// The auction concerned.
    pub auction: Option<AuctionId>,
    /// Whose money it is.
    pub owner: Option<AccountId>,
    /// What is wrong; amounts are in minor units.
    pub detail: String,
}

impl Finding {
    /// What came of looking at `counted` things, of which these break the rule.
    fn new(rule: Rule, counted: usize, mut breaches: Vec<Breach>) -> Self {
        let broken = breaches.len() as u64;
        breaches.sort_by_key(|breach| (breach.auction, breach.owner));
        breaches.truncate(BREACHES_SHOWN);
        Self { rule, counted: counted as u64, broken, breaches }
    }

    /// What a statement found. `fault` says what is wrong with something, given what is there and what must be.
    fn of(rule: Rule, examined: Examined, fault: impl Fn(&str, &str) -> String) -> Self {
        let text = |value: Option<i64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
        let breach = |it: audit::Shown| Breach {
            detail: fault(&text(it.found), &text(it.expected)),
            name: Some(it.name).filter(|name| !name.is_empty()),
            auction: it.auction,
            owner: it.owner,
        };
        let Examined { counted, broken, shown } = examined;
        Self { rule, counted, broken, breaches: shown.into_iter().map(breach).collect() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.auction, self.owner) {
            (Some(name), ..) => write!(f, "{name}: ")?,
            (None, Some(auction), Some(owner)) => write!(f, "auction {auction}, bidder {owner}: ")?,
            (None, Some(auction), None) => write!(f, "auction {auction}: ")?,
            _ => {}
        }
        f.write_str(&self.detail)
    }
}

/// Holds the database against every rule that needs no log, in the snapshot that `tx` sees.
pub async fn audit(tx: &mut Tx) -> Result<Vec<Finding>, StoreError> {
    let rule = |name, subjects, promise| Rule { name, promise, subjects };
    Ok(vec![
        Finding::of(
            rule("transactions", "transactions", "the entries of every transaction sum to zero"),
            audit::transactions(tx).await?,
            |found, _| format!("its entries sum to {found}"),
        ),
        Finding::of(
            rule("currencies", "currencies", "all balances of a currency sum to zero"),
            audit::currencies(tx).await?,
            |found, _| format!("its balances sum to {found}"),
        ),
        Finding::of(
            rule("balances", "accounts", "every balance is the sum of its entries"),
            audit::balances(tx).await?,
            |found, expected| format!("its balance is {found}, its entries sum to {expected}"),
        ),
        Finding::of(
            rule("overdrawn", "accounts", "no account is overdrawn that may not be"),
            audit::overdrawn(tx).await?,
            |found, _| format!("its balance is {found}"),
        ),
        Finding::of(
            rule("holds", "holds", "what is held for a bidder is the allowance with the premium on it"),
            audit::holds(tx).await?,
            |found, expected| format!("{found} is held where it must be {expected}"),
        ),
        Finding::of(
            rule("wanted", "holds", "no allowance is asked for above the one that is held"),
            audit::wanted(tx).await?,
            |found, expected| format!("{found} is asked for, and the allowance is {expected}"),
        ),
        Finding::of(
            rule("confirmed", "holds", "nothing counts as confirmed that was not asked for"),
            audit::confirmed(tx).await?,
            |found, expected| format!("version {found} is confirmed, and {expected} was the last asked for"),
        ),
        Finding::of(
            rule("held_accounts", "accounts of money held", "money is held only where there is a hold"),
            audit::held_accounts(tx).await?,
            |found, _| format!("{found} is held, and there is no hold"),
        ),
        Finding::of(
            rule(
                "settled",
                "accounts of money held",
                "nothing is held for an auction that is settled, unless staff has a case",
            ),
            audit::settled(tx).await?,
            |found, _| format!("{found} is held, and the auction is settled"),
        ),
        Finding::of(
            rule("debts", "debts", "nobody has money available while owing"),
            audit::debts(tx).await?,
            |found, _| format!("{found} is available to who owes"),
        ),
        Finding::of(
            rule(
                "withdrawing",
                "wallets that pay out",
                "what is on its way out is what was ordered and is not settled",
            ),
            audit::withdrawing(tx).await?,
            |found, expected| format!("{found} is on its way out, and {expected} is ordered"),
        ),
        Finding::of(
            rule("orders", "deposits and withdrawals", "every deposit and withdrawal moved what its order says, once"),
            audit::orders(tx).await?,
            |found, expected| format!("{found} was moved where {expected} is ordered, or not as its status says"),
        ),
        Finding::of(
            rule("reversals", "deposits taken back", "every deposit taken back was booked as it is noted, once"),
            audit::reversals(tx).await?,
            |found, expected| format!("{found} was taken back where {expected} is noted, or not from whom it must"),
        ),
        Finding::of(
            rule("sales", "invoices", "every sale was paid as its invoice says, by whom and to whom it says"),
            audit::sales(tx).await?,
            |found, expected| format!("{found} was paid where {expected} is billed, or not to whom it must"),
        ),
    ])
}
