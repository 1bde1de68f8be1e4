//! Responses of requests that a fault applies to.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::Utc;

use super::error_response;
use crate::simulator::faults::{Endpoint, RequestFault, RetryAfter, StatedWait};
use crate::simulator::ws::faulty_stream::StreamControl;

/// A request that a fault may apply to.
pub(super) struct RequestContext<'a> {
    pub(super) endpoint: Endpoint,
    /// The credentials in readable form, for an error that repeats them.
    pub(super) credentials: &'a str,
    pub(super) base_url: &'a str,
    pub(super) stream: &'a StreamControl,
}

/// A response in place of the regular one.
pub(super) struct FaultyResponse {
    pub(super) response: Response,
    /// The status for the log; `None` if the connection is reset in place of a response.
    pub(super) status: Option<u16>,
}

/// Applies `faults` to a request. Waits where a fault delays the response, and returns `None` for the regular response.
pub(super) async fn faulty_response(faults: &[RequestFault], context: &RequestContext<'_>) -> Option<FaultyResponse> {
    for fault in faults {
        if let Some(response) = apply(fault, context).await {
            let status = (*fault != RequestFault::Reset).then(|| response.status().as_u16());
            return Some(FaultyResponse { response, status });
        }
    }
    None
}

async fn apply(fault: &RequestFault, context: &RequestContext<'_>) -> Option<Response> {
    match fault {
        RequestFault::Slow(delay) => tokio::time::sleep(*delay).await,
        RequestFault::Hang => std::future::pending().await,
        RequestFault::Reset => {
            context.stream.reset();
            return Some(StatusCode::NO_CONTENT.into_response());
        }
        RequestFault::SilenceAll => {
            context.stream.silence_all();
            std::future::pending::<()>().await;
        }
        RequestFault::Status { status, wait, body } => {
            return Some(error(context.endpoint, *status, wait, body.as_deref()));
        }
        RequestFault::ForbiddenPage => {
            let page = Html("<html><body>Access denied by the web filter</body></html>");
            return Some((StatusCode::FORBIDDEN, page).into_response());
        }
        RequestFault::Redirect(status) => {
            let target = format!("{}/elsewhere", context.base_url);
            return Some((*status, [(header::LOCATION, target)]).into_response());
        }
        RequestFault::NotJson => {
            return Some(Html("<html><body>Sign in to the guest Wi-Fi</body></html>").into_response());
        }
        RequestFault::Huge(bytes) => return Some(vec![b' '; *bytes].into_response()),
        RequestFault::Echo(status) => {
            let message = format!("cannot accept {}", context.credentials);
            return Some(error(context.endpoint, *status, &StatedWait::default(), Some(&message)));
        }
        RequestFault::Garbage => {
            return Some(axum::Json(serde_json::json!({ "token_type": "bearer" })).into_response());
        }
        RequestFault::Ok => return Some(axum::Json(serde_json::json!({ "status": "ok" })).into_response()),
        RequestFault::Empty => return Some(StatusCode::OK.into_response()),
        RequestFault::ExpiresIn(_)
        | RequestFault::UnknownFor(_)
        | RequestFault::BadAccept
        | RequestFault::LateBody(_)
        | RequestFault::NewestFirst
        | RequestFault::Omit(_)
        | RequestFault::TextBody => {}
    }
    None
}

fn error(endpoint: Endpoint, status: StatusCode, wait: &StatedWait, message: Option<&str>) -> Response {
    let (code, default_message) = error_response::code_and_message(status);
    let wait_message = wait.in_body.map(error_response::rate_limit_message);
    let message = wait_message.as_deref().or(message).unwrap_or(default_message);
    let mut response = match endpoint {
        Endpoint::Token => error_response::oauth(status, "invalid_request", message),
        Endpoint::TranscriptHandshake | Endpoint::NotificationHandshake | Endpoint::Rest => {
            error_response::rest(status, code, message)
        }
    };
    if let Some(value) = wait.retry_after.as_ref().and_then(header_value) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    if let Some(seconds) = wait.ratelimit_reset {
        response.headers_mut().insert("inin-ratelimit-reset", seconds.into());
    }
    response
}

fn header_value(retry_after: &RetryAfter) -> Option<HeaderValue> {
    let text = match retry_after {
        RetryAfter::Text(text) => text.clone(),
        RetryAfter::Date(ahead) => (Utc::now() + *ahead).format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    };
    HeaderValue::from_str(&text).ok()
}
