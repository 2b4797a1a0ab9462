//! Every kind of notification, and the groups in which people choose how they want to hear of them.

use std::fmt;
use std::str::FromStr;

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
        /// Somebody else leads now. `title`, `currency`, `price`.
        Outbid = "outbid",
        /// The account leads. `title`, `currency`, `price`.
        Winning = "winning",
        /// The account won. `title`, `currency`, `price`.
        Won = "won",
        /// Somebody else won, or nobody did. `title`, `currency`, `price`.
        Lost = "lost",
        /// A watched auction ends soon. `title`, `ends_at`.
        EndingSoon = "ending_soon",
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
            | Self::PaidOut => Group::Money,
            Self::Comment | Self::CommentReply => Group::Comments,
            Self::TicketAnswer => Group::Tickets,
            Self::EndingSoon => Group::Watchlist,
            Self::AccountFrozen | Self::AccountUnfrozen => Group::Account,
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

#[cfg(test)]
mod tests {
    use super::*;

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
