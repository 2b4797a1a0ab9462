//! Images for auctions: what is taken and what of it is kept, how it is served, who shows it and what becomes of the rest.

mod bounds;
mod owners;
mod races;
mod serving;
mod slow;

use std::io::Cursor;
use std::time::Duration;

use bidhub::domain::Span;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Hub, User, send};
use crate::market::{desk_with, moderator, offer};
use crate::stories::stories;

/// A picture that no other test has, in this format.
fn picture(shade: u8, width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, _| Rgb([if x < width / 2 { 250 } else { 5 }, shade, 5]));
    written(pixels.into(), format)
}

/// One of few bytes.
pub fn tiny_picture(shade: u8) -> Vec<u8> {
    picture(shade, 20, 20, ImageFormat::Png)
}

fn written(pixels: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

async fn upload_as(hub: &Hub, token: &str, kind: &str, file: Vec<u8>) -> Answer {
    let request = hub.request(Method::POST, "/api/images").bearer_auth(token).header("content-type", kind);
    send(request.body(file)).await
}

pub async fn upload(hub: &Hub, who: &User, file: Vec<u8>) -> Answer {
    upload_as(hub, &who.token, "image/png", file).await
}

/// A picture as everyone gets it, with its media type.
async fn seen(hub: &Hub, path: &Value) -> (String, DynamicImage) {
    let answer = hub.request(Method::GET, path.as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, image::load_from_memory(&answer.bytes().await.unwrap()).unwrap())
}

async fn every_kind_is_made_anew(hub: &Hub) {
    let ada = hub.sign_up("image-ada").await;
    for (shade, kind, format) in
        [(1, "image/png", ImageFormat::Png), (2, "image/jpeg", ImageFormat::Jpeg), (3, "image/webp", ImageFormat::WebP)]
    {
        let answer = upload_as(hub, &ada.token, kind, picture(shade, 2_000, 500, format)).await;
        let made = answer.is(201).body.clone();
        let id = made["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("/api/images/{id}"));
        assert_eq!(
            made,
            json!({"id": id, "url": format!("/api/images/{id}"), "thumbnail_url": format!("/api/images/{id}/thumbnail"),
                "content_type": "image/jpeg", "width": 1600, "height": 400, "thumbnail_width": 400,
                "thumbnail_height": 100, "bytes": made["bytes"], "created_at": made["created_at"]})
        );
        for (path, sides) in [("url", (1_600, 400)), ("thumbnail_url", (400, 100))] {
            let (kind, seen) = seen(hub, &made[path]).await;
            assert_eq!((kind.as_str(), (seen.width(), seen.height())), ("image/jpeg", sides));
            assert!(seen.into_rgb8().get_pixel(sides.0 / 4, sides.1 / 2)[0] > 230);
        }
    }
    // What it is, the content says; the header must only be one of those that are taken.
    upload_as(hub, &ada.token, "image/webp; q=1", picture(4, 20, 20, ImageFormat::Jpeg)).await.is(201);

    let clear = RgbaImage::from_fn(60, 60, |x, _| Rgba([10, 200, 10, if x < 30 { 0 } else { 255 }]));
    let made = upload(hub, &ada, written(clear.into(), ImageFormat::Png)).await;
    let (kind, seen) = seen(hub, &made.is(201).body["url"]).await;
    assert_eq!((kind.as_str(), &made.body["content_type"]), ("image/webp", &json!("image/webp")));
    let seen = seen.into_rgba8();
    assert_eq!((seen.get_pixel(5, 30)[3], seen.get_pixel(55, 30).0), (0, [10, 200, 10, 255]));
}

async fn a_picture_is_turned_and_its_place_is_dropped(hub: &Hub) {
    let ada = hub.sign_up("turned-ada").await;
    let jpeg = picture(5, 200, 100, ImageFormat::Jpeg);
    // Orientation 6: what is left in the file is above in the picture.
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0\x352.0907 N 5.1214 E";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let file = [&jpeg[..2], b"\xff\xe1", &length, exif, &jpeg[2..]].concat();
    let made = upload(hub, &ada, file).await.is(201).body.clone();
    assert_eq!((&made["width"], &made["height"]), (&json!(100), &json!(200)));
    let answer = hub.request(Method::GET, made["url"].as_str().unwrap()).send().await.unwrap();
    let served = answer.bytes().await.unwrap();
    assert!(!served.windows(4).any(|bytes| bytes == b"Exif" || bytes == b"5.12"));
    let seen = image::load_from_memory(&served).unwrap().into_rgb8();
    assert!(seen.get_pixel(50, 20)[0] > 230 && seen.get_pixel(50, 180)[0] < 30);
}

async fn what_is_no_image_is_refused(hub: &Hub) {
    let ada = hub.sign_up("refused-ada").await;
    let png = picture(6, 300, 200, ImageFormat::Png);
    upload_as(hub, &ada.token, "application/json", png.clone()).await.is_problem(415, "unsupported_media_type");
    upload_as(hub, &ada.token, "image/svg+xml", png.clone()).await.is_problem(415, "unsupported_media_type");
    for other in [&b"GIF89a\x01\0\x01\0\0\0\0;"[..], b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", b""] {
        upload(hub, &ada, other.to_vec()).await.is_problem(415, "unsupported_media_type");
    }
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let file = picture(6, 300, 200, format);
        upload(hub, &ada, file[..file.len() / 2].to_vec()).await.is_problem(422, "invalid_image");
    }
    // Sixty-five thousand pixels a side, by the head of a file of some hundred bytes.
    let mut bomb = picture(6, 300, 200, ImageFormat::Jpeg);
    let frame = bomb.windows(2).position(|mark| mark == [0xff, 0xc0]).unwrap();
    bomb[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    upload(hub, &ada, bomb).await.is_problem(422, "image_too_large");
    assert_eq!(
        hub.get("/api/images/nothing").await.is_problem(404, "unknown_image").header("cache-control"),
        "no-store"
    );
}

async fn only_who_may_sell_uploads(hub: &Hub) {
    let (ada, sam) = (hub.sign_up("banned-ada").await, moderator(hub, "banning-sam", "staff").await);
    let request = hub.request(Method::POST, "/api/images").header("content-type", "image/png");
    send(request.body(tiny_picture(7))).await.is_problem(401, "unauthenticated");
    let made = upload(hub, &ada, tiny_picture(7)).await.is(201).body.clone();
    let because = json!({"reason": "a test"});
    hub.post_as(&sam.token, &format!("/api/staff/users/{}/ban", ada.id), because).await.is(204);
    upload(hub, &ada, picture(7, 30, 30, ImageFormat::Png)).await.is_problem(403, "banned");
    seen(hub, &made["url"]).await;
}

async fn it_may_be_kept_for_a_day_and_is_no_page(hub: &Hub) {
    let ada = hub.sign_up("serving-ada").await;
    let made = upload(hub, &ada, picture(8, 40, 20, ImageFormat::Png)).await.is(201).body.clone();
    let mut tags = Vec::new();
    for path in [&made["url"], &made["thumbnail_url"]] {
        let path = path.as_str().unwrap();
        let answer = hub.get(path).await;
        for (name, value) in [
            ("cache-control", "public, max-age=86400"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
            ("content-encoding", ""),
        ] {
            assert_eq!(answer.is(200).header(name), value, "{name}");
        }
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        for (known, status) in [(tag.as_str(), 304), ("\"another\"", 200)] {
            let again = send(hub.request(Method::GET, path).header("if-none-match", known)).await;
            assert_eq!((again.status.as_u16(), again.header("etag")), (status, tag.as_str()));
            assert_eq!(again.header("cache-control"), "public, max-age=86400");
            assert_eq!(again.body == "", status == 304);
        }
        tags.push(tag);
    }
    assert_ne!(tags[0], tags[1]);
    let nobody = "/api/images/01938b5e-0000-7000-8000-000000000000";
    for path in [nobody, "/api/images/01938b5e-0000-7000-8000-000000000000/thumbnail", "/api/images/x/thumbnail"] {
        let request = hub.request(Method::GET, path).header("if-none-match", "*");
        send(request).await.is_problem(404, "unknown_image");
    }
    hub.get(&format!("{}/other", made["url"].as_str().unwrap())).await.is_problem(404, "not_found");
}

async fn the_same_file_of_the_same_account_is_the_same_image(hub: &Hub) {
    let (ada, ben) = (hub.sign_up("same-ada").await, hub.sign_up("same-ben").await);
    let file = || picture(9, 900, 700, ImageFormat::Png);
    // Whichever of these comes first makes it.
    let (first, second, other) =
        tokio::join!(upload(hub, &ada, file()), upload(hub, &ada, file()), upload(hub, &ben, file()));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!((statuses, other.is(201).body["id"] == first.body["id"]), ([200, 201], false));
    assert_eq!(first.body, second.body);
    hub.clock.advance(Span::from_secs(60));
    assert_eq!(upload(hub, &ada, file()).await.is(200).body, first.body);
    assert_ne!(upload(hub, &ada, picture(9, 900, 701, ImageFormat::Png)).await.is(201).body["id"], first.body["id"]);
}

async fn an_auction_shows_only_images_that_are_there(hub: &Hub) {
    let ada = hub.sign_up("shown-ada").await;
    let url = upload(hub, &ada, picture(10, 40, 40, ImageFormat::Png)).await.is(201).body["url"].clone();
    let url = url.as_str().unwrap();
    let desk = |image: &str| desk_for_now(hub, json!({"image_url": image}));
    let unknown = "/api/images/01938b5e-0000-7000-8000-000000000000";
    for image in [unknown, "/api/images/", "/api/images/x", &format!("{url}?a=1"), &hub.url(unknown)] {
        let answer = hub.post_as(&ada.token, "/api/auctions", desk(image)).await;
        assert_eq!(answer.is_problem(422, "unknown_image").body["field"], "image_url", "{image}");
    }
    let mut auction = Value::Null;
    let thumbnail = format!("{url}/thumbnail");
    let capitals = format!("/api/images/{}", url[12..].to_uppercase());
    for (image, shown) in [
        (url, url),
        (thumbnail.as_str(), thumbnail.as_str()),
        (capitals.as_str(), url),
        (hub.url(url).as_str(), url),
        ("/images/desk.webp", "/images/desk.webp"),
        ("https://pictures.example/api/images/a.jpg", "https://pictures.example/api/images/a.jpg"),
    ] {
        let answer = hub.post_as(&ada.token, "/api/auctions", desk(image)).await;
        auction = answer.is(201).body["id"].clone();
        assert_eq!(answer.body["image_url"], shown);
    }
    let patch = async |body: Value| {
        let request = hub.request(Method::PATCH, &format!("/api/auctions/{}", auction.as_str().unwrap()));
        send(request.bearer_auth(&ada.token).json(&body)).await
    };
    patch(json!({"image_url": unknown})).await.is_problem(422, "unknown_image");
    assert_eq!(patch(json!({"image_url": url})).await.is(200).body["image_url"], url);
    assert_eq!(patch(json!({"title": "Oak desk"})).await.is(200).body["image_url"], url);
    assert_eq!(patch(json!({"image_url": null})).await.is(200).body["image_url"], Value::Null);
}

async fn what_no_auction_shows_is_swept_after_an_hour(hub: &Hub) {
    let ada = hub.sign_up("swept-ada").await;
    let mut urls = Vec::new();
    for shade in 20..24 {
        let made = upload(hub, &ada, picture(shade, 40, 40, ImageFormat::Png)).await;
        urls.push(made.is(201).body["url"].as_str().unwrap().to_owned());
    }
    let [unused, used, thumbnail, dropped] = &urls[..] else { panic!("there are four") };
    let there = async |url: &String| hub.get(url).await.status == 200;
    let until_gone = async |url: &String| {
        for _ in 0..600 {
            if !there(url).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{url} stayed");
    };
    hub.clock.advance(Span::from_secs(3_000));
    let mut path = String::new();
    for image in [used, &format!("{thumbnail}/thumbnail"), dropped] {
        path = format!("/api/auctions/{}", offer(hub, &ada, desk_for_now(hub, json!({"image_url": image}))).await);
    }
    let patch = hub.request(Method::PATCH, &path).bearer_auth(&ada.token).json(&json!({"image_url": null}));
    send(patch).await.is(200);
    hub.clock.advance(Span::from_secs(601));
    until_gone(unused).await;
    assert!(there(used).await && there(thumbnail).await && there(dropped).await, "an hour has not gone by");
    hub.clock.advance(Span::from_secs(3_000));
    until_gone(dropped).await;
    hub.get(&format!("{dropped}/thumbnail")).await.is_problem(404, "unknown_image");
    hub.clock.advance(Span::from_secs(20 * 24 * 3_600));
    let last = upload(hub, &ada, picture(24, 40, 40, ImageFormat::Png)).await.is(201).body["url"].clone();
    hub.clock.advance(Span::from_secs(3_601));
    until_gone(&last.as_str().unwrap().to_owned()).await;
    assert!(there(used).await && there(thumbnail).await, "what has ended is shown still");
    let again = upload(hub, &ada, picture(20, 40, 40, ImageFormat::Png)).await;
    assert_ne!(again.is(201).body["url"], json!(unused), "what was swept out is made anew");
}

stories! {
    every_kind_is_made_anew
    a_picture_is_turned_and_its_place_is_dropped
    what_is_no_image_is_refused
    only_who_may_sell_uploads
    it_may_be_kept_for_a_day_and_is_no_page
    the_same_file_of_the_same_account_is_the_same_image
    an_auction_shows_only_images_that_are_there
    what_no_auction_shows_is_swept_after_an_hour
}

/// An auction from now on, whatever the time.
fn desk_for_now(hub: &Hub, members: Value) -> Value {
    let mut body = desk_with(members);
    body["ends_at"] = json!(bidhub::clock::format(hub.clock.now().plus(Span::from_secs(3_600))));
    body
}
