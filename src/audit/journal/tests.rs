//! Audits of logs in memory: a good one passes, and each kind of damage is found where it is.

use super::super::fixture::*;
use super::*;
use crate::domain::auction::{EventKind, Outcome, Winner};
use crate::journal::Digest;
use crate::journal::chain::BrokenChain;

fn audited(records: &[Record], head: Head) -> Result<Checked, Finding> {
    let mut audit = LogAudit::new(auction(), &SECRET);
    for record in records {
        audit.check(record)?;
    }
    audit.finish(head)
}

#[test]
fn a_log_made_by_the_rules_passes() {
    let log = Log::full();
    let events = log.records.len() as u64 - 1;
    assert_eq!(audited(&log.records, log.head()), Ok(Checked { auctions: 1, events, bids: 5 }));
}

#[test]
fn every_changed_part_of_every_record_is_found_where_it_is() {
    let log = Log::full();
    for place in 0..log.records.len() {
        let changes: [&dyn Fn(&mut Record); 6] = [
            &|record| record.public = digit_changed(&record.public).into(),
            &|record| record.private[0] ^= 1,
            &|record| record.commitment[31] ^= 1,
            &|record| record.digest.0[0] ^= 1,
            &|record| record.seq = Seq(record.seq.0 ^ 0x1000),
            &|record| record.version = 2,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut records = log.records.clone();
            change(&mut records[place]);
            let finding = audited(&records, log.head()).expect_err("the change is found");
            assert_eq!(finding.seq, Seq(place as u64), "change {number} of record {place}: {finding}");
        }
    }
}

#[test]
fn a_format_of_the_future_is_named_as_such() {
    let mut log = Log::full();
    log.records[3].version = 9;
    let finding = audited(&log.records, log.head()).unwrap_err();
    assert_eq!(finding.fault, Fault::Record(RecordError::UnknownVersion(9)));
    assert_eq!(finding.to_string(), "seq 3: record format 9 is unknown to this version of the hub");
}

#[test]
fn what_was_cut_out_or_off_or_put_on_is_found() {
    let log = Log::full();
    let last = log.records.len() - 1;
    let missing = |seq| Err(Finding::new(seq, Fault::Missing));
    assert_eq!(audited(&log.records[..last], log.head()), missing(Seq(last as u64)));
    assert_eq!(audited(&[], log.head()), missing(Seq(0)));
    assert_eq!(audited(&log.records[1..], log.head()), missing(Seq(0)));
    let mut cut = log.records.clone();
    cut.remove(4);
    assert_eq!(audited(&cut, log.head()), missing(Seq(4)));
    let short = Head { seq: Seq(2), digest: log.records[2].digest };
    assert_eq!(audited(&log.records, short), Err(Finding::new(Seq(3), Fault::BeyondHead)));
}

#[test]
fn a_changed_head_is_found() {
    let log = Log::full();
    let head = Head { digest: Digest([1; 32]), ..log.head() };
    assert_eq!(audited(&log.records, head), Err(Finding::new(log.head().seq, Fault::Head)));
}

#[test]
fn a_well_sealed_lie_is_found_by_the_rules() {
    let mut log = Log::new();
    log.write(&Event { seq: Seq(1), at: second(0), kind: EventKind::Opened { ends_at: second(100) } });
    let winner = Some(Winner { account: account(4), alias: 1 });
    let kind = EventKind::Ended { outcome: Outcome::Sold, price: Some(money(1)), winner };
    log.write(&Event { seq: Seq(2), at: second(200), kind });
    let finding = audited(&log.records, log.head()).unwrap_err();
    assert_eq!(finding.seq, Seq(2));
    assert!(matches!(finding.fault, Fault::Rules(_)), "{finding}");
}

#[test]
fn a_log_of_another_auction_or_key_is_refused() {
    let log = Log::full();
    let mut elsewhere = LogAudit::new(AuctionId(uuid::Uuid::from_u128(2)), &SECRET);
    assert_eq!(elsewhere.check(&log.records[0]), Err(Finding::new(Seq(0), Fault::OtherAuction)));
    let mut other_key = LogAudit::new(auction(), &Secret([8; 32]));
    let broken = Fault::Record(RecordError::Broken(BrokenChain::Commitment));
    assert_eq!(other_key.check(&log.records[0]), Err(Finding::new(Seq(0), broken)));
}

#[test]
fn an_epoch_never_falls() {
    let mut log = Log::new();
    log.write_under(0, &Event { seq: Seq(1), at: second(0), kind: EventKind::Opened { ends_at: second(100) } });
    let fault = Fault::Epoch { before: 1, found: 0 };
    assert_eq!(audited(&log.records, log.head()), Err(Finding::new(Seq(1), fault)));
}
