//! Spans that follow a bid: from the socket or request through the room, to another node if its owner is there, into the
//! batch and the append. Nothing here knows where spans go; [`crate::telemetry`] sends them on if the operator wants them.
//!
//! Only one bid in so many is followed, and that is decided before anything is made: what is not followed has no span. A
//! span never holds an amount, a ceiling, an account or a token.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::{Instrument as _, Span, field, trace_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::domain::AuctionId;

/// The target of these spans, by which they are told from those of the log.
pub const TARGET: &str = "bidhub::trace";

/// How far the wheel turns with each bid; a bid with which it comes round is followed. 0 follows none.
static STEP: AtomicU64 = AtomicU64::new(0);
static WHEEL: AtomicU64 = AtomicU64::new(0);

/// A span's place in a trace, to be carried to another node: trace id, span id, flags.
pub type TraceContext = [u8; 25];

/// Follows this part of all bids from now on: 0 for none, 1 for all.
pub fn follow(part: f64) {
    // A float as large as the range is cut to its end.
    STEP.store((part.clamp(0.0, 1.0) * u64::MAX as f64) as u64, Ordering::Relaxed);
}

fn is_next() -> bool {
    match STEP.load(Ordering::Relaxed) {
        0 => false,
        u64::MAX => true,
        step => WHEEL.fetch_add(step, Ordering::Relaxed).checked_add(step).is_none(),
    }
}

/// The span of a bid, from its arrival by socket or request to its answer; for most bids none.
pub fn bid(via: &'static str, auction: Option<AuctionId>) -> Span {
    if !is_next() {
        return Span::none();
    }
    let span = trace_span!(
        target: TARGET, parent: None, "bid",
        otel.kind = "server", via, auction = field::Empty, seq = field::Empty, outcome = field::Empty
    );
    if let Some(auction) = auction {
        span.record("auction", field::display(auction));
    }
    span
}

/// Writes into the span of a bid how it ended: `accepted` and the number of its event, or the code of the refusal.
pub fn ended(span: &Span, outcome: &'static str, seq: Option<u64>) {
    span.record("outcome", outcome);
    if let Some(seq) = seq {
        span.record("seq", seq);
    }
}

/// The span of a bid that the present task is in, if it is followed.
pub fn current() -> Span {
    if STEP.load(Ordering::Relaxed) == 0 {
        return Span::none();
    }
    let current = Span::current();
    let ours = current.metadata().is_some_and(|metadata| metadata.target() == TARGET);
    if ours { current } else { Span::none() }
}

/// A followed bid on its way through a room's mailbox: its span, and that of its wait there.
#[derive(Debug)]
pub struct Trail {
    bid: Span,
    wait: Span,
}

impl Trail {
    /// Of the bid that the present task is in; none for most.
    pub fn here() -> Option<Box<Self>> {
        let bid = current();
        if bid.is_disabled() {
            return None;
        }
        let wait = trace_span!(target: TARGET, parent: &bid, "mailbox");
        Some(Box::new(Self { bid, wait }))
    }

    /// Ends the wait. Gives the span of the bid.
    pub fn taken_up(&mut self) -> &Span {
        self.wait = Span::none();
        &self.bid
    }
}

/// The way of a bid to the node that owns its room, and of the answer back.
pub fn forward(bid: &Span) -> Span {
    part_of(bid, |bid| trace_span!(target: TARGET, parent: bid, "forward", otel.kind = "client"))
}

/// The batch of a room that has this bid in it. Other bids of the batch are linked to it by [`joins`].
pub fn batch(first: &Span, auction: AuctionId) -> Span {
    part_of(
        first,
        |first| trace_span!(target: TARGET, parent: first, "batch", %auction, commands = field::Empty, events = field::Empty),
    )
}

/// A further bid is in this batch.
pub fn joins(bid: &Span, batch: &Span) {
    bid.follows_from(batch);
}

/// Writes into the span of a batch how much is in it.
pub fn sealed(batch: &Span, commands: usize, events: usize) {
    batch.record("commands", commands);
    batch.record("events", events);
}

/// The append of a batch to the journal, awaited.
pub async fn append<F: Future>(batch: &Span, append: F) -> F::Output {
    let span = part_of(batch, |batch| trace_span!(target: TARGET, parent: batch, "append"));
    append.instrument(span).await
}

/// The raise of what is set aside for a bid, awaited.
pub async fn raise<F: Future>(bid: &Span, raise: F) -> F::Output {
    let span = part_of(bid, |bid| trace_span!(target: TARGET, parent: bid, "raise"));
    raise.instrument(span).await
}

fn part_of(whole: &Span, make: impl FnOnce(&Span) -> Span) -> Span {
    if whole.is_disabled() { Span::none() } else { make(whole) }
}

/// The place of a span in its trace, if it is followed.
pub fn context_of(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let place = context.span().span_context().clone();
    if !place.is_valid() || !place.is_sampled() {
        return None;
    }
    let mut bytes = [0; 25];
    bytes[..16].copy_from_slice(&place.trace_id().to_bytes());
    bytes[16..24].copy_from_slice(&place.span_id().to_bytes());
    bytes[24] = place.trace_flags().to_u8();
    Some(bytes)
}

/// The span of a bid that another node forwarded; none if it did not follow it, or nothing is followed here.
pub fn forwarded(context: Option<TraceContext>, auction: AuctionId) -> Span {
    let Some(context) = context.filter(|_| STEP.load(Ordering::Relaxed) != 0) else { return Span::none() };
    let (mut trace, mut parent) = ([0; 16], [0; 8]);
    trace.copy_from_slice(&context[..16]);
    parent.copy_from_slice(&context[16..24]);
    let place = SpanContext::new(
        TraceId::from_bytes(trace),
        SpanId::from_bytes(parent),
        TraceFlags::new(context[24]),
        true,
        TraceState::NONE,
    );
    let span = trace_span!(
        target: TARGET, parent: None, "forwarded bid",
        otel.kind = "server", %auction, seq = field::Empty, outcome = field::Empty
    );
    // Without a layer that keeps contexts there is nothing to set, and nothing is sent either.
    let _ = span.set_parent(Context::new().with_remote_span_context(place));
    span
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    // One test, for the wheel is one for the process.
    #[test]
    fn one_bid_in_so_many_is_followed_and_to_another_node_too() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let auction = AuctionId(uuid::Uuid::from_u128(7));
        let followed = |count: usize| (0..count).filter(|_| !bid("ws", Some(auction)).is_disabled()).count();

        assert_eq!(followed(100), 0, "off unless asked for");
        assert!(current().is_disabled() && forwarded(Some([1; 25]), auction).is_disabled());
        follow(0.25);
        assert_eq!(followed(400), 100);
        follow(1.0);
        assert_eq!(followed(50), 50);

        let span = bid("ws", Some(auction));
        let sent = context_of(&forward(&span)).expect("it is followed");
        let there = forwarded(Some(sent), auction);
        assert_eq!(there.context().span().span_context().trace_id(), span.context().span().span_context().trace_id());
        assert_ne!(context_of(&there), Some(sent), "a span of its own");
        assert!(forwarded(None, auction).is_disabled(), "what was not followed there is not followed here");
        assert_eq!(span.in_scope(|| current().id()), span.id());
        assert!(tracing::info_span!("request").in_scope(current).is_disabled(), "a span of the log is not ours");
        assert!(forward(&Span::none()).is_disabled() && context_of(&Span::none()).is_none());
        assert!(Trail::here().is_none());
        let mut trail = span.in_scope(Trail::here).expect("it is followed");
        assert_eq!(trail.taken_up().id(), span.id());
        follow(0.0);
    }
}
