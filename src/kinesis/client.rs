//! The stream, and how messages are put into it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_kinesis::operation::put_records::PutRecordsError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use super::batch::{Entry, misplaced};
use super::http;
use crate::config::ConfigError;

/// How long one request may take. With the time between two looks at whose turn it is, well below the ten seconds that a
/// turn is sure to last.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// A stream of Amazon Kinesis.
#[derive(Clone)]
pub struct Stream {
    client: Client,
    name: String,
}

/// What became of the messages of a request.
#[derive(Debug)]
pub(super) struct Put {
    /// For each whether it failed; the others are in the stream, behind those of their auction that stand before them here.
    pub failed: Vec<bool>,
    /// What is said of the first that was not taken.
    pub why: Option<String>,
}

/// Nothing of a request is known to be in the stream.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct PutError(String);

impl Stream {
    /// The stream `name`, with credentials and region from the environment as every program of AWS takes them, at
    /// `endpoint_url` if that is given.
    pub async fn open(name: &str, endpoint_url: Option<&str>) -> Result<Self, ConfigError> {
        // What is tried again, and when, the follower knows best.
        let timeouts = TimeoutConfig::builder().operation_timeout(ATTEMPT_TIMEOUT).build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http::client()?)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(url) = endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(ConfigError("kinesis_stream needs a region: set AWS_REGION".to_owned()));
        }
        Ok(Self { client: Client::new(&config), name: name.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts messages in with one request.
    pub(super) async fn put(&self, entries: &[Entry]) -> Result<Put, PutError> {
        let records = entries.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        let asked = self.client.put_records().stream_name(&self.name).set_records(Some(records));
        let answer = asked.send().await.map_err(|error| PutError(told(&self.name, &error)))?;
        let taken = answer.records().iter().map(|one| one.sequence_number().filter(|_| one.error_code().is_none()));
        let numbers: Vec<Option<&str>> = taken.collect();
        if numbers.len() != entries.len() {
            return Err(PutError(format!("{} answers to {} records", numbers.len(), entries.len())));
        }
        let refused = answer.records().iter().find(|one| one.error_code().is_some());
        let why = refused.map(|one| {
            let (code, message) = (one.error_code().unwrap_or_default(), one.error_message().unwrap_or_default());
            explained(&self.name, code, message)
        });
        Ok(Put { failed: misplaced(entries, &numbers), why })
    }
}

/// Why a request as a whole failed.
fn told(stream: &str, error: &SdkError<PutRecordsError>) -> String {
    let Some(said) = error.as_service_error() else { return chain(error) };
    let status =
        || error.raw_response().map_or_else(String::new, |answer| format!("status {}", answer.status().as_u16()));
    explained(stream, &said.code().map_or_else(status, str::to_owned), said.message().unwrap_or_default())
}

/// What an error says with all that it comes from, on one line.
fn chain(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a code of the service means for whoever runs the hub.
fn explained(stream: &str, code: &str, message: &str) -> String {
    let meaning = match code {
        "ResourceNotFoundException" => format!("there is no stream {stream} in this region"),
        "AccessDeniedException" => format!("these credentials may not put records into {stream}"),
        "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException" => {
            "the credentials are wrong or have expired".to_owned()
        }
        "ProvisionedThroughputExceededException" => format!("it is more than the shards of {stream} take"),
        _ => "the service refuses".to_owned(),
    };
    format!("{meaning} ({code}: {message})")
}

fn record(entry: &Entry) -> Result<PutRecordsRequestEntry, PutError> {
    let built = PutRecordsRequestEntry::builder()
        .data(Blob::new(entry.data.as_bytes()))
        .partition_key(entry.auction.to_string())
        .build();
    built.map_err(|error| PutError(error.to_string()))
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({})", self.name)
    }
}
