//! `export` and `verify --log`: what is written for everyone can be checked by anyone.

use super::journal::Journal;
use super::{run, said};

#[tokio::test]
async fn an_exported_log_verifies_without_the_journal() {
    let journal = Journal::written().await;
    let file = journal.dir.path().join("log.ndjson");
    let name = file.to_str().unwrap();
    let written = run(journal.dir.path(), &["export", "--auction", &journal.id(), "--output", name]);
    assert_eq!(said(&written), (Some(0), String::new()));
    let (code, printed) = said(&run(journal.dir.path(), &["export", "--auction", &journal.id()]));
    assert_eq!((code, &printed), (Some(0), &std::fs::read_to_string(&file).unwrap()));
    assert_eq!(printed.lines().count() as u64, journal.last + 1);
    assert!(!printed.contains(":3000,"), "no ceiling is in it");

    let elsewhere = tempfile::tempdir().unwrap();
    let (code, text) = said(&run(elsewhere.path(), &["verify", "--log", name]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with(&format!("verified: 1 auctions, {} events, 4 bids in ", journal.last)), "{text}");
}

#[tokio::test]
async fn a_changed_line_of_an_exported_log_is_named() {
    let journal = Journal::written().await;
    let (_, log) = said(&run(journal.dir.path(), &["export", "--auction", &journal.id()]));
    let file = journal.dir.path().join("changed.ndjson");
    let lines: Vec<&str> = log.lines().collect();
    for seq in [1, 2, lines.len() - 1] {
        let mut changed: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        changed[seq] = changed[seq].replacen("\"at\":\"2026", "\"at\":\"2025", 1);
        std::fs::write(&file, changed.join("\n")).unwrap();
        let (code, text) = said(&run(journal.dir.path(), &["verify", "--log", file.to_str().unwrap()]));
        let expected = format!("auction {}: seq {seq}: ", journal.id());
        assert!(text.starts_with(&expected) && text.contains("its digest does not follow"), "{text}");
        assert_eq!(code, Some(1));
    }
}
