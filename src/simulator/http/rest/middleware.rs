//! What happens to every request before its handler sees it: the log, faults, the token, the rate limit.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::simulator::faults::{Endpoint, RequestContext, RequestFault, answer};
use crate::simulator::http::{error_response, oauth};
use crate::simulator::request_log;
use crate::simulator::state::SimulatorState;
use crate::simulator::ws::faulty_stream::StreamControl;

/// Whose request it is.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) token: String,
    pub(super) expiry: Instant,
}

/// How the real answer is to differ.
#[derive(Debug, Clone, Default)]
pub(super) struct ResponseOptions {
    /// A body cannot be read before it is this old.
    pub(super) age: TimeDelta,
    pub(super) newest_first: bool,
    pub(super) omit: usize,
    pub(super) legacy: bool,
}

pub(super) async fn receive(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    mut request: Request,
    next: Next,
) -> Response {
    let noted = state.recorder.request(note(&request));
    let faults = state.faults.request(Endpoint::Rest, None, &format!("{} {}", request.method(), request.uri().path()));
    let credentials = error_response::text(request.headers(), &header::AUTHORIZATION).unwrap_or_default();
    let presented =
        RequestContext { place: Endpoint::Rest, credentials: &credentials, base_url: &state.base_url, stream: &stream };
    for fault in &faults {
        if let Some(response) = answer(fault, &presented).await {
            if !matches!(fault, RequestFault::Reset) {
                state.recorder.response(noted, response.status().as_u16());
            }
            return response;
        }
    }
    request.extensions_mut().insert(ResponseOptions::new(&faults));
    let mut response = admit(&state, request, next).await;
    let correlation = HeaderValue::from_static("7f0c3d5e-2a61-4b8f-a1d3-9c4e6b7f8a20");
    response.headers_mut().insert("inin-correlation-id", correlation);
    state.recorder.response(noted, response.status().as_u16());
    response
}

fn note(request: &Request) -> request_log::Request {
    request_log::Request {
        at: Instant::now(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        token: oauth::bearer(request.headers()),
        status: None,
    }
}

async fn admit(state: &SimulatorState, mut request: Request, next: Next) -> Response {
    let (token, expiry) = match state.tokens.admit(request.headers()) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let standing = state.limits.count(&token);
    request.extensions_mut().insert(Caller { token, expiry });
    let mut response = match standing.refusal() {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    standing.mark(response.headers_mut());
    response
}

impl ResponseOptions {
    fn new(faults: &[RequestFault]) -> Self {
        let mut twist = Self::default();
        for fault in faults {
            match fault {
                RequestFault::LateBody(age) => twist.age = TimeDelta::from_std(*age).unwrap_or(TimeDelta::MAX),
                RequestFault::NewestFirst => twist.newest_first = true,
                RequestFault::Omit(count) => twist.omit += count,
                RequestFault::TextBody => twist.legacy = true,
                _ => {}
            }
        }
        twist
    }
}
