//! When something is tried again. A delivery has its own pauses, about three days of them in all; an endpoint that takes
//! nothing is left alone as a whole for a while, so that it is not asked once for every auction.

use crate::chance::Chance;
use crate::domain::Span;

const MINUTE_S: u32 = 60;
const HOUR_S: u32 = 3_600;

/// The pauses after the first attempt, the second and so on, in seconds.
const PAUSES_S: [u32; 11] = [
    5,
    30,
    3 * MINUTE_S,
    15 * MINUTE_S,
    HOUR_S,
    4 * HOUR_S,
    12 * HOUR_S,
    12 * HOUR_S,
    12 * HOUR_S,
    12 * HOUR_S,
    12 * HOUR_S,
];
/// The first pause of an endpoint that took nothing, each next twice as long, and the longest.
const REST_MIN_S: u32 = 5;
const REST_MAX_S: u32 = 10 * MINUTE_S;
/// The longest pause that a receiver may ask for.
const ASKED_MAX: Span = Span::from_secs(HOUR_S);

/// An endpoint that took nothing for so long is disabled.
pub(super) const FAILING_MAX: Span = Span::from_secs(3 * 24 * HOUR_S);
/// A delivery that waited for so long is given up, however often it was tried.
pub(super) const WAITING_MAX: Span = Span::from_secs(4 * 24 * HOUR_S);

/// How long to wait after a delivery's attempt number `attempts` (1 is the first); none if it was the last.
pub(super) fn pause(attempts: i64, asked: Option<Span>, chance: &Chance) -> Option<Span> {
    let at = usize::try_from(attempts - 1).ok()?;
    let planned = jittered(*PAUSES_S.get(at)?, chance);
    Some(asked.map_or(planned, |asked| planned.max(asked.min(ASKED_MAX))))
}

/// How long to leave an endpoint alone after it took nothing `failures` times in a row.
pub(super) fn rest(failures: i64, asked: Option<Span>, chance: &Chance) -> Span {
    let doublings = u32::try_from(failures - 1).unwrap_or(0).min(16);
    let planned = jittered(REST_MIN_S.saturating_mul(1 << doublings).min(REST_MAX_S), chance);
    asked.map_or(planned, |asked| planned.max(asked.min(ASKED_MAX)))
}

/// So much, or up to a fifth more.
fn jittered(seconds: u32, chance: &Chance) -> Span {
    let base = Span::from_secs(seconds).millis();
    let more = chance.below(base.unsigned_abs() / 5 + 1);
    Span::from_millis(base.saturating_add(i64::try_from(more).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_twelve_times_in_about_three_days() {
        for seed in 0..50 {
            let chance = Chance::seeded(seed);
            let pauses: Vec<i64> = (1..).map_while(|at| pause(at, None, &chance)).map(Span::millis).collect();
            let hours = pauses.iter().sum::<i64>() / 3_600_000;
            assert!(pauses.len() == 11 && (65..79).contains(&hours), "{hours} h");
            assert!((5_000..=6_000).contains(&pauses[0]), "{pauses:?}");
            assert!(pauses.windows(2).all(|pair| pair[0] < pair[1] * 5 / 4), "{pauses:?}");
        }
        assert_eq!(pause(0, None, &Chance::seeded(1)), None);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_ever() {
        let chance = Chance::seeded(1);
        assert_eq!(pause(1, Some(Span::from_secs(120)), &chance), Some(Span::from_secs(120)));
        assert_eq!(pause(1, Some(Span::from_secs(u32::MAX)), &chance), Some(ASKED_MAX));
        assert!(pause(7, Some(Span::from_secs(1)), &chance).unwrap() >= Span::from_secs(12 * HOUR_S));
        assert_eq!(rest(1, Some(Span::from_secs(120)), &chance), Span::from_secs(120));
    }

    #[test]
    fn an_endpoint_is_left_alone_for_longer_each_time() {
        let rests: Vec<i64> = (1..=100).map(|failures| rest(failures, None, &Chance::seeded(9)).millis()).collect();
        assert!((5_000..=6_000).contains(&rests[0]) && (10_000..=12_000).contains(&rests[1]), "{rests:?}");
        assert!(rests[8..].iter().all(|rest| (600_000..=720_000).contains(rest)), "{rests:?}");
    }
}
