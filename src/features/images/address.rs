//! Which image of the hub an address means, however it is written.

use url::Url;
use uuid::Uuid;

use super::{PATH, Size, THUMBNAIL};

/// Where browsers reach the hub.
#[derive(Debug, Clone)]
pub(super) struct Home(Option<Url>);

/// What an address means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// Nothing of the hub's images.
    Elsewhere,
    /// This image of the hub.
    Own(Uuid, Size),
    /// A place where the hub has images, but no image.
    Nothing,
    /// This image, if the hub has it: it may be reached under other names than it knows of.
    Perhaps(Uuid, Size),
}

impl Home {
    /// The hub at this address.
    pub fn new(public_url: &str) -> Self {
        Self(Url::parse(public_url).ok())
    }

    /// What `text` means, as a browser reads it that shows a page of the hub.
    pub fn meaning(&self, text: &str) -> Meant {
        // What a path alone means is the same at whatever place.
        let Some(base) = self.0.clone().or_else(|| Url::parse("http://localhost").ok()) else {
            return Meant::Elsewhere;
        };
        let Ok(url) = base.join(text) else { return Meant::Elsewhere };
        let at_home = text.starts_with('/') || self.0.as_ref().is_some_and(|home| home.origin() == url.origin());
        let below = if text.starts_with('/') { "" } else { base.path().trim_end_matches('/') };
        let path = url.path().strip_prefix(below).filter(|_| at_home).unwrap_or(url.path());
        let Some(name) = path.strip_prefix(PATH) else { return Meant::Elsewhere };
        let (id, size) = name.strip_suffix(THUMBNAIL).map_or((name, Size::Full), |id| (id, Size::Thumbnail));
        let plain = url.query().is_none() && url.fragment().is_none();
        match id.parse().ok().filter(|_| plain) {
            Some(id) if at_home => Meant::Own(id, size),
            Some(id) => Meant::Perhaps(id, size),
            None if at_home => Meant::Nothing,
            None => Meant::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a1f84a-95c0-7890-90d6-6ce45c4ecb35";

    fn meaning(home: &str, text: &str) -> Meant {
        Home::new(home).meaning(&text.replace("ID", ID))
    }

    #[test]
    fn an_address_of_the_hub_means_its_image_however_it_is_written() {
        let own = |size| Meant::Own(ID.parse().unwrap(), size);
        for text in [
            "/api/images/ID",
            "https://hub.example/api/images/ID",
            "HTTPS://Hub.Example:443/api/images/ID",
            "https://someone@hub.example/api/images/ID",
            "https://hub.example/x/../api/./images/ID",
            "https://hub.example/x/%2e%2E/api/images/ID",
            "/x/../api/images/ID",
            "/../api/images/ID",
        ] {
            assert_eq!(meaning("https://hub.example", text), own(Size::Full), "{text}");
            assert_eq!(meaning("https://hub.example/", &format!("{text}/thumbnail")), own(Size::Thumbnail), "{text}");
        }
        assert_eq!(meaning("https://hub.example/site", "https://hub.example/site/api/images/ID"), own(Size::Full));
        assert_eq!(meaning("https://hub.example/site", "/api/images/ID"), own(Size::Full));
        assert_eq!(meaning("no address", "/api/images/ID"), own(Size::Full));
    }

    #[test]
    fn what_is_no_image_at_a_place_of_images_is_nothing() {
        for text in ["/api/images/", "/api/images/x", "/api/images/ID?a=1", "/api/images/ID#a", "/api/images/ID/"] {
            assert_eq!(meaning("https://hub.example", text), Meant::Nothing, "{text}");
            assert_eq!(meaning("https://hub.example", &format!("https://HUB.example{text}")), Meant::Nothing, "{text}");
        }
    }

    #[test]
    fn another_host_may_be_the_hub_under_another_name() {
        let perhaps = Meant::Perhaps(ID.parse().unwrap(), Size::Full);
        for text in ["http://hub.example/api/images/ID", "https://hub.example:444/api/images/ID"] {
            assert_eq!(meaning("https://hub.example", text), perhaps, "{text}");
        }
        assert_eq!(meaning("http://127.0.0.1:8080", "http://localhost:8080/api/images/ID"), perhaps);
        for text in ["https://other.example/api/images/a.jpg", "https://hub.example/images/a.jpg", "/images/a.jpg"] {
            assert_eq!(meaning("https://hub.example", text), Meant::Elsewhere, "{text}");
        }
    }
}
