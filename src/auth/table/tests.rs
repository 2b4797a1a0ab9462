//! The whole table once more, cell by cell, written out so that a change of the short one must be meant.

use std::collections::HashSet;

use super::*;
use crate::auth::{Identity, Role, Roles, Via};
use crate::coordination::SessionId;
use crate::domain::auction::Barred;
use crate::domain::{AccountId, Timestamp};
use Action::*;

const YES: Result<(), Denied> = Ok(());
const SIGN_IN: Result<(), Denied> = Err(Denied::Unauthenticated);
const NO: Result<(), Denied> = Err(Denied::Forbidden);
const BANNED: Result<(), Denied> = Err(Denied::Banned);
const FROZEN: Result<(), Denied> = Err(Denied::Frozen);

#[rustfmt::skip]
const EXPECTED: &[(Action, [Result<(), Denied>; 6])] = &[
    //                  anonymous user   banned  frozen  staff  admin
    (WatchAuctions,     [YES,     YES,   YES,    YES,    YES,   YES]),
    (ReadOwnAccount,    [SIGN_IN, YES,   YES,    YES,    YES,   YES]),
    (ChangeOwnAccount,  [SIGN_IN, YES,   YES,    YES,    YES,   YES]),
    (WriteTickets,      [SIGN_IN, YES,   YES,    YES,    YES,   YES]),
    (Bid,               [SIGN_IN, YES,   BANNED, FROZEN, YES,   YES]),
    (SetAllowance,      [SIGN_IN, YES,   BANNED, FROZEN, YES,   YES]),
    (Sell,              [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (EditOwnAuction,    [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (DeleteOwnImage,    [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (ManageWebhooks,    [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (Comment,           [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (Report,            [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (Deposit,           [SIGN_IN, YES,   BANNED, YES,    YES,   YES]),
    (Withdraw,          [SIGN_IN, YES,   YES,    FROZEN, YES,   YES]),
    (ModerateComments,  [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (Moderate,          [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (RemoveImages,      [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (HandleTickets,     [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (StopAuction,       [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (PauseAuction,      [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (ResumeAuction,     [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (VoidBid,           [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (BanUser,           [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (FreezeUser,        [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (HandleCases,       [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (SetLimits,         [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (ReadPrivateEvents, [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (ReadCustomers,     [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (ExportUser,        [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (EraseUser,         [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (ReadAudit,         [SIGN_IN, NO,    BANNED, FROZEN, YES,   YES]),
    (ReadMetrics,       [SIGN_IN, NO,    BANNED, FROZEN, NO,    YES]),
];

fn caller(roles: &[Role], banned: bool) -> Caller {
    Caller {
        identity: Identity {
            account: AccountId(uuid::Uuid::nil()),
            display_name: "Ada".into(),
            roles: Roles::from_iter(roles.iter().cloned()),
            banned,
            frozen: false,
        },
        session: SessionId([0; 32]),
        expires_at: Timestamp::MAX,
        via: Via::Bearer,
        may_sell: true,
    }
}

fn frozen(mut caller: Caller) -> Caller {
    caller.identity.frozen = true;
    caller
}

#[test]
fn every_cell_is_as_written_here() {
    let columns = [
        None,
        Some(caller(&[], false)),
        Some(caller(&[], true)),
        Some(frozen(caller(&[], false))),
        Some(caller(&[Role::Staff], false)),
        Some(caller(&[Role::Admin], false)),
    ];
    for (action, expected) in EXPECTED {
        let found = [0, 1, 2, 3, 4, 5].map(|column: usize| authorize(columns[column].as_ref(), *action));
        assert_eq!(&found, expected, "{action:?}");
    }
}

#[test]
fn every_action_has_one_row_here_and_there() {
    let rows: HashSet<Action> = TABLE.iter().map(|(action, _)| *action).collect();
    let tested: HashSet<Action> = EXPECTED.iter().map(|(action, _)| *action).collect();
    assert_eq!((rows.len(), tested.len()), (TABLE.len(), EXPECTED.len()), "no action twice");
    assert_eq!(rows, tested);
    // The last action of the list counts them: it has as many before it as there are rows but one.
    assert_eq!(Action::ReadMetrics as usize + 1, TABLE.len());
}

#[test]
fn a_ban_or_a_freeze_counts_more_than_a_role() {
    assert_eq!(authorize(Some(&caller(&[Role::Admin], true)), BanUser), BANNED);
    assert_eq!(authorize(Some(&frozen(caller(&[Role::Admin], false))), FreezeUser), FROZEN);
}

#[test]
fn whoever_is_banned_and_frozen_needs_both_columns() {
    let both = frozen(caller(&[], true));
    for (action, expected) in [(WriteTickets, YES), (Deposit, BANNED), (Withdraw, FROZEN), (Bid, BANNED)] {
        assert_eq!(authorize(Some(&both), action), expected, "{action:?}");
    }
    assert_eq!(both.identity.barred(), Some(Barred::Banned));
    assert_eq!(frozen(caller(&[], false)).identity.barred(), Some(Barred::Frozen));
    assert_eq!(caller(&[], false).identity.barred(), None);
}

#[test]
fn a_role_of_the_operators_own_gives_nothing_by_itself() {
    let named = caller(&["gold".parse().unwrap()], false);
    assert_eq!(authorize(Some(&named), StopAuction), NO);
    assert_eq!(authorize(Some(&named), Bid), YES);
}

#[test]
fn selling_can_be_restricted() {
    let mut restricted = caller(&[], false);
    restricted.may_sell = false;
    assert_eq!(authorize(Some(&restricted), Sell), NO);
    assert_eq!(authorize(Some(&restricted), Bid), YES);
}
