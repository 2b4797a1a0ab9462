//! `bidhub check-books`: proves that the books of a hub are right, beside the running hub. It only reads.
//!
//! What rooms allow stands in the logs, and what is set aside in the database, and both move on. So the logs are read first,
//! then the database in one snapshot, then what was added to the logs; [`crate::ledger::books`] says why that is enough.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::say;
use crate::audit::allowances::{Allowances, Logs};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::AuctionId;
use crate::domain::auction::{Event, Terms};
use crate::journal::JournalError;
use crate::journal::archiver::Archiver;
use crate::journal::redis::{Keeping, RedisJournal};
use crate::journal::sql::Archive;
use crate::ledger::Book;
use crate::ledger::books::{self, Breach, ClosedBook, Finding, OpenHold, Told};
use crate::persistence::{Db, StoreError};

/// How many logs are read at once.
const LOGS_AT_ONCE: usize = 8;

/// How to say what was found.
#[derive(Args)]
pub struct CheckBooksArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Report {
    sound: bool,
    /// Where the logs were read: `live`, `journal` or `archive`.
    logs: &'static str,
    rules: Vec<RuleReport>,
}

#[derive(Serialize)]
struct RuleReport {
    rule: &'static str,
    promise: &'static str,
    sound: bool,
    counted: u64,
    broken: u64,
    breaches: Vec<BreachReport>,
}

#[derive(Serialize)]
struct BreachReport {
    name: Option<String>,
    auction: Option<String>,
    owner: Option<String>,
    detail: String,
}

/// What one snapshot of the database has.
struct Books {
    findings: Vec<Finding>,
    open: Vec<Book>,
    holds: Vec<OpenHold>,
    closed: Vec<ClosedBook>,
}

/// Checks and prints what was found. False if a rule is broken.
pub async fn run(settings: &Settings, args: &CheckBooksArgs) -> anyhow::Result<bool> {
    let (mut findings, place) = look(settings).await?;
    let sound = findings.iter().all(|finding| finding.broken == 0);
    if args.json {
        let rules = findings.drain(..).map(RuleReport::from).collect();
        let report = Report { sound, logs: place, rules };
        say(format_args!("{}", serde_json::to_string_pretty(&report)?));
        return Ok(sound);
    }
    for finding in &findings {
        let Finding { rule, counted, broken, breaches } = finding;
        let subjects = rule.subjects;
        if *broken == 0 {
            say(format_args!("ok      {}: {counted} {subjects}", rule.promise));
            continue;
        }
        say(format_args!("BROKEN  {}: {broken} of {counted} {subjects}", rule.promise));
        breaches.iter().for_each(|breach| say(format_args!("          {breach}")));
        if let more @ 1.. = broken.saturating_sub(breaches.len() as u64) {
            say(format_args!("          and {more} more"));
        }
    }
    let kept = match place {
        "live" => "the live logs in Redis were read",
        "journal" => "the logs in the journal were read",
        _ => "the archived logs were read; of many nodes, the live ones are ahead and are read with --redis-url",
    };
    say(format_args!("{}: {kept}", if sound { "sound" } else { "NOT SOUND" }));
    Ok(sound)
}

/// Holds the books of the hub with these settings against all rules. Gives also where the logs were read: `live`, `journal` or
/// `archive`.
pub async fn look(settings: &Settings) -> anyhow::Result<(Vec<Finding>, &'static str)> {
    let (main, journal) = (super::open_main(settings).await?, super::open_journal(settings).await?);
    let (logs, place) = logs(settings, &journal)?;
    let findings = check(&main, &logs).await?;
    main.close().await;
    journal.close().await;
    Ok((findings, place))
}

/// Where the logs are, and what that is called.
fn logs(settings: &Settings, journal: &Db) -> anyhow::Result<(Logs, &'static str)> {
    if let Some(redis) = super::open_redis(settings)? {
        // Nothing is archived by it: it is only read.
        let archive = Archive::new(journal.clone(), uuid::Uuid::nil(), Clock::System);
        let archiver = Archiver::new(archive, Chance::System);
        let live = RedisJournal::new(redis.clone(), redis, archiver, Keeping::default());
        return Ok((Logs::Live(Box::new(live), journal.clone()), "live"));
    }
    let place = if settings.server.database_url.is_some() { "archive" } else { "journal" };
    Ok((Logs::Sql(journal.clone()), place))
}

/// Holds the database at `main` against all rules, and against `logs`.
async fn check(main: &Db, logs: &Logs) -> anyhow::Result<Vec<Finding>> {
    let mut first = main.snapshot().await.context("the database cannot be read")?;
    let known = books::open_books(&mut first).await.context("the books cannot be read")?;
    drop(first);
    let earlier = allowances(logs, known.iter().map(|book| book.auction).collect(), &HashMap::new()).await?;
    let Books { mut findings, open, holds, closed } = snapshot(main).await.context("the books cannot be read")?;
    let auctions = open.iter().map(|book| book.auction).chain(holds.iter().map(|hold| hold.auction)).collect();
    let later = allowances(logs, auctions, &earlier).await?;
    findings.push(books::rooms(&open, &holds, &told(earlier), &told(later)));
    findings.push(books::outcomes(&closed, &ends(logs, &closed).await.context("the logs cannot be read")?));
    let all: Vec<Book> = open.into_iter().chain(closed.iter().map(|closed| closed.book)).collect();
    findings.push(books::terms(&all, &terms(logs, &all).await.context("the logs cannot be read")?));
    Ok(findings)
}

async fn snapshot(main: &Db) -> Result<Books, StoreError> {
    let mut tx = main.snapshot().await?;
    Ok(Books {
        findings: books::audit(&mut tx).await?,
        open: books::open_books(&mut tx).await?,
        holds: books::open_holds(&mut tx).await?,
        closed: books::closed_books(&mut tx).await?,
    })
}

/// Reads the logs of `auctions` up to where they end now, each from where it was read before. Those that are not there are
/// left out.
async fn allowances(
    logs: &Logs,
    auctions: HashSet<AuctionId>,
    known: &HashMap<AuctionId, Allowances>,
) -> anyhow::Result<HashMap<AuctionId, Allowances>> {
    let read = async |auction: AuctionId| {
        let read = logs.allowances(auction, known.get(&auction).cloned().unwrap_or_default()).await?;
        Ok::<_, JournalError>(read.map(|read| (auction, read)))
    };
    let read = stream::iter(auctions).map(read).buffer_unordered(LOGS_AT_ONCE);
    read.try_filter_map(async |read| Ok(read)).try_collect().await.context("the logs cannot be read")
}

/// The events that books were closed by.
async fn ends(logs: &Logs, closed: &[ClosedBook]) -> Result<HashMap<AuctionId, Event>, JournalError> {
    let read = async |closed: &ClosedBook| {
        let auction = closed.book.auction;
        Ok(logs.event(auction, closed.seq).await?.map(|event| (auction, event)))
    };
    let read = stream::iter(closed).map(read).buffer_unordered(LOGS_AT_ONCE);
    read.try_filter_map(async |read| Ok(read)).try_collect().await
}

/// The terms of auctions.
async fn terms(logs: &Logs, books: &[Book]) -> Result<HashMap<AuctionId, Terms>, JournalError> {
    let read = async |book: &Book| Ok(logs.terms(book.auction).await?.map(|terms| (book.auction, terms)));
    let read = stream::iter(books).map(read).buffer_unordered(LOGS_AT_ONCE);
    read.try_filter_map(async |read| Ok(read)).try_collect().await
}

fn told(read: HashMap<AuctionId, Allowances>) -> HashMap<AuctionId, Told> {
    read.into_iter().map(|(auction, read)| (auction, read.told)).collect()
}

impl From<Finding> for RuleReport {
    fn from(finding: Finding) -> Self {
        let Finding { rule, counted, broken, breaches } = finding;
        let breaches = breaches.into_iter().map(BreachReport::from).collect();
        Self { rule: rule.name, promise: rule.promise, sound: broken == 0, counted, broken, breaches }
    }
}

impl From<Breach> for BreachReport {
    fn from(breach: Breach) -> Self {
        let Breach { name, auction, owner, detail } = breach;
        Self { name, auction: auction.map(|id| id.to_string()), owner: owner.map(|id| id.to_string()), detail }
    }
}
