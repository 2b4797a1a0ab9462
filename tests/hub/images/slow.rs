//! Uploads that do not come to their end: what they hold comes back, and others are served meanwhile.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::bounds::{answered, begin};
use super::{tiny_picture, upload};
use crate::harness::Hub;

/// Longer than a body may be silent, and shorter than a request may take.
const SOON: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_body_that_falls_silent_gives_back_what_it_holds() {
    let hub = Hub::with(|settings| {
        settings.images.image_uploads_max = 1;
        settings.images.image_max_bytes = 100_000;
    })
    .await;
    let (ada, ben) = (hub.sign_up("ada").await, hub.sign_up("ben").await);
    let mut stream = begin(&hub, &ada, "Content-Length: 90000").await;
    stream.write_all(&[0x89; 70_000]).await.unwrap();
    let busy = loop {
        let answer = upload(&hub, &ben, tiny_picture(1)).await;
        if answer.status == 503 {
            break answer;
        }
    };
    busy.is_problem(503, "busy");
    let answer = tokio::time::timeout(SOON, answered(&mut stream)).await.expect("it is not waited for");
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"code\":\"request_timeout\""), "{answer}");
    upload(&hub, &ben, tiny_picture(2)).await.is(201);
    hub.stop().await;
}

#[tokio::test]
async fn silent_bodies_of_one_account_stand_in_its_own_way_alone() {
    let hub = Hub::start().await;
    let (ada, ben) = (hub.sign_up("ada").await, hub.sign_up("ben").await);
    let silent = [begin(&hub, &ada, "Content-Length: 5000").await, begin(&hub, &ada, "Content-Length: 5000").await];
    let mut tries = 0;
    let refused = loop {
        let answer = upload(&hub, &ada, tiny_picture(1)).await;
        if answer.status == 429 {
            break answer;
        }
        tries += 1;
        assert!(tries < 100, "an account uploads as many at once as it likes");
    };
    assert_eq!(refused.is_problem(429, "rate_limited").header("retry-after"), "5");
    upload(&hub, &ben, tiny_picture(1)).await.is(201);
    drop(silent);
    let begun = tokio::time::Instant::now();
    while upload(&hub, &ada, tiny_picture(2)).await.status != 201 {
        assert!(begun.elapsed() < SOON, "who has gone holds nothing");
    }
    hub.stop().await;
}
