//! Uploads that do not come to their end: what they hold comes back, and others are served meanwhile.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::bounds::{answered, begin};
use super::{tiny_picture, upload};
use crate::harness::Hub;

/// Longer than a body may be silent, and shorter than a request may take.
const SOON: Duration = Duration::from_secs(15);
/// How long it is tried to find a body that is still waited for, on a machine however busy.
const TRYING: Duration = Duration::from_secs(60);

/// True if the hub has said something about an upload by now.
async fn is_answered(stream: &TcpStream) -> bool {
    tokio::time::timeout(Duration::from_millis(5), stream.readable()).await.is_ok()
}

#[tokio::test]
async fn a_body_that_falls_silent_gives_back_what_it_holds() {
    let hub = Hub::with(|settings| {
        settings.images.image_uploads_max = 1;
        settings.images.image_max_bytes = 100_000;
    })
    .await;
    let (ada, ben) = (hub.sign_up("ada").await, hub.sign_up("ben").await);
    let stalled = async || {
        let mut stream = begin(&hub, &ada, "Content-Length: 90000").await;
        stream.write_all(&[0x89; 70_000]).await.unwrap();
        stream
    };
    let begun = Instant::now();
    let mut stream = stalled().await;
    let busy = loop {
        let answer = upload(&hub, &ben, tiny_picture(1)).await;
        if answer.status == 503 {
            break answer;
        }
        if is_answered(&stream).await {
            stream = stalled().await;
        }
        assert!(begun.elapsed() < TRYING, "a body under way takes room");
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
    let two = || join_all([(); 2].map(|()| begin(&hub, &ada, "Content-Length: 5000")));
    let begun = Instant::now();
    let mut silent = two().await;
    let refused = loop {
        let answer = upload(&hub, &ada, tiny_picture(1)).await;
        if answer.status == 429 {
            break answer;
        }
        if is_answered(&silent[0]).await {
            silent = two().await;
        }
        assert!(begun.elapsed() < TRYING, "an account uploads as many at once as it likes");
    };
    assert_eq!(refused.is_problem(429, "rate_limited").header("retry-after"), "5");
    upload(&hub, &ben, tiny_picture(1)).await.is(201);
    drop(silent);
    let begun = Instant::now();
    while upload(&hub, &ada, tiny_picture(2)).await.status != 201 {
        assert!(begun.elapsed() < SOON, "who has gone holds nothing");
    }
    hub.stop().await;
}
