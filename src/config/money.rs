//! What the settings of money must be to one another.

use secrecy::ExposeSecret as _;
use url::{Host, Url};

use super::{ConfigError, Money, Payments};
use crate::domain::Money as Amount;

impl Money {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let most = Amount::MAX.minor_units().unsigned_abs();
        let limits = [("max_exposure", self.max_exposure), ("daily_deposit_limit", self.daily_deposit_limit)];
        for (name, limit) in limits {
            if limit.is_some_and(|limit| !(1..=most).contains(&limit)) {
                return Err(ConfigError(format!("{name} must be from 1 to {most}")));
            }
        }
        let url = Url::parse(&self.stripe_url);
        if !url.is_ok_and(|url| keeps_secrets(&url)) {
            return Err(ConfigError("stripe_url must begin with https://, or be http:// on this machine".into()));
        }
        let secrets =
            [("stripe_secret_key", &self.stripe_secret_key), ("stripe_webhook_secret", &self.stripe_webhook_secret)];
        for (name, secret) in secrets {
            match secret {
                Some(secret) if secret.expose_secret().is_empty() => {
                    return Err(ConfigError(format!("{name} is empty")));
                }
                None if self.payments == Payments::Stripe => {
                    return Err(ConfigError(format!("payments is stripe, so {name} must be set")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a secret may be sent there: nobody on the way can read it.
fn keeps_secrets(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn refused(change: impl FnOnce(&mut Money)) -> String {
        let mut money = Settings::default().money;
        change(&mut money);
        money.check().map_or_else(|error| error.to_string(), |()| "taken".into())
    }

    #[test]
    fn stripe_needs_both_its_secrets() {
        let stripe = |key: Option<&str>, webhook: Option<&str>| {
            refused(|money| {
                money.payments = Payments::Stripe;
                money.stripe_secret_key = key.map(Into::into);
                money.stripe_webhook_secret = webhook.map(Into::into);
            })
        };
        assert_eq!(stripe(None, Some("whsec_1")), "payments is stripe, so stripe_secret_key must be set");
        assert_eq!(stripe(Some("sk_1"), None), "payments is stripe, so stripe_webhook_secret must be set");
        assert_eq!(stripe(Some("sk_1"), Some("")), "stripe_webhook_secret is empty");
        assert_eq!(stripe(Some("sk_1"), Some("whsec_1")), "taken");
        assert_eq!(refused(|_| {}), "taken");
    }

    #[test]
    fn secrets_go_nowhere_in_the_clear() {
        for (url, taken) in [
            ("https://api.stripe.com", true),
            ("http://127.0.0.1:12111/", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://api.stripe.com", false),
            ("http://127.0.0.1.example", false),
            ("api.stripe.com", false),
            ("ftp://localhost", false),
        ] {
            assert_eq!(refused(|money| money.stripe_url = url.into()) == "taken", taken, "{url}");
        }
    }

    #[test]
    fn limits_are_amounts() {
        assert!(refused(|money| money.max_exposure = Some(0)).contains("max_exposure"));
        assert!(refused(|money| money.daily_deposit_limit = Some(1 << 53)).contains("daily_deposit_limit"));
        assert_eq!(refused(|money| money.daily_deposit_limit = Some((1 << 53) - 1)), "taken");
    }
}
