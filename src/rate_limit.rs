//! How often one address or one account may do a thing, and which address a caller has.
//!
//! Limits guard the hub against being flooded or guessed at; they are no rule of the auction. What a limit remembers of
//! a caller is forgotten once it no longer matters, so that memory stays bounded.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use ipnet::IpNet;

use crate::config::Switch;
use crate::domain::AccountId;

/// How often the memory of limits is swept, in seconds.
pub const SWEEP_INTERVAL_S: u64 = 60;

/// A limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Seconds after which to try again, at least 1.
    pub retry_after_s: u64,
}

/// A limit kept for each `K` apart: `burst` at once, then one more every `period`.
#[derive(Debug)]
pub struct Limiter<K: Hash + Eq + Clone>(Option<DefaultKeyedRateLimiter<K>>);

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// A limit of `burst` at once and `per_minute` in the long run; none at all if `switch` is off or a number is zero.
    pub fn new(switch: Switch, per_minute: u32, burst: u32) -> Self {
        let quota = (switch == Switch::On)
            .then(|| Quota::with_period(Duration::from_secs(60).checked_div(per_minute)?).zip(NonZeroU32::new(burst)))
            .flatten()
            .map(|(quota, burst)| quota.allow_burst(burst));
        Self(quota.map(DefaultKeyedRateLimiter::keyed))
    }

    /// Counts one more of `key`, if the limit allows.
    pub fn check(&self, key: &K) -> Result<(), Limited> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Limited { retry_after_s: wait.as_secs() + 1 }
        })
    }

    /// Forgets everyone who could do a full burst again.
    pub fn sweep(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, DefaultKeyedRateLimiter::len)
    }

    /// True if nobody is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The limits of the hub.
#[derive(Debug)]
pub struct RateLimits {
    /// REST requests of one address.
    pub requests_by_address: Limiter<IpAddr>,
    /// REST requests of one account.
    pub requests_by_account: Limiter<AccountId>,
    /// Registrations from one address.
    pub register_by_address: Limiter<IpAddr>,
    /// Attempts to sign in from one address.
    pub login_by_address: Limiter<IpAddr>,
    /// Attempts to sign in under one e-mail address.
    pub login_by_email: Limiter<String>,
    /// Mails asked for from one address.
    pub mail_by_address: Limiter<IpAddr>,
    /// Mails asked for to one e-mail address.
    pub mail_by_email: Limiter<String>,
    /// Searches from one address, of those who have not signed in.
    pub search_by_address: Limiter<IpAddr>,
    /// Searches of one account.
    pub search_by_account: Limiter<AccountId>,
    /// Movements of money asked for by one account.
    pub money_by_account: Limiter<AccountId>,
    /// What one account has sent to its endpoints, and changes of them.
    pub webhooks_by_account: Limiter<AccountId>,
    /// Comments of one account.
    pub comments_by_account: Limiter<AccountId>,
    /// Reports of one account about what others wrote.
    pub reports_by_account: Limiter<AccountId>,
    /// Tickets of one account, and what it writes in them.
    pub tickets_by_account: Limiter<AccountId>,
    /// Images that one account uploads.
    pub images_by_account: Limiter<AccountId>,
    /// Exports of one account, of itself or of others.
    pub exports_by_account: Limiter<AccountId>,
}

impl RateLimits {
    /// The limits, all of them without force if `switch` is off.
    pub fn new(switch: Switch) -> Self {
        Self {
            requests_by_address: Limiter::new(switch, 6_000, 1_000),
            requests_by_account: Limiter::new(switch, 6_000, 500),
            register_by_address: Limiter::new(switch, 20, 50),
            login_by_address: Limiter::new(switch, 60, 100),
            login_by_email: Limiter::new(switch, 6, 10),
            mail_by_address: Limiter::new(switch, 6, 20),
            mail_by_email: Limiter::new(switch, 1, 3),
            search_by_address: Limiter::new(switch, 120, 30),
            search_by_account: Limiter::new(switch, 120, 30),
            money_by_account: Limiter::new(switch, 60, 60),
            webhooks_by_account: Limiter::new(switch, 60, 60),
            comments_by_account: Limiter::new(switch, 20, 10),
            reports_by_account: Limiter::new(switch, 10, 10),
            tickets_by_account: Limiter::new(switch, 20, 10),
            images_by_account: Limiter::new(switch, 20, 20),
            exports_by_account: Limiter::new(switch, 2, 5),
        }
    }

    /// Forgets what no longer matters; call it every [`SWEEP_INTERVAL_S`].
    pub fn sweep(&self) {
        self.requests_by_address.sweep();
        self.requests_by_account.sweep();
        self.register_by_address.sweep();
        self.login_by_address.sweep();
        self.login_by_email.sweep();
        self.mail_by_address.sweep();
        self.mail_by_email.sweep();
        self.search_by_address.sweep();
        self.search_by_account.sweep();
        self.money_by_account.sweep();
        self.webhooks_by_account.sweep();
        self.comments_by_account.sweep();
        self.reports_by_account.sweep();
        self.tickets_by_account.sweep();
        self.images_by_account.sweep();
        self.exports_by_account.sweep();
    }
}

/// The address under which a caller is counted: itself for IPv4, its /64 network for IPv6, where one household or
/// server has that many addresses to choose from.
pub fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The address of the caller behind `peer`: the peer itself unless it is a trusted proxy, else the rightmost address in
/// `X-Forwarded-For` that is no trusted proxy. What stands further left was written by the caller and proves nothing.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut caller = peer.to_canonical();
    let values: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let mut hops = values.iter().rev().flat_map(|value| value.rsplit(',')).map(str::trim);
    while is_trusted(&caller) {
        // A proxy that we trust wrote this hop; what cannot be read ends the chain at the proxy itself.
        let Some(hop) = hops.next().and_then(parse_hop) else { break };
        caller = hop;
    }
    caller
}

/// One hop: an address, perhaps in brackets or with a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|it| it.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = &["10.0.0.0/8", "fd00::/8"];
        for (peer, forwarded, expected) in [
            ("203.0.113.9", &["1.2.3.4"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
            ("10.0.0.1", &["6.6.6.6", "1.2.3.4, 10.0.0.2"], "1.2.3.4"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["6.6.6.6, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["1.2.3.4:5678"], "1.2.3.4"),
            ("fd00::1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("::ffff:10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
        ] {
            assert_eq!(client(peer, forwarded, proxies), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn ipv6_callers_are_counted_by_network() {
        let key = |text: &str| address_key(text.parse().unwrap()).to_string();
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn a_burst_passes_then_the_limit_holds_for_each_key_apart() {
        let limiter = Limiter::new(Switch::On, 1, 2);
        assert_eq!((limiter.check(&1), limiter.check(&1)), (Ok(()), Ok(())));
        let limited = limiter.check(&1).unwrap_err();
        assert!((1..=61).contains(&limited.retry_after_s), "{limited:?}");
        assert_eq!(limiter.check(&2), Ok(()));
        limiter.sweep();
        assert_eq!(limiter.len(), 2, "both are still being counted");
    }

    #[test]
    fn switched_off_nothing_is_counted() {
        let limiter = Limiter::new(Switch::Off, 1, 1);
        assert!((0..100).all(|_| limiter.check(&1).is_ok()));
        assert!(limiter.is_empty());
    }

    #[test]
    fn who_has_been_quiet_is_forgotten() {
        let limiter = Limiter::new(Switch::On, 60_000, 1);
        limiter.check(&1).unwrap();
        while limiter.check(&1).is_err() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(5));
        limiter.sweep();
        assert!(limiter.is_empty());
    }
}
