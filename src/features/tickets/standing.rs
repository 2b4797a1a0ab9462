//! How a ticket stands, and what writing, answering, closing and reopening make of that. Pure.

use crate::domain::{Span, Timestamp};

/// How long after it was closed its author may open a ticket again.
pub const REOPEN_WITHIN: Span = Span::from_secs(30 * 86_400);

/// Where a ticket is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TicketStatus)]
pub enum Status {
    /// Staff is to answer.
    Open,
    /// Staff is at it.
    Pending,
    /// The author is to say more, if anything is left.
    Answered,
    /// It is done.
    Closed,
}

/// How a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it is on its way.
    pub status: Status,
    /// Since when its author waits for an answer.
    pub waiting_since: Option<Timestamp>,
    /// When staff first answered.
    pub first_answer_at: Option<Timestamp>,
    /// When it was closed, if it is.
    pub closed_at: Option<Timestamp>,
}

/// The ticket is closed, and this does not open it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsClosed;

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Pending, Self::Answered, Self::Closed];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Closed => "closed",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl Standing {
    /// A ticket opened at `now`.
    pub fn opened(now: Timestamp) -> Self {
        Self { status: Status::Open, waiting_since: Some(now), first_answer_at: None, closed_at: None }
    }

    /// True once it is closed.
    pub fn is_closed(self) -> bool {
        self.status == Status::Closed
    }

    /// Its author writes in it, which opens it again if it was not closed too long ago.
    pub fn asked(self, now: Timestamp) -> Result<Self, IsClosed> {
        let waiting_since = self.waiting_since.or(Some(now));
        Ok(Self { status: Status::Open, waiting_since, closed_at: None, ..self.reopened(now)? })
    }

    /// Its author opens it again. One that is not closed stays as it is.
    pub fn reopened(self, now: Timestamp) -> Result<Self, IsClosed> {
        match self.closed_at {
            None => Ok(self),
            Some(closed_at) if now.since(closed_at) <= REOPEN_WITHIN => Ok(self.set(Status::Open, now)),
            Some(_) => Err(IsClosed),
        }
    }

    /// Staff answers. What is closed must be opened first.
    pub fn answered(self, now: Timestamp) -> Result<Self, IsClosed> {
        if self.is_closed() {
            return Err(IsClosed);
        }
        let first_answer_at = self.first_answer_at.or(Some(now));
        Ok(Self { first_answer_at, ..self.set(Status::Answered, now) })
    }

    /// It gets this status.
    pub fn set(self, status: Status, now: Timestamp) -> Self {
        let (waiting_since, closed_at) = match status {
            Status::Open | Status::Pending => (self.waiting_since.or(Some(now)), None),
            Status::Answered => (None, None),
            Status::Closed => (None, self.closed_at.or(Some(now))),
        };
        Self { status, waiting_since, closed_at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn who_is_to_write_next_waits_or_does_not() {
        let opened = Standing::opened(at(1));
        assert_eq!((opened.status, opened.waiting_since), (Status::Open, Some(at(1))));
        let again = opened.asked(at(2)).unwrap();
        assert_eq!(again, opened, "who asks twice waits since the first time");
        let answered = again.answered(at(3)).unwrap();
        assert_eq!((answered.status, answered.waiting_since), (Status::Answered, None));
        let asked = answered.asked(at(4)).unwrap();
        assert_eq!((asked.status, asked.waiting_since), (Status::Open, Some(at(4))));
        let twice = asked.set(Status::Pending, at(5)).answered(at(6)).unwrap();
        assert_eq!(twice.first_answer_at, Some(at(3)), "the first answer stays the first");
        assert_eq!(asked.set(Status::Pending, at(5)).waiting_since, Some(at(4)));
    }

    #[test]
    fn what_is_closed_opens_again_for_thirty_days() {
        let closed = Standing::opened(at(0)).set(Status::Closed, at(10));
        assert_eq!((closed.waiting_since, closed.closed_at), (None, Some(at(10))));
        assert_eq!(closed.set(Status::Closed, at(20)), closed, "closing twice is closing once");
        let last = at(10).plus(REOPEN_WITHIN);
        let late = last.plus(Span::from_millis(1));
        for opened in [closed.reopened(last), closed.asked(last)] {
            assert_eq!(
                opened.map(|it| (it.status, it.waiting_since, it.closed_at)),
                Ok((Status::Open, Some(last), None))
            );
        }
        assert_eq!((closed.reopened(late), closed.asked(late)), (Err(IsClosed), Err(IsClosed)));
        assert_eq!(closed.answered(at(11)), Err(IsClosed), "staff opens it first");
        assert!(!closed.set(Status::Open, late).is_closed(), "staff may at any time");
        let answered = Standing::opened(at(0)).answered(at(1)).unwrap();
        assert_eq!(answered.reopened(late), Ok(answered), "what is not closed need not be opened");
    }

    #[test]
    fn names_are_read_back() {
        assert!(Status::ALL.into_iter().all(|status| Status::named(status.name()) == Some(status)));
        assert_eq!(Status::named("done"), None);
    }
}
