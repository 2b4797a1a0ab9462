//! Callers: an account, what it is called, which roles it has, and by which token it came.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::coordination::SessionId;
use crate::domain::auction::Barred;
use crate::domain::{AccountId, Timestamp};

/// Longest name of a role, in bytes.
pub const ROLE_MAX_BYTES: usize = 32;

/// A role: lower-case letters, digits, `-` and `_`. Every account is a `user`; `staff` and `admin` are given on the command
/// line alone; others are the operator's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Every account: may bid, and sell unless selling is restricted.
    User,
    /// Moderates auctions, users and tickets.
    Staff,
    /// Staff that also reads the audit trail and metrics.
    Admin,
    /// A role that only the operator gives a meaning.
    Other(Arc<str>),
}

impl Role {
    /// The name of the role.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User => "user",
            Self::Staff => "staff",
            Self::Admin => "admin",
            Self::Other(name) => name,
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=ROLE_MAX_BYTES).contains(&text.len());
        let plain =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
        match text {
            "user" => Ok(Self::User),
            "staff" => Ok(Self::Staff),
            "admin" => Ok(Self::Admin),
            _ if fits && plain => Ok(Self::Other(text.into())),
            _ => Err(format!("a role is 1 to {ROLE_MAX_BYTES} lower-case letters, digits, - or _")),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The roles of an account, `user` always among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Default for Roles {
    fn default() -> Self {
        Self(BTreeSet::from([Role::User]))
    }
}

impl Roles {
    /// True if `role` is among them.
    pub fn has(&self, role: &Role) -> bool {
        self.0.contains(role)
    }

    /// Adds these roles.
    pub fn extend<'a>(&mut self, roles: impl IntoIterator<Item = &'a Role>) {
        self.0.extend(roles.into_iter().cloned());
    }

    /// The names of the roles, `user` first.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(Role::to_string).collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        let mut all = Self::default();
        all.0.extend(roles);
        all
    }
}

/// An account as far as deciding what it may do needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The name that others see.
    pub display_name: Arc<str>,
    /// What it may do beyond what everyone may.
    pub roles: Roles,
    /// True if staff has banned it.
    pub banned: bool,
    /// True if staff has frozen its money.
    pub frozen: bool,
}

impl Identity {
    /// Why the account cannot bid at all, if so.
    pub fn barred(&self) -> Option<Barred> {
        match (self.banned, self.frozen) {
            (true, _) => Some(Barred::Banned),
            (false, true) => Some(Barred::Frozen),
            (false, false) => None,
        }
    }
}

/// How a token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// In a cookie, which a browser sends whoever asks for it: what changes something must also show where it comes from.
    Cookie,
    /// In an `Authorization` header or a socket's message, which only the caller can write.
    Bearer,
}

/// Someone who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is.
    pub identity: Identity,
    /// The session or foreign token by which they came.
    pub session: SessionId,
    /// When that ends.
    pub expires_at: Timestamp,
    /// How the token came.
    pub via: Via,
    /// False if selling is restricted to a role that this caller has not.
    pub may_sell: bool,
}

impl Caller {
    /// The account of the caller.
    pub fn account(&self) -> AccountId {
        self.identity.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_plain_words() {
        for good in ["user", "staff", "admin", "gold-seller_2"] {
            assert_eq!(good.parse::<Role>().unwrap().as_str(), good);
        }
        for bad in ["", "Admin", "a b", "ünder", &"x".repeat(33)] {
            assert!(bad.parse::<Role>().is_err(), "{bad}");
        }
    }

    #[test]
    fn everyone_is_a_user() {
        assert_eq!(Roles::from_iter([Role::Staff]).names(), ["user", "staff"]);
        assert_eq!(Roles::default().names(), ["user"]);
    }
}
