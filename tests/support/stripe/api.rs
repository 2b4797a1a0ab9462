//! What the API does: makes objects from forms, and shows them.

use serde_json::{Value, json};

use super::{Answer, Asked, World, error};

impl World {
    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        let path: Vec<&str> = asked.path.trim_start_matches("/v1/").split('/').collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("POST", ["checkout", "sessions"]) => self.make_session(asked),
            ("POST", ["transfers"]) => self.make_transfer(asked),
            ("POST", ["accounts"]) => {
                self.make("acct", |id| json!({"id": id, "object": "account", "type": asked.form["type"]}))
            }
            ("POST", ["account_links"]) => {
                let account = asked.form["account"].clone();
                if !self.objects.contains_key(&account) {
                    return error(400, "invalid_request_error", "resource_missing");
                }
                self.make("link", |id| json!({"object": "account_link", "url": format!("https://connect.test/{id}")}))
            }
            ("GET", ["checkout", "sessions", id] | ["disputes", id]) => self.show(id, asked),
            ("GET", ["transfers"]) => {
                let group = asked.form["transfer_group"].clone();
                self.list("tr_", asked, |it| it["transfer_group"] == *group)
            }
            ("GET", ["transfers", id, "reversals"]) => {
                let id = (*id).to_owned();
                self.list("trr_", asked, |it| it["transfer"] == *id)
            }
            ("GET", ["refunds"]) => {
                let intent = asked.form["payment_intent"].clone();
                self.list("re_", asked, |it| it["payment_intent"] == *intent)
            }
            _ => error(404, "invalid_request_error", "url_invalid"),
        }
    }

    /// Keeps a new object under an id that begins so.
    pub(super) fn make(&mut self, prefix: &str, object: impl FnOnce(&str) -> Value) -> Answer {
        self.made += 1;
        let id = format!("{prefix}_{:04}", self.made);
        let object = object(&id);
        self.objects.insert(id, object.clone());
        Answer(200, object)
    }

    fn make_session(&mut self, asked: &Asked) -> Answer {
        let form = &asked.form;
        let item = |name: &str| form.get(&format!("line_items[0]{name}")).map_or("", |value| value);
        let amount: i64 = item("[price_data][unit_amount]").parse().unwrap();
        if form["mode"] != "payment" || item("[quantity]") != "1" || amount < 50 {
            return error(400, "invalid_request_error", "amount_too_small");
        }
        self.make("cs", |id| {
            json!({
                "id": id, "object": "checkout.session", "status": "open", "payment_status": "unpaid",
                "url": format!("https://checkout.test/{id}"), "amount_total": amount,
                "currency": item("[price_data][currency]"), "payment_intent": null,
                "client_reference_id": form["client_reference_id"], "metadata": metadata(asked, "metadata"),
                "intent_metadata": metadata(asked, "payment_intent_data[metadata]"),
            })
        })
    }

    fn make_transfer(&mut self, asked: &Asked) -> Answer {
        let form = &asked.form;
        if !self.objects.contains_key(&form["destination"]) {
            return error(400, "invalid_request_error", "resource_missing");
        }
        self.make("tr", |id| {
            json!({
                "id": id, "object": "transfer", "amount": form["amount"].parse::<i64>().unwrap(),
                "currency": form["currency"], "destination": form["destination"], "amount_reversed": 0,
                "transfer_group": form["transfer_group"], "metadata": metadata(asked, "metadata"),
            })
        })
    }

    fn show(&self, id: &str, asked: &Asked) -> Answer {
        match self.objects.get(id) {
            Some(object) => Answer(200, self.expanded(object.clone(), asked)),
            None => error(404, "invalid_request_error", "resource_missing"),
        }
    }

    /// The newest first, as Stripe does.
    fn list(&self, prefix: &str, asked: &Asked, fits: impl Fn(&Value) -> bool) -> Answer {
        let limit = asked.form.get("limit").map_or(10, |limit| limit.parse().unwrap());
        let found = self.objects.iter().rev().filter(|(id, object)| id.starts_with(prefix) && fits(object));
        let data: Vec<Value> = found.take(limit).map(|(_, it)| self.expanded(it.clone(), asked)).collect();
        Answer(200, json!({"object": "list", "has_more": false, "data": data}))
    }

    /// With the payment in place of its id, if that was asked for.
    fn expanded(&self, mut object: Value, asked: &Asked) -> Value {
        let wanted = asked.form.get("expand[]").is_some_and(|field| field.ends_with("payment_intent"));
        if let Some(intent) = object["payment_intent"].as_str().filter(|_| wanted) {
            object["payment_intent"] = self.objects[intent].clone();
        }
        object
    }
}

fn metadata(asked: &Asked, name: &str) -> Value {
    let inner = |field: &str| field.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']').map(str::to_owned);
    asked.form.iter().filter_map(|(field, value)| Some((inner(field)?, json!(value)))).collect()
}
