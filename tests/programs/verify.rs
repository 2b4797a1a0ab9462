//! `verify` on a journal: a good one passes, and a change to any column of any row is found where it is.

use super::journal::Journal;
use super::{run, said};

#[tokio::test]
async fn a_good_journal_is_verified() {
    let journal = Journal::written().await;
    let (code, text) = said(&run(journal.dir.path(), &["verify"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with(&format!("verified: 2 auctions, {} events, 4 bids in ", journal.last)), "{text}");
    let (code, text) = said(&run(journal.dir.path(), &["verify", "--auction", &journal.id()]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("verified: 1 auctions"), "{text}");
}

/// The changes that a statement can make to one record, and what is said of each.
const CHANGES: [(&str, &str); 9] = [
    ("public = replace(public, 'Z\"', '1\"')", "its digest does not follow"),
    ("private = x'ff' || substr(private, 2)", "its private bytes, version or epoch are not those committed to"),
    (
        "commitment = substr(commitment, 1, 31) || x'00'",
        "its private bytes, version or epoch are not those committed to",
    ),
    ("commitment = substr(commitment, 1, 31)", "a hash is out of range"),
    ("digest = x'00' || substr(digest, 2)", "its digest does not follow"),
    ("seq = seq + 1000", "the record is missing"),
    ("version = 2", "record format 2 is unknown to this version of the hub"),
    ("epoch = -1", "epoch is out of range"),
    ("epoch = epoch + 1", "its private bytes, version or epoch are not those committed to"),
];

#[tokio::test]
async fn every_changed_column_of_a_record_is_found_where_it_is() {
    let journal = Journal::written().await;
    let keep = "create table kept as select * from journal_records";
    sqlx::query(keep).execute(journal.pool()).await.unwrap();
    for (place, (change, fault)) in CHANGES.iter().enumerate() {
        let seq = place as u64 % journal.last;
        let statement = format!("update journal_records set {change} where auction = $1 and seq = $2");
        journal.damage(statement.leak(), seq).await;
        let (code, text) = said(&run(journal.dir.path(), &["verify"]));
        assert_eq!(code, Some(1), "{change}: {text}");
        assert!(text.starts_with(&format!("auction {}: seq {seq}: ", journal.id())), "{change}: {text}");
        assert!(text.contains(fault), "{change}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        for statement in ["delete from journal_records", "insert into journal_records select * from kept"] {
            sqlx::query(statement).execute(journal.pool()).await.unwrap();
        }
    }
    assert_eq!(said(&run(journal.dir.path(), &["verify"])).0, Some(0), "the journal is whole again");
}

#[tokio::test]
async fn what_is_missing_or_too_much_is_found() {
    let last = Journal::written().await.last;
    let record = "delete from journal_records where auction = $1 and seq = $2";
    let head = "update journal_logs set head_seq = $2 where auction = $1";
    let digest = "update journal_logs set head_digest = x'00' || substr(head_digest, 2) where auction = $1 and $2 = $2";
    let log = "delete from journal_logs where auction = $1 and $2 = $2";
    for (statement, argument, seq, fault) in [
        (record, last, last, "the record is missing"),
        (record, 3, 3, "the record is missing"),
        (record, 0, 0, "the record is missing"),
        (head, last - 1, last - 1, "its digest is not the one that the head of the log holds"),
        (head, last + 1, last + 1, "the record is missing"),
        (digest, 0, last, "its digest is not the one that the head of the log holds"),
        (log, 0, 0, "the log of its auction is gone"),
    ] {
        let journal = Journal::written().await;
        journal.damage(statement, argument).await;
        for arguments in [&["verify"][..], &["verify", "--auction", &journal.id()]] {
            let (code, text) = said(&run(journal.dir.path(), arguments));
            let expected = format!("auction {}: seq {seq}: {fault}\n", journal.id());
            // A head that ends within one decision already shows that something of it is owed.
            let owed = format!("auction {}: seq {seq}: is missing: ", journal.id());
            assert!(text == expected || text.starts_with(&owed), "{statement}: {text}");
            assert_eq!(code, Some(1), "{statement}");
        }
    }
}

#[tokio::test]
async fn where_there_is_nothing_to_verify_it_says_so() {
    let nowhere = tempfile::tempdir().unwrap();
    let output = run(nowhere.path(), &["verify"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no journal in"));
    let journal = Journal::written().await;
    let unknown = "0190b3a0-0000-7000-8000-000000000000";
    let output = run(journal.dir.path(), &["verify", "--auction", unknown]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("there is no auction {unknown}")));
}
