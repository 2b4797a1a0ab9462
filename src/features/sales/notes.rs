//! What people are told of their money: one note for each movement, in the transaction that moves it.

use serde_json::json;

use crate::domain::{AccountId, AuctionId, Currency, Money, Timestamp};
use crate::notify::{self, Note, NoteKind};
use crate::persistence::{StoreError, Tx};

/// What is being told about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// Which auction.
    pub auction: AuctionId,
    /// What was for sale.
    pub title: &'a str,
    /// In which currency.
    pub currency: Currency,
    /// What moved the money; of the same cause everyone hears once.
    pub cause: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Money that has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// A buyer has paid so much, premium included.
    Captured(AccountId, Money),
    /// A seller has got so much.
    PaidOut(AccountId, Money),
    /// So much is available again that was set aside.
    Released(AccountId, Money),
}

/// Tells whose money it is. Nothing is not told.
pub(super) async fn tell(tx: &mut Tx, about: About<'_>, moved: &[Moved]) -> Result<(), StoreError> {
    let About { auction, title, currency, cause, at } = about;
    let note = |moved: &Moved| {
        let (account, kind, amount) = match *moved {
            Moved::Captured(account, amount) => (account, NoteKind::Captured, amount),
            Moved::PaidOut(account, amount) => (account, NoteKind::PaidOut, amount),
            Moved::Released(account, amount) => (account, NoteKind::HoldReleased, amount),
        };
        let data = json!({"title": title, "currency": currency.code(), "amount": amount.minor_units()});
        let cause = format!("{cause}:{kind}");
        (amount > Money::ZERO).then_some(Note { account, kind, auction: Some(auction), cause, data, at })
    };
    let notes: Vec<Note> = moved.iter().filter_map(note).collect();
    if !notes.is_empty() {
        notify::write(tx, &notes).await?;
    }
    Ok(())
}
