//! When work that comes round falls due: a cron expression, read in UTC, and nothing that waits or runs.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;

use crate::domain::Timestamp;

/// How many runs are counted at most; of more it is said that there were as many.
const COUNT_MAX: i64 = 100_000;

/// A cron expression: minute, hour, day of the month, month, day of the week, and seconds before them if there are six.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Schedule(Cron);

/// The run that is to be done now, and those before it that are too late by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When it fell due.
    pub at: Timestamp,
    /// How many fell due before it and will not be done.
    pub skipped: i64,
    /// The first of them.
    pub skipped_from: Option<Timestamp>,
}

impl Schedule {
    /// True if anything is due at `now` if everything up to `done` is done.
    pub fn is_due(&self, done: Timestamp, now: Timestamp) -> bool {
        self.next(done).is_some_and(|at| at <= now)
    }

    /// The oldest run that is due at `now` if everything up to `done` is done; none if nothing is. Of those that were missed,
    /// which are all but the last, the newest `missed_max` count, and the others are skipped.
    pub fn due(&self, done: Timestamp, now: Timestamp, missed_max: usize) -> Option<Due> {
        let first = self.next(done).filter(|at| *at <= now)?;
        let mut at = self.0.find_previous_occurrence(&moment(now), true).ok().map(timestamp)?;
        for _ in 0..missed_max {
            match self.0.find_previous_occurrence(&moment(at), false).ok().map(timestamp) {
                Some(before) if before >= first => at = before,
                _ => break,
            }
        }
        let mut skipped = 0;
        let mut run = first;
        while run < at && skipped < COUNT_MAX {
            skipped += 1;
            run = self.next(run)?;
        }
        Some(Due { at, skipped, skipped_from: (skipped > 0).then_some(first) })
    }

    /// The first moment of the schedule after `at`; none if there is none in sight.
    pub fn next(&self, at: Timestamp) -> Option<Timestamp> {
        self.0.find_next_occurrence(&moment(at), false).ok().map(timestamp)
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &dyn fmt::Display| format!("`{text}` is no cron expression such as */10 * * * *: {why}");
        let cron = text.parse::<Cron>().map_err(|error| wrong(&error))?;
        // One that never comes is a typing error, such as the 30th of February.
        cron.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false).map_err(|error| wrong(&error))?;
        Ok(Self(cron))
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.millis()).unwrap_or_default()
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        // 2026-11-20T00:00:00Z
        Timestamp::from_millis(1_795_132_800_000 + minutes * MINUTE)
    }

    #[test]
    fn the_oldest_that_was_missed_is_due_and_what_is_too_old_is_counted() {
        let schedule: Schedule = "*/10 * * * *".parse().unwrap();
        for (done, now, due) in [
            (0, 0, None),
            (0, 9, None),
            (0, 10, Some((10, 0, None))),
            (3, 19, Some((10, 0, None))),
            (0, 20, Some((10, 0, None))),
            (10, 20, Some((20, 0, None))),
            (0, 45, Some((10, 0, None))),
            (0, 55, Some((20, 1, Some(10)))),
            (20, 55, Some((30, 0, None))),
            (0, 65, Some((30, 2, Some(10)))),
            (30, 10, None),
        ] {
            let found = schedule.due(at(done), at(now), 3);
            assert_eq!(schedule.is_due(at(done), at(now)), due.is_some());
            let due = due.map(|(due, skipped, from)| Due { at: at(due), skipped, skipped_from: from.map(at) });
            assert_eq!(found, due, "done {done}, now {now}");
        }
    }

    #[test]
    fn a_long_time_is_not_counted_to_its_end() {
        let schedule: Schedule = "* * * * * *".parse().unwrap();
        let due = schedule.due(at(0), at(60 * 24 * 30), 0).unwrap();
        assert_eq!((due.at, due.skipped), (at(60 * 24 * 30), COUNT_MAX));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for wrong in ["", "often", "61 * * * *", "0 0 30 2 *", "* * *"] {
            assert!(wrong.parse::<Schedule>().is_err(), "{wrong}");
        }
        assert_eq!("*/10 * * * *".parse::<Schedule>().unwrap().to_string(), "*/10 * * * *");
    }
}
