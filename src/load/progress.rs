//! What a replay has come to: counts, times, and how they are shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

const LONGEST_US: u64 = 60_000_000;

/// Counts of a replay under way, shared by all who play.
#[derive(Debug)]
pub struct Tally {
    bar: ProgressBar,
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    accepted: u64,
    rejected: BTreeMap<String, u64>,
    retries: u64,
    equal: u64,
    lots: u64,
    unplayed: u64,
    ack_us: Histogram<u64>,
}

impl Tally {
    /// Nothing yet of `bids` bids. Progress is shown on standard error if that is a terminal.
    pub fn new(bids: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} bids, {per_sec}, {eta} left, {msg}");
        let bar = ProgressBar::new(bids).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        #[allow(clippy::expect_used, reason = "fails only for a limit below 2 or more than 5 digits")]
        let ack_us = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds fit");
        let counts =
            Counts { accepted: 0, rejected: BTreeMap::new(), retries: 0, equal: 0, lots: 0, unplayed: 0, ack_us };
        Self { bar, counts: Mutex::new(counts) }
    }

    fn with(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A bid got its verdict: none as the code of an accepted one.
    pub fn verdict(&self, rejected: Option<&str>, took: Duration) {
        self.with(|counts| {
            match rejected {
                None => counts.accepted += 1,
                Some(code) => *counts.rejected.entry(code.to_owned()).or_default() += 1,
            }
            counts.ack_us.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST_US));
        });
        self.bar.inc(1);
    }

    /// A bid must be sent again.
    pub fn retry(&self) {
        self.with(|counts| counts.retries += 1);
    }

    /// An auction was played to its last bid.
    pub fn lot(&self, equal: bool) {
        self.with(|counts| {
            counts.lots += 1;
            counts.equal += u64::from(equal);
            self.bar.set_message(format!("{} auctions done", counts.lots));
        });
    }

    /// An auction could not be played to its end; `bids` of it were not decided.
    pub fn unplayed(&self, bids: u64) {
        self.with(|counts| counts.unplayed += bids);
        self.bar.inc(bids);
    }

    /// Shows a line above the progress.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// What it all came to.
    pub fn report(&self, took: Duration) -> Report {
        self.bar.finish_and_clear();
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let decided = counts.accepted + counts.rejected.values().sum::<u64>();
        let seconds = took.as_secs_f64();
        Report {
            accepted: counts.accepted,
            rejected: counts.rejected.clone(),
            retries: counts.retries,
            auctions: counts.lots,
            equal_prices: counts.equal,
            unplayed_bids: counts.unplayed,
            seconds,
            bids_per_second: if seconds > 0.0 { decided as f64 / seconds } else { 0.0 },
            ack_p50_us: counts.ack_us.value_at_quantile(0.5),
            ack_p99_us: counts.ack_us.value_at_quantile(0.99),
        }
    }
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Bids accepted.
    pub accepted: u64,
    /// Bids rejected, by code.
    pub rejected: BTreeMap<String, u64>,
    /// How often a bid was sent again under its key, because no verdict could be had.
    pub retries: u64,
    /// Auctions played to their last bid.
    pub auctions: u64,
    /// Those of them whose final price is the recorded one.
    pub equal_prices: u64,
    /// Bids that never got a verdict.
    pub unplayed_bids: u64,
    /// How long the bidding took.
    pub seconds: f64,
    /// Verdicts a second.
    pub bids_per_second: f64,
    /// The median time from a bid to its verdict, in microseconds.
    pub ack_p50_us: u64,
    /// The time within which 99 of 100 bids got theirs, in microseconds.
    pub ack_p99_us: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: String| writeln!(f, "{name:<24}{value:>12}");
        row("accepted", self.accepted.to_string())?;
        for (code, count) in &self.rejected {
            row(code, count.to_string())?;
        }
        if self.retries > 0 {
            row("sent again", self.retries.to_string())?;
        }
        if self.unplayed_bids > 0 {
            row("never decided", self.unplayed_bids.to_string())?;
        }
        row("auctions", self.auctions.to_string())?;
        row("final price equal", self.equal_prices.to_string())?;
        row("seconds", format!("{:.1}", self.seconds))?;
        row("bids/s", format!("{:.0}", self.bids_per_second))?;
        row("bid to ack, p50", millis(self.ack_p50_us))?;
        write!(f, "{:<24}{:>12}", "bid to ack, p99", millis(self.ack_p99_us))
    }
}

fn millis(micros: u64) -> String {
    format!("{:.2} ms", micros as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_adds_up() {
        let tally = Tally::new(4);
        tally.verdict(None, Duration::from_millis(2));
        tally.verdict(Some("bid_too_low"), Duration::from_millis(4));
        tally.verdict(None, Duration::from_millis(2));
        tally.retry();
        tally.lot(true);
        tally.lot(false);
        tally.unplayed(1);
        let report = tally.report(Duration::from_secs(2));
        assert_eq!((report.accepted, report.rejected["bid_too_low"], report.retries), (2, 1, 1));
        assert_eq!((report.auctions, report.equal_prices, report.unplayed_bids), (2, 1, 1));
        assert!((report.bids_per_second - 1.5).abs() < 1e-9);
        assert!((1_990..=2_010).contains(&report.ack_p50_us), "{report:?}");
        let table = report.to_string();
        assert!(table.contains("bid_too_low                        1\n"), "{table}");
    }
}
