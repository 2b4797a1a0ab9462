//! What the settings of the stream must be, and that the program can fill one at all.

use url::Url;

use super::{ConfigError, Kinesis};

/// How long a name is that Kinesis takes.
const NAME_MAX: usize = 128;

impl Kinesis {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Some(name) = &self.kinesis_stream else { return Ok(()) };
        if !cfg!(feature = "aws") {
            return Err(ConfigError(
                "kinesis_stream needs a program built with the feature aws: cargo build --release --features aws"
                    .into(),
            ));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !(1..=NAME_MAX).contains(&name.len()) || !name.chars().all(fits) {
            let why =
                format!("kinesis_stream must be a name of at most {NAME_MAX} letters, digits and _.-: no address");
            return Err(ConfigError(why));
        }
        let is_web = |url: &String| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !self.kinesis_endpoint_url.as_ref().is_none_or(is_web) {
            return Err(ConfigError("kinesis_endpoint_url must begin with http:// or https://".into()));
        }
        Ok(())
    }
}
