//! Requests that are none: what is wrong is named, and the connection stays, unless the frame could not even be read.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{CODECS, Codec, Market, text};

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let market = Market::open().await;
    let id = market.auction.as_str();
    for codec in CODECS {
        let mut socket = market.bidder(codec, &format!("ada-{}", codec.name())).await;
        for (request, code, field) in [
            (json!({"type": "dance"}), "unknown_type", "type"),
            (json!({}), "missing_field", "type"),
            (json!({"type": 5}), "invalid_request", "type"),
            (json!({"type": "join"}), "missing_field", "auction"),
            (json!({"type": "join", "auction": 7}), "invalid_request", "auction"),
            (json!({"type": "join", "auction": id, "after": -1}), "invalid_request", "after"),
            (json!({"type": "join", "auction": id, "after": 1, "log": "x"}), "invalid_request", "log"),
            (json!({"type": "join", "auction": id, "amount": 5}), "unknown_field", "amount"),
            (json!({"type": "join", "auction": id, "colour": "red"}), "unknown_field", "colour"),
            (json!({"type": "leave"}), "missing_field", "auction"),
            (json!({"type": "authenticate"}), "missing_field", "token"),
            (json!({"type": "authenticate", "token": ["x"]}), "invalid_request", "token"),
            (json!({"type": "bid", "auction": id, "amount": 1000}), "missing_field", "key"),
            (json!({"type": "bid", "auction": id, "key": "k"}), "missing_field", "amount"),
            (json!({"type": "bid", "key": "k", "amount": 1000}), "missing_field", "auction"),
            (json!({"type": "bid", "auction": id, "key": "", "amount": 1000}), "invalid_request", "key"),
            (json!({"type": "bid", "auction": id, "key": "a b", "amount": 1000}), "invalid_request", "key"),
            (json!({"type": "bid", "auction": id, "key": "x".repeat(129), "amount": 1000}), "invalid_request", "key"),
            (json!({"type": "bid", "auction": id, "key": "k", "amount": 1000, "max": 1000}), "invalid_request", "max"),
            (json!({"type": "bid", "auction": id, "key": "k", "amount": {"minor": 5}}), "invalid_request", "amount"),
            (json!({"type": "buy_now", "auction": id, "key": "k", "amount": 5}), "unknown_field", "amount"),
            (json!({"type": "ping", "sent_at": {"a": 1}}), "invalid_request", "sent_at"),
        ] {
            let answer = socket.ask(request.clone()).await;
            let told = (&answer["type"], &answer["code"], &answer["field"]);
            assert_eq!(told, (&json!("error"), &json!(code), &json!(field)), "{codec:?} {request} {answer}");
        }
        for (request, field) in [
            (json!({"type": "ping"}), "id"),
            (json!({"type": "ping", "id": null}), "id"),
            (json!({"type": "ping", "id": "1"}), "id"),
            (json!({"type": "ping", "id": 1.5}), "id"),
        ] {
            socket.send(codec.encode(&request)).await;
            let answer = socket.any_answer().await.unwrap();
            assert_eq!((&answer["reply_to"], &answer["field"]), (&Value::Null, &json!(field)), "{codec:?} {request}");
        }
        assert_eq!(socket.ask(json!({"type": "ping"})).await["type"], "pong", "the connection stays");
    }
}

#[tokio::test]
async fn json_that_is_no_request_gets_an_error_and_what_is_no_json_a_close() {
    let market = Market::open().await;
    let mut socket = market.watcher(Codec::Json).await;
    let deep = format!(r#"{{"id":7,"type":"ping","sent_at":{}{}}}"#, "[".repeat(3_000), "]".repeat(3_000));
    let huge = r#"{"id":8,"type":"bid","auction":"x","key":"k","amount":1e999}"#;
    for (frame, reply_to) in [
        ("5", Value::Null),
        ("[]", Value::Null),
        (r#"["ping",1,null,null,null,null,null,null,null,null]"#, Value::Null),
        (r#""text""#, Value::Null),
        (r#"{"id":6,"id":6}"#, Value::Null),
        (&deep, json!(7)),
        (huge, json!(8)),
        (r#"{"id":9223372036854775808,"type":"ping"}"#, Value::Null),
    ] {
        socket.send(text(frame)).await;
        let answer = socket.any_answer().await.unwrap();
        assert_eq!((&answer["type"], &answer["reply_to"]), (&json!("error"), &reply_to), "{frame:.60}");
    }
    for frame in ["", " ", "nonsense", "{", r#"{"type":"ping","id":1}}"#, r#"{"type":"ping" "id":1}"#, "nul"] {
        let mut socket = market.watcher(Codec::Json).await;
        socket.send(text(frame)).await;
        assert_eq!(socket.closed().await, Some(4000), "{frame}");
    }
}

#[tokio::test]
async fn a_frame_of_the_other_codec_is_unreadable() {
    let market = Market::open().await;
    let ping = json!({"type": "ping", "id": 1});
    for (mine, other) in [(Codec::Json, Codec::MessagePack), (Codec::MessagePack, Codec::Json)] {
        let mut socket = market.watcher(mine).await;
        socket.send(other.encode(&ping)).await;
        assert_eq!(socket.closed().await, Some(4000));
    }
    let map = rmp_serde::to_vec_named(&ping).unwrap();
    let cut = map[..map.len() - 1].to_vec();
    let twice = [map.clone(), map].concat();
    let deep = [b"\x82\xa2id\x01\xa7sent_at".as_slice(), &[0x91; 5_000], b"\x01"].concat();
    for bytes in [cut, twice, deep, vec![], vec![0xc1], vec![0x93, 1, 2, 3], vec![0xdf, 0xff, 0xff, 0xff, 0xff]] {
        let mut socket = market.watcher(Codec::MessagePack).await;
        socket.send(Message::binary(bytes.clone())).await;
        assert_eq!(socket.closed().await, Some(4000), "{bytes:.20?}");
    }
}

#[tokio::test]
async fn a_message_may_be_16_kib_and_no_longer() {
    let market = Market::open().await;
    let ping = r#"{"type":"ping","id":1}"#;
    let padded = |length: usize| format!("{ping}{}", " ".repeat(length - ping.len()));
    let mut socket = market.watcher(Codec::Json).await;
    socket.send(text(padded(16_384))).await;
    assert_eq!(socket.any_answer().await.unwrap()["type"], "pong");
    socket.send(text(padded(16_385))).await;
    assert_eq!(socket.closed().await, Some(1009));
    let mut socket = market.watcher(Codec::Json).await;
    socket.send(text(padded(60_000))).await;
    assert_eq!(socket.closed().await, Some(1009));
}
