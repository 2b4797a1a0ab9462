//! What the operator sees: the log and the metrics. Nothing here decides anything.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Log, LogFormat};

/// Edges of the latency buckets in seconds, from the commit of a bid to a request that times out.
const LATENCY_BUCKETS_S: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts the log on standard error. Called once, by `main`; tests keep their own.
pub fn start_log(settings: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|error| ConfigError(format!("log_filter `{}`: {error}", settings.log_filter)))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    }
    .map_err(|error| ConfigError(format!("the log was started twice: {error}")))
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
            metrics::describe_histogram!(
                "bidhub_http_request_seconds",
                "Time from a request's head to its answer's head"
            );
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
