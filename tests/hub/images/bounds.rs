//! How much of images is taken: of bytes, at once, of one account, in a minute.

use bidhub::config::Switch;
use image::ImageFormat;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{desk_for_now, picture, tiny_picture, upload};
use crate::harness::{Hub, User, send};
use crate::market::offer;
use crate::postgres::server::Server;

async fn the_quota_is_kept(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("quota-ada").await, hub.sign_up("quota-ben").await);
    let mut kept = 0;
    let refused = loop {
        let answer = upload(hub, &ada, picture(kept, 300, 200, ImageFormat::Png)).await;
        if answer.status != 201 {
            break answer;
        }
        kept += 1;
        assert!(kept < 50, "there is a quota");
    };
    refused.is_problem(409, "image_quota_exceeded");
    assert!(kept > 1);
    // Uploads at once do not go by the quota one after the other, and those of others have one of their own.
    let pictures = (100..110).map(|shade| upload(hub, &ben, picture(shade, 300, 200, ImageFormat::Png)));
    let answers = futures_util::future::join_all(pictures).await;
    let taken: u64 = answers.iter().filter(|it| it.status == 201).map(|it| it.body["bytes"].as_u64().unwrap()).sum();
    assert!((1..=QUOTA).contains(&taken), "{taken}");
    let refusals = ["image_quota_exceeded", "rate_limited"].map(serde_json::Value::from);
    assert!(answers.iter().all(|it| it.status == 201 || refusals.contains(&it.body["code"])), "{answers:?}");
    assert!(answers.iter().any(|it| it.status == 429), "two at once");
    upload(hub, &ada, picture(0, 300, 200, ImageFormat::Png)).await.is(200);
}

const QUOTA: u64 = 20_000;

#[tokio::test]
async fn the_quota_is_kept_on_both_engines() {
    let hub = Hub::with(|settings| settings.images.image_quota_bytes = QUOTA).await;
    the_quota_is_kept(&hub).await;
    let Some(server) = Server::start().await else { return };
    let hub = Hub::with(|settings| {
        settings.images.image_quota_bytes = QUOTA;
        settings.server.database_url = Some(server.url().into());
    })
    .await;
    the_quota_is_kept(&hub).await;
}

async fn the_room_of_the_hub_is_kept(hub: &Hub) {
    let mut people = Vec::new();
    for name in ["room-ada", "room-ben", "room-cy"] {
        people.push(hub.sign_up(name).await);
    }
    let mut kept = Vec::new();
    let mut refused = None;
    for round in 0..30 {
        let pictures =
            people.iter().map(async |who| (who, upload(hub, who, picture(round, 300, 200, ImageFormat::Png)).await));
        for (who, answer) in futures_util::future::join_all(pictures).await {
            match answer.status.as_u16() {
                201 => kept.push((who, answer.body)),
                _ => refused = Some(answer),
            }
        }
        if refused.is_some() {
            break;
        }
    }
    refused.expect("there is a bound").is_problem(507, "image_storage_full");
    let taken: u64 = kept.iter().map(|(_, body)| body["bytes"].as_u64().unwrap()).sum();
    assert!(kept.len() > 1 && taken <= ROOM, "{taken}");
    for who in &people {
        upload(hub, who, picture(200, 300, 200, ImageFormat::Png)).await.is_problem(507, "image_storage_full");
    }
    // What is deleted, swept or taken down leaves its room.
    let (who, body) = &kept[0];
    let delete = hub.request(Method::DELETE, body["url"].as_str().unwrap()).bearer_auth(&who.token);
    send(delete).await.is(204);
    upload(hub, &people[2], picture(200, 300, 200, ImageFormat::Png)).await.is(201);
    let metrics = hub.get("/metrics").await.is(200).body.as_str().unwrap().to_owned();
    assert!(metrics.contains("bidhub_image_bytes ") && metrics.contains("bidhub_image_bytes_max "));
}

async fn what_no_auction_shows_has_an_allowance(hub: &Hub) {
    let ada = hub.sign_up("unused-ada").await;
    let mut urls = Vec::new();
    let refused = loop {
        let answer = upload(hub, &ada, picture(urls.len() as u8, 300, 200, ImageFormat::Png)).await;
        if answer.status != 201 {
            break answer;
        }
        urls.push(answer.body["url"].as_str().unwrap().to_owned());
    };
    refused.is_problem(409, "unused_images_exceeded");
    let next = || picture(100, 300, 200, ImageFormat::Png);
    upload(hub, &ada, next()).await.is_problem(409, "unused_images_exceeded");
    offer(hub, &ada, desk_for_now(hub, json!({"image_url": urls[0]}))).await;
    upload(hub, &ada, next()).await.is(201);
}

const ROOM: u64 = 30_000;

#[tokio::test]
async fn the_room_of_the_hub_and_of_what_is_unused_on_both_engines() {
    for server in [None, Some(())] {
        let server = match server {
            None => None,
            Some(()) => match Server::start().await {
                None => return,
                started => started,
            },
        };
        let url = server.as_ref().map(|server| server.url());
        let hub = Hub::with(|settings| {
            settings.images.image_unused_bytes = 9_000;
            settings.server.database_url = url.clone().map(Into::into);
        })
        .await;
        what_no_auction_shows_has_an_allowance(&hub).await;
        hub.stop().await;
        let hub = Hub::with(|settings| {
            settings.images.image_total_bytes = ROOM;
            settings.server.database_url = url.map(Into::into);
        })
        .await;
        the_room_of_the_hub_is_kept(&hub).await;
        hub.stop().await;
    }
}

/// The beginning of an upload, by hand.
pub async fn begin(hub: &Hub, who: &User, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    let head = format!(
        "POST /api/images HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\nContent-Type: image/png\r\n{head}\r\n\r\n",
        who.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What is answered, read until it has a body.
pub async fn answered(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let (mut answer, mut part) = (Vec::new(), [0; 4_096]);
    while !answer.ends_with(b"}") {
        let length = stream.read(&mut part).await.unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..length]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn too_long_a_file_is_refused_before_it_is_there() {
    let hub = Hub::with(|settings| settings.images.image_max_bytes = 100_000).await;
    let ada = hub.sign_up("ada").await;
    // Announced as too long: not a byte of it is waited for.
    let mut stream = begin(&hub, &ada, "Content-Length: 100001").await;
    let answer = answered(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"code\":\"body_too_large\""), "{answer}");
    // Not announced: it is refused while it still comes.
    let stream = begin(&hub, &ada, "Transfer-Encoding: chunked").await;
    let (mut reading, mut writing) = stream.into_split();
    let endless = async {
        let chunk = [&b"1000\r\n"[..], &[0x89; 0x1000], b"\r\n"].concat();
        while writing.write_all(&chunk).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = endless => {}
        answer = answered(&mut reading) => {
            assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"code\":\"body_too_large\""), "{answer}");
        }
    }
    // At the limit it is read: as what it is.
    let mut file = tiny_picture(1);
    file.resize(100_000, 0);
    upload(&hub, &ada, file).await.is(201);
    // One that stops is no image, and nothing is left of it.
    let mut stream = begin(&hub, &ada, "Content-Length: 5000").await;
    stream.write_all(b"\x89PNG").await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    upload(&hub, &ada, tiny_picture(2)).await.is(201);
    hub.stop().await;
}

#[tokio::test]
async fn more_than_can_be_received_at_once_is_busy() {
    let hub = Hub::with(|settings| {
        settings.images.image_uploads_max = 1;
        settings.images.image_max_bytes = 65_536;
    })
    .await;
    let (ada, ben) = (hub.sign_up("ada").await, hub.sign_up("ben").await);
    let slow = tiny_picture(1);
    let mut stream = begin(&hub, &ada, &format!("Content-Length: {}", slow.len())).await;
    let busy = loop {
        let answer = upload(&hub, &ben, tiny_picture(2)).await;
        if answer.status == 503 {
            break answer;
        }
    };
    assert_eq!((busy.is_problem(503, "busy").header("retry-after"), &busy.body["retry"]), ("5", &json!(true)));
    stream.write_all(&slow).await.unwrap();
    assert!(answered(&mut stream).await.starts_with("HTTP/1.1 201"));
    upload(&hub, &ben, tiny_picture(3)).await.is(201);
    hub.stop().await;
}

#[tokio::test]
async fn an_account_uploads_so_often_and_no_oftener() {
    let hub = Hub::with(|settings| settings.connections.rate_limits = Switch::On).await;
    let (ada, ben) = (hub.sign_up("ada").await, hub.sign_up("ben").await);
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(upload(&hub, &ada, tiny_picture(1)).await.status.as_u16());
    }
    assert_eq!((statuses[0], &statuses[1..20]), (201, &[200; 19][..]), "{statuses:?}");
    assert!(statuses[20..].contains(&429), "{statuses:?}");
    upload(&hub, &ben, tiny_picture(1)).await.is(201);
}
