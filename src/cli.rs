//! The command line: which subcommands there are, and how a wrong one is answered. Settings are [`crate::config`]'s.

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::config::Flags;

/// A real-time, WebSocket-first bidding hub.
///
/// Every setting is a flag, a variable, or a line of the file that --config names, and counts in this order.
#[derive(Parser)]
#[command(name = "bidhub", version, propagate_version = true)]
pub struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings given by flag or variable.
    #[command(flatten)]
    pub flags: Flags,
}

/// What the program can do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the hub (what happens without a subcommand)
    Serve,
    /// Manage accounts, also beside a running hub
    #[command(subcommand)]
    User(UserCommand),
}

/// What can be done to accounts.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Create an account, or give a role to one that exists; the password is read from standard input
    Add(UserAddArgs),
}

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

/// Reads the command line. `Err` holds the exit code when the program has nothing to do: help was shown (0), or one line
/// said on standard error what is wrong (2).
pub fn parse() -> Result<Cli, u8> {
    Cli::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nothing is lost if nobody reads the help.
            let _ = error.print();
            0
        }
        _ => {
            let text = error.render().to_string();
            let first = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
            eprintln!("{first}");
            2
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
