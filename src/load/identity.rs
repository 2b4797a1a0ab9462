//! Identities of the operator's own making: tokens signed with the secret that the hub trusts.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::domain::{Span, Timestamp};

/// Signs tokens with HS256.
pub struct Signer {
    key: EncodingKey,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    name: &'a str,
    exp: i64,
}

impl Signer {
    /// A signer of tokens that hold from `now` on for `life`.
    pub fn new(secret: &SecretString, now: Timestamp, life: Span) -> Self {
        Self { key: EncodingKey::from_secret(secret.expose_secret().as_bytes()), expires_at: now.plus(life) }
    }

    /// A token for the account known to the hub as `subject`, which it makes at first sight, under `name`.
    pub fn token(&self, subject: &str, name: &str) -> Result<SecretString, jsonwebtoken::errors::Error> {
        let claims = Claims { sub: subject, name, exp: self.expires_at.millis() / 1_000 };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.key).map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    #[test]
    fn a_token_says_who_and_until_when_under_the_secret() {
        let secret = SecretString::from("a secret that is long enough");
        let now = Timestamp::from_millis(1_800_000_000_000);
        let token = Signer::new(&secret, now, Span::from_secs(60)).token("replay:b0001", "b0001").unwrap();
        let opened = |secret: &[u8]| {
            let mut validation = Validation::new(Algorithm::HS256);
            validation.validate_exp = false;
            let key = DecodingKey::from_secret(secret);
            jsonwebtoken::decode::<serde_json::Value>(token.expose_secret(), &key, &validation).map(|it| it.claims)
        };
        let claims = serde_json::json!({"sub": "replay:b0001", "name": "b0001", "exp": 1_800_000_060});
        assert_eq!(opened(secret.expose_secret().as_bytes()).unwrap(), claims);
        assert!(opened(b"another secret").is_err());
    }
}
