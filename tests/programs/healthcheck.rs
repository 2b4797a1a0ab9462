//! `healthcheck`: what an image asks itself.

use super::{Hub, run, said};

#[test]
fn a_hub_that_is_there_is_well_and_one_that_is_not_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, url) = Hub::start(dir.path(), &["serve"], "bidhub listens on ");
    let listen = url.strip_prefix("http://").unwrap();
    for arguments in [vec!["healthcheck", "--listen", listen], vec!["healthcheck", "--url", &format!("{url}/readyz")]] {
        assert_eq!(said(&run(dir.path(), &arguments)), (Some(0), String::new()));
    }
    let (code, text) = said(&run(dir.path(), &["healthcheck", "--url", &format!("{url}/nothing")]));
    assert!(code == Some(1) && text.contains("404"), "{text}");
    assert_eq!(hub.stop(), Some(0));
    let (code, text) = said(&run(dir.path(), &["healthcheck", "--listen", listen]));
    assert!(code == Some(1) && text.contains("does not answer"), "{text}");
}
