//! Audits of exported logs in memory. Lies are sealed anew where the rules are to find them, not the chain.

use serde_json::{Value, json};

use super::super::fixture::*;
use super::*;
use crate::domain::auction::{Event, EventKind};
use crate::journal::chain::digest;

fn lines(records: &[Record]) -> Vec<String> {
    let line = |record| {
        let mut line = String::new();
        write_line(&mut line, record);
        line.trim_end().to_owned()
    };
    records.iter().map(line).collect()
}

fn audited(lines: &[String]) -> Result<Checked, Finding> {
    let mut audit = ExportAudit::new();
    for line in lines {
        audit.check(line.as_bytes())?;
    }
    audit.finish()
}

/// The full log with one public record changed, and every digest made anew.
fn lied(at: usize, lie: impl Fn(&mut Value)) -> Result<Checked, Finding> {
    let mut records = Log::full().records;
    let mut public: Value = serde_json::from_str(&records[at].public).unwrap();
    lie(&mut public);
    records[at].public = public.to_string().into();
    let mut end = Digest::ORIGIN;
    for record in &mut records {
        end = digest(end, record.public.as_bytes(), &record.commitment);
        record.digest = end;
    }
    audited(&lines(&records))
}

/// Where the first event of this kind stands, counted from the creation on.
fn first(kind: &str) -> usize {
    let kind = format!("\"kind\":\"{kind}\"");
    Log::full().records.iter().position(|record| record.public.contains(&kind)).expect("there is one")
}

#[test]
fn an_exported_log_passes_wherever_it_ends() {
    let log = Log::full();
    let events = log.records.len() as u64 - 1;
    let lines = lines(&log.records);
    assert_eq!(audited(&lines), Ok(Checked { auctions: 1, events, bids: 5 }));
    let middle = first("suspended");
    assert_eq!(audited(&lines[..middle]).map(|checked| checked.auctions), Ok(1));
    let torn = audited(&lines[..=middle]).unwrap_err();
    assert_eq!(torn.to_string(), format!("seq {}: extended must follow, but the log ends", middle + 1));
}

#[test]
fn changed_bytes_are_found_where_they_are() {
    let lines = lines(&Log::full().records);
    for place in 0..lines.len() {
        let mut changed = lines.clone();
        changed[place] = digit_changed(&changed[place]);
        assert_eq!(audited(&changed).unwrap_err().seq, Seq(place as u64), "the digest of line {place}");
        let mut changed = lines.clone();
        let (head, tail) = changed[place].split_at(changed[place].find("\"commitment\"").unwrap());
        changed[place] = digit_changed(head) + tail;
        assert_eq!(audited(&changed).unwrap_err().seq, Seq(place as u64), "the record of line {place}");
        let mut cut = lines.clone();
        cut.remove(place);
        let last = place + 1 == lines.len();
        assert_eq!(audited(&cut).map_err(|finding| finding.seq).err(), (!last).then_some(Seq(place as u64)));
    }
}

#[test]
fn spaces_count_though_they_mean_nothing() {
    let mut lines = lines(&Log::full().records);
    lines[2] = lines[2].replacen("\"record\":{", "\"record\":{ ", 1);
    assert_eq!(audited(&lines).unwrap_err().fault, Fault::Record(RecordError::Broken(BrokenChain::Digest)));
}

#[test]
fn what_is_no_log_is_refused_by_its_line() {
    for (text, seq) in [("", 0), ("{}", 0), ("not json", 0)] {
        assert_eq!(audited(&[text.to_owned()]).unwrap_err().seq, Seq(seq), "{text}");
    }
    assert_eq!(audited(&[]).unwrap_err(), Finding::new(Seq(0), Fault::Missing));
}

#[test]
fn well_sealed_lies_are_found_by_the_public_rules() {
    let (bid, ended, void) = (first("bid"), first("ended"), first("bid_voided"));
    let amended = first("amended");
    let mut free: Value = serde_json::from_str(&Log::full().records[amended].public).unwrap();
    free["terms"].as_object_mut().unwrap().remove("commission_bp").expect("there was one");
    let lies: [(usize, &str, Value, &str); 15] = [
        (bid, "bid_count", json!(7), "bid_count is 7, where 1 follows"),
        (bid, "minimum_bid", json!(1_001), "minimum_bid is 1001, where 1050 follows"),
        (bid, "price", json!(900), "the price falls from 1000 to 900"),
        (bid, "bidder", json!("Bidder 3"), "Bidder 3 comes before Bidder 1"),
        (bid, "ends_at", json!("2030-01-01T00:00:00.000Z"), "ends_at is 2030-01-01T00:00:00.000Z, where"),
        (bid, "at", json!("2020-01-01T00:00:00.000Z"), "it is dated before the one it follows"),
        (bid, "at", json!("2040-01-01T00:00:00.000Z"), "bidding had ended"),
        (first("opened"), "at", json!("2027-01-15T07:59:56.000Z"), "it opens before its time"),
        (void, "voided", json!(1), "no bid that counts has seq 1"),
        (void, "leader", json!("Bidder 3"), "who leads now has no bid that counts"),
        (ended, "winner", json!("Bidder 2"), "winner is 2, where 1 follows"),
        (ended, "price", json!(6_100), "price is 6100, where 6000 follows"),
        (ended, "outcome", json!("unsold"), "the outcome is unsold, which the standing does not give"),
        (first("extended"), "ends_at", json!("2040-01-01T00:00:00.000Z"), "ends_at is 2040"),
        (amended, "terms", free["terms"].take(), "the fees change, which they never do"),
    ];
    for (at, field, value, found) in lies {
        let finding = lied(at, |public| public[field] = value.clone()).expect_err(field);
        assert_eq!(finding.seq, Seq(at as u64), "{finding}");
        assert!(finding.to_string().contains(found), "{field}: {finding}");
    }
}

#[test]
fn only_a_bid_meets_the_reserve() {
    let finding = lied(first("reserve_met"), |public| {
        let (seq, at) = (public["seq"].clone(), public["at"].clone());
        *public = json!({"at": at, "kind": "private", "seq": seq});
    })
    .unwrap_err();
    assert_eq!(finding.to_string(), format!("seq {}: a void cannot meet the reserve", first("bid_voided")));
}

#[test]
fn nothing_comes_after_the_end() {
    let mut log = Log::full();
    let seq = log.head().seq.next();
    let kind = EventKind::AllowanceSet { bidder: account(2), amount: money(1), version: 9 };
    log.write(&Event { seq, at: second(1_001), kind });
    let finding = audited(&lines(&log.records)).unwrap_err();
    assert_eq!(finding.to_string(), format!("seq {seq}: private comes after the end"));
}
