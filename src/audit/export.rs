//! Exported logs: one line of JSON for each record, the creation first. Anyone can check one without the hub: the hash
//! chain from the bytes as they stand, and of the rules whatever needs no ceiling.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::public_rules::PublicRules;
use super::{Checked, Fault, Finding};
use crate::domain::{AuctionId, Seq};
use crate::journal::chain::{BrokenChain, digest};
use crate::journal::public::PublicRecord;
use crate::journal::{Digest, Record, RecordError};

/// The longest line taken, in bytes. Texts of a listing are far below it.
pub const LINE_MAX_BYTES: usize = 1 << 20;

/// One line of an exported log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// The public bytes exactly as they were hashed.
    #[serde(borrow)]
    record: &'a RawValue,
    #[serde(with = "hex::serde")]
    commitment: [u8; 32],
    #[serde(with = "hex::serde")]
    digest: [u8; 32],
}

/// Appends `record` to `out` as a line of an exported log.
pub fn write_line(out: &mut String, record: &Record) {
    let (public, commitment, digest) = (&record.public, hex::encode(record.commitment), hex::encode(record.digest.0));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{{\"record\":{public},\"commitment\":\"{commitment}\",\"digest\":\"{digest}\"}}");
}

/// The audit of an exported log, line by line.
#[derive(Debug, Default)]
pub struct ExportAudit {
    auction: Option<AuctionId>,
    end: Option<(Seq, Digest)>,
    rules: Option<PublicRules>,
    checked: Checked,
}

impl ExportAudit {
    /// An audit that has seen no line yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose log it is, once the first line is read.
    pub fn auction(&self) -> Option<AuctionId> {
        self.auction
    }

    /// Checks the next line, given without its line feed.
    pub fn check(&mut self, line: &[u8]) -> Result<(), Finding> {
        let seq = self.expects();
        self.judge(seq, line).map_err(|fault| Finding { seq, fault })
    }

    fn expects(&self) -> Seq {
        self.end.map_or(Seq(0), |(seq, _)| seq.next())
    }

    fn judge(&mut self, seq: Seq, line: &[u8]) -> Result<(), Fault> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| Fault::NoRecord(error.to_string()))?;
        let public: PublicRecord = serde_json::from_str(line.record.get())
            .map_err(|error| RecordError::Malformed(format!("public bytes: {error}")))?;
        if public.seq != seq.0 {
            return Err(Fault::Missing);
        }
        let before = self.end.map_or(Digest::ORIGIN, |(_, digest)| digest);
        let own = Digest(line.digest);
        if digest(before, line.record.get().as_bytes(), &line.commitment) != own {
            return Err(RecordError::Broken(BrokenChain::Digest).into());
        }
        match &mut self.rules {
            None => {
                let (auction, rules) = PublicRules::new(&public).map_err(Fault::Rules)?;
                (self.auction, self.rules) = (Some(auction), Some(rules));
                self.checked.auctions = 1;
            }
            Some(rules) => {
                rules.check(&public).map_err(Fault::Rules)?;
                self.checked.events += 1;
                self.checked.bids += u64::from(public.kind == "bid");
            }
        }
        self.end = Some((seq, own));
        Ok(())
    }

    /// The result, once every line is checked. A log may be exported while its auction runs, so it may end anywhere but
    /// within one decision.
    pub fn finish(self) -> Result<Checked, Finding> {
        let expected = self.expects();
        match self.rules {
            None => Err(Finding::new(expected, Fault::Missing)),
            Some(rules) => match rules.owes() {
                Some(kind) => {
                    Err(Finding::new(expected, Fault::Rules(format!("{kind} must follow, but the log ends"))))
                }
                None => Ok(self.checked),
            },
        }
    }
}

#[cfg(test)]
mod tests;
