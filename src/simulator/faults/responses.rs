//! Answers in the place of the real ones.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::Utc;

use super::{Endpoint, RequestFault, RetryAfter};
use crate::simulator::http::error_response;
use crate::simulator::ws::faulty_stream::StreamControl;

/// What a request came with.
pub(crate) struct RequestContext<'a> {
    pub(crate) place: Endpoint,
    /// The credentials in readable form, for an error that repeats them.
    pub(crate) credentials: &'a str,
    pub(crate) base_url: &'a str,
    pub(crate) stream: &'a StreamControl,
}

/// The answer a trick gives; `None` for a trick that only bends the real one. Sleeps where the trick is to be late.
pub(crate) async fn answer(fault: &RequestFault, presented: &RequestContext<'_>) -> Option<Response> {
    match fault {
        RequestFault::Slow(delay) => tokio::time::sleep(*delay).await,
        RequestFault::Hang => std::future::pending().await,
        RequestFault::Reset => {
            presented.stream.reset();
            return Some(StatusCode::NO_CONTENT.into_response());
        }
        RequestFault::Status { status, retry_after, body } => {
            return Some(refuse(presented.place, *status, retry_after.as_ref(), body.as_deref()));
        }
        RequestFault::Redirect(status) => {
            let target = format!("{}/elsewhere", presented.base_url);
            return Some((*status, [(header::LOCATION, target)]).into_response());
        }
        RequestFault::NotJson => {
            return Some(Html("<html><body>Sign in to the guest Wi-Fi</body></html>").into_response());
        }
        RequestFault::Huge(bytes) => return Some(vec![b' '; *bytes].into_response()),
        RequestFault::Echo(status) => {
            let words = format!("cannot accept {}", presented.credentials);
            return Some(refuse(presented.place, *status, None, Some(&words)));
        }
        RequestFault::Garbage => {
            return Some(axum::Json(serde_json::json!({ "token_type": "bearer" })).into_response());
        }
        RequestFault::Ok => return Some(axum::Json(serde_json::json!({ "status": "ok" })).into_response()),
        RequestFault::Empty => return Some(StatusCode::OK.into_response()),
        RequestFault::ExpiresIn(_)
        | RequestFault::BadAccept
        | RequestFault::LateBody(_)
        | RequestFault::NewestFirst
        | RequestFault::Omit(_)
        | RequestFault::TextBody => {}
    }
    None
}

fn refuse(place: Endpoint, status: StatusCode, retry_after: Option<&RetryAfter>, words: Option<&str>) -> Response {
    let (code, usual) = error_response::words(status);
    let words = words.unwrap_or(usual);
    let mut response = match place {
        Endpoint::Token => error_response::oauth(status, "invalid_request", words),
        Endpoint::Handshake | Endpoint::Rest => error_response::rest(status, code, words),
    };
    if let Some(value) = retry_after.and_then(|wish| HeaderValue::from_str(&wish.text()).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

impl RetryAfter {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Date(ahead) => (Utc::now() + *ahead).format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        }
    }
}
