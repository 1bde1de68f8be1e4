//! The HTTP half: the token endpoint, the REST API and both WebSocket handshakes.

pub(super) mod error_response;
mod notifications;
pub(super) mod oauth;
mod rest;
mod server;
mod transcript;

pub(super) use server::accept;
