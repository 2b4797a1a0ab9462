//! Golden files: logs as they were written by each version of the format. They are read for ever.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bidhub::domain::auction::{Audit, Event, EventKind, State};
use bidhub::domain::{Fees, Seq};
use bidhub::journal::{Chain, Digest, Head, Record, RecordError, Snapshot};
use serde_json::{Value, json};

use crate::story;

type Told = (Vec<Record>, Vec<Event>, State);
type Golden = (&'static str, fn() -> Told);

/// The golden files of version 1, and what they tell: acts had no keys at first, auctions no fees, resumptions no reasons.
const FILES: [Golden; 4] = [
    ("v1.ndjson", story::told),
    ("v1-keys.ndjson", story::told_with_keys),
    ("v1-fees.ndjson", story::told_with_fees),
    ("v1-reasons.ndjson", story::told_with_reasons),
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/golden").join(name)
}

fn line(record: &Record) -> String {
    json!({
        "version": record.version,
        "seq": record.seq.0,
        "epoch": record.epoch,
        "public": &*record.public,
        "private": hex::encode(&record.private),
        "commitment": hex::encode(record.commitment),
        "digest": hex::encode(record.digest.0),
    })
    .to_string()
}

fn read(line: &str) -> Record {
    let value: Value = serde_json::from_str(line).unwrap();
    let bytes = |name: &str| hex::decode(value[name].as_str().unwrap()).unwrap();
    Record {
        version: value["version"].as_u64().unwrap() as u16,
        seq: Seq(value["seq"].as_u64().unwrap()),
        epoch: value["epoch"].as_u64().unwrap(),
        public: value["public"].as_str().unwrap().into(),
        private: bytes("private"),
        commitment: bytes("commitment").try_into().unwrap(),
        digest: Digest(bytes("digest").try_into().unwrap()),
    }
}

/// What is written today is what was written then, byte for byte. With `BIDHUB_WRITE_GOLDEN` set, a file that is missing
/// is written; one that is there never is.
#[test]
fn version_1_is_written_as_ever() {
    for (name, told) in FILES {
        let text: String = told().0.iter().map(|record| line(record) + "\n").collect();
        if std::env::var_os("BIDHUB_WRITE_GOLDEN").is_some() && !file(name).exists() {
            std::fs::write(file(name), &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file(name)).unwrap(), text, "{name}");
    }
}

#[test]
fn version_1_is_read_as_ever() {
    for (name, told) in FILES {
        let text = std::fs::read_to_string(file(name)).unwrap();
        let records: Vec<Record> = text.lines().map(read).collect();
        let (_, events, state) = told();
        let mut chain = Chain::origin(&story::SECRET);
        chain.follow(&records[0]).unwrap();
        let (auction, at, terms, listing) = records[0].genesis().unwrap();
        assert_eq!((auction, at, listing), (story::auction(), story::at(0), story::listing()));
        let mut audit = Audit::new(terms);
        for (record, event) in records[1..].iter().zip(&events) {
            chain.follow(record).unwrap();
            assert_eq!(record.event().unwrap(), *event);
            audit.check(event).unwrap();
        }
        assert_eq!(records.len(), events.len() + 1);
        assert_eq!(audit.finish().unwrap(), state, "{name}");
    }
}

#[test]
fn keys_of_acts_are_private() {
    let (records, ..) = story::told_with_keys();
    assert!(records.iter().all(|record| !record.public.contains("act-") && !record.public.contains("last-act")));
    let keyed = records.iter().filter(|record| record.event().is_ok_and(|event| has_key(&event.kind)));
    assert_eq!(keyed.count(), 5, "an amendment, a pause, a resume, a void, a stop");
}

fn has_key(kind: &EventKind) -> bool {
    match kind {
        EventKind::Paused { key, .. }
        | EventKind::Resumed { key, .. }
        | EventKind::Stopped { key, .. }
        | EventKind::Amended { key, .. } => key.is_some(),
        EventKind::BidVoided(void) => void.key.is_some(),
        _ => false,
    }
}

#[test]
fn the_story_and_the_other_ends_tell_of_every_kind() {
    let (records, ..) = story::told();
    let mut kinds: BTreeSet<String> = records.iter().map(|record| record.public().unwrap().kind.into_owned()).collect();
    for events in story::other_ends() {
        let mut chain = Chain::origin(&story::SECRET);
        let terms = story::terms(bidhub::domain::auction::Funds::None);
        for event in events {
            let record = bidhub::journal::record::seal_event(&mut chain, 1, &event, &terms);
            assert_eq!(record.event().unwrap(), event);
            kinds.insert(record.public().unwrap().kind.into_owned());
        }
    }
    let all = [
        "amended",
        "bid",
        "bid_voided",
        "created",
        "ended",
        "extended",
        "opened",
        "paused",
        "private",
        "reserve_met",
        "resumed",
        "stopped",
        "suspended",
    ];
    assert_eq!(kinds, BTreeSet::from(all.map(str::to_owned)));
}

#[test]
fn public_bytes_are_canonical_and_tell_no_secret() {
    for record in story::told().0.into_iter().chain(story::told_with_fees().0) {
        let value: Value = serde_json::from_str(&record.public).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), *record.public, "keys sorted, no spaces");
        // The reserve, the ceilings that nobody reached, and the allowances.
        for secret in ["6000.", "\"reserve\":6", "100000", "9000,"] {
            assert!(!record.public.contains(secret), "{secret} in {}", record.public);
        }
        assert!(record.seq == Seq(0) || record.public.contains("amended") || !record.public.contains("01930000"));
    }
}

#[test]
fn a_later_version_is_refused() {
    let (mut records, ..) = story::told();
    records[3].version = 2;
    assert_eq!(records[3].event(), Err(RecordError::UnknownVersion(2)));
}

#[test]
fn a_snapshot_gives_the_state_back_or_nothing() {
    let (records, _, state) = story::told_with_reasons();
    assert_eq!((state.acts().count(), state.amended), (5, Seq(1)));
    let last = records.last().unwrap();
    let head = Head { seq: last.seq, digest: last.digest };
    let snapshot = Snapshot::take(&state, head);
    assert_eq!(snapshot.restore(), Some(state));
    let (.., with_fees) = story::told_with_fees();
    assert_ne!(with_fees.terms.fees, Fees::default());
    assert_eq!(Snapshot::take(&with_fees, Head { seq: with_fees.seq, ..head }).restore(), Some(with_fees));
    for place in 0..snapshot.body.len() {
        let mut damaged = snapshot.clone();
        damaged.body[place] ^= 1;
        assert_eq!(damaged.restore(), None, "byte {place}");
    }
}
