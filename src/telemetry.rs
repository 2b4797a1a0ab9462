//! What the operator sees: the log, the metrics, the spans. Nothing here decides anything.

mod measures;
mod otlp;

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Handle;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::config::{ConfigError, Log, LogFormat};
use crate::trace;

pub use measures::{Kind, MEASURES, Measure};
pub use otlp::Traces;

/// Edges of the latency buckets in seconds, from the commit of a bid to a request that times out.
const LATENCY_BUCKETS_S: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts the log on standard error, and sends spans on if there is a collector. Called once, by `main`; tests keep
/// their own.
pub fn start(settings: &Log, runtime: &Handle) -> Result<Traces, ConfigError> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|error| ConfigError(format!("log_filter `{}`: {error}", settings.log_filter)))?;
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    let log = match settings.log_format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    // Each layer has a filter of its own, so that what only the other wants costs it nothing.
    let registry = tracing_subscriber::registry().with(log.with_filter(filter));
    let twice = |error| ConfigError(format!("the log was started twice: {error}"));
    let Some(url) = &settings.otlp_url else {
        registry.try_init().map_err(twice)?;
        return Ok(Traces::default());
    };
    let (traces, tracer) = Traces::start(url, runtime)?;
    let ours = Targets::new().with_target(trace::TARGET, Level::TRACE);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
    registry.with(spans.with_filter(ours)).try_init().map_err(twice)?;
    trace::follow(settings.otlp_sample);
    Ok(traces)
}

/// The metrics of this process, from which `GET /metrics` is rendered. The first call installs the recorder; hubs that
/// run in one process share it.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            #[allow(clippy::expect_used, reason = "fails only for an empty list of buckets")]
            let builder = builder
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), LATENCY_BUCKETS_S)
                .expect("there are buckets");
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is in place: GET /metrics will be empty");
            }
            measures::describe();
            handle
        })
        .clone()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_recorded_is_rendered_and_asking_twice_is_harmless() {
        let handle = super::metrics();
        let _ = super::metrics();
        metrics::histogram!("bidhub_probe_seconds").record(0.003);
        let text = handle.render();
        assert!(text.contains("bidhub_probe_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    }
}
