//! One attempt: a message by POST, its answer's status, and nothing of its body. Redirects are not followed, proxies of the
//! environment not used, and no address is connected to that the policy does not allow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};

use super::target::{GuardedDns, Lookup, Policy, Unreachable};
use crate::config::ConfigError;
use crate::domain::Span;

/// How long one attempt may take, from the look-up of the name to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEPT_IDLE_MAX: Duration = Duration::from_secs(30);
/// So much of an answer is read, for so long, so that its connection can be used again; who sends more, or takes longer,
/// is hung up on.
const ANSWER_MAX_BYTES: usize = 16_384;
const ANSWER_READ_LIMIT: Duration = Duration::from_secs(1);
const USER_AGENT: &str = concat!("bidhub/", env!("CARGO_PKG_VERSION"));

/// Sends messages.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    client: Client,
    policy: Policy,
}

/// A message ready to be sent.
pub(super) struct Message<'a> {
    pub url: &'a str,
    pub headers: [(&'static str, String); 3],
    pub body: String,
}

/// What an attempt came to.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status, if there was an answer.
    pub status: Option<StatusCode>,
    /// Why it counts as failed, in one word; none if it was taken.
    pub problem: Option<&'static str>,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Span>,
    /// How long it took until the head of the answer was there.
    pub took: Duration,
}

impl Sender {
    /// A sender that keeps to `policy`, whatever `lookup` says that names mean.
    pub fn new(policy: Policy, lookup: Lookup) -> Result<Self, ConfigError> {
        let client = Client::builder()
            .dns_resolver(Arc::new(GuardedDns::new(policy, lookup)))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .https_only(!policy.allow_http)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(KEPT_IDLE_MAX)
            .build()
            .map_err(|error| ConfigError(format!("webhooks cannot be sent: {error}")))?;
        Ok(Self { client, policy })
    }

    /// Sends a message once.
    pub async fn send(&self, message: Message<'_>) -> Answer {
        let started = Instant::now();
        let sent = self.try_send(message).await;
        let took = started.elapsed();
        match sent {
            Ok(response) => {
                let (status, retry_after) = (response.status(), retry_after(&response));
                // Whether it was read to its end is nobody's concern.
                let _ = tokio::time::timeout(ANSWER_READ_LIMIT, drain(response)).await;
                let problem = if status.is_success() { None } else { Some(told(status)) };
                Answer { status: Some(status), problem, retry_after, took }
            }
            Err(problem) => Answer { status: None, problem: Some(problem), retry_after: None, took },
        }
    }

    async fn try_send(&self, message: Message<'_>) -> Result<Response, &'static str> {
        // What was allowed when it was written down may not be any more. An address in numbers is never looked up, so this
        // is where it is checked.
        let url = self.policy.read(message.url).map_err(|_| "forbidden_address")?;
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in message.headers {
            let value = HeaderValue::try_from(value).map_err(|_| "unreadable")?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let sent = self.client.post(url).headers(headers).body(message.body).send().await;
        sent.map_err(|error| problem(&error))
    }
}

/// Reads what is left of an answer, but not much of it.
async fn drain(mut response: Response) {
    let mut left = ANSWER_MAX_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn told(status: StatusCode) -> &'static str {
    match status.as_u16() {
        300..=399 => "redirected",
        _ => "refused",
    }
}

fn retry_after(response: &Response) -> Option<Span> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Span::from_secs(seconds))
}

/// Why there was no answer, in one word. What exactly it was is not told: it may be about machines that are nobody's
/// concern.
fn problem(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        match one.downcast_ref() {
            Some(Unreachable::Forbidden) => return "forbidden_address",
            Some(Unreachable::Unknown) => return "unknown_host",
            None => {}
        }
        if is_of_tls(one) {
            return "tls";
        }
        cause = one.source();
    }
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "no_connection",
        _ => "no_answer",
    }
}

/// Errors of input and output may hold each other, and show as their source what lies below that.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_of_tls(held))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const STRICT: Policy = Policy { allow_http: true, allow_private: false };

    fn message(url: &str) -> Message<'_> {
        let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, "x".to_owned()));
        Message { url, headers, body: "{}".to_owned() }
    }

    /// Says one address after the other, the last one again and again.
    fn turning(addresses: Vec<SocketAddr>) -> Lookup {
        let left = Mutex::new(addresses);
        Arc::new(move |_| {
            let mut left = left.lock().unwrap();
            let now = if left.len() > 1 { left.remove(0) } else { left[0] };
            Box::pin(std::future::ready(Ok(vec![now])))
        })
    }

    /// A server that counts who connects, and answers with `head`.
    async fn server(head: &'static str) -> (SocketAddr, Arc<Mutex<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, count) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(0)));
        let counted = count.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                *counted.lock().unwrap() += 1;
                let mut request = [0; 4_096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(head.as_bytes()).await;
                let endless = [b'x'; 8_192];
                while head.ends_with("endless\r\n\r\n") && socket.write_all(&endless).await.is_ok() {}
                if head.ends_with("silent\r\n\r\n") {
                    std::future::pending::<()>().await;
                }
                // Closed before all was read, it would be reset, and the answer lost.
                let _ = socket.shutdown().await;
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {}
            }
        });
        (address, count)
    }

    #[tokio::test]
    async fn a_name_that_turns_inward_is_not_followed_there() {
        let (address, connected) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        // First it looks public, and the next time it means this machine: what counts is what is connected to.
        let names = turning(vec!["192.0.1.1:0".parse().unwrap(), address]);
        assert!(!names("x".into()).await.unwrap()[0].ip().is_loopback());
        let url = format!("http://hook.example:{}/", address.port());
        let answer = Sender::new(STRICT, names).unwrap().send(message(&url)).await;
        assert_eq!((answer.status, answer.problem), (None, Some("forbidden_address")));
        for literal in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "localhost"] {
            let url = format!("http://{literal}:{}/", address.port());
            let answer = Sender::new(STRICT, super::super::target::system_lookup()).unwrap().send(message(&url)).await;
            assert_eq!(answer.problem, Some("forbidden_address"), "{literal}");
        }
        assert_eq!(*connected.lock().unwrap(), 0);
        // The same name goes through where private addresses are allowed, so that this test could fail.
        let open = Sender::new(Policy { allow_private: true, ..STRICT }, turning(vec![address])).unwrap();
        assert_eq!(open.send(message(&url)).await.problem, None);
        assert_eq!(*connected.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn plain_http_is_not_spoken_unless_it_is_allowed() {
        let (address, connected) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let policy = Policy { allow_http: false, allow_private: true };
        let sender = Sender::new(policy, turning(vec![address])).unwrap();
        let answer = sender.send(message(&format!("http://127.0.0.1:{}/", address.port()))).await;
        assert_eq!((answer.problem, *connected.lock().unwrap()), (Some("forbidden_address"), 0));
    }

    #[tokio::test]
    async fn answers_are_bounded_and_say_how_long_to_wait() {
        let policy = Policy { allow_private: true, ..STRICT };
        for (head, status, problem, retry_after) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, None, None),
            ("HTTP/1.1 200 OK\r\nx: endless\r\n\r\n", 200, None, None),
            ("HTTP/1.1 200 OK\r\nx: silent\r\n\r\n", 200, None, None),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n",
                302,
                Some("redirected"),
                None,
            ),
            ("HTTP/1.1 429 Slow\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n", 429, Some("refused"), Some(120)),
            ("HTTP/1.1 503 No\r\nretry-after: tomorrow\r\ncontent-length: 0\r\n\r\n", 503, Some("refused"), None),
        ] {
            let (address, _) = server(head).await;
            let sender = Sender::new(policy, turning(vec![address])).unwrap();
            let started = Instant::now();
            let answer = sender.send(message(&format!("http://{address}/"))).await;
            assert!(started.elapsed() < TIMEOUT / 2, "{head}");
            assert_eq!(answer.status.map(|status| status.as_u16()), Some(status), "{head}");
            assert_eq!((answer.problem, answer.retry_after), (problem, retry_after.map(Span::from_secs)), "{head}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let sender = Sender::new(policy, turning(vec![closed])).unwrap();
        assert_eq!(sender.send(message(&format!("http://{closed}/"))).await.problem, Some("no_connection"));
        let (plain, _) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(sender.send(message(&format!("https://{plain}/"))).await.problem, Some("tls"));
    }
}
