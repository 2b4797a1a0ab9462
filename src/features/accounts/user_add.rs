//! Adding an account from the command line, which is the only way to become staff.

use super::passwords::Passwords;
use super::{Refused, rules, store};
use crate::auth::Role;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::PasswordCost;
use crate::domain::AccountId;
use crate::persistence::Db;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// There was no such account; now there is.
    Created(AccountId),
    /// There was one; it has the role now, and keeps its password.
    Granted(AccountId),
}

/// Gives the account of `email` the role `role`, and creates it with the password that `read_password` gives if there is
/// none. Safe beside a running hub.
pub async fn user_add(
    db: &Db,
    cost: PasswordCost,
    email: &str,
    display_name: Option<&str>,
    role: &Role,
    read_password: impl FnOnce() -> std::io::Result<String>,
) -> anyhow::Result<Added> {
    let (clock, chance) = (Clock::System, Chance::System);
    let now = clock.now();
    let email = rules::email(email)?;
    let added = match store::credentials(db, email.as_ref()).await? {
        Some((id, _)) => Added::Granted(id),
        None => {
            let display_name = rules::display_name(display_name.unwrap_or_else(|| email.user()))?;
            let password = read_password()?;
            rules::password("password", &password)?;
            let hash = Passwords::new(cost, &chance)?.hash(&password, &chance).await?;
            let id = AccountId(chance.uuid(now));
            let new = store::NewAccount { id, email: email.to_string(), display_name, password_hash: hash };
            match store::insert_account(db, &new, now).await {
                Err(error) if error.is_duplicate() => return Err(Refused::EmailTaken.into()),
                result => result?,
            }
            Added::Created(id)
        }
    };
    let (Added::Created(id) | Added::Granted(id)) = added;
    if *role != Role::User {
        store::grant_role(db, id, role, now).await?;
    }
    Ok(added)
}
