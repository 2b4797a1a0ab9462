//! What every request needs, whatever it asks for: who may call, from where, how often.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use ipnet::IpNet;

use super::visitors::Visitors;
use crate::auth::{Authenticator, Origins};
use crate::rate_limit::{RateLimits, client_address};

/// Shared by all handlers through `FromRef`.
#[derive(Clone, Debug)]
pub struct HttpContext(Arc<Parts>);

/// What an [`HttpContext`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Turns tokens into callers.
    pub authenticator: Authenticator,
    /// The pages that may act with a cookie.
    pub origins: Origins,
    /// How often anyone may call.
    pub limits: Arc<RateLimits>,
    /// Who called of late.
    pub visitors: Visitors,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// True if browsers reach the hub by https alone, so that cookies may be marked secure.
    pub secure_cookies: bool,
}

impl HttpContext {
    /// The context of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The address of the caller behind the socket's peer.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        client_address(peer, headers, &self.trusted_proxies)
    }
}

impl std::ops::Deref for HttpContext {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
