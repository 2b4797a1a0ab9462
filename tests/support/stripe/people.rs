//! What payers, banks and the operator do at Stripe, and the messages that Stripe sends of it.

use axum::http::{HeaderMap, HeaderValue};
use bidhub::domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Answer, Server, WEBHOOK_SECRET, World};

/// A message as it is sent.
#[derive(Debug, Clone)]
pub struct Message {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[allow(dead_code, reason = "not every test needs all that people do")]
impl Server {
    /// The payer pays on the page of the session; gives the payment's id.
    pub fn pay(&self, session: &str) -> String {
        let mut world = self.world();
        let intent = world.intent(session, "succeeded");
        world.change(session, json!({"status": "complete", "payment_status": "paid", "payment_intent": intent}));
        intent
    }

    /// The payer chooses a way that takes days; gives the payment's id.
    pub fn pay_slowly(&self, session: &str) -> String {
        let mut world = self.world();
        let intent = world.intent(session, "processing");
        world.change(session, json!({"status": "complete", "payment_intent": intent}));
        intent
    }

    /// What took days did not come.
    pub fn payment_fails(&self, intent: &str) {
        self.world().change(intent, json!({"status": "requires_payment_method"}));
    }

    /// Nobody pays in time.
    pub fn expire(&self, session: &str) {
        self.world().change(session, json!({"status": "expired", "url": null}));
    }

    /// The operator gives money of a payment back; gives the refund's id.
    pub fn refund(&self, intent: &str, amount: i64) -> String {
        self.world().part(
            "re",
            json!({"object": "refund", "amount": amount, "currency": "usd", "status": "succeeded",
            "charge": "ch_1", "payment_intent": intent}),
        )
    }

    /// The payer asks their bank for the money; gives the dispute's id.
    pub fn dispute(&self, intent: &str, amount: i64, status: &str) -> String {
        self.world().part(
            "dp",
            json!({"object": "dispute", "amount": amount, "currency": "usd", "status": status,
            "charge": "ch_1", "payment_intent": intent}),
        )
    }

    /// The operator takes money of a transfer back; gives the reversal's id.
    pub fn reverse(&self, transfer: &str, amount: i64) -> String {
        self.world().part(
            "trr",
            json!({"object": "transfer_reversal", "amount": amount, "currency": "usd",
            "transfer": transfer}),
        )
    }

    /// An object has another standing from here on.
    pub fn stands(&self, id: &str, status: &str) {
        self.world().change(id, json!({"status": status}));
    }

    /// An object as it stands.
    pub fn object(&self, id: &str) -> Value {
        self.world().objects[id].clone()
    }

    /// A message of this kind about an object as it stands, sent at `now`.
    pub fn message(&self, kind: &str, object: &str, now: Timestamp) -> Message {
        message_of(kind, self.object(object), now)
    }
}

/// A message of this kind about this object, sent at `now`; at another moment it is another message.
pub fn message_of(kind: &str, object: Value, now: Timestamp) -> Message {
    let id = format!("evt_{kind}_{}_{}", object["id"].as_str().unwrap(), now.millis());
    let event = json!({
        "id": id, "object": "event", "type": kind, "livemode": false, "api_version": "2025-01-27.acacia",
        "created": now.millis() / 1_000, "pending_webhooks": 1, "data": {"object": object},
    });
    signed(event.to_string().into_bytes(), now)
}

/// The body, signed at `now`.
pub fn signed(body: Vec<u8>, now: Timestamp) -> Message {
    let sent = (now.millis() / 1_000).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(sent.as_bytes());
    mac.update(b".");
    mac.update(&body);
    let signature = format!("t={sent},v1={}", hex::encode(mac.finalize().into_bytes()));
    let value = HeaderValue::from_str(&signature).unwrap();
    Message { headers: HeaderMap::from_iter([("stripe-signature".parse().unwrap(), value)]), body }
}

impl World {
    fn intent(&mut self, session: &str, status: &str) -> String {
        let metadata = self.objects[session]["intent_metadata"].clone();
        self.part("pi", json!({"object": "payment_intent", "status": status, "metadata": metadata}))
    }

    fn part(&mut self, prefix: &str, mut object: Value) -> String {
        let Answer(_, made) = self.make(prefix, |id| {
            object["id"] = json!(id);
            object
        });
        made["id"].as_str().unwrap().to_owned()
    }

    fn change(&mut self, id: &str, fields: Value) {
        let object = self.objects.get_mut(id).unwrap();
        for (name, value) in fields.as_object().unwrap() {
            object[name] = value.clone();
        }
    }
}
