//! Every metric of the hub: its name, kind, unit, labels and meaning, in one place. What measures it only names it; a test
//! holds the two together, and with them the dashboard and the alerts.

use metrics::Unit;

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Values by size.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// What it counts in.
    pub unit: Unit,
    /// What it says, with its labels.
    pub help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Measure {
    Measure { name, kind: Kind::Counter, unit: Unit::Count, help }
}

const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Measure {
    Measure { name, kind: Kind::Gauge, unit, help }
}

const fn seconds(name: &'static str, help: &'static str) -> Measure {
    Measure { name, kind: Kind::Histogram, unit: Unit::Seconds, help }
}

const fn sizes(name: &'static str, help: &'static str) -> Measure {
    Measure { name, kind: Kind::Histogram, unit: Unit::Count, help }
}

/// All of them.
#[rustfmt::skip]
pub const MEASURES: &[Measure] = &[
    // Callers.
    seconds("bidhub_http_request_seconds", "Time from a request's head to its answer's head, by route, method, status"),
    seconds("bidhub_bid_to_ack_seconds", "Time from a bid's arrival to its answer, by via: ws, rest"),
    seconds("bidhub_ws_request_seconds", "Time to take a WebSocket request in, by type; a bid's answer comes later"),
    gauge("bidhub_ws_connections", Unit::Count, "WebSocket connections"),
    counter("bidhub_ws_closed_total", "WebSocket connections that the hub closed, by close code"),
    counter("bidhub_ws_fell_behind_total", "Frames for which a connection had no room, so that it gets a fresh state"),
    counter("bidhub_fanout_deliveries_total", "Frames handed to watchers"),
    counter("bidhub_notifications_pushed_total", "Notifications handed to connections"),
    counter("bidhub_notifications_missed_total", "Times that a connection was told that it missed notifications, or had no room for one"),
    gauge("bidhub_notify_lag_seconds", Unit::Seconds, "Age of the oldest notification that is not pushed yet, on the node that pushes"),
    counter("bidhub_notify_failures_total", "Rounds of pushing notifications that failed; they are tried again"),
    counter("bidhub_mail_total", "Mails, by outcome: sent, failed, dropped"),
    seconds("bidhub_payment_call_seconds", "Time of a call of the payment provider, by call, outcome: ok, refused, unavailable, unknown"),
    counter("bidhub_image_uploads_total", "Images uploaded, by outcome: stored, known, or the code of the refusal"),
    seconds("bidhub_image_work_seconds", "Time to check one image and make it anew"),
    gauge("bidhub_image_bytes", Unit::Bytes, "Bytes that the images of the hub have"),
    gauge("bidhub_image_bytes_max", Unit::Bytes, "Bytes that they may have; 0 for no bound"),
    counter("bidhub_images_swept_total", "Images deleted because no auction showed them"),
    // Rooms.
    gauge("bidhub_rooms_loaded", Unit::Count, "Rooms in memory"),
    gauge("bidhub_rooms_owned", Unit::Count, "Rooms that this node decides for"),
    gauge("bidhub_rooms_followed", Unit::Count, "Rooms that another node decides for and this one mirrors"),
    seconds("bidhub_room_load_seconds", "Time to load a room"),
    sizes("bidhub_room_batch_size", "Commands decided together"),
    seconds("bidhub_room_append_seconds", "Time until the journal has confirmed a batch"),
    counter("bidhub_funding_raises_total", "Bids for which more was to be set aside, by outcome: raised, refused, busy, unanswered"),
    seconds("bidhub_funding_raise_seconds", "Time from asking for more to be set aside for a bid to the answer"),
    counter("bidhub_room_rereads_total", "Appends of unknown outcome, after which a room read its log again"),
    // Many nodes.
    counter("bidhub_lease_renewals_total", "Renewals of leases, by outcome"),
    counter("bidhub_lease_fenced_total", "Writes refused because another node holds the lease"),
    counter("bidhub_takeovers_total", "Rooms taken over, by kind: free, expired, handed_over"),
    seconds("bidhub_forward_seconds", "Time from forwarding a command to the answer of its owner"),
    counter("bidhub_forwards_total", "Commands forwarded to the node that owns their room, by outcome"),
    counter("bidhub_mirror_gaps_total", "Gaps in what a mirror heard, mended by reading the journal"),
    counter("bidhub_mirror_resets_total", "Mirrors that had to begin anew"),
    counter("bidhub_bus_deaf_total", "Times that the bus may have missed messages"),
    counter("bidhub_bus_casts_lost_total", "Things said to all nodes that did not go out"),
    counter("bidhub_live_dropped_total", "Live messages that found no room on their way, by where"),
    counter("bidhub_bus_lagged_total", "Messages that came faster than this node could hand them on"),
    counter("bidhub_bus_news_lost_total", "News for which a room that follows had no place; it fetches them"),
    counter("bidhub_bus_told_lost_total", "Messages of other nodes for which this node had no place; they are sent again"),
    counter("bidhub_bus_tell_unknown_total", "Messages to other nodes that may or may not have arrived"),
    counter("bidhub_bus_notices_late_total", "Notices that were not heard at once, and were read later"),
    gauge("bidhub_clock_offset_ms", Unit::Milliseconds, "This machine's clock against the clock of the cluster"),
    // The journal and what is behind it.
    seconds("bidhub_journal_commit_seconds", "Time of one commit of the SQL journal"),
    sizes("bidhub_journal_group_size", "Batches in one commit of the SQL journal"),
    counter("bidhub_journal_failures_total", "Commits of the SQL journal that failed"),
    counter("bidhub_journal_forks_total", "Logs of which two histories were found; the losing one is kept aside"),
    gauge("bidhub_archive_lag_events", Unit::Count, "Committed events that are not in SQL yet"),
    gauge("bidhub_archive_lag_seconds", Unit::Seconds, "Age of the oldest committed event that is not in SQL yet"),
    sizes("bidhub_archive_batch_size", "Events archived in one transaction"),
    counter("bidhub_archive_conflicts_total", "Logs that SQL knows otherwise than Redis; they are archived no further"),
    gauge("bidhub_projection_lag_events", Unit::Count, "Events that the projections have not taken in yet"),
    gauge("bidhub_projection_lag_seconds", Unit::Seconds, "How long the projections have been behind"),
    counter("bidhub_projection_failures_total", "Pages that a projection could not take in, by projection"),
    counter("bidhub_projection_unreadable_total", "Records that no projection can read; their auctions are set aside alone"),
    // What is kept so that it need not be looked up.
    counter("bidhub_cache_requests_total", "What was asked of the cache, by kind and outcome: hit, shared, miss, absent, failed"),
    counter("bidhub_cache_away_total", "Times that the cache of all nodes did not answer, by call: look, keep, forget, forget_never"),
    // What people must decide.
    gauge("bidhub_staff_cases_open", Unit::Count, "Cases that wait for a decision of staff, by kind"),
    // What is sent to endpoints outside.
    counter("bidhub_webhook_attempts_total", "Messages sent to endpoints, by outcome: delivered, failed"),
    seconds("bidhub_webhook_seconds", "Time until an endpoint answered, or did not"),
    counter("bidhub_webhook_dead_total", "Deliveries given up, by reason: attempts, expired, gone, overflow"),
    counter("bidhub_webhook_disabled_total", "Endpoints disabled by the hub, by reason: gone, failing"),
    gauge("bidhub_webhook_waiting", Unit::Count, "Deliveries that wait for endpoints"),
    gauge("bidhub_webhook_endpoints_waiting", Unit::Count, "Endpoints for which something is due and no place is free"),
    gauge("bidhub_kinesis_lag_events", Unit::Count, "Events that are not in the stream of Kinesis yet"),
    gauge("bidhub_kinesis_lag_seconds", Unit::Seconds, "Age of the oldest event that is not in the stream of Kinesis yet"),
    counter("bidhub_kinesis_records_total", "Events put into the stream of Kinesis, by outcome: sent, again, skipped"),
    gauge("bidhub_moderation_open", Unit::Count, "Items of the moderation queue that wait for a decision of staff, by kind"),
    // The hub about itself.
    counter("bidhub_scheduled_runs_total", "Runs of work that comes round by the clock, by task, outcome: done, skipped, failed"),
    counter("bidhub_trace_exports_total", "Batches of spans, by outcome: sent, failed"),
];

/// Describes all metrics to the recorder in place.
pub(super) fn describe() {
    for Measure { name, kind, unit, help } in MEASURES {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *unit, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *unit, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *unit, *help),
        }
    }
}
