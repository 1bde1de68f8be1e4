//! Everything that opens a connection to Genesys Cloud.

pub(crate) mod calls;
pub(crate) mod certificate;
mod client_setup;
mod connect_observer;
mod download;
pub(crate) mod error_body;
pub(crate) mod hints;
pub(crate) mod http;
pub(crate) mod http_error;
pub(crate) mod oauth;
mod pool;
pub(crate) mod proxy;
mod proxy_challenge;
mod rate_limit;
pub(crate) mod rest;
pub(crate) mod setup_error;
pub(crate) mod sign_in_refusal;
mod stated_wait;
pub(crate) mod token;
mod trusted_roots;
pub(crate) mod websocket;
