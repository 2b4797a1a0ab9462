//! Which foreign tokens are believed, and what of them counts.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "a secret that is long enough for tests";
const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1_000)
}

fn token(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn opened(claims: Value) -> Option<(ForeignProfile, Timestamp)> {
    let token = token(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()), &claims);
    ForeignKey::secret(&SECRET.into()).open(&token, now())
}

#[test]
fn a_token_says_who_and_until_when() {
    let (profile, until) = opened(json!({
        "sub": "u-1", "exp": NOW + 60, "name": "Ada", "email": "ada@example.com", "roles": ["gold", "staff", "admin", "No!"],
        "iss": "elsewhere", "aud": "someone",
    }))
    .unwrap();
    assert_eq!(until, Timestamp::from_millis((NOW + 60) * 1_000));
    assert_eq!((profile.subject.as_str(), profile.name.as_deref()), ("u-1", Some("Ada")));
    assert_eq!(profile.roles, ["gold".parse::<Role>().unwrap()], "roles of the hub's own are never taken from a token");
}

#[test]
fn subject_and_end_are_required_and_must_hold() {
    for (claims, holds) in [
        (json!({"sub": "u", "exp": NOW + 1}), true),
        (json!({"sub": "u", "exp": NOW - LEEWAY_S + 1}), true),
        (json!({"sub": "u", "exp": NOW - LEEWAY_S}), false),
        (json!({"sub": "u", "exp": NOW + 60, "nbf": NOW + LEEWAY_S + 1}), false),
        (json!({"sub": "u", "exp": NOW + 60, "nbf": NOW}), true),
        (json!({"sub": "u"}), false),
        (json!({"exp": NOW + 60}), false),
        (json!({"sub": "", "exp": NOW + 60}), false),
        (json!({"sub": "u".repeat(256), "exp": NOW + 60}), false),
        (json!({"sub": "u", "exp": "soon"}), false),
        (json!({"sub": "u", "exp": 1e300}), false),
    ] {
        assert_eq!(opened(claims.clone()).is_some(), holds, "{claims}");
    }
}

#[test]
fn the_key_pins_the_algorithm() {
    let claims = json!({"sub": "u", "exp": NOW + 60});
    let key = ForeignKey::secret(&SECRET.into());
    let signed = |algorithm, secret: &str| token(algorithm, &EncodingKey::from_secret(secret.as_bytes()), &claims);
    assert!(key.open(&signed(Algorithm::HS256, SECRET), now()).is_some());
    assert!(key.open(&signed(Algorithm::HS384, SECRET), now()).is_none());
    assert!(key.open(&signed(Algorithm::HS256, "another secret"), now()).is_none());
    // {"alg":"none"}, without a signature
    let good = signed(Algorithm::HS256, SECRET);
    let payload = good.split('.').nth(1).unwrap();
    assert!(key.open(&format!("eyJhbGciOiJub25lIn0.{payload}."), now()).is_none());
}

#[test]
fn public_keys_pin_theirs_too() {
    const ED_PRIVATE: &[u8] = include_bytes!("../../../tests/keys/ed25519.pem");
    const ED_PUBLIC: &[u8] = include_bytes!("../../../tests/keys/ed25519.pub.pem");
    const RSA_PRIVATE: &[u8] = include_bytes!("../../../tests/keys/rsa.pem");
    const RSA_PUBLIC: &[u8] = include_bytes!("../../../tests/keys/rsa.pub.pem");
    let claims = json!({"sub": "u", "exp": NOW + 60});
    let ed = token(Algorithm::EdDSA, &EncodingKey::from_ed_pem(ED_PRIVATE).unwrap(), &claims);
    let rsa = |algorithm| token(algorithm, &EncodingKey::from_rsa_pem(RSA_PRIVATE).unwrap(), &claims);
    // The old trick: the public key, which everyone has, used as the secret of an HMAC.
    let confused = token(Algorithm::HS256, &EncodingKey::from_secret(RSA_PUBLIC), &claims);
    let (ed_key, rsa_key) = (ForeignKey::public_pem(ED_PUBLIC).unwrap(), ForeignKey::public_pem(RSA_PUBLIC).unwrap());
    assert!(ed_key.open(&ed, now()).is_some());
    assert!(ed_key.open(&rsa(Algorithm::RS256), now()).is_none());
    assert!(rsa_key.open(&rsa(Algorithm::RS256), now()).is_some());
    assert!(rsa_key.open(&rsa(Algorithm::RS512), now()).is_none());
    assert!(rsa_key.open(&rsa(Algorithm::PS256), now()).is_none());
    assert!(rsa_key.open(&ed, now()).is_none());
    assert!(rsa_key.open(&confused, now()).is_none());
    assert!(ForeignKey::public_pem(b"no key").is_none());
}
