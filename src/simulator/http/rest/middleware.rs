//! The steps of every REST request before its handler: log, faults, token and rate limit.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::simulator::faults::{Endpoint, RequestFault};
use crate::simulator::http::authentication::{authenticate, bearer_token, header_text};
use crate::simulator::http::error_response::{self, CORRELATION_ID};
use crate::simulator::http::fault_responses::{RequestContext, faulty_response};
use crate::simulator::request_log;
use crate::simulator::state::SimulatorState;
use crate::simulator::state::rate_limits::RateLimitStatus;
use crate::simulator::ws::faulty_stream::StreamControl;

/// Changes of the regular response that faults ask for.
#[derive(Debug, Clone, Default)]
pub(super) struct ResponseOptions {
    /// The age at which the body of a message becomes readable.
    pub(super) min_body_age: TimeDelta,
    pub(super) newest_first: bool,
    /// The number of requested ids to leave out.
    pub(super) omit: usize,
    pub(super) legacy_bodies: bool,
}

pub(super) async fn handle_request(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    mut request: Request,
    next: Next,
) -> Response {
    let entry = state.recorder.request(log_entry(&request));
    let request_line = format!("{} {}", request.method(), request.uri().path());
    let faults = state.faults.take_request_faults(Endpoint::Rest, None, &request_line);
    let credentials = header_text(request.headers(), &header::AUTHORIZATION).unwrap_or_default();
    let context = RequestContext {
        endpoint: Endpoint::Rest,
        credentials: &credentials,
        base_url: &state.base_url,
        stream: &stream,
    };
    if let Some(faulty) = faulty_response(&faults, &context).await {
        if let Some(status) = faulty.status {
            state.recorder.response(entry, status);
        }
        return faulty.response;
    }
    request.extensions_mut().insert(ResponseOptions::new(&faults));
    let mut response = run_handler(&state, request, next).await;
    response.headers_mut().insert("inin-correlation-id", HeaderValue::from_static(CORRELATION_ID));
    state.recorder.response(entry, response.status().as_u16());
    response
}

fn log_entry(request: &Request) -> request_log::Request {
    request_log::Request {
        at: Instant::now(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        token: bearer_token(request.headers()),
        status: None,
    }
}

async fn run_handler(state: &SimulatorState, mut request: Request, next: Next) -> Response {
    let token = match authenticate(&state.tokens, request.headers()) {
        Ok(token) => token,
        Err(error) => return error,
    };
    let status = state.rate_limits.count(&token.value);
    request.extensions_mut().insert(token);
    let mut response = if status.is_exceeded() { too_many_requests(status) } else { next.run(request).await };
    add_rate_limit_headers(response.headers_mut(), status);
    response
}

fn too_many_requests(status: RateLimitStatus) -> Response {
    let message = error_response::rate_limit_message(status.reset_seconds);
    let code = "too.many.requests.retry.after";
    let mut response = error_response::rest(StatusCode::TOO_MANY_REQUESTS, code, &message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(status.reset_seconds));
    response
}

fn add_rate_limit_headers(headers: &mut HeaderMap, status: RateLimitStatus) {
    headers.insert("inin-ratelimit-count", status.count.into());
    headers.insert("inin-ratelimit-allowed", status.allowed.into());
    headers.insert("inin-ratelimit-reset", status.reset_seconds.into());
}

impl ResponseOptions {
    fn new(faults: &[RequestFault]) -> Self {
        let mut options = Self::default();
        for fault in faults {
            match fault {
                RequestFault::LateBody(age) => {
                    options.min_body_age = TimeDelta::from_std(*age).unwrap_or(TimeDelta::MAX);
                }
                RequestFault::NewestFirst => options.newest_first = true,
                RequestFault::Omit(count) => options.omit += count,
                RequestFault::TextBody => options.legacy_bodies = true,
                _ => {}
            }
        }
        options
    }
}
