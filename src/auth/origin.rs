//! Which pages may act for a signed-in browser. A cookie goes along whoever's page makes the request; the `Origin` header
//! says whose it is.

/// The origins whose pages may act with a cookie: the hub's own, and those that the operator lists.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// The hub's public address and the operator's list; each is an origin, or an address whose origin counts.
    pub fn new<'a>(public_url: Option<&'a str>, listed: impl IntoIterator<Item = &'a String>) -> Self {
        let listed = listed.into_iter().map(String::as_str);
        Self { allowed: public_url.into_iter().chain(listed).map(origin_of).collect() }
    }

    /// True if a page of `origin` may act on the hub that was addressed as `host`. A page that was itself loaded from
    /// that host is the hub's own.
    pub fn allows(&self, origin: &str, host: Option<&str>) -> bool {
        let origin = origin_of(origin);
        let own = || {
            let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
        };
        self.allowed.contains(&origin) || own()
    }
}

/// `scheme://authority` in lower case, without the port that the scheme implies.
fn origin_of(url: &str) -> String {
    let url = url.trim().to_ascii_lowercase();
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let implied = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(implied).unwrap_or(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_and_listed_origins_may_and_no_others() {
        let listed = ["https://Shop.example/".to_owned()];
        let origins = Origins::new(Some("https://bid.example/hub"), &listed);
        for (origin, host, allowed) in [
            ("https://bid.example", None, true),
            ("https://bid.example:443", None, true),
            ("https://shop.example", None, true),
            ("http://127.0.0.1:8080", Some("127.0.0.1:8080"), true),
            ("http://bid.example", None, false),
            ("http://127.0.0.1:9", Some("127.0.0.1:8080"), false),
            ("https://bid.example.evil.example", Some("bid.example"), false),
            ("null", Some("bid.example"), false),
            ("", Some("bid.example"), false),
        ] {
            assert_eq!(origins.allows(origin, host), allowed, "{origin} {host:?}");
        }
    }
}
