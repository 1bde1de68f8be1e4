//! Answers in the place of the real ones.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::Utc;

use super::{Place, RequestTrick, RetryAfter};
use crate::simulator::http::error_response;
use crate::simulator::ws::faulty_stream::Fate;

/// What a request came with.
pub(crate) struct Presented<'a> {
    pub(crate) place: Place,
    /// The credentials in readable form, for an error that repeats them.
    pub(crate) credentials: &'a str,
    pub(crate) base_url: &'a str,
    pub(crate) fate: &'a Fate,
}

/// The answer a trick gives; `None` for a trick that only bends the real one. Sleeps where the trick is to be late.
pub(crate) async fn answer(trick: &RequestTrick, presented: &Presented<'_>) -> Option<Response> {
    match trick {
        RequestTrick::Slow(delay) => tokio::time::sleep(*delay).await,
        RequestTrick::Hang => std::future::pending().await,
        RequestTrick::Reset => {
            presented.fate.reset();
            return Some(StatusCode::NO_CONTENT.into_response());
        }
        RequestTrick::Status { status, retry_after, body } => {
            return Some(refuse(presented.place, *status, retry_after.as_ref(), body.as_deref()));
        }
        RequestTrick::Redirect(status) => {
            let target = format!("{}/elsewhere", presented.base_url);
            return Some((*status, [(header::LOCATION, target)]).into_response());
        }
        RequestTrick::NotJson => {
            return Some(Html("<html><body>Sign in to the guest Wi-Fi</body></html>").into_response());
        }
        RequestTrick::Huge(bytes) => return Some(vec![b' '; *bytes].into_response()),
        RequestTrick::Echo(status) => {
            let words = format!("cannot accept {}", presented.credentials);
            return Some(refuse(presented.place, *status, None, Some(&words)));
        }
        RequestTrick::Garbage => {
            return Some(axum::Json(serde_json::json!({ "token_type": "bearer" })).into_response());
        }
        RequestTrick::Ok => return Some(axum::Json(serde_json::json!({ "status": "ok" })).into_response()),
        RequestTrick::Empty => return Some(StatusCode::OK.into_response()),
        RequestTrick::ExpiresIn(_)
        | RequestTrick::BadAccept
        | RequestTrick::LateBody(_)
        | RequestTrick::NewestFirst
        | RequestTrick::Omit(_)
        | RequestTrick::TextBody => {}
    }
    None
}

fn refuse(place: Place, status: StatusCode, retry_after: Option<&RetryAfter>, words: Option<&str>) -> Response {
    let (code, usual) = error_response::words(status);
    let words = words.unwrap_or(usual);
    let mut response = match place {
        Place::Token => error_response::oauth(status, "invalid_request", words),
        Place::Handshake | Place::Rest => error_response::rest(status, code, words),
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
