//! What time it is, and how a moment is written. The one module that reads the machine's clock, and the one that knows
//! the time format of the wire: RFC 3339 in UTC with exactly three fraction digits, `2026-11-20T09:30:00.000Z`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::domain::{Span, Timestamp};

/// A source of the current moment: the machine's own, or one that a test moves by hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock, set right by the clock that all nodes share.
    Shared(Arc<Offset>),
    /// A clock that stands still until it is moved.
    Manual(Arc<Hands>),
}

/// By how much the clock that all nodes share is ahead of the machine's, in milliseconds; negative if it is behind.
#[derive(Debug, Default)]
pub struct Offset(AtomicI64);

impl Offset {
    /// What it is, in milliseconds.
    pub fn millis(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sets it, in milliseconds.
    pub fn set(&self, ahead: i64) {
        self.0.store(ahead, Ordering::SeqCst);
    }
}

/// What a manual clock shows, in milliseconds.
#[derive(Debug, Default)]
pub struct Hands {
    wall: AtomicI64,
    steady: AtomicI64,
}

/// So much skipped by the wall clock is no mere correction: the machine slept, or its clock was set.
const SKIP_MIN: Span = Span::from_secs(1);

/// A moment by two clocks: the one on the wall, and one that neither is set nor runs while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    wall: Timestamp,
    steady: Steady,
}

#[derive(Clone, Copy, Debug)]
enum Steady {
    System(Instant),
    Manual(i64),
}

impl Clock {
    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(Hands { wall: AtomicI64::new(start.millis()), steady: AtomicI64::new(0) }))
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        match self {
            #[allow(clippy::disallowed_methods, reason = "the one place that may")]
            Self::System => Timestamp::from_millis(Utc::now().timestamp_millis()),
            Self::Shared(offset) => Timestamp::from_millis(Self::System.now().millis().saturating_add(offset.millis())),
            Self::Manual(hands) => Timestamp::from_millis(hands.wall.load(Ordering::SeqCst)),
        }
    }

    /// The current moment by both clocks.
    pub fn mark(&self) -> Mark {
        let steady = match self {
            Self::System | Self::Shared(_) => Steady::System(Instant::now()),
            Self::Manual(hands) => Steady::Manual(hands.steady.load(Ordering::SeqCst)),
        };
        Mark { wall: self.now(), steady }
    }

    /// By how much the wall clock has moved on since `mark` without time having passed here: the machine slept, or the
    /// clock was set forward. Nobody could do anything in that time. Corrections of less than a second count as nothing.
    pub fn skipped_since(&self, mark: Mark) -> Span {
        let passed = match (self, mark.steady) {
            (Self::System | Self::Shared(_), Steady::System(at)) => {
                i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)
            }
            (Self::Manual(hands), Steady::Manual(at)) => hands.steady.load(Ordering::SeqCst) - at,
            _ => i64::MAX,
        };
        let skipped = Span::from_millis(self.now().since(mark.wall).millis().saturating_sub(passed));
        if skipped >= SKIP_MIN { skipped } else { Span::ZERO }
    }

    /// Lets time pass on a manual clock. The machine's clock moves by itself.
    pub fn advance(&self, by: Span) {
        if let Self::Manual(hands) = self {
            hands.steady.fetch_add(by.millis(), Ordering::SeqCst);
            hands.wall.fetch_add(by.millis(), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock forward without letting time pass.
    pub fn skip(&self, by: Span) {
        if let Self::Manual(hands) = self {
            hands.wall.fetch_add(by.millis(), Ordering::SeqCst);
        }
    }
}

/// Writes a moment in the wire format.
pub fn format(at: Timestamp) -> String {
    to_datetime(at).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a moment: any RFC 3339 text with an offset; digits beyond the millisecond are cut off.
pub fn parse(text: &str) -> Option<Timestamp> {
    let parsed = DateTime::parse_from_rfc3339(text).ok()?;
    let millis = parsed.timestamp_millis();
    (0..=Timestamp::MAX.millis()).contains(&millis).then(|| Timestamp::from_millis(millis))
}

/// The moment as database drivers take it.
pub fn to_datetime(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.millis()).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// The moment that a database driver gave.
pub fn from_datetime(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}

/// A moment in a request, an answer, a push, a cache or an export.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WireTime(pub Timestamp);

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(self.0))
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| D::Error::custom("not an RFC 3339 time such as 2026-11-20T09:30:00.000Z"))
    }
}

impl utoipa::PartialSchema for WireTime {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-11-20T09:30:00.000Z"])
            .into()
    }
}

impl utoipa::ToSchema for WireTime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_three_fraction_digits_and_read_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_253_400_000, "2026-11-21T09:30:00.000Z"),
            (1_795_253_400_007, "2026-11-21T09:30:00.007Z"),
        ] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(format(at), text);
            assert_eq!(parse(text), Some(at));
        }
        assert_eq!(format(Timestamp::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn time_that_nobody_lived_through_is_told_from_time_that_passed() {
        let clock = Clock::manual(Timestamp::from_millis(1_000));
        let mark = clock.mark();
        clock.advance(Span::from_secs(60));
        assert_eq!(clock.skipped_since(mark), Span::ZERO);
        clock.skip(Span::from_secs(5));
        clock.advance(Span::from_secs(60));
        assert_eq!(clock.skipped_since(mark), Span::from_secs(5));
        assert_eq!(Clock::System.skipped_since(Clock::System.mark()), Span::ZERO);
    }

    #[test]
    fn a_shared_clock_is_ahead_of_the_machines_or_behind_it() {
        for ahead in [60_000, -60_000] {
            let offset = Arc::new(Offset::default());
            offset.set(ahead);
            let between = Clock::Shared(offset).now().millis() - Clock::System.now().millis();
            assert!((between - ahead).abs() < 10_000, "{between}");
        }
    }

    #[test]
    fn offsets_are_understood_and_nonsense_is_not() {
        assert_eq!(parse("2026-11-21T10:30:00+01:00"), parse("2026-11-21T09:30:00.000Z"));
        assert_eq!(parse("2026-11-21T09:30:00.0009Z"), parse("2026-11-21T09:30:00Z"));
        for wrong in ["", "2026-11-21", "2026-11-21T09:30:00", "1969-12-31T23:59:59Z", "soon"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
