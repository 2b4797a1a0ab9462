//! Every kind of notification, and the groups in which people choose how they want to hear of them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use crate::domain::AccountId;

/// There is no such kind, or no such group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such kind of notification")]
pub struct UnknownName;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|it| it.name() == text).ok_or(UnknownName)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

names! {
    /// What a notification is about. Each says which `data` its words are made of: `title` is the auction's, amounts are
    /// minor units of `currency`, moments are times of the wire. Whatever of it is missing is left out of the words.
    NoteKind {
        /// Somebody else leads now, or does still after a bid of the account. `title`, `currency`, `price`.
        Outbid = "outbid",
        /// The account leads and did not before. `title`, `currency`, `price`.
        Winning = "winning",
        /// The account won. `title`, `currency`, `price`.
        Won = "won",
        /// Somebody else won, or nobody did. `title`, `currency`, `price`.
        Lost = "lost",
        /// A watched auction ends soon. `title`, `ends_at`.
        EndingSoon = "ending_soon",
        /// Staff took a bid of the account out of the race. `title`, `reason`, and `bid`, the number of its event.
        BidVoided = "bid_voided",
        /// Staff or the seller stopped the auction. `title`, `reason`.
        AuctionStopped = "auction_stopped",
        /// For the seller: it was sold. `title`, `currency`, `price`.
        Sold = "sold",
        /// For the seller: it ended without a sale. `title`.
        Unsold = "unsold",
        /// Money came in. `currency`, `amount`.
        Deposit = "deposit",
        /// Money did not come in. `currency`, `amount`, `reason`.
        DepositFailed = "deposit_failed",
        /// Money that came in was taken back by the payment provider. `currency`, `amount`, `reason`.
        DepositReversed = "deposit_reversed",
        /// Money went out. `currency`, `amount`.
        Withdrawal = "withdrawal",
        /// Money did not go out, and is back in the wallet. `currency`, `amount`, `reason`.
        WithdrawalFailed = "withdrawal_failed",
        /// More is set aside for an auction. `title`, `currency`, `amount`: all that is set aside there now.
        HoldRaised = "hold_raised",
        /// What was set aside is available again. `title`, `currency`, `amount`: what was released.
        HoldReleased = "hold_released",
        /// What was won was paid. `title`, `currency`, `amount`: with the premium.
        Captured = "captured",
        /// For the seller: the money for what was sold has come. `title`, `currency`, `amount`: without the commission.
        PaidOut = "paid_out",
        /// What was owed was paid out of money that came in. `currency`, `amount`.
        DebtPaid = "debt_paid",
        /// Staff has frozen the account. `reason`.
        AccountFrozen = "account_frozen",
        /// The account may bid and withdraw again.
        AccountUnfrozen = "account_unfrozen",
        /// Staff answered a ticket. `subject`.
        TicketAnswer = "ticket_answer",
        /// For the seller: somebody commented on the auction. `title`, `author`.
        Comment = "comment",
        /// Somebody answered a comment. `title`, `author`.
        CommentReply = "comment_reply",
        /// Nothing more is sent to an endpoint of the account's webhooks. `host`, `reason`.
        WebhookDisabled = "webhook_disabled",
    }
}

names! {
    /// What belongs together when people choose how they want to hear of it.
    Group {
        /// The own bids and the own sales.
        Bidding = "bidding",
        /// The wallet.
        Money = "money",
        /// Comments.
        Comments = "comments",
        /// Support tickets.
        Tickets = "tickets",
        /// Watched auctions.
        Watchlist = "watchlist",
        /// The account itself.
        Account = "account",
    }
}

impl NoteKind {
    /// The group that it belongs to.
    pub const fn group(self) -> Group {
        match self {
            Self::Outbid
            | Self::Winning
            | Self::Won
            | Self::Lost
            | Self::BidVoided
            | Self::AuctionStopped
            | Self::Sold
            | Self::Unsold => Group::Bidding,
            Self::Deposit
            | Self::DepositFailed
            | Self::DepositReversed
            | Self::Withdrawal
            | Self::WithdrawalFailed
            | Self::HoldRaised
            | Self::HoldReleased
            | Self::Captured
            | Self::PaidOut
            | Self::DebtPaid => Group::Money,
            Self::Comment | Self::CommentReply => Group::Comments,
            Self::TicketAnswer => Group::Tickets,
            Self::EndingSoon => Group::Watchlist,
            Self::AccountFrozen | Self::AccountUnfrozen | Self::WebhookDisabled => Group::Account,
        }
    }
}

/// By which ways an account hears of a group, beside the list where all is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Over its sockets, at once.
    pub push: bool,
    /// By mail, if its address is confirmed.
    pub email: bool,
}

impl Ways {
    /// What holds for who has not chosen.
    pub const DEFAULT: Self = Self { push: true, email: false };
}

/// What accounts have chosen, for groups and for single kinds.
#[derive(Debug, Clone, Default)]
pub struct Choices(HashMap<(AccountId, &'static str), Ways>);

impl Choices {
    /// Takes in what an account has chosen under the name of a group or a kind. A name that is neither, of a newer version,
    /// has nothing here that it could be asked for.
    pub fn add(&mut self, account: AccountId, name: &str, ways: Ways) {
        let group = name.parse::<Group>().map(Group::name);
        if let Ok(name) = group.or_else(|_| name.parse::<NoteKind>().map(NoteKind::name)) {
            self.0.insert((account, name), ways);
        }
    }

    /// How an account hears of a kind: as chosen for it, else for its group, else as whoever has not chosen.
    pub fn ways(&self, account: AccountId, kind: NoteKind) -> Ways {
        let chosen = |name| self.0.get(&(account, name)).copied();
        chosen(kind.name()).or_else(|| chosen(kind.group().name())).unwrap_or(Ways::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_kind_counts_more_than_its_group_and_none_is_called_like_one() {
        let names = Group::ALL.iter().map(|group| group.name()).chain(NoteKind::ALL.iter().map(|kind| kind.name()));
        let all: Vec<_> = names.collect();
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
        let (ada, ben) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let mut choices = Choices::default();
        choices.add(ada, "bidding", Ways { push: false, email: true });
        choices.add(ada, "won", Ways { push: true, email: true });
        choices.add(ada, "nonsense", Ways { push: false, email: true });
        assert_eq!(choices.ways(ada, NoteKind::Outbid), Ways { push: false, email: true });
        assert_eq!(choices.ways(ada, NoteKind::Won), Ways { push: true, email: true });
        assert_eq!(choices.ways(ada, NoteKind::Deposit), Ways::DEFAULT);
        assert_eq!(choices.ways(ben, NoteKind::Won), Ways::DEFAULT);
    }

    #[test]
    fn names_are_read_back_and_every_group_has_a_kind() {
        for kind in NoteKind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        for group in Group::ALL {
            assert_eq!(group.name().parse(), Ok(*group));
            assert!(NoteKind::ALL.iter().any(|kind| kind.group() == *group), "{group}");
        }
        assert_eq!("nonsense".parse::<NoteKind>(), Err(UnknownName));
    }
}
