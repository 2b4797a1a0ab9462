//! What files look like from outside: of which kind they are, whether they end where they say, and what decoders would
//! only find out after they had begun. Pure; no pixel is touched.

use image::ImageFormat;

/// The kind of a file, told by how it begins; none if it is none of those that are taken.
pub(super) fn kind(file: &[u8]) -> Option<ImageFormat> {
    let kind = image::guess_format(file).ok()?;
    matches!(kind, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP).then_some(kind)
}

/// What is wrong with a file that is one of these by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It stops before its end.
    CutOff,
    /// It moves.
    Moving,
    /// A picture in it is larger than it says itself.
    Larger,
}

/// Looks for flaws for which decoders do not look, or too late.
pub(super) fn check(kind: ImageFormat, file: &[u8], pixels_max: u64) -> Result<(), Flaw> {
    match kind {
        // The decoder fills up with grey what is missing.
        ImageFormat::Jpeg if !jpeg_ends(file) => Err(Flaw::CutOff),
        ImageFormat::WebP => webp(file, pixels_max),
        _ => Ok(()),
    }
}

/// Whether a JPEG has an end after the beginning of its picture. Its head is walked over, for a preview in it has an end of
/// its own.
fn jpeg_ends(file: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    while let Some(&[mark, kind]) = file.get(at..at + 2) {
        at += match (mark, kind) {
            (0xff, START_OF_SCAN) => return file[at..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            (0xff, 0x01 | 0xd0..=0xd9) => 2,
            (0xff, 0x02..=0xfe) => match file.get(at + 2..at + 4) {
                Some(&[high, low]) => 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
            // Between segments anything may stand.
            _ => 1,
        };
    }
    false
}

/// Walks over the chunks of a WebP. One with a picture larger than its canvas is refused by the decoder too, but only once
/// it has unpacked it.
fn webp(file: &[u8], pixels_max: u64) -> Result<(), Flaw> {
    let mut at = 12;
    while let Some(head) = file.get(at..at + 8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let body = file.get(at + 8..(at + 8).saturating_add(length)).ok_or(Flaw::CutOff)?;
        match &head[..4] {
            b"ANIM" | b"ANMF" => return Err(Flaw::Moving),
            b"VP8 " => {
                let side = |at: usize| body.get(at..at + 2).map(|it| u16::from_le_bytes([it[0], it[1]]) & 0x3fff);
                let (width, height) = side(6).zip(side(8)).ok_or(Flaw::CutOff)?;
                if u64::from(width) * u64::from(height) > pixels_max {
                    return Err(Flaw::Larger);
                }
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n"), Some(ImageFormat::Png));
        assert_eq!(kind(b"\xff\xd8\xff\xe0"), Some(ImageFormat::Jpeg));
        assert_eq!(kind(b"RIFF\x10\0\0\0WEBPVP8 "), Some(ImageFormat::WebP));
        for other in [&b"GIF89a"[..], b"<svg xmlns=", b"%PDF-1.7", b"BM", b""] {
            assert_eq!(kind(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_end_of_a_preview_is_not_the_end_of_the_picture() {
        let head = b"\xff\xd8\xff\xe1\x00\x06\xff\xd8\xff\xd9";
        let scan = b"\xff\xda\x00\x02\x12\x34";
        assert!(!jpeg_ends(head) && !jpeg_ends(&[&head[..], scan].concat()));
        assert!(jpeg_ends(&[&head[..], scan, b"\xff\xd9"].concat()));
        assert!(jpeg_ends(&[&head[..], b"junk", scan, b"\xff\xd9trailer"].concat()));
        for cut in 0..head.len() {
            assert!(!jpeg_ends(&head[..cut]));
        }
    }

    #[test]
    fn a_webp_is_whole_still_and_no_larger_than_may_be() {
        let file = |chunks: &[(&[u8; 4], &[u8])]| {
            let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
            for (name, body) in chunks {
                file.extend_from_slice(*name);
                file.extend_from_slice(&(body.len() as u32).to_le_bytes());
                file.extend_from_slice(body);
                file.resize(file.len() + body.len() % 2, 0);
            }
            file
        };
        let picture = [0, 0, 0, 0x9d, 1, 0x2a, 100, 0, 50, 0x40];
        let extended = file(&[(b"VP8X", &[0; 10]), (b"ICCP", &[0; 3]), (b"VP8 ", &picture)]);
        assert_eq!((webp(&extended, 5_000), webp(&extended, 4_999)), (Ok(()), Err(Flaw::Larger)));
        assert_eq!(webp(&extended[..extended.len() - 1], 5_000), Err(Flaw::CutOff));
        assert_eq!(webp(&file(&[(b"VP8X", &[0; 10]), (b"ANIM", &[0; 6])]), 5_000), Err(Flaw::Moving));
        assert_eq!(webp(&file(&[(b"VP8 ", &picture[..8])]), 5_000), Err(Flaw::CutOff));
    }
}
