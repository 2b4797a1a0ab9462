//! Pictures of every kind that is taken, and what is no picture.

use image::{GrayImage, ImageFormat, Luma, Rgb, Rgba};

use super::*;

const PIXELS_MAX: u64 = 4_000_000;

fn written(pixels: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pixels.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// Red to the left, blue to the right.
fn flag(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) })
}

/// The EXIF that says how a picture is turned, and where it was taken.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend_from_slice(b"52.0907 N 5.1214 E");
    exif
}

/// A JPEG with this EXIF put in.
fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = u16::try_from(exif.len() + 8).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, b"Exif\0\0", exif, &jpeg[2..]].concat()
}

fn open(file: &File) -> DynamicImage {
    let opened = image::load_from_memory(&file.body).unwrap();
    assert_eq!((opened.width(), opened.height()), (file.width, file.height));
    opened
}

fn sides(file: &File) -> (u32, u32) {
    (file.width, file.height)
}

#[test]
fn every_kind_becomes_a_jpeg_of_bounded_size() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let made = make(&written(flag(2_000, 1_000), format), PIXELS_MAX).unwrap();
        assert_eq!((sides(&made.full), sides(&made.thumbnail)), ((1_600, 800), (400, 200)), "{format:?}");
        assert_eq!([made.full.content_type, made.thumbnail.content_type], ["image/jpeg"; 2]);
        let opened = open(&made.full).into_rgb8();
        assert!(opened.get_pixel(10, 400)[0] > 230 && opened.get_pixel(1_590, 400)[2] > 230);
        assert!(made.thumbnail.body.len() < made.full.body.len());
    }
    let small = make(&written(flag(30, 20), ImageFormat::Png), PIXELS_MAX).unwrap();
    assert_eq!((sides(&small.full), sides(&small.thumbnail)), ((30, 20), (30, 20)), "nothing is made larger");
    let grey = GrayImage::from_pixel(10, 10, Luma([7]));
    assert_eq!(make(&written(grey, ImageFormat::Png), PIXELS_MAX).unwrap().full.content_type, "image/jpeg");
    let deep = DynamicImage::from(flag(900, 900)).into_rgba16();
    assert_eq!(make(&written(deep, ImageFormat::Png), PIXELS_MAX).unwrap().full.content_type, "image/jpeg");
}

#[test]
fn a_picture_is_turned_the_right_way_up_and_says_nothing_of_where_it_was_taken() {
    let jpeg = written(flag(200, 100), ImageFormat::Jpeg);
    for (orientation, sides, red_at) in
        [(1, (200, 100), (20, 50)), (3, (200, 100), (180, 50)), (6, (100, 200), (50, 20))]
    {
        let made = make(&with_exif(&jpeg, &exif(orientation)), PIXELS_MAX).unwrap();
        for file in [&made.full, &made.thumbnail] {
            assert_eq!((file.width, file.height), sides, "{orientation}");
            assert!(open(file).into_rgb8().get_pixel(red_at.0, red_at.1)[0] > 230, "{orientation}");
            for trace in [&b"Exif"[..], b"5.1214"] {
                assert!(!file.body.windows(trace.len()).any(|bytes| bytes == trace), "{orientation}");
            }
        }
    }
}

#[test]
fn what_is_transparent_stays_so_without_bleeding() {
    // White where it can be seen, black where it cannot.
    let disc = |x: u32, y: u32| x.abs_diff(1_000).pow(2) + y.abs_diff(500).pow(2) < 400 * 400;
    let seen = |x, y| if disc(x, y) { Rgba([255; 4]) } else { Rgba([0; 4]) };
    let made = make(&written(RgbaImage::from_fn(2_000, 1_000, seen), ImageFormat::Png), PIXELS_MAX).unwrap();
    assert_eq!([made.full.content_type, made.thumbnail.content_type], ["image/webp"; 2]);
    for file in [&made.full, &made.thumbnail] {
        let opened = open(file).into_rgba8();
        assert_eq!(opened.get_pixel(0, 0)[3], 0);
        assert_eq!(opened.get_pixel(file.width / 2, file.height / 2).0, [255; 4]);
        assert!(opened.pixels().all(|pixel| pixel[3] < 16 || pixel[0] > 200), "no dark edge");
    }
    let whole = RgbaImage::from_pixel(50, 50, Rgba([1, 2, 3, 255]));
    assert_eq!(make(&written(whole, ImageFormat::Png), PIXELS_MAX).unwrap().full.content_type, "image/jpeg");
}

#[test]
fn noise_gets_fewer_pixels_in_place_of_a_long_file() {
    let mut state = 1_u32;
    let noise = RgbaImage::from_fn(900, 900, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgba([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8, 128])
    });
    let full = make(&written(noise, ImageFormat::Png), PIXELS_MAX).unwrap().full;
    assert!(
        full.body.len() <= FILE_MAX_BYTES && (400..900).contains(&full.width),
        "{} {}",
        full.body.len(),
        full.width
    );
    assert_eq!(full.width, full.height);
}

#[test]
fn what_is_no_picture_or_not_whole_is_refused() {
    assert_eq!(make(b"GIF89a\x01\0\x01\0", PIXELS_MAX).unwrap_err(), Refusal::Kind);
    assert_eq!(make(b"", PIXELS_MAX).unwrap_err(), Refusal::Kind);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let file = written(flag(300, 200), format);
        for part in [12, file.len() / 2, file.len() / 10 * 9] {
            let refusal = make(&file[..part], PIXELS_MAX).unwrap_err();
            assert!(matches!(refusal, Refusal::Broken(_)), "{format:?} {part}: {refusal}");
        }
    }
}

#[test]
fn what_would_unpack_to_too_much_is_refused_before_it_does() {
    let file = written(flag(300, 200), ImageFormat::Png);
    // The sides are in the first chunk, and the check sum over them is behind it.
    let mut bomb = file.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let sum = crc32(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&sum);
    assert_eq!(make(&bomb, PIXELS_MAX).unwrap_err(), Refusal::TooLarge);

    let mut bomb = written(flag(300, 200), ImageFormat::Jpeg);
    let frame = bomb.windows(2).position(|mark| mark == [0xff, 0xc0]).unwrap();
    bomb[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(make(&bomb, PIXELS_MAX).unwrap_err(), Refusal::TooLarge);

    let exact = written(flag(200, 100), ImageFormat::WebP);
    assert!(make(&exact, 20_000).is_ok());
    assert_eq!(make(&exact, 19_999).unwrap_err(), Refusal::TooLarge);
    let deep = written(DynamicImage::from(flag(200, 100)).into_rgba16(), ImageFormat::Png);
    assert_eq!(make(&deep, 20_000).unwrap_err(), Refusal::TooLarge, "its bytes count too");
}

#[test]
fn sides_keep_their_proportion_and_never_vanish() {
    for (sides, edge, expected) in [
        ((4_000, 3_000), 1_600, (1_600, 1_200)),
        ((3_000, 4_000), 400, (300, 400)),
        ((100, 100), 400, (100, 100)),
        ((1_000_000, 1), 1_600, (1_600, 1)),
        ((1_601, 1_600), 1_600, (1_600, 1_599)),
    ] {
        assert_eq!(fitting(sides, edge), expected, "{sides:?} {edge}");
    }
}

#[test]
fn colours_come_back_from_under_a_veil() {
    for colour in 0..=255 {
        assert_eq!(over(times(colour, 255), 255), colour);
        assert_eq!(over(times(colour, 0), 0), 0);
        assert!(over(times(colour, 128), 128).abs_diff(colour) <= 1, "{colour}");
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}
