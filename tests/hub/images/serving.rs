//! How much of the database images take when many look at them.

use std::time::Duration;

use bidhub::app;
use bidhub::sql;
use image::ImageFormat;

use super::{picture, upload};
use crate::harness::Hub;
use crate::postgres::server::Server;

#[tokio::test]
async fn images_wait_for_the_database_in_bounds_and_what_is_at_hand_needs_none() {
    let Some(server) = Server::start().await else { return };
    let hub = Hub::with(|settings| settings.server.database_url = Some(server.url().into())).await;
    let ada = hub.sign_up("ada").await;
    let mut urls = Vec::new();
    for shade in 0..5 {
        let made = upload(&hub, &ada, picture(shade, 40, 40, ImageFormat::Png)).await;
        urls.push(made.is(201).body["url"].as_str().unwrap().to_owned());
    }
    hub.get(&urls[0]).await.is(200);
    let beside = app::open_database(&hub.settings).await.unwrap();
    let mut tx = beside.begin().await.unwrap();
    sql!(tx.on(), exec, "lock table image_files in access exclusive mode").unwrap();
    let asked = urls[1..].iter().map(|url| hub.get(url));
    let waiting = futures_util::future::join_all(asked);
    let at_hand = async {
        hub.get(&urls[0]).await.is(200);
        // Nobody can read; the others have come to the end of their patience.
        tokio::time::sleep(Duration::from_secs(4)).await;
        tx.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(waiting, at_hand);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    let mut sorted = statuses.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [200, 200, 503, 503], "{statuses:?}");
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        assert_eq!(answer.is_problem(503, "busy").header("retry-after"), "1");
    }
    for url in &urls {
        hub.get(url).await.is(200);
    }
    beside.close().await;
    hub.stop().await;
}
