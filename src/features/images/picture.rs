//! From a file that somebody sent to the files that are kept: decoded, turned the right way up, made smaller, encoded anew.
//! Pure and slow, a matter of tenths of a second.
//!
//! Nothing of the file itself is kept but its pixels, so no place, camera or name in it goes any further.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageBuffer, ImageDecoder as _, ImageError, ImageReader, Limits, Pixel, RgbImage, RgbaImage,
};

use super::container::{self, Flaw};

/// The longer side of an image, and of its thumbnail, at most.
pub(super) const FULL_EDGE: u32 = 1_600;
pub(super) const THUMBNAIL_EDGE: u32 = 400;
/// A file that would be longer, because of noise or because what is transparent is kept without loss, gets fewer pixels.
const FILE_MAX_BYTES: usize = 2 * 1_024 * 1_024;
/// Of a JPEG, 1 to 100.
const QUALITY: u8 = 85;
/// What four times as large a picture may take at most once it is unpacked: two bytes a colour are twice as much.
const DEPTH_MAX: u64 = 4;

/// What is made of a file.
#[derive(Debug)]
pub(super) struct Picture {
    pub full: File,
    pub thumbnail: File,
}

/// One file of an image.
pub(super) struct File {
    pub content_type: &'static str,
    pub width: u32,
    pub height: u32,
    pub body: Vec<u8>,
}

/// Why nothing is made of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It is of no kind that is taken.
    #[error("it is neither PNG nor JPEG nor WebP")]
    Kind,
    /// It has more pixels, or unpacks to more bytes, than are taken.
    #[error("it has too many pixels")]
    TooLarge,
    /// It cannot be read.
    #[error("{0}")]
    Broken(String),
}

/// The pixels; colours are multiplied by how opaque they are, so that what cannot be seen does not bleed into what can.
enum Pixels {
    Opaque(RgbImage),
    Veiled(RgbaImage),
}

type Buffer<P> = ImageBuffer<P, Vec<u8>>;

/// Makes a picture of `file`, which may have so many pixels at most.
pub(super) fn make(file: &[u8], pixels_max: u64) -> Result<Picture, Refusal> {
    let (decoded, orientation) = decode(file, pixels_max)?;
    let full = Pixels::of(decoded).within(FULL_EDGE).turned(orientation);
    let thumbnail = full.within(THUMBNAIL_EDGE);
    Ok(Picture { full: full.file()?, thumbnail: thumbnail.file()? })
}

fn decode(file: &[u8], pixels_max: u64) -> Result<(DynamicImage, Orientation), Refusal> {
    let kind = container::kind(file).ok_or(Refusal::Kind)?;
    container::check(kind, file, pixels_max)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(pixels_max * DEPTH_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(file), kind);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > pixels_max || decoder.total_bytes() > pixels_max * DEPTH_MAX {
        return Err(Refusal::TooLarge);
    }
    // What cannot be read of it turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

impl Pixels {
    fn of(decoded: DynamicImage) -> Self {
        if !decoded.color().has_alpha() {
            return Self::Opaque(decoded.into_rgb8());
        }
        let mut pixels = decoded.into_rgba8();
        if pixels.pixels().all(|pixel| pixel[3] == u8::MAX) {
            return Self::Opaque(DynamicImage::ImageRgba8(pixels).into_rgb8());
        }
        for pixel in pixels.pixels_mut() {
            let [red, green, blue, alpha] = pixel.0;
            pixel.0 = [times(red, alpha), times(green, alpha), times(blue, alpha), alpha];
        }
        Self::Veiled(pixels)
    }

    /// The same, its longer side no longer than `edge`.
    fn within(&self, edge: u32) -> Self {
        match self {
            Self::Opaque(pixels) => Self::Opaque(shrunk(pixels, edge)),
            Self::Veiled(pixels) => Self::Veiled(shrunk(pixels, edge)),
        }
    }

    fn turned(self, orientation: Orientation) -> Self {
        let turn = |mut pixels: DynamicImage| {
            pixels.apply_orientation(orientation);
            pixels
        };
        match self {
            Self::Opaque(pixels) => Self::Opaque(turn(pixels.into()).into_rgb8()),
            Self::Veiled(pixels) => Self::Veiled(turn(pixels.into()).into_rgba8()),
        }
    }

    fn dimensions(&self) -> (u32, u32) {
        match self {
            Self::Opaque(pixels) => pixels.dimensions(),
            Self::Veiled(pixels) => pixels.dimensions(),
        }
    }

    /// The file of these pixels, of fewer if it would be too long.
    fn file(&self) -> Result<File, Refusal> {
        let mut file = self.encoded()?;
        let mut edge = file.width.max(file.height);
        while file.body.len() > FILE_MAX_BYTES {
            edge = edge / 4 * 3;
            file = self.within(edge).encoded()?;
        }
        Ok(file)
    }

    fn encoded(&self) -> Result<File, Refusal> {
        let mut body = Vec::new();
        let content_type = match self {
            Self::Opaque(pixels) => {
                pixels.write_with_encoder(JpegEncoder::new_with_quality(&mut body, QUALITY))?;
                "image/jpeg"
            }
            Self::Veiled(pixels) => {
                let mut pixels = pixels.clone();
                for pixel in pixels.pixels_mut() {
                    let [red, green, blue, alpha] = pixel.0;
                    pixel.0 = [over(red, alpha), over(green, alpha), over(blue, alpha), alpha];
                }
                pixels.write_with_encoder(WebPEncoder::new_lossless(&mut body))?;
                "image/webp"
            }
        };
        let (width, height) = self.dimensions();
        Ok(File { content_type, width, height, body })
    }
}

/// Goes most of the way by averages, which is quick and takes little memory, and the last half by a filter that keeps edges.
fn shrunk<P: Pixel<Subpixel = u8> + 'static>(pixels: &Buffer<P>, edge: u32) -> Buffer<P> {
    let (width, height) = fitting(pixels.dimensions(), edge);
    let near = fitting(pixels.dimensions(), edge.saturating_mul(2));
    if near == pixels.dimensions() {
        return imageops::resize(pixels, width, height, FilterType::CatmullRom);
    }
    imageops::resize(&imageops::thumbnail(pixels, near.0, near.1), width, height, FilterType::CatmullRom)
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { content_type, width, height, body } = self;
        write!(f, "File({content_type}, {width} x {height}, {} bytes)", body.len())
    }
}

/// These sides, made shorter in proportion until neither is longer than `edge`; never made longer, and never none.
fn fitting((width, height): (u32, u32), edge: u32) -> (u32, u32) {
    let longer = u64::from(width.max(height)).max(1);
    let fit = |side: u32| {
        let side = (u64::from(side) * u64::from(edge) * 2 + longer) / (longer * 2);
        u32::try_from(side).unwrap_or(edge).max(1)
    };
    if longer <= u64::from(edge) { (width, height) } else { (fit(width), fit(height)) }
}

/// A colour where it is `alpha` of 255 opaque.
fn times(colour: u8, alpha: u8) -> u8 {
    let product = u16::from(colour) * u16::from(alpha) + 127;
    (product / 255).min(255) as u8
}

/// The colour of which there is so much where it is `alpha` of 255 opaque.
fn over(colour: u8, alpha: u8) -> u8 {
    let whole = u16::from(colour) * 255 + u16::from(alpha) / 2;
    whole.checked_div(alpha.into()).unwrap_or(0).min(255) as u8
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::CutOff => Self::Broken("it stops before its end".into()),
            Flaw::Moving => Self::Broken("it moves".into()),
            Flaw::Larger => Self::TooLarge,
        }
    }
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            error => Self::Broken(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
