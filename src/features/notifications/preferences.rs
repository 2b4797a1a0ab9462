//! How an account wants to hear of what, as the API has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::ApiError;
use crate::notify::{Group, NoteKind, Ways};

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

/// How the account wants to hear of each group, and of single kinds that differ from their group.
#[derive(Debug, Clone, Serialize, ToSchema)]
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
    /// By the names of kinds, such as `outbid`; what is not here is as its group.
    kinds: BTreeMap<&'static str, Choice>,
}

/// What is to change; what is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    bidding: Option<Choice>,
    money: Option<Choice>,
    comments: Option<Choice>,
    tickets: Option<Choice>,
    watchlist: Option<Choice>,
    account: Option<Choice>,
    /// By the names of kinds, such as `outbid`; null has one be as its group again.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Choice>)]
    kinds: BTreeMap<String, Option<Choice>>,
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
        let kind = |(name, push, email): &(String, bool, bool)| {
            let kind = name.parse::<NoteKind>().ok()?;
            Some((kind.name(), Choice { push: *push, email: *email }))
        };
        Self {
            bidding: of(Group::Bidding),
            money: of(Group::Money),
            comments: of(Group::Comments),
            tickets: of(Group::Tickets),
            watchlist: of(Group::Watchlist),
            account: of(Group::Account),
            kinds: chosen.iter().filter_map(kind).collect(),
        }
    }
}

impl Changes {
    /// What changes, by the names of groups and kinds; a kind without ways is to be as its group. Refuses a kind that
    /// there is not.
    pub(super) fn chosen(self) -> Result<Vec<(&'static str, Option<Ways>)>, ApiError> {
        let Self { bidding, money, comments, tickets, watchlist, account, kinds } = self;
        let all = [
            (Group::Bidding, bidding),
            (Group::Money, money),
            (Group::Comments, comments),
            (Group::Tickets, tickets),
            (Group::Watchlist, watchlist),
            (Group::Account, account),
        ];
        let ways = |Choice { push, email }| Ways { push, email };
        let groups = all.into_iter().filter_map(|(group, choice)| Some((group.name(), Some(ways(choice?)))));
        let mut chosen: Vec<_> = groups.collect();
        for (name, choice) in kinds {
            let unknown = |_| {
                ApiError::invalid("invalid_field", &format!("kinds.{name}"), "there is no such kind of notification")
            };
            chosen.push((name.parse::<NoteKind>().map_err(unknown)?.name(), choice.map(ways)));
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_group_and_kind_can_be_seen_and_changed() {
        let chosen =
            [("money".to_owned(), false, true), ("won".to_owned(), false, true), ("later".to_owned(), true, true)];
        let shown = serde_json::to_value(Preferences::of(&chosen)).unwrap();
        let names: Vec<_> = Group::ALL.iter().map(|group| group.name()).collect();
        assert!(
            names.iter().all(|name| shown[name].is_object()) && shown.as_object().unwrap().len() == names.len() + 1
        );
        assert_eq!(shown["kinds"], json!({"won": {"push": false, "email": true}}));
        assert_eq!(shown["money"], json!({"push": false, "email": true}));
        assert_eq!(shown["bidding"], json!({"push": true, "email": false}));
        let changes: Changes = serde_json::from_value(shown).unwrap();
        let changed: Vec<_> = changes.chosen().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(changed, [names, vec!["won"]].concat());
        let changes: Changes = serde_json::from_value(json!({"kinds": {"won": null}})).unwrap();
        assert_eq!(changes.chosen().unwrap(), [("won", None)]);
        let changes: Changes = serde_json::from_value(json!({"kinds": {"nonsense": null}})).unwrap();
        assert_eq!(changes.chosen().unwrap_err().code(), "invalid_field");
    }
}
