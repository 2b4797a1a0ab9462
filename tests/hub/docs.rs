//! The API describes itself, completely, and without anything from outside.

use crate::harness::Hub;

#[tokio::test]
async fn every_description_is_a_route_and_says_what_it_does() {
    let hub = Hub::start().await;
    let api = hub.get("/api/openapi.json").await;
    api.is(200);
    for (path, item) in api.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                "{method} {path} says what it does"
            );
            assert!(operation["tags"][0].is_string() && operation["responses"].is_object(), "{method} {path}");
            let method = method.to_uppercase().parse().unwrap();
            let answer = crate::harness::send(hub.request(method, path)).await;
            assert!(answer.status != 405 && answer.body["code"] != "not_found", "{path} is there: {answer:?}");
        }
    }
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    fn check(value: &serde_json::Value, api: &serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                Some(target) if name == "$ref" => {
                    assert!(api.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                }
                _ => check(value, api),
            }),
            serde_json::Value::Array(items) => items.iter().for_each(|item| check(item, api)),
            _ => {}
        }
    }
    let hub = Hub::start().await;
    let api = hub.get("/api/openapi.json").await.body;
    assert!(api["components"]["schemas"]["Problem"].is_object());
    check(&api, &api);
}

#[tokio::test]
async fn every_body_has_an_example_and_every_problem_a_code() {
    let hub = Hub::start().await;
    let api = hub.get("/api/openapi.json").await.body;
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let sent = operation.pointer("/requestBody/content/application~1json");
            assert!(sent.is_none_or(|body| body["example"].is_object()), "{method} {path} shows what is sent");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let contents = response["content"].as_object().into_iter().flatten();
                for (kind, content) in contents.filter(|(kind, _)| kind.ends_with("/json") || kind.ends_with("+json")) {
                    let example = &content["example"];
                    assert!(example.is_object(), "{method} {path} {status} {kind} shows what comes back");
                    if kind == "application/problem+json" {
                        assert_eq!(example["status"].to_string(), *status, "{method} {path}");
                        let code = example["code"].as_str().unwrap();
                        let is_code =
                            !code.is_empty() && code.chars().all(|sign| sign.is_ascii_lowercase() || sign == '_');
                        assert!(is_code, "{method} {path} {status}: {code}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn the_pages_come_from_the_hub_alone() {
    let hub = Hub::start().await;
    let page = hub.get("/api/docs/").await;
    page.is(200);
    let html = page.body.as_str().unwrap();
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(!target.contains("//"), "{target} is outside");
            hub.get(&format!("/api/docs/{}", target.trim_start_matches("./"))).await.is(200);
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "{html}");
    assert!(!html.contains("<style") && !html.contains("<script>"), "the policy of the page allows no inline script");
    let start = hub.get("/api/docs/swagger-initializer.js").await;
    let script = start.body.as_str().unwrap();
    assert!(script.contains("/api/openapi.json") && !script.contains("https://"), "{script}");
    assert!(script.contains("\"validatorUrl\": \"none\""), "{script}");
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
}
