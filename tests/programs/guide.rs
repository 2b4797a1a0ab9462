//! The guide to the API does what it says: its blocks are run as they stand, against a hub.

use std::process::Command;

use super::Hub;

/// The blocks of `docs/api.md` in this language, in order.
fn blocks(language: &str) -> Vec<String> {
    let guide = include_str!("../../docs/api.md");
    let fence = format!("```{language}\n");
    let block = |rest: &str| rest.split_once("```").expect("a block that ends").0.to_owned();
    guide.split(&fence).skip(1).map(block).collect()
}

#[test]
fn every_block_of_the_guide_works_as_it_stands() {
    let (data, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (hub, address) = Hub::start(data.path(), &["serve"], "bidhub listens on ");
    let programs = blocks("js");
    assert_eq!(programs.len(), 1);
    std::fs::write(place.path().join("watch.mjs"), &programs[0]).unwrap();
    let script = blocks("sh");
    assert!(script.len() > 5);
    let script = format!("set -euo pipefail\n{}", script.concat());
    let output = Command::new("bash").arg("-c").arg(script).current_dir(&place).env("HUB", &address).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    for expected in ["own_auction", "bid_accepted", "\"Walnut desk\"", "\"paid\"", "It is solid."] {
        assert!(said.contains(expected), "{expected} is missing:\n{said}\n{wrong}");
    }
    assert_eq!(hub.stop(), Some(0));
}
