//! Which members the answers of each GET may have, read from the description of the API: so that `?fields=` with a name that
//! no answer has is refused, and not answered with less than was meant.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::problem::ApiError;

/// The names of members by route. A route whose answers may have any is not in it.
pub(super) struct Fields(HashMap<String, BTreeSet<String>>);

impl Fields {
    /// What `api` says.
    pub fn of(api: &OpenApi) -> Self {
        Self::read(&serde_json::to_value(api).unwrap_or_default())
    }

    fn read(api: &Value) -> Self {
        let paths = api["paths"].as_object().into_iter().flatten();
        let names = paths.filter_map(|(path, item)| {
            let schema = item.pointer("/get/responses/200/content/application~1json/schema")?;
            let mut names = BTreeSet::new();
            members(api, schema, &mut names).then(|| (path.clone(), names))
        });
        Self(names.collect())
    }

    /// 422 `unknown_field` if no answer of `route` has a member of one of these names.
    pub fn check(&self, route: &str, wanted: &BTreeSet<String>) -> Result<(), ApiError> {
        let unknown = self.0.get(route).and_then(|names| wanted.difference(names).next());
        match unknown {
            Some(name) => Err(ApiError::invalid("unknown_field", name, format!("fields: there is no `{name}`"))),
            None => Ok(()),
        }
    }
}

/// Adds the names of the members of `schema`, and of the items if it is a list. False if it may have any.
fn members(api: &Value, schema: &Value, names: &mut BTreeSet<String>) -> bool {
    if let Some(target) = schema["$ref"].as_str() {
        return api.pointer(target.trim_start_matches('#')).is_some_and(|schema| members(api, schema, names));
    }
    for together in ["allOf", "oneOf", "anyOf"] {
        if let Some(parts) = schema[together].as_array() {
            return parts.iter().all(|part| members(api, part, names));
        }
    }
    let Some(properties) = schema["properties"].as_object() else { return false };
    names.extend(properties.keys().cloned());
    let items = properties.get("items").filter(|items| items["type"] == "array");
    items.is_none_or(|items| members(api, &items["items"], names))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn api(schema: Value) -> Fields {
        let content = json!({"application/json": {"schema": schema}});
        let get = json!({"responses": {"200": {"description": "", "content": content}}});
        let schemas = json!({
            "Item": {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}}},
            "Live": {"allOf": [
                {"$ref": "#/components/schemas/Item"},
                {"type": "object", "properties": {"state": {"type": "object"}}},
            ]},
            "List": {"type": "object", "properties": {
                "items": {"type": "array", "items": {"$ref": "#/components/schemas/Live"}},
                "next": {"type": ["string", "null"]},
            }},
        });
        let api = json!({"paths": {"/a": {"get": get}}, "components": {"schemas": schemas}});
        Fields::read(&api)
    }

    fn refused(fields: &Fields, wanted: &str) -> bool {
        fields.check("/a", &wanted.split(',').map(str::to_owned).collect()).is_err()
    }

    #[test]
    fn names_are_those_of_the_object_of_what_is_flattened_into_it_and_of_the_items_of_a_list() {
        let of = |name: &str| api(json!({"$ref": format!("#/components/schemas/{name}")}));
        for (schema, wanted, expected) in [
            ("Item", "id,title", false),
            ("Item", "id,state", true),
            ("Live", "id,state", false),
            ("Live", "next", true),
            ("List", "state,id,next", false),
            ("List", "id,colour", true),
        ] {
            assert_eq!(refused(&of(schema), wanted), expected, "{schema} {wanted}");
        }
        assert!(of("Item").check("/b", &["colour".to_owned()].into()).is_ok(), "of another route nothing is known");
    }

    #[test]
    fn what_may_have_any_members_is_not_checked() {
        for open in
            [json!({"type": "object"}), json!({}), json!({"oneOf": [{"$ref": "#/components/schemas/Item"}, {}]})]
        {
            assert!(!refused(&api(open), "colour"));
        }
    }
}
