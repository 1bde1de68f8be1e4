//! The HTTP half: the token endpoint, the REST API and both WebSocket handshakes.

mod authentication;
mod error_response;
mod fault_responses;
mod notifications;
mod oauth;
mod rest;
mod server;
mod stored_transcripts;
mod transcript;
mod websocket_upgrade;

pub(super) use server::accept;
