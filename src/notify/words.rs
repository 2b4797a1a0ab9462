//! What a notification says, in plain English: the one place where its title and its text are made, so that the socket, the
//! list and the mail say the same. What `data` lacks is left out of the words; nothing here fails.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kinds::NoteKind;
use crate::clock;
use crate::currency;
use crate::domain::{Currency, Money};

/// The longest piece of `data` that is taken into a text, in characters.
const PIECE_MAX_CHARS: usize = 300;

/// The title and the text of a notification. The title is never made of data.
pub(super) fn words(kind: NoteKind, data: &Value) -> (&'static str, String) {
    let facts = Facts(data);
    let lot = facts.quoted("title").unwrap_or_else(|| "an auction".to_owned());
    let sum = |otherwise: &str| facts.money("amount").unwrap_or_else(|| otherwise.to_owned());
    let (price, reason) = (|word: &str| facts.price(word), facts.reason());
    match kind {
        NoteKind::Outbid => ("You were outbid", format!("Somebody bid more than you on {lot}{}.", price(", now at"))),
        NoteKind::Winning => ("You are leading", format!("You lead {lot}{}.", price(" at"))),
        NoteKind::Won => ("You won", format!("You won {lot}{}.", price(" for"))),
        NoteKind::Lost => match facts.money("price") {
            Some(price) => ("You did not win", format!("Somebody else won {lot} for {price}.")),
            None => ("You did not win", format!("You did not win {lot}.")),
        },
        NoteKind::EndingSoon => ("Ending soon", format!("{}{}.", capital(&lot), facts.ends())),
        NoteKind::BidVoided => ("Bid taken out", format!("Your bid on {lot} no longer counts{reason}.")),
        NoteKind::AuctionStopped => ("Auction stopped", format!("{} was stopped{reason}.", capital(&lot))),
        NoteKind::Sold => ("Sold", format!("You sold {lot}{}.", price(" for"))),
        NoteKind::Unsold => ("Not sold", format!("{} ended without a sale.", capital(&lot))),
        NoteKind::Deposit => ("Deposit received", format!("{} came into your wallet.", sum("Your deposit"))),
        NoteKind::DepositFailed => {
            ("Deposit failed", format!("Your deposit{} did not go through{reason}.", facts.of_amount()))
        }
        NoteKind::DepositReversed => {
            let whose = facts.of_amount();
            ("Deposit taken back", format!("Your deposit{whose} was taken back by the payment provider{reason}."))
        }
        NoteKind::Withdrawal => ("Withdrawal sent", format!("{} left your wallet.", sum("Your withdrawal"))),
        NoteKind::WithdrawalFailed => {
            let what = facts.of_amount();
            let text =
                format!("Your withdrawal{what} did not go through, and the money is back in your wallet{reason}.");
            ("Withdrawal failed", text)
        }
        NoteKind::HoldRaised => ("Money set aside", format!("{} is set aside for {lot}.", sum("Money"))),
        NoteKind::HoldReleased => {
            ("Money available again", format!("{} is no longer set aside for {lot}.", sum("Money")))
        }
        NoteKind::Captured => ("Payment taken", format!("{} was paid for {lot}.", sum("What you won"))),
        NoteKind::PaidOut => ("You were paid", format!("{} for {lot} came into your wallet.", sum("The money"))),
        NoteKind::DebtPaid => {
            ("Debt paid", format!("{} of what came into your wallet paid what you owed.", sum("A part")))
        }
        NoteKind::AccountFrozen => {
            let text =
                format!("You cannot bid or withdraw for now{reason}. Open a ticket if you think that it is wrong.");
            ("Account frozen", text)
        }
        NoteKind::AccountUnfrozen => ("Account no longer frozen", "You can bid and withdraw again.".to_owned()),
        NoteKind::TicketAnswer => match facts.quoted("subject") {
            Some(subject) => ("Answer to your ticket", format!("Your ticket {subject} has an answer.")),
            None => ("Answer to your ticket", "Your ticket has an answer.".to_owned()),
        },
        NoteKind::Comment => ("Comment on your auction", format!("{} commented on {lot}.", facts.author())),
        NoteKind::CommentReply => {
            ("Reply to your comment", format!("{} replied to your comment on {lot}.", facts.author()))
        }
        NoteKind::WebhookDisabled => {
            let host = facts.quoted("host").unwrap_or_else(|| "one of your endpoints".to_owned());
            ("Webhook disabled", format!("Events are no longer sent to {host}{reason}. Enable it when it is mended."))
        }
    }
}

/// What is known, read leniently.
struct Facts<'a>(&'a Value);

impl Facts<'_> {
    /// A text on one line, cut where it is too long.
    fn piece(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut piece: String = text.chars().take(PIECE_MAX_CHARS).collect();
        if piece.len() < text.len() {
            piece.push('…');
        }
        (!piece.is_empty()).then_some(piece)
    }

    fn quoted(&self, name: &str) -> Option<String> {
        self.piece(name).map(|piece| format!("“{piece}”"))
    }

    fn author(&self) -> String {
        self.piece("author").unwrap_or_else(|| "Somebody".to_owned())
    }

    fn money(&self, name: &str) -> Option<String> {
        let currency = Currency::new(self.0.get("currency")?.as_str()?)?;
        Some(currency::in_words(currency, Money::or_zero(self.0.get(name)?.as_i64()?)?))
    }

    fn price(&self, word: &str) -> String {
        self.money("price").map_or_else(String::new, |price| format!("{word} {price}"))
    }

    fn of_amount(&self) -> String {
        self.money("amount").map_or_else(String::new, |amount| format!(" of {amount}"))
    }

    fn reason(&self) -> String {
        let reason = self.piece("reason");
        reason.map_or_else(String::new, |reason| format!(": {}", reason.trim_end_matches('.')))
    }

    fn ends(&self) -> String {
        let at = self.0.get("ends_at").and_then(Value::as_str).and_then(clock::parse);
        at.map_or_else(
            || " ends soon".to_owned(),
            |at| {
                let at: DateTime<Utc> = clock::to_datetime(at);
                at.format(" ends at %H:%M UTC on %-d %B %Y").to_string()
            },
        )
    }
}

/// As a sentence begins.
fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_says_something_whatever_is_known() {
        let full = json!({"title": "Walnut desk", "currency": "USD", "price": 12_500, "amount": 50, "reason": "no\nfunds.",
            "ends_at": "2026-11-20T09:30:00.000Z", "subject": "Where is it?", "author": "Ada"});
        for kind in NoteKind::ALL {
            let (title, _) = words(*kind, &full);
            for data in [&full, &json!({}), &json!(null), &json!({"title": 1, "currency": "usd", "price": "x"})] {
                let (again, text) = words(*kind, data);
                assert_eq!(again, title);
                assert!(text.ends_with('.') && !text.contains("  ") && !text.contains(".."), "{kind}: {text}");
                assert!(
                    text.starts_with(|sign: char| sign.is_uppercase() || sign.is_numeric() || sign == '“'),
                    "{text}"
                );
            }
        }
        for (kind, text) in [
            (NoteKind::Outbid, "Somebody bid more than you on “Walnut desk”, now at 125.00 USD."),
            (NoteKind::EndingSoon, "“Walnut desk” ends at 09:30 UTC on 20 November 2026."),
            (NoteKind::DepositFailed, "Your deposit of 0.50 USD did not go through: no funds."),
            (NoteKind::DebtPaid, "0.50 USD of what came into your wallet paid what you owed."),
            (NoteKind::Deposit, "0.50 USD came into your wallet."),
        ] {
            assert_eq!(words(kind, &full).1, text);
        }
        assert_eq!(words(NoteKind::Sold, &json!({})).1, "You sold an auction.");
        let long = json!({"title": "x".repeat(1_000)});
        assert!(words(NoteKind::Won, &long).1.chars().count() < 400);
    }
}
