//! Who writes at the same moment: no account, and no image, gets by on what another has not committed yet.

use std::time::Duration;

use bidhub::app;
use bidhub::domain::{AccountId, Span};
use bidhub::features::images::sweep;
use bidhub::persistence::{On, Tx};
use bidhub::sql;
use futures_util::future::join_all;
use image::ImageFormat;
use serde_json::json;
use uuid::Uuid;

use super::{desk_for_now, picture, upload};
use crate::harness::{Hub, User};
use crate::postgres::server::Server;

const QUOTA: u64 = 20_000;

/// What an upload of somebody does that fills the quota, in a process of its own, before its commit.
async fn fill(tx: &mut Tx, owner: &User) {
    let owner: AccountId = owner.id.parse().unwrap();
    if let On::Pg(on) = tx.on() {
        let lock = sqlx::query("select id from accounts where id = $1 for no key update");
        lock.bind(owner.0).execute(on).await.unwrap();
    }
    let (id, at) = (Uuid::from_u128(7), chrono::DateTime::from_timestamp(1_795_166_000, 0).unwrap());
    let text = "insert into images (id, owner, digest, path, content_type, width, height, thumbnail_width,
            thumbnail_height, bytes, at, wanted_at)
         values ($1, $2, $3, $4, 'image/jpeg', 1, 1, 1, 1, $5, $6, $6)";
    let (digest, path) = (id.as_bytes().to_vec(), format!("/api/images/{id}"));
    sql!(tx.on(), exec, text, id, owner.0, digest, path, QUOTA as i64, at).unwrap();
}

async fn one_process_waits_for_the_other_to_count(hub: &Hub) {
    let ada = hub.sign_up("race-ada").await;
    let beside = app::open_database(&hub.settings).await.unwrap();
    let mut tx = beside.begin().await.unwrap();
    fill(&mut tx, &ada).await;
    let mut uploading = Box::pin(upload(hub, &ada, picture(1, 300, 200, ImageFormat::Png)));
    let early = tokio::time::timeout(Duration::from_secs(2), &mut uploading).await;
    assert!(early.is_err(), "it did not wait: {early:?}");
    tx.commit().await.unwrap();
    uploading.await.is_problem(409, "image_quota_exceeded");
    beside.close().await;
}

#[tokio::test]
async fn two_processes_keep_one_quota_on_both_engines() {
    let hub = Hub::with(|settings| settings.images.image_quota_bytes = QUOTA).await;
    one_process_waits_for_the_other_to_count(&hub).await;
    hub.stop().await;
    let Some(server) = Server::start().await else { return };
    let hub = Hub::with(|settings| {
        settings.images.image_quota_bytes = QUOTA;
        settings.server.database_url = Some(server.url().into());
    })
    .await;
    one_process_waits_for_the_other_to_count(&hub).await;
    hub.stop().await;
}

async fn what_is_named_while_it_is_swept_stays_or_is_refused(hub: &Hub) {
    let ada = hub.sign_up("sweep-ada").await;
    let mut urls = Vec::new();
    for shade in 0..16 {
        let made = upload(hub, &ada, picture(shade, 30, 20, ImageFormat::Png)).await;
        urls.push(made.is(201).body["url"].as_str().unwrap().to_owned());
    }
    let beside = app::open_database(&hub.settings).await.unwrap();
    hub.clock.advance(Span::from_secs(24 * 3_600 + 1));
    let creating = urls.iter().map(async |url| {
        let body = desk_for_now(hub, json!({"image_url": url}));
        hub.post_as(&ada.token, "/api/auctions", body).await
    });
    let (swept, answers) = tokio::join!(sweep(&beside, hub.clock.now()), join_all(creating));
    swept.unwrap();
    sweep(&beside, hub.clock.now()).await.unwrap();
    for (url, answer) in urls.iter().zip(&answers) {
        let there = hub.get(url).await.status;
        match answer.status.as_u16() {
            201 => assert_eq!(there, 200, "an auction shows {url}"),
            _ => assert_eq!((answer.is_problem(422, "unknown_image").status.as_u16(), there.as_u16()), (422, 404)),
        }
    }
    beside.close().await;
}

#[tokio::test]
async fn sweeping_and_naming_on_both_engines() {
    let hub = Hub::start().await;
    what_is_named_while_it_is_swept_stays_or_is_refused(&hub).await;
    hub.stop().await;
    let Some(server) = Server::start().await else { return };
    let hub = Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await;
    what_is_named_while_it_is_swept_stays_or_is_refused(&hub).await;
    hub.stop().await;
}
