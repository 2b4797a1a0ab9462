//! The service is asked by the HTTP client and the TLS that the hub has anyway, so that no second stack comes with it.

use std::time::Duration;

use aws_sdk_kinesis::config::SharedHttpClient;
use aws_sdk_kinesis::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};

use crate::config::ConfigError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const KEPT_IDLE_MAX: Duration = Duration::from_secs(60);

/// A client for everything that is asked of the service, and for credentials on the way to it. The time that an answer
/// may take is bounded by who asks.
pub fn client() -> Result<SharedHttpClient, ConfigError> {
    let client = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(KEPT_IDLE_MAX)
        .build()
        .map_err(|error| ConfigError(format!("kinesis_stream: {error}")))?;
    let connector = SharedHttpConnector::new(Connector(client));
    Ok(http_client_fn(move |_, _| connector.clone()))
}

#[derive(Clone, Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { connector.ask(request).await })
    }
}

impl Connector {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let method = Method::from_bytes(request.method().as_bytes()).map_err(|error| unfit(error.into()))?;
        let mut asked = self.0.request(method, request.uri());
        for (name, value) in request.headers() {
            asked = asked.header(name, value);
        }
        let body = request.body().bytes().ok_or_else(|| unfit("a body that is not in memory".into()))?;
        let answer = asked.body(body.to_vec()).send().await.map_err(told)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.map_err(told)?;
        let mut response = HttpResponse::new(status.try_into().map_err(|error| unfit(Box::new(error)))?, bytes.into());
        for (name, value) in &headers {
            if let Ok(value) = value.to_str() {
                response.headers_mut().append(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }
}

fn told(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}

fn unfit(error: Box<dyn std::error::Error + Send + Sync>) -> ConnectorError {
    ConnectorError::user(error)
}
