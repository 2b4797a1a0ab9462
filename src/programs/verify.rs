//! `bidhub verify`: audits the logs of a journal, or an exported log, and says which record is wrong.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::audit::export::{ExportAudit, LINE_MAX_BYTES};
use crate::audit::journal::{self, AuditError};
use crate::audit::{Checked, Finding};
use crate::config::Settings;
use crate::domain::{AuctionId, Seq};

/// What to verify.
#[derive(Args)]
pub struct VerifyArgs {
    /// Only the log of this auction [default: every log in the journal]
    #[arg(long, value_name = "ID")]
    pub auction: Option<AuctionId>,
    /// An exported log (NDJSON) in place of the journal; what needs no secret is checked
    #[arg(long, value_name = "FILE", conflicts_with = "auction")]
    pub log: Option<PathBuf>,
}

/// Verifies and prints the result. False if a record is wrong.
pub async fn run(settings: &Settings, args: &VerifyArgs) -> anyhow::Result<bool> {
    let started = Instant::now();
    let done = match &args.log {
        Some(file) => exported(file).await?,
        None => journaled(settings, args.auction).await?,
    };
    match done {
        Ok(checked) => {
            let Checked { auctions, events, bids } = checked;
            let seconds = started.elapsed().as_secs_f64();
            super::say(format_args!("verified: {auctions} auctions, {events} events, {bids} bids in {seconds:.1} s"));
            Ok(true)
        }
        Err(wrong) => {
            super::say(format_args!("{wrong}"));
            Ok(false)
        }
    }
}

type Outcome = Result<Checked, String>;

async fn journaled(settings: &Settings, only: Option<AuctionId>) -> anyhow::Result<Outcome> {
    let db = super::open_journal(settings).await?;
    let progress = ProgressBar::no_length();
    let mut sum = Checked::default();
    let mut outcome = Ok(());
    let auctions = match only {
        Some(auction) => Ok(vec![auction]),
        None => journal::auctions(&db).await,
    };
    match auctions {
        Ok(auctions) => {
            progress.set_style(style("{bar:30} {pos}/{len} auctions, {msg} events, {eta} left"));
            progress.set_length(auctions.len() as u64);
            progress.enable_steady_tick(Duration::from_millis(200));
            for auction in auctions {
                let mut seen = sum.events;
                let audited = journal::audit(&db, auction, |records| {
                    seen += records;
                    progress.set_message(seen.to_string());
                });
                match audited.await {
                    Ok(checked) => sum += checked,
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
                progress.inc(1);
            }
        }
        Err(error) => outcome = Err(error),
    }
    progress.finish_and_clear();
    db.close().await;
    match outcome {
        Ok(()) => Ok(Ok(sum)),
        Err(wrong @ AuditError::Wrong(..)) => Ok(Err(wrong.to_string())),
        Err(error) => Err(error.into()),
    }
}

async fn exported(path: &Path) -> anyhow::Result<Outcome> {
    let name = || format!("{} cannot be read", path.display());
    let file = tokio::fs::File::open(path).await.with_context(name)?;
    let bytes = file.metadata().await.with_context(name)?.len();
    let progress = ProgressBar::new(bytes).with_style(style("{bar:30} {bytes}/{total_bytes}, {eta} left"));
    let mut reader = BufReader::new(file);
    let mut audit = ExportAudit::new();
    let mut line = Vec::new();
    let mut lines = 0;
    let outcome = loop {
        line.clear();
        // One byte more than the longest line tells a line too long from one that just fits.
        let read =
            (&mut reader).take(LINE_MAX_BYTES as u64 + 1).read_until(b'\n', &mut line).await.with_context(name)?;
        if read == 0 {
            break Ok(());
        }
        anyhow::ensure!(read <= LINE_MAX_BYTES, "line {} is longer than {LINE_MAX_BYTES} bytes", lines + 1);
        lines += 1;
        progress.inc(read as u64);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if let Err(finding) = audit.check(text.strip_suffix(b"\r").unwrap_or(text)) {
            break Err(finding);
        }
    };
    progress.finish_and_clear();
    let auction = audit.auction().map_or_else(|| "unknown".to_owned(), |auction| auction.to_string());
    let done = outcome.and_then(|()| audit.finish());
    Ok(done.map_err(|Finding { seq: Seq(seq), fault }| format!("auction {auction}: seq {seq}: {fault}")))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
