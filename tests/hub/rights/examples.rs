//! The examples of the API, taken from what is asked and answered here, and compared with those that the description shows.
//! `BIDHUB_WRITE=1` writes them anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table::Call;
use crate::harness::Answer;

/// As many items of a list are shown.
const ITEMS_MAX: usize = 1;
/// What stands for every token.
const TOKEN: &str = "bh_9mW0yYdP3cJq5uX8Zt2LrB7nKe4HgVs1AfQoTiCxDwU";
/// What stands for every secret: the one that Standard Webhooks shows.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// By method and path.
#[derive(Default)]
pub struct Examples(BTreeMap<String, Example>);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Example {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Value>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Value>,
}

impl Examples {
    /// Takes in what was sent and answered, unless it was refused or there is one of it already.
    pub fn take(&mut self, call: &Call, sent: &str, answer: &Answer) {
        let name = format!("{} {}", call.method, call.route);
        let (worked, known) =
            (answer.status.is_success(), self.0.get(&name).is_some_and(|it| it.status.starts_with('2')));
        if known {
            return;
        }
        let is_json = answer.header("content-type").starts_with("application/json");
        let response = (worked && is_json).then(|| shortened(answer.body.clone()));
        let request = serde_json::from_str(sent).ok();
        self.0.insert(name, Example { request, status: answer.status.as_u16().to_string(), response });
    }

    /// Asserts that the description shows these, but for the values.
    pub fn are_those_of_the_description(&self) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples.json");
        if std::env::var("BIDHUB_WRITE").is_ok_and(|value| value == "1") {
            let text = serde_json::to_string_pretty(&self.0).expect("JSON") + "\n";
            std::fs::write(file, text).expect("the file is written");
        }
        let shown: BTreeMap<String, Example> =
            serde_json::from_str(&std::fs::read_to_string(file).expect("the file is there")).expect("examples");
        let (names, found): (Vec<_>, Vec<_>) = (shown.keys().collect(), self.0.keys().collect());
        let anew = "`BIDHUB_WRITE=1 cargo test --test hub rights::` writes docs/examples.json anew";
        assert_eq!(names, found, "{anew}");
        for (name, example) in &self.0 {
            let there = &shown[name];
            assert_eq!(
                (&there.request.is_some(), &there.status),
                (&example.request.is_some(), &example.status),
                "{name}: {anew}"
            );
            let (there, found) = (json!([there.request, there.response]), json!([example.request, example.response]));
            assert!(alike(&there, &found), "{name}\n shown    {there}\n answered {found}\n{anew}");
        }
    }
}

/// With few items in each list.
fn shortened(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => {
            items.truncate(ITEMS_MAX);
            items.iter_mut().for_each(|item| *item = shortened(item.take()));
        }
        Value::Object(members) => {
            members.values_mut().for_each(|member| *member = shortened(member.take()));
            for (name, shown) in [("token", TOKEN), ("secret", SECRET)] {
                if let Some(member) = members.get_mut(name) {
                    *member = json!(shown);
                }
            }
        }
        _ => {}
    }
    value
}

/// The same members of the same types, whatever their values. Nothing is like everything: it may be there another time.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys()) && one.iter().all(|(name, member)| alike(member, &other[name]))
        }
        (Value::Array(one), Value::Array(other)) => one.iter().zip(other).all(|(one, other)| alike(one, other)),
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}
