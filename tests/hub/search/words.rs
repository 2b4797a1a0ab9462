//! Which words find what, in which order, and how finds are shown.

use reqwest::Method;
use serde_json::json;

use super::lists::say;
use super::{CHAIR, CLOCK, LAMP, TABLE, WALNUT, found, indexed, lot, on_both, shop, titles_of};
use crate::harness::send;
use crate::market::eventually;

#[tokio::test]
async fn words_find_what_has_them_and_the_best_comes_first() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        shop(&hub, &seller).await;
        for (query, expected) in [
            // Title, then category, then text; among equals the newest.
            ("desk", &[LAMP, WALNUT, CHAIR][..]),
            ("walnut desk", &[WALNUT, LAMP, CHAIR]),
            ("writing desk", &[WALNUT, LAMP]),
            ("furniture", &[TABLE, CHAIR, WALNUT]),
            ("chair walnut", &[CHAIR]),
            ("walnut chair brass", &[]),
            // The last word may be unfinished, the others not.
            ("wal", &[WALNUT, CHAIR, LAMP]),
            ("wal desk", &[]),
            ("desk wal", &[WALNUT, LAMP, CHAIR]),
            ("\"wal\"", &[]),
            // Case and accents make no difference; scripts without spaces are found by their signs.
            ("REVEIL", &[CLOCK]),
            ("étui Cuir", &[CLOCK]),
            ("机", &[TABLE]),
            ("木製", &[TABLE]),
            ("製木", &[]),
            // Phrases, within one field.
            ("\"desk lamp\"", &[LAMP]),
            ("\"lamp desk\"", &[]),
            ("\"writing desk\" brass", &[WALNUT]),
            ("\"desk furniture\"", &[]),
            ("\"furniture about\"", &[]),
            ("state-of-the-art", &[CLOCK]),
            ("art-of-the-state", &[]),
            // What must not be there.
            ("desk -lamp", &[WALNUT, CHAIR]),
            ("desk -\"desk lamp\" -brass", &[CHAIR]),
            ("-walnut", &[TABLE, CLOCK]),
            ("-\"of walnut\" -clocks", &[TABLE, LAMP, WALNUT]),
            ("desk -desk", &[]),
            // No word at all is nowhere; no text at all is everything.
            ("!?", &[]),
            ("  ", &[TABLE, CLOCK, CHAIR, LAMP, WALNUT]),
        ] {
            let body = found(&hub, &[("q", query)]).await;
            assert_eq!(titles_of(&body), expected, "{query}: {body}");
            assert_eq!(body["total"], json!({"count": expected.len(), "more": false}), "{query}");
            assert_eq!(body["corrections"], json!([]), "{query}");
        }
        hub
    })
    .await;
}

#[tokio::test]
async fn misspelt_words_find_what_was_meant_where_they_find_little_themselves() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        shop(&hub, &seller).await;
        let (walnut, furniture) = (json!(["walnut"]), json!(["furniture"]));
        for (query, word, meant, expected) in [
            ("wallnut desk", "wallnut", &walnut, &[WALNUT, LAMP, CHAIR][..]),
            ("desk wlanut", "wlanut", &walnut, &[WALNUT, LAMP, CHAIR]),
            ("furnitrue -desk", "furnitrue", &furniture, &[TABLE]),
            ("funiturre", "funiturre", &furniture, &[TABLE, CHAIR, WALNUT]),
        ] {
            let body = found(&hub, &[("q", query)]).await;
            assert_eq!(titles_of(&body), expected, "{query}: {body}");
            assert_eq!(body["corrections"], json!([{"word": word, "to": meant}]), "{query}");
        }
        let body = found(&hub, &[("q", "wallnut")]).await;
        let pieces = json!([{"text": "Walnut", "match": true}, {"text": " writing desk", "match": false}]);
        assert_eq!(body["items"][0]["highlights"], json!([{"field": "title", "fragments": pieces}]));
        // Not in phrases, not what must not be there, not numbers, not words that are there often enough.
        for query in ["\"wallnut desk\"", "1891", "furniture"] {
            assert_eq!(found(&hub, &[("q", query)]).await["corrections"], json!([]), "{query}");
        }
        assert_eq!(titles_of(&found(&hub, &[("q", "desk -wallnut")]).await).len(), 3);
        // Pages go on with the same words.
        let first = found(&hub, &[("q", "wallnut"), ("limit", "1")]).await;
        let second =
            found(&hub, &[("q", "wallnut"), ("limit", "2"), ("cursor", first["next"].as_str().unwrap())]).await;
        assert_eq!((titles_of(&first), titles_of(&second)), (vec![WALNUT], vec![CHAIR, LAMP]));
        assert!(second["next"].is_null());
        hub
    })
    .await;
}

#[tokio::test]
async fn words_of_descriptions_and_comments_can_be_misspelt_as_long_as_something_has_them() {
    on_both(|hub| async move {
        let (seller, ada) = (hub.sign_up("seller").await, hub.sign_up("ada").await);
        let desk = lot(&hub, &seller, WALNUT, "Furniture", "With marquetry by hand.").await;
        let said = say(&hub, &ada, &desk, "Is the escutcheon an original?").await;
        eventually(&hub, "/api/search", |body| body["total"]["count"] == 2).await;
        for (query, meant, id) in [("marquettry", "marquetry", &desk), ("escuthceon", "escutcheon", &said)] {
            let body = found(&hub, &[("q", query)]).await;
            assert_eq!(body["corrections"], json!([{"word": query, "to": [meant]}]));
            assert_eq!((body["items"].as_array().unwrap().len(), &body["items"][0]["id"]), (1, &json!(id)), "{body}");
        }
        let patch = hub.request(Method::PATCH, &format!("/api/auctions/{desk}")).bearer_auth(&seller.token);
        send(patch.json(&json!({"description": "With inlays by hand."}))).await.is(200);
        send(hub.request(Method::DELETE, &format!("/api/comments/{said}")).bearer_auth(&ada.token)).await.is(204);
        eventually(&hub, "/api/search?q=inlays", |body| body["total"]["count"] == 1).await;
        eventually(&hub, "/api/search", |body| body["total"]["count"] == 1).await;
        for query in ["marquettry", "escuthceon"] {
            let body = found(&hub, &[("q", query)]).await;
            assert_eq!((&body["corrections"], &body["items"]), (&json!([]), &json!([])), "{query}");
        }
        hub
    })
    .await;
}

#[tokio::test]
async fn highlights_are_pieces_of_text_and_never_markup() {
    on_both(|hub| async move {
        let seller = hub.sign_up("seller").await;
        let filler = "nothing here ".repeat(60);
        let text = format!("{filler}with a <i>brass</i> handle & a Brass lock. {filler}");
        let id = lot(&hub, &seller, "<b>Vase</b> & \"co\"", "Glass & Brass", &text).await;
        indexed(&hub, 1).await;
        let body = found(&hub, &[("q", "vase brass")]).await;
        let item = &body["items"][0];
        assert_eq!((item["id"].as_str(), item["auction"].as_str()), (Some(&*id), Some(&*id)));
        assert_eq!((&item["kind"], &item["title"]), (&json!("auction"), &json!("<b>Vase</b> & \"co\"")));
        assert_eq!((&item["author"], &item["author_name"]), (&json!(seller.id), &json!("seller")));
        assert_eq!((&item["price"], &item["currency"], &item["status"]), (&json!(1000), &json!("USD"), &json!("open")));
        let highlights = item["highlights"].as_array().unwrap();
        let shown = |at: usize| -> String {
            let pieces = highlights[at]["fragments"].as_array().unwrap().iter();
            pieces
                .map(|it| {
                    if it["match"] == true {
                        format!("[{}]", it["text"].as_str().unwrap())
                    } else {
                        it["text"].as_str().unwrap().into()
                    }
                })
                .collect()
        };
        let fields: Vec<&str> = highlights.iter().map(|it| it["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["title", "category", "description"]);
        assert_eq!((shown(0), shown(1)), ("<b>[Vase]</b> & \"co\"".to_owned(), "Glass & [Brass]".to_owned()));
        assert!(shown(2).contains("with a <i>[brass]</i> handle & a [Brass] lock. nothing"), "{}", shown(2));
        assert!(shown(2).starts_with('…') && shown(2).ends_with('…') && shown(2).len() < 260, "{}", shown(2));
        assert_eq!(found(&hub, &[]).await["items"][0]["highlights"], json!([]));
        hub
    })
    .await;
}
