//! `bidhub user add`: makes accounts, and staff of them, beside a running hub.

use clap::Args;

use crate::app;
use crate::config::Settings;
use crate::features::accounts::{Added, user_add};
use crate::persistence::migrate;

/// The account to create.
#[derive(Args)]
pub struct UserAddArgs {
    /// E-mail address to sign in with
    #[arg(long)]
    pub email: String,
    /// Role to give: staff, admin, or one of the operator's own
    #[arg(long)]
    pub role: crate::auth::Role,
    /// Name that others see; unless given, the part of the address before the @
    #[arg(long)]
    pub display_name: Option<String>,
}

/// `bidhub user add`: creates an account, or gives one that is there a role.
pub async fn add(settings: &Settings, args: &UserAddArgs) -> anyhow::Result<()> {
    let db = app::open_database(settings).await?;
    migrate(&db).await?;
    let read = || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let name = args.display_name.as_deref();
    let added = user_add(&db, settings.password_cost, &args.email, name, &args.role, read).await?;
    db.close().await;
    match added {
        Added::Created(id) => {
            super::say(format_args!("created {id} ({}) with the role {}", args.email, args.role));
        }
        Added::Granted(id) => {
            super::say(format_args!("{id} ({}) has the role {} now; its password stays", args.email, args.role));
        }
    }
    Ok(())
}
