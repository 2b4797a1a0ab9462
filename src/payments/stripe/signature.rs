//! Whether a message comes from Stripe: the header `Stripe-Signature` holds the moment of sending and one or more
//! HMAC-SHA256 of that moment and the body, under the secret of the endpoint (several while a secret is being changed).

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::domain::{Span, Timestamp};
use crate::payments::WebhookError;

/// How far the moment of sending may be from ours, either way. What is older may be a copy that somebody kept.
const TOLERANCE: Span = Span::from_secs(300);
/// More signatures than this in one header are not looked at.
const SIGNATURES_MAX: usize = 8;
const HEADER_MAX_BYTES: usize = 4_096;

/// Holds if `header` signs `body`, to the byte, at a moment near `now`.
pub(super) fn verify(secret: &SecretString, header: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
    if header.len() > HEADER_MAX_BYTES {
        return Err(WebhookError::BadSignature);
    }
    let mut sent = None;
    let mut signatures = Vec::new();
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" if sent.is_some() => return Err(WebhookError::BadSignature),
            "t" => sent = Some(value),
            "v1" if signatures.len() < SIGNATURES_MAX => signatures.extend(hex::decode(value)),
            _ => {}
        }
    }
    let sent = sent.ok_or(WebhookError::BadSignature)?;
    let mac = mac(secret, sent, body).ok_or(WebhookError::BadSignature)?;
    // Each comparison takes the same time wherever the two differ.
    if !signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()) {
        return Err(WebhookError::BadSignature);
    }
    let millis = sent.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000));
    let away = millis.map(|millis| millis.abs_diff(now.millis()));
    if away.is_some_and(|away| away <= TOLERANCE.millis().unsigned_abs()) {
        Ok(())
    } else {
        Err(WebhookError::BadSignature)
    }
}

fn mac(secret: &SecretString, sent: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(sent.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const SENT: i64 = 1_795_253_400;

    fn signed(secret: &str, sent: &str, body: &[u8]) -> String {
        hex::encode(mac(&secret.into(), sent, body).unwrap().finalize().into_bytes())
    }

    /// Whether `header` holds for `BODY`, so many milliseconds after `SENT`.
    fn holds(header: &str, body: &[u8], later: i64) -> bool {
        verify(&"whsec_1".into(), header, body, Timestamp::from_millis(SENT * 1_000 + later)).is_ok()
    }

    fn header(secret: &str) -> String {
        format!("t={SENT},v1={}", signed(secret, &SENT.to_string(), BODY))
    }

    #[test]
    fn the_scheme_is_stripes() {
        // Worked out by other means: openssl dgst -sha256 -hmac whsec_1 over `1795253400.{"id":"evt_1"}`.
        let known = "d06b7342ab18bbdb392d861d99802a28dae85a8df767e1202eaff5123c189ff1";
        assert_eq!(header("whsec_1"), format!("t={SENT},v1={known}"));
        assert!(holds(&header("whsec_1"), BODY, 0));
    }

    #[test]
    fn a_moment_within_five_minutes_is_near_enough_in_both_directions() {
        let header = header("whsec_1");
        for (later, near) in [(300_000, true), (300_001, false), (-300_000, true), (-300_001, false)] {
            assert_eq!(holds(&header, BODY, later), near, "{later}");
        }
        for sent in [i64::MAX.to_string(), i64::MIN.to_string(), "soon".into(), String::new(), "1e9".into()] {
            assert!(!holds(&format!("t={sent},v1={}", signed("whsec_1", &sent, BODY)), BODY, 0), "{sent}");
        }
    }

    #[test]
    fn nothing_may_be_changed() {
        let header = header("whsec_1");
        assert!(!holds(&header, br#"{"id":"evt_2"}"#, 0));
        assert!(!holds(&header, b"", 0));
        let later = header.replace(&SENT.to_string(), &(SENT + 1).to_string());
        assert!(!holds(&later, BODY, 0), "the moment is signed too");
        assert!(!holds(&self::header("whsec_2"), BODY, 0));
    }

    #[test]
    fn one_good_signature_among_several_is_enough() {
        let (good, other) = (signed("whsec_1", &SENT.to_string(), BODY), signed("whsec_2", &SENT.to_string(), BODY));
        assert!(holds(&format!("t={SENT},v1={other},v1={good}"), BODY, 0));
        assert!(holds(&format!("t={SENT}, v1={good}, v0={other}"), BODY, 0));
        assert!(!holds(&format!("t={SENT},v1={other},v1={other}"), BODY, 0));
        assert!(!holds(&format!("t={SENT},v0={good}"), BODY, 0), "v0 is no signature");
        let many = format!("v1={other},").repeat(SIGNATURES_MAX);
        assert!(!holds(&format!("t={SENT},{many}v1={good}"), BODY, 0), "not all are looked at");
    }

    #[test]
    fn garbage_is_refused() {
        let good = signed("whsec_1", &SENT.to_string(), BODY);
        for garbage in [
            String::new(),
            "garbage".into(),
            format!("t={SENT}"),
            format!("v1={good}"),
            format!("t={SENT},v1="),
            format!("t={SENT},v1=zz"),
            format!("t={SENT},v1={}", &good[..32]),
            format!("t={SENT},t={SENT},v1={good}"),
            format!("t={SENT},v1={good},{}", "x".repeat(HEADER_MAX_BYTES)),
        ] {
            assert!(!holds(&garbage, BODY, 0), "{garbage}");
        }
    }
}
