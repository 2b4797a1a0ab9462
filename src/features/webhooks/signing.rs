//! Signatures after Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, under a secret that is told once, as `whsec_`
//! and base64. While a secret is being replaced, what is sent carries a signature of each.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretString;
use sha2::Sha256;

use crate::chance::Chance;
use crate::domain::Timestamp;

/// What a secret begins with as text, by which it is known in leaked text.
const SECRET_PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;

/// What an endpoint's messages are signed with. It does not show itself.
#[derive(Clone, sqlx::Type)]
#[sqlx(transparent)]
pub(super) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// A secret that nobody can guess.
    pub fn draw(chance: &Chance) -> Self {
        Self(chance.bytes::<SECRET_BYTES>().to_vec())
    }

    /// The text for its holder.
    pub fn text(&self) -> SecretString {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(&self.0)).into()
    }

    /// The signature of a message: version 1, `v1,` and base64.
    fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        // Any length of key will do, so that this always makes one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The headers of a message sent at `now`, signed with each of `secrets`.
pub(super) fn headers<'a>(
    id: &str,
    now: Timestamp,
    body: &str,
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
) -> [(&'static str, String); 3] {
    let timestamp_s = now.millis().div_euclid(1_000);
    let signatures: Vec<String> = secrets.into_iter().map(|secret| secret.sign(id, timestamp_s, body)).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp_s.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn secret(text: &str) -> SigningSecret {
        SigningSecret(BASE64_STANDARD.decode(text.strip_prefix(SECRET_PREFIX).unwrap()).unwrap())
    }

    /// The first is that of the libraries of Standard Webhooks; the others were made with
    /// `openssl dgst -sha256 -mac HMAC -macopt hexkey:…`.
    #[test]
    fn messages_are_signed_as_others_sign_them() {
        for (key, id, at_s, body, signature) in VECTORS {
            let [id, timestamp, signed] = headers(id, Timestamp::from_millis(at_s * 1_000 + 999), body, [&secret(key)]);
            assert_eq!(timestamp.1, at_s.to_string());
            assert_eq!((signed.0, signed.1.as_str()), ("webhook-signature", *signature), "{id:?}");
        }
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let (key, id, at_s, body, first) = VECTORS[0];
        let (old, at) = (secret(VECTORS[1].0), Timestamp::from_millis(at_s * 1_000));
        let [_, _, (_, both)] = headers(id, at, body, [&secret(key), &old]);
        assert_eq!(both, format!("{first} {}", old.sign(id, at_s, body)));
    }

    #[test]
    fn a_secret_is_long_and_shows_itself_only_when_asked() {
        let (one, other) = (SigningSecret::draw(&Chance::seeded(1)), SigningSecret::draw(&Chance::seeded(2)));
        let text = one.text();
        let text = text.expose_secret();
        assert!(text.starts_with("whsec_") && text.len() == 50 && text != other.text().expose_secret());
        assert_eq!(secret(text).0, one.0);
        assert!(!format!("{one:?}").contains(&text[6..]) && !format!("{one:?}").contains(char::is_numeric));
    }

    const VECTORS: &[(&str, &str, i64, &str, &str)] = &[
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=",
            "evt_0193_7",
            1_764_000_000,
            r#"{"type":"auction.bid","data":{"amount":12500}}"#,
            "v1,ET2QACjgY+LmMZVzBR9/B4cFXp28SdkyoqSxuaDub+k=",
        ),
        (
            "whsec_//////////////////////////////////////////8=",
            "test_1",
            0,
            "",
            "v1,AQpJYqEUG9G5CMju6W6XHfFLj0TY6Q2hLaYbsJYfSBc=",
        ),
        (
            "whsec_CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoK",
            "evt_ä",
            4_102_444_800,
            r#"{"title":"Stuhl, grün — 100 €"}"#,
            "v1,Aao/w9YhPNZLhOurgV3ZWdqXrJ2aOR09+ibD8UIj3C8=",
        ),
    ];
}
