//! The words of the mails.

use lettre::Address;
use secrecy::{ExposeSecret, SecretString};

use crate::mail::Mail;

pub(super) fn confirm(to: Address, hub: &str, token: &SecretString) -> Mail {
    let link = link(hub, "confirm-email", token);
    let body = format!(
        "Welcome.\n\nPlease confirm your e-mail address within seven days:\n\n{link}\n\n\
         If you did not sign up, you need not do anything.\n"
    );
    Mail { to, subject: "Confirm your e-mail address".to_owned(), body }
}

pub(super) fn reset(to: Address, hub: &str, token: &SecretString) -> Mail {
    let link = link(hub, "reset-password", token);
    let body = format!(
        "Someone, most likely you, asked for a new password.\n\nSet it within the next hour:\n\n{link}\n\n\
         If it was not you, you need not do anything: your password stays as it is.\n"
    );
    Mail { to, subject: "Set a new password".to_owned(), body }
}

fn link(hub: &str, page: &str, token: &SecretString) -> String {
    format!("{}/{page}?token={}", hub.trim_end_matches('/'), token.expose_secret())
}
