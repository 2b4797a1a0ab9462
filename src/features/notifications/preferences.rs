//! How an account wants to hear of what, as the API has it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::notify::{Group, Ways};

/// By which ways the account hears of a group. In the list everything stands in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// Over the sockets, at once.
    #[schema(example = true)]
    push: bool,
    /// By mail, if the address is confirmed, up to 20 mails an hour.
    #[schema(example = false)]
    email: bool,
}

/// How the account wants to hear of each group.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Preferences {
    /// The own bids and sales.
    bidding: Choice,
    /// The wallet.
    money: Choice,
    /// Answers to comments.
    comments: Choice,
    /// Answers to tickets.
    tickets: Choice,
    /// Watched auctions.
    watchlist: Choice,
    /// The account itself.
    account: Choice,
}

/// What is to change; a group that is left out stays as it is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    bidding: Option<Choice>,
    money: Option<Choice>,
    comments: Option<Choice>,
    tickets: Option<Choice>,
    watchlist: Option<Choice>,
    account: Option<Choice>,
}

impl Preferences {
    /// What is chosen; a group of a newer version is left out, and for what is not chosen the default holds.
    pub(super) fn of(chosen: &[(String, bool, bool)]) -> Self {
        let of = |group: Group| {
            let row = chosen.iter().find(|(name, ..)| name == group.name());
            let Ways { push, email } =
                row.map_or(Ways::DEFAULT, |(_, push, email)| Ways { push: *push, email: *email });
            Choice { push, email }
        };
        Self {
            bidding: of(Group::Bidding),
            money: of(Group::Money),
            comments: of(Group::Comments),
            tickets: of(Group::Tickets),
            watchlist: of(Group::Watchlist),
            account: of(Group::Account),
        }
    }
}

impl Changes {
    /// The groups that change.
    pub(super) fn chosen(self) -> Vec<(Group, Ways)> {
        let Self { bidding, money, comments, tickets, watchlist, account } = self;
        let all = [
            (Group::Bidding, bidding),
            (Group::Money, money),
            (Group::Comments, comments),
            (Group::Tickets, tickets),
            (Group::Watchlist, watchlist),
            (Group::Account, account),
        ];
        let ways = |Choice { push, email }| Ways { push, email };
        all.into_iter().filter_map(|(group, choice)| choice.map(|choice| (group, ways(choice)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_group_can_be_seen_and_changed() {
        let shown = serde_json::to_value(Preferences::of(&[("money".to_owned(), false, true)])).unwrap();
        let names: Vec<_> = Group::ALL.iter().map(|group| group.name()).collect();
        assert!(names.iter().all(|name| shown[name].is_object()) && shown.as_object().unwrap().len() == names.len());
        assert_eq!(shown["money"], json!({"push": false, "email": true}));
        assert_eq!(shown["bidding"], json!({"push": true, "email": false}));
        let changes: Changes = serde_json::from_value(shown).unwrap();
        assert_eq!(changes.chosen().iter().map(|(group, _)| *group).collect::<Vec<_>>(), Group::ALL);
    }
}
