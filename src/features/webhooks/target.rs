//! Where messages may go: to addresses of the open internet, by https. Everything else is refused when it is written down,
//! and again at the moment of connecting, by the address that is really connected to: what a name meant earlier counts for
//! nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The longest address of an endpoint, in bytes.
pub(super) const URL_MAX_BYTES: usize = 2_048;

/// What the operator lets endpoints be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `http://` too.
    pub allow_http: bool,
    /// Addresses of this machine and of private networks too.
    pub allow_private: bool,
}

/// Why an address was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("it must be an address of 1 to {URL_MAX_BYTES} bytes")]
    Unreadable,
    #[error("it must begin with https://")]
    Scheme,
    #[error("it must have no user, no password and no fragment")]
    Parts,
    #[error("it leads to this machine, to a private network or to no host at all")]
    Private,
}

impl Policy {
    /// Reads the address of an endpoint. Numbers in any notation are read as the addresses that they stand for.
    pub(super) fn read(self, text: &str) -> Result<Url, Refused> {
        let fits = text.len() <= URL_MAX_BYTES && text.chars().all(|sign| sign.is_ascii_graphic());
        let url = fits.then(|| Url::parse(text).ok()).flatten().ok_or(Refused::Unreadable)?;
        if url.scheme() != "https" && !(url.scheme() == "http" && self.allow_http) {
            return Err(Refused::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Refused::Parts);
        }
        self.check_host(&url)?;
        Ok(url)
    }

    /// Refuses a host that can be known without looking it up.
    fn check_host(self, url: &Url) -> Result<(), Refused> {
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(name)) => self.allow_private || !is_local(name),
            None => false,
        };
        if allowed { Ok(()) } else { Err(Refused::Private) }
    }

    /// Whether an address may be connected to.
    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

/// A name that means this machine by its own rule.
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.is_empty() || name == "localhost" || name.ends_with(".localhost")
}

/// True for an address of the open internet: none of those that IANA keeps for other purposes.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // Azure serves instances from an address that looks like any other.
    const METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    let other = match address.octets() {
        [0 | 10 | 127, ..] | [224..=255, ..] => true,
        [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] | [198, 18..=19, ..] => true,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => address == METADATA,
    };
    !other
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // A translator to IPv4 is as public as what it leads to.
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Tunnels to IPv4 and what is set aside for protocols, then for documents.
        [0x2001, 0..=0x1FF, ..] | [0x2002, ..] | [0x2001, 0xDB8, ..] | [0x3FFF, 0..=0xFFF, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

/// A name has no address that may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreachable {
    #[error("the name leads to no address that is allowed")]
    Forbidden,
    #[error("the name is not known")]
    Unknown,
}

/// Looks names up. A parameter, so that a test can say what a name means.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// As the system does.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) }))
}

/// Gives the client those addresses of a name alone that it may connect to.
#[derive(Clone)]
pub(super) struct GuardedDns {
    policy: Policy,
    lookup: Lookup,
}

impl GuardedDns {
    pub fn new(policy: Policy, lookup: Lookup) -> Self {
        Self { policy, lookup }
    }
}

impl Resolve for GuardedDns {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, looked_up) = (self.policy, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = looked_up.await.map_err(|_| Unreachable::Unknown)?;
            let any = !found.is_empty();
            let allowed: Vec<_> = found.into_iter().filter(|address| policy.allows(address.ip())).collect();
            match (allowed.is_empty(), any) {
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
                (true, true) => Err(Unreachable::Forbidden.into()),
                (true, false) => Err(Unreachable::Unknown.into()),
            }
        })
    }
}

impl fmt::Debug for GuardedDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardedDns({:?})", self.policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Policy = Policy { allow_http: false, allow_private: false };

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(refused.parse().unwrap()), "{refused}");
        }
        for public in [
            "1.1.1.1",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_address_is_read_in_any_notation_and_refused_if_it_leads_inside() {
        for inside in [
            "https://127.0.0.1/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://10.1.2.3/hook",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://0.0.0.0/",
            "https://0/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://017700000001/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://%31%32%37.0.0.1/",
            "https://①②⑦.0.0.1/",
            "https://[fd00::1]/",
            "https://192.168.0.1:8443/",
        ] {
            let refused = STRICT.read(inside).unwrap_err();
            assert!(matches!(refused, Refused::Private | Refused::Unreadable), "{inside}: {refused:?}");
        }
        for (text, why) in [
            ("http://example.com/", Refused::Scheme),
            ("ftp://example.com/", Refused::Scheme),
            ("file:///etc/passwd", Refused::Scheme),
            ("example.com", Refused::Unreadable),
            ("", Refused::Unreadable),
            ("https://", Refused::Unreadable),
            ("https://example.com/a b", Refused::Unreadable),
            ("https://example.com/\n", Refused::Unreadable),
            ("https://user@example.com/", Refused::Parts),
            ("https://user:secret@example.com/", Refused::Parts),
            ("https://example.com/#part", Refused::Parts),
        ] {
            assert_eq!(STRICT.read(text), Err(why), "{text}");
        }
        assert_eq!(STRICT.read(&format!("https://example.com/{}", "x".repeat(2_048))), Err(Refused::Unreadable));
        for fine in ["https://example.com", "https://example.com:8443/hook?key=1", "https://1.1.1.1/"] {
            STRICT.read(fine).unwrap();
        }
        assert!(Policy { allow_http: true, ..STRICT }.read("http://example.com/").is_ok());
        let open = Policy { allow_http: true, allow_private: true };
        for inside in ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]/"] {
            open.read(inside).unwrap();
        }
    }

    #[tokio::test]
    async fn of_a_name_only_what_is_public_is_connected_to() {
        let means = |text: &str| -> Lookup {
            let found: Vec<SocketAddr> =
                text.split_whitespace().map(|it| (it.parse::<IpAddr>().unwrap(), 0).into()).collect();
            Arc::new(move |_| Box::pin(std::future::ready(Ok(found.clone()))))
        };
        for (found, expected) in [
            ("127.0.0.1", Err(Unreachable::Forbidden)),
            ("10.0.0.1 ::1 fd00::1", Err(Unreachable::Forbidden)),
            ("::ffff:192.168.0.1", Err(Unreachable::Forbidden)),
            ("127.0.0.1 1.1.1.1 169.254.169.254", Ok("1.1.1.1:0")),
            ("", Err(Unreachable::Unknown)),
        ] {
            let name = "hook.example".parse().unwrap();
            let given = GuardedDns::new(STRICT, means(found)).resolve(name).await;
            match (given, expected) {
                (Ok(addresses), Ok(expected)) => {
                    assert_eq!(addresses.map(|it| it.to_string()).collect::<Vec<_>>(), [expected]);
                }
                (Err(error), Err(expected)) => assert_eq!(error.downcast_ref(), Some(&expected), "{found}"),
                (given, _) => panic!("{found}: {:?}", given.is_ok()),
            }
        }
    }
}
