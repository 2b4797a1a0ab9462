//! `bidhub healthcheck`: asks a running hub whether it is well, for images that hold no other client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::say;
use crate::config::Settings;

const TIMEOUT: Duration = Duration::from_secs(2);

/// What to ask.
#[derive(clap::Args)]
pub struct HealthcheckArgs {
    /// What to ask [default: /healthz of the hub at --listen]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// True if the hub answers well. Otherwise says what it answered.
pub async fn run(settings: &Settings, args: &HealthcheckArgs) -> anyhow::Result<bool> {
    let url = args.url.clone().unwrap_or_else(|| format!("http://{}/healthz", reachable(settings.server.listen)));
    let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
    match client.get(&url).send().await {
        Ok(answer) if answer.status().is_success() => Ok(true),
        Ok(answer) => {
            say(format_args!("{url} answers {}", answer.status()));
            Ok(false)
        }
        Err(error) => {
            say(format_args!("{url} does not answer: {}", error.without_url()));
            Ok(false)
        }
    }
}

/// An address at which what listens on `listen` can be reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_listens_everywhere_is_asked_here() {
        for (listen, asked) in
            [("0.0.0.0:8080", "127.0.0.1:8080"), ("[::]:8080", "[::1]:8080"), ("10.1.2.3:80", "10.1.2.3:80")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
