//! Images among nodes: what is uploaded at one is served by the other, and shown by auctions that are made there.

use std::io::Cursor;
use std::time::Duration;

use image::{ImageFormat, Rgb, RgbImage};
use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::cluster::Plan;
use crate::redis::Server;
use crate::rest::Rest;

fn picture() -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let pixels = RgbImage::from_fn(900, 300, |x, y| Rgb([x as u8, y as u8, 90]));
    pixels.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// Uploads the picture at a node; the status, and the image.
async fn upload(node: &Rest, token: &str) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("http://{}/api/images", node.address)).bearer_auth(token);
    let answer = request.header(CONTENT_TYPE, "image/png").body(picture()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A file as a node serves it to whoever has `known`: the status, its tag, its media type if it has one, and its bytes.
async fn served(node: &Rest, path: &str, known: &str) -> (u16, String, Option<String>, Vec<u8>) {
    let request = reqwest::Client::new().get(format!("http://{}{path}", node.address)).header(IF_NONE_MATCH, known);
    let answer = request.send().await.unwrap();
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, tag, kind) = (answer.status().as_u16(), header(ETAG).expect("a tag"), header(CONTENT_TYPE));
    (status, tag, kind, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_uploaded_at_one_node_is_served_and_shown_by_the_other() {
    let Some(redis) = Server::start().await else { return };
    let Some(cluster) = Plan::new(2, redis.url()).start().await else { return };
    let ada = cluster.token("ada");
    let [here, there] = [&cluster.nodes[0].rest, &cluster.nodes[1].rest];
    let (status, image) = upload(here, &ada).await;
    assert_eq!(status, 201, "{image}");
    let path = |name: &str| image[name].as_str().expect("a path");

    let mut lengths = Vec::new();
    for path in [path("url"), path("thumbnail_url")] {
        let at_there = served(there, path, "\"another\"").await;
        assert_eq!((at_there.0, at_there.2.as_deref()), (200, Some("image/jpeg")));
        assert_eq!(at_there, served(here, path, "\"another\"").await, "byte for byte, under the same tag");
        for node in [here, there] {
            let again = served(node, path, &at_there.1).await;
            assert_eq!(
                (again.0, &again.1, again.3.len()),
                (304, &at_there.1, 0),
                "who has it from one is sent nothing"
            );
        }
        lengths.push(at_there.3.len());
    }
    assert_eq!(image["bytes"], lengths.iter().sum::<usize>());
    assert_eq!(upload(there, &ada).await, (200, image.clone()), "the same file is the same image at any node");

    // An auction that is made at the other node shows it, and both say so.
    let lasts_ms = Duration::from_secs(3_600).as_millis() as i64;
    let auction = there.offer_with(&ada, lasts_ms, json!({"image_url": path("url")})).await;
    for node in [here, there] {
        node.until(&format!("/api/auctions/{auction}"), |body| body["image_url"] == path("url")).await;
    }
}
