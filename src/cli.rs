//! The command line: which subcommands there are, and how a wrong one is answered. Settings are [`crate::config`]'s.

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{Flags, Settings};
use crate::programs;

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
#[derive(Subcommand, Default)]
pub enum Command {
    /// Run the hub (what happens without a subcommand)
    #[default]
    Serve,
    /// Run a hub with sellers, auctions and bidding bots in it, to see it live
    ///
    /// Everything is kept in a temporary directory and removed at the end, unless --data-dir names another one.
    Demo(programs::demo::DemoArgs),
    /// Audit the journal: hash chains, and every price, leader and outcome decided anew
    ///
    /// Reads the journal in --data-dir or at --database-url, beside a running hub or without one, and changes nothing.
    /// Exits with 1 and one line that names auction, seq and fault if a record is wrong.
    Verify(programs::verify::VerifyArgs),
    /// Prove on the live database that the books are right: every amount accounted for, and what rooms allow set aside
    ///
    /// Reads the databases in --data-dir or at --database-url, beside a running hub or without one, and changes nothing; of
    /// a hub of many nodes also the live logs, if --redis-url says where. One line for each rule, with what was counted;
    /// exits with 1 if one is broken, and shows what breaks it.
    CheckBooks(programs::check_books::CheckBooksArgs),
    /// Write the public log of an auction, one record a line, for anyone to verify
    Export(programs::export::ExportArgs),
    /// Play recorded bids against a running hub over real sockets, and compare the final prices
    ///
    /// Every bidder has an identity of its own, signed with --jwt-secret, which must be the hub's. Bids carry keys made
    /// from the record, and auctions are found again by their titles: an interrupted replay goes on where it was when it
    /// is started once more, and nothing is bid twice.
    Replay(programs::replay::ReplayArgs),
    /// Ask a running hub whether it is well; exits with 1 if it is not
    Healthcheck(programs::healthcheck::HealthcheckArgs),
    /// Show the nodes of a hub: who lives, and what each is busy with
    ///
    /// Reads what they say of themselves in the Redis at --redis-url. Exits with 1 if there is none.
    Nodes(programs::nodes::NodesArgs),
    /// Manage accounts, also beside a running hub
    #[command(subcommand)]
    User(UserCommand),
}

impl Command {
    /// Does it. False if it was done, but what it found is not as it should be.
    pub async fn run(self, settings: Settings) -> anyhow::Result<bool> {
        match self {
            Self::Serve => programs::serve(settings).await.map(|()| true),
            Self::Demo(args) => programs::demo::run(settings, &args).await.map(|()| true),
            Self::Verify(args) => programs::verify::run(&settings, &args).await,
            Self::CheckBooks(args) => programs::check_books::run(&settings, &args).await,
            Self::Export(args) => programs::export::run(&settings, &args).await.map(|()| true),
            Self::Replay(args) => programs::replay::run(&settings, &args).await,
            Self::Healthcheck(args) => programs::healthcheck::run(&settings, &args).await,
            Self::Nodes(args) => programs::nodes::run(&settings, &args).await,
            Self::User(UserCommand::Add(args)) => programs::user::add(&settings, &args).await.map(|()| true),
        }
    }
}

/// What can be done to accounts.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Create an account, or give a role to one that exists; the password is read from standard input
    Add(programs::user::UserAddArgs),
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
