//! How much room the images of the hub take, and that people hear of it before there is none left.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Images, store};

/// How often it is looked, in seconds.
pub const MEASURE_INTERVAL_S: u64 = 15;

/// Whether there is little room left, as far as it was said.
#[derive(Default)]
pub(super) struct RoomLeft {
    said: AtomicBool,
}

impl RoomLeft {
    /// Takes note of how much there is; true if it is to be said that little is left: once, until there is more again.
    fn is_news(&self, taken: u64, most: u64) -> bool {
        let little = most > 0 && taken >= most / 5 * 4;
        let said = self.said.swap(little, Ordering::Relaxed);
        little && !said
    }
}

impl Images {
    /// Measures how much room images take.
    pub async fn measure(&self) {
        let most = self.0.parts.bounds.image_total_bytes;
        let taken = match store::room(self.db()).await {
            Ok(taken) => taken.unsigned_abs(),
            Err(error) => return tracing::debug!(%error, "the room of images cannot be measured: {error}"),
        };
        metrics::gauge!("bidhub_image_bytes").set(taken as f64);
        metrics::gauge!("bidhub_image_bytes_max").set(most as f64);
        if self.0.room.is_news(taken, most) {
            tracing::warn!(taken, most, "images take {taken} of {most} bytes; beyond that none is taken");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_little_is_left_is_said_once_until_there_is_more() {
        let room = RoomLeft::default();
        let said = [0, 79, 80, 90, 100, 79, 81].map(|taken| room.is_news(taken, 100));
        assert_eq!(said, [false, false, true, false, false, false, true]);
        assert!(!room.is_news(1_000, 0), "there is no bound");
    }
}
