//! What a hub says whose stream is not as it should be; and that it fills the stream once it is.

use crate::market::{Market, until};
use crate::moto::Moto;
use crate::process::{self, Hub};
use crate::unruly::Unruly;

#[test]
fn what_can_be_known_at_the_start_ends_it_with_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for (settings, named) in [
        (&[][..], "AWS_REGION"),
        (&[("BIDHUB_KINESIS_STREAM", "arn:aws:kinesis:x")], "kinesis_stream"),
        (&[("BIDHUB_KINESIS_STREAM", "")], "kinesis_stream"),
        (&[("BIDHUB_KINESIS_ENDPOINT_URL", "localhost:4566")], "kinesis_endpoint_url"),
    ] {
        let (code, said) = process::refused(dir.path(), settings);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(named), "{named} in {said}");
    }
}

#[tokio::test]
async fn a_stream_that_is_missing_is_named_and_filled_once_it_is_there() {
    let Some(moto) = Moto::start_empty().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start(dir.path(), &moto.url()).await;
    let mut market = Market::open(&hub).await;
    market.bid(&hub, 1).await;
    until("the word", async || hub.log().contains("there is no stream auctions")).await;
    moto.create().await;
    until("what was bid", async || market.is_all_in(&hub, &moto.held().await).await).await;
    until("the good word", async || hub.log().contains("is filled again")).await;
}

#[tokio::test]
async fn credentials_that_are_refused_are_named_and_bids_go_on() {
    let unruly = Unruly::start(0).await;
    unruly.lock(true);
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start(dir.path(), &unruly.url).await;
    let mut market = Market::open(&hub).await;
    market.bid(&hub, 1).await;
    until("the word", async || hub.log().contains("the credentials are wrong or have expired")).await;
    market.bid(&hub, 1).await;
    unruly.lock(false);
    unruly.calm();
    until("what was bid", async || market.is_all_in(&hub, &unruly.held()).await).await;
}

#[tokio::test]
async fn a_hub_without_credentials_says_so() {
    let unruly = Unruly::start(0).await;
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start_with(dir.path(), &unruly.url, &[("AWS_ACCESS_KEY_ID", "")]).await;
    Market::open(&hub).await;
    until("the word", async || hub.log().contains("no credentials found")).await;
    let log = hub.log();
    assert!(log.lines().all(|line| line.starts_with("20")), "each word is one line: {log}");
}
