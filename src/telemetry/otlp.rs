//! Sends spans to a collector by OTLP over HTTP. What cannot be sent is dropped and counted: a bid never waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;

use crate::config::ConfigError;

const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the last spans when the program ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// Where a collector takes spans, below its address.
const PATH: &str = "/v1/traces";

/// The spans that are on their way. They are sent on in the background, and the last of them by [`Traces::flush`].
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends spans to the collector at `url`, on the threads of `runtime`.
    pub(super) fn start(url: &SecretString, runtime: &Handle) -> Result<(Self, Tracer), ConfigError> {
        let why = |error: &dyn std::fmt::Display| ConfigError(format!("otlp_url: {error}"));
        let client = reqwest::Client::builder().timeout(SEND_TIMEOUT).build().map_err(|error| why(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender { client, runtime: runtime.clone(), failing: AtomicBool::new(false) })
            .with_endpoint(endpoint(url.expose_secret()))
            .with_timeout(SEND_TIMEOUT)
            .build()
            .map_err(|error| why(&error))?;
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("bidhub").with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("bidhub");
        Ok((Self(Some(provider)), tracer))
    }

    /// Sends what is left, but does not wait for long. Called outside of the runtime, which must still be there.
    pub fn flush(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(FLUSH_TIMEOUT)
        {
            tracing::warn!(%error, "the last spans could not be sent: {error}");
        }
    }
}

fn endpoint(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with(PATH) { url.to_owned() } else { format!("{url}{PATH}") }
}

/// The exporter has a thread of its own; its requests run where all others do.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    /// True while the collector takes nothing; it is told of once.
    failing: AtomicBool,
}

impl Sender {
    fn note(&self, trouble: Option<String>) {
        let outcome = if trouble.is_some() { "failed" } else { "sent" };
        metrics::counter!("bidhub_trace_exports_total", "outcome" => outcome).increment(1);
        let failed_before = self.failing.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(trouble) if !failed_before => tracing::warn!(trouble, "spans cannot be sent: {trouble}"),
            None if failed_before => tracing::info!("spans can be sent again"),
            _ => {}
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), reqwest::Request::try_from(request)?);
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        });
        let sent = sent.await?;
        // Without the address, which may hold a password.
        let sent = sent.map_err(reqwest::Error::without_url);
        self.note(match &sent {
            Ok((status, _)) if status.is_success() => None,
            Ok((status, _)) => Some(format!("the collector answers {status}")),
            Err(error) => Some(error.to_string()),
        });
        let (status, body) = sent?;
        Ok(Response::builder().status(status).body(body)?)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn spans_go_below_the_address_of_the_collector() {
        for given in ["http://here:4318", "http://here:4318/", "http://here:4318/v1/traces"] {
            assert_eq!(super::endpoint(given), "http://here:4318/v1/traces");
        }
    }
}
