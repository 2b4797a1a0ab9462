//! Lost time is given back where it reaches into the last stretch, and the cap moves with the end.

use bidhub::domain::auction::{Command, EventKind, ExtensionCause};
use bidhub::domain::formats::English;

use crate::hall::*;

#[test]
fn lost_time_counts_only_in_the_last_stretch() {
    // The stretch is the longer of window (60 s) and grace (30 s).
    for (soft, from, until, end) in [
        (false, LASTS_S - 100, LASTS_S - 30, None),
        (false, LASTS_S - 100, LASTS_S - 29, Some(LASTS_S + 71)),
        (true, LASTS_S - 100, LASTS_S - 60, None),
        (true, LASTS_S - 100, LASTS_S - 59, Some(LASTS_S + 41)),
        (true, LASTS_S - 1, LASTS_S + 500, Some(LASTS_S + 530)),
        (true, LASTS_S, LASTS_S + 500, None),
        (true, LASTS_S - 10, LASTS_S - 10, None),
        (true, LASTS_S - 10, LASTS_S - 20, None),
    ] {
        let soft_close = soft.then(soft_close);
        let mut hall = Hall::open(terms(English { soft_close, ..english() }));
        let cap = hall.state.cap;
        let events = hall.outage(at(from), at(until)).unwrap();
        match end {
            None => assert_eq!(events, [], "{from} to {until}"),
            Some(end) => {
                let extended = EventKind::Extended { ends_at: at(end), cause: ExtensionCause::Outage };
                assert_eq!(
                    events,
                    [EventKind::Suspended { since: at(from), until: at(until) }, extended],
                    "{from} to {until}"
                );
                assert_eq!(hall.state.cap.since(cap).millis(), (end - LASTS_S) * 1_000);
            }
        }
        hall.assert_audited();
    }
}

#[test]
fn after_an_outage_a_late_bid_extends_as_before() {
    let mut hall = Hall::open(terms(English { soft_close: Some(soft_close()), ..english() }));
    hall.outage(at(LASTS_S - 10), at(LASTS_S + 90)).unwrap();
    assert_eq!(hall.end_s(), LASTS_S + 120);
    hall.bid_at(A, max(5_00), at(LASTS_S + 119)).unwrap();
    assert_eq!(hall.end_s(), LASTS_S + 179);
    hall.assert_audited();
}

#[test]
fn an_opening_that_fell_into_an_outage_is_not_counted_as_bidding_time() {
    let mut hall = Hall::scheduled(terms(english()));
    hall.ask(&Command::Tick, at(LASTS_S + 40)).unwrap();
    hall.outage(at(-1_000), at(LASTS_S + 40)).unwrap();
    assert_eq!(hall.log[1].kind, EventKind::Suspended { since: at(0), until: at(LASTS_S + 40) });
    assert_eq!(hall.end_s(), 2 * LASTS_S + 40);
    hall.assert_audited();
}

#[test]
fn a_pause_is_no_outage() {
    let mut hall = Hall::open(terms(english()));
    hall.pause(at(LASTS_S - 1)).unwrap();
    assert_eq!(hall.outage(at(LASTS_S - 1), at(LASTS_S + 100)), Ok(vec![]));
    assert_eq!(Hall::scheduled(terms(english())).outage(at(-9), at(9)), Ok(vec![]), "nor before the opening");
}

#[test]
fn an_outage_decided_a_little_after_the_recovery_still_passes_an_audit() {
    let mut hall = Hall::open(terms(english()));
    let outage = Command::Outage { from: at(LASTS_S - 10), until: at(LASTS_S + 5) };
    hall.ask(&outage, at_ms(LASTS_S * 1_000 + 5_007)).unwrap();
    assert_eq!(hall.state.ends_at, at(LASTS_S + 35), "the grace counts from the recovery");
    hall.assert_audited();
    let mut behind = Hall::open(terms(english()));
    behind.bid_at(A, max(5_00), at(LASTS_S - 5)).unwrap();
    behind.ask(&Command::Outage { from: at(LASTS_S - 20), until: at(LASTS_S - 8) }, at(LASTS_S - 8)).unwrap();
    behind.assert_audited();
}
