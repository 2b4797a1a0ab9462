//! `replay` against a real hub, over real sockets.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Hub, run};

const SECRET: &str = "a secret that hub and replayer share";

fn hub(dir: &Path) -> (Hub, String) {
    Hub::start(dir, &["serve", "--jwt-secret", SECRET], "bidhub listens on ")
}

fn replayed(dir: &Path, url: &str, record: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let file = record.to_str().unwrap();
    let arguments = ["replay", file, "--url", url, "--jwt-secret", SECRET, "--json"];
    let output = run(dir, &[&arguments[..], more].concat());
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

/// Three auctions by hand: worked prices, a bid too low, a ceiling not raised, and more bidders than sockets.
fn record(dir: &Path) -> PathBuf {
    let mut text =
        "auction,item,duration_days,opening_minor,recorded_price_minor,bid_day,bidder,max_minor\n".to_owned();
    for (auction, recorded, bids) in [
        (1, 6_100, &[(0.5, "b2", 6_000), (0.1, "b1", 10_000)][..]),
        (2, 100, &[(0.1, "b1", 500), (0.2, "b1", 400), (0.3, "b3", 50)]),
        (3, 999, &[(0.1, "b4", 200), (0.2, "b5", 300), (0.3, "b6", 400), (0.4, "b7", 500)]),
    ] {
        for (day, bidder, max) in bids {
            writeln!(text, "{auction},lamp,3,100,{recorded},{day},{bidder},{max}").unwrap();
        }
    }
    let file = dir.join("record.csv");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_record_is_played_as_the_rules_decide_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, url) = hub(dir.path());
    let record = record(dir.path());
    let few = ["--connections", "2", "--codec", "msgpack", "--expect-accepted", "7", "--expect-equal", "2"];
    let (code, report) = replayed(dir.path(), &url, &record, &few);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((&report["accepted"], &report["equal_prices"], &report["auctions"]), (&7.into(), &2.into(), &3.into()));
    assert_eq!(report["rejected"], serde_json::json!({"bid_too_low": 1, "max_not_raised": 1}));
    // Played again under the same name, the same auctions give the same verdicts.
    let (code, report) = replayed(dir.path(), &url, &record, &[]);
    assert_eq!((code, &report["accepted"], &report["equal_prices"]), (Some(0), &7.into(), &2.into()), "{report}");
    // What is not as expected fails.
    let (code, _) = replayed(dir.path(), &url, &record, &["--expect-equal", "3"]);
    assert_eq!(code, Some(1));
    assert_eq!(hub.stop(), Some(0));

    let verified = run(dir.path(), &["verify"]);
    let text = String::from_utf8_lossy(&verified.stdout);
    assert!(text.starts_with("verified: 3 auctions, ") && text.contains(" 7 bids"), "{text}");
}

#[test]
fn a_hub_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let record = record(dir.path());
    let without_secret = ["replay", "--file", record.to_str().unwrap()];
    assert_eq!(run(dir.path(), &without_secret).status.code(), Some(2));
}

/// The numbers of an independent calculation, if the record is there.
#[test]
fn the_real_record_comes_out_exactly() {
    let Some(record) = crate::shared::ebay_bids() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (hub, url) = hub(dir.path());
    let (code, report) = replayed(dir.path(), &url, &record, &[]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((&report["accepted"], &report["equal_prices"]), (&10_593.into(), &588.into()), "{report}");
    assert_eq!(report["rejected"], serde_json::json!({"bid_too_low": 5, "max_not_raised": 56}));
    assert_eq!(hub.stop(), Some(0));
    let verified = run(dir.path(), &["verify"]);
    let text = String::from_utf8_lossy(&verified.stdout);
    assert!(text.starts_with("verified: 627 auctions, ") && text.contains(" 10593 bids"), "{text}");
}
