//! `bidhub export`: writes the public log of an auction from the journal, in the form that `GET …/log` serves and
//! `verify --log` checks. What is private stays behind.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, BufWriter};

use crate::audit::export::write_line;
use crate::config::Settings;
use crate::domain::AuctionId;
use crate::journal::sql;

const PAGE_RECORDS: usize = 1_024;

/// What to export, and where to.
#[derive(Args)]
pub struct ExportArgs {
    /// The auction whose log is wanted
    #[arg(long, value_name = "ID")]
    pub auction: AuctionId,
    /// File to write; one that exists is replaced [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes the log.
pub async fn run(settings: &Settings, args: &ExportArgs) -> anyhow::Result<()> {
    let db = super::open_journal(settings).await?;
    let anchor = sql::anchor(&db, args.auction).await?;
    let anchor = anchor.with_context(|| format!("there is no auction {}", args.auction))?;
    let out: Box<dyn AsyncWrite + Unpin + Send> = match &args.output {
        Some(path) => {
            let file = tokio::fs::File::create(path).await;
            Box::new(file.with_context(|| format!("{} cannot be written", path.display()))?)
        }
        None => Box::new(tokio::io::stdout()),
    };
    let mut out = BufWriter::new(out);
    let mut after = None;
    let mut text = String::new();
    // Up to the head as it was at the beginning: a running hub goes on, and its decisions are exported whole.
    while after < Some(anchor.head.seq) {
        let page = sql::read(&db, args.auction, after, PAGE_RECORDS).await?;
        let whole = page.iter().take_while(|record| record.seq <= anchor.head.seq);
        text.clear();
        for record in whole {
            write_line(&mut text, record);
            after = Some(record.seq);
        }
        anyhow::ensure!(!text.is_empty(), "the log ends before its head: see `bidhub verify`");
        out.write_all(text.as_bytes()).await?;
    }
    out.flush().await?;
    db.close().await;
    Ok(())
}
