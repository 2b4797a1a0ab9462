//! Who may do what. One table, read by one function; whoever asks elsewhere asks this one.

use super::caller::{Caller, Role};

/// What can be done on the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read auctions, their public log, search, comments, streams, and follow rooms.
    WatchAuctions,
    /// Read the own account, wallet, bids, notifications and tickets.
    ReadOwnAccount,
    /// Change the own account and its password.
    ChangeOwnAccount,
    /// Bid, buy now. Where a room decides, it refuses whoever is banned or frozen with a verdict like any other.
    Bid,
    /// Raise or lower what may be bid in an auction.
    SetAllowance,
    /// Offer an auction, upload an image for it, stream from it.
    Sell,
    /// Change or cancel an auction of one's own.
    EditOwnAuction,
    /// Delete an image of one's own.
    DeleteOwnImage,
    /// Have events of one's own auctions sent to endpoints.
    ManageWebhooks,
    /// Write a comment, or delete one's own.
    Comment,
    /// Tell staff of what somebody else wrote.
    Report,
    /// Put money into the own wallet.
    Deposit,
    /// Take money out of the own wallet. Banned users may: it is theirs.
    Withdraw,
    /// Open a support ticket and write in it. Banned users may: it is how they object.
    WriteTickets,
    /// Delete someone else's comment.
    ModerateComments,
    /// Read the moderation queue and decide about it.
    Moderate,
    /// Take somebody's image down.
    RemoveImages,
    /// Read and answer everybody's tickets.
    HandleTickets,
    /// Decide what no rule can about money, and read everybody's invoices.
    HandleCases,
    /// Stop an auction.
    StopAuction,
    /// Pause an auction.
    PauseAuction,
    /// Let a paused auction go on.
    ResumeAuction,
    /// Take a bid back.
    VoidBid,
    /// Ban a user, or lift a ban.
    BanUser,
    /// Freeze the money of a user, or free it.
    FreezeUser,
    /// Set how much a user may move or bid.
    SetLimits,
    /// Read the private parts of an auction's log.
    ReadPrivateEvents,
    /// Read the customer snapshots.
    ReadCustomers,
    /// Read all that the hub keeps of somebody else.
    ExportUser,
    /// Erase what the hub keeps of somebody else.
    EraseUser,
    /// Read the audit trail.
    ReadAudit,
    /// Read metrics when they are not open to all.
    ReadMetrics,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nobody has proved who is calling (401).
    Unauthenticated,
    /// The caller may not do this (403).
    Forbidden,
    /// The caller has been banned (403).
    Banned,
    /// The caller's money is frozen (403).
    Frozen,
}

const ANYONE: Row = Row { anonymous: true, user: true, banned: true, frozen: true, staff: true, admin: true };
const ACCOUNTS: Row = Row { anonymous: false, ..ANYONE };
const NOT_BANNED: Row = Row { banned: false, ..ACCOUNTS };
const NOT_FROZEN: Row = Row { frozen: false, ..ACCOUNTS };
const UNBARRED: Row = Row { frozen: false, ..NOT_BANNED };
const STAFF: Row = Row { user: false, ..UNBARRED };
const ADMIN: Row = Row { staff: false, ..STAFF };

/// The table. Whoever is banned needs a yes in the column `banned`, whoever is frozen in the column `frozen`, whatever roles
/// they have.
const TABLE: &[(Action, Row)] = &[
    (Action::WatchAuctions, ANYONE),
    (Action::ReadOwnAccount, ACCOUNTS),
    (Action::ChangeOwnAccount, ACCOUNTS),
    (Action::WriteTickets, ACCOUNTS),
    (Action::Bid, UNBARRED),
    (Action::SetAllowance, UNBARRED),
    (Action::Sell, NOT_BANNED),
    (Action::EditOwnAuction, NOT_BANNED),
    (Action::DeleteOwnImage, NOT_BANNED),
    (Action::ManageWebhooks, NOT_BANNED),
    (Action::Comment, NOT_BANNED),
    (Action::Report, NOT_BANNED),
    (Action::Deposit, NOT_BANNED),
    (Action::Withdraw, NOT_FROZEN),
    (Action::ModerateComments, STAFF),
    (Action::Moderate, STAFF),
    (Action::RemoveImages, STAFF),
    (Action::HandleTickets, STAFF),
    (Action::HandleCases, STAFF),
    (Action::StopAuction, STAFF),
    (Action::PauseAuction, STAFF),
    (Action::ResumeAuction, STAFF),
    (Action::VoidBid, STAFF),
    (Action::BanUser, STAFF),
    (Action::FreezeUser, STAFF),
    (Action::SetLimits, STAFF),
    (Action::ReadPrivateEvents, STAFF),
    (Action::ReadCustomers, STAFF),
    (Action::ExportUser, STAFF),
    (Action::EraseUser, STAFF),
    (Action::ReadAudit, STAFF),
    (Action::ReadMetrics, ADMIN),
];

#[derive(Debug, Clone, Copy)]
struct Row {
    anonymous: bool,
    user: bool,
    banned: bool,
    frozen: bool,
    staff: bool,
    admin: bool,
}

/// Whether `caller` (or anyone, if nobody has proved who they are) may do `action`.
pub fn authorize(caller: Option<&Caller>, action: Action) -> Result<(), Denied> {
    // An action without a row is allowed to nobody.
    let row = TABLE.iter().find(|(listed, _)| *listed == action).map(|(_, row)| row).ok_or(Denied::Forbidden)?;
    let Some(caller) = caller else {
        return if row.anonymous { Ok(()) } else { Err(Denied::Unauthenticated) };
    };
    let identity = &caller.identity;
    if identity.banned && !row.banned {
        return Err(Denied::Banned);
    }
    if identity.frozen && !row.frozen {
        return Err(Denied::Frozen);
    }
    let by_role =
        row.user || (row.staff && identity.roles.has(&Role::Staff)) || (row.admin && identity.roles.has(&Role::Admin));
    let restricted = action == Action::Sell && !caller.may_sell;
    if by_role && !restricted { Ok(()) } else { Err(Denied::Forbidden) }
}

#[cfg(test)]
mod tests;
