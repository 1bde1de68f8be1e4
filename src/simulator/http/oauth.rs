//! The token endpoint.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::simulator::faults::{Endpoint, RequestContext, RequestFault, answer};
use crate::simulator::http::error_response;
use crate::simulator::state::SimulatorState;
use crate::simulator::ws::faulty_stream::StreamControl;

/// `POST /oauth/token`
pub(crate) async fn token(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&headers, &body);
    let request = state.recorder.token_request(form.client_id.clone());
    let faults = state.faults.request(Endpoint::Token, None, "");
    let credentials = form.readable(&headers);
    let presented = RequestContext {
        place: Endpoint::Token,
        credentials: &credentials,
        base_url: &state.base_url,
        stream: &stream,
    };
    for fault in &faults {
        if let Some(response) = answer(fault, &presented).await {
            if !matches!(fault, RequestFault::Reset) {
                state.recorder.token_response(request, response.status().as_u16(), None);
            }
            return response;
        }
    }
    let lifetime = faults.into_iter().find_map(|fault| match fault {
        RequestFault::ExpiresIn(value) => Some(value),
        _ => None,
    });
    let (response, token) = decide(&state, &form, lifetime);
    state.recorder.token_response(request, response.status().as_u16(), token);
    response
}

fn decide(state: &SimulatorState, form: &Form, lifetime: Option<Value>) -> (Response, Option<String>) {
    let refuse = |status, error, words| (error_response::oauth(status, error, words), None);
    if form.client_id.as_deref() != Some(&state.client_id) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_client", "client not found");
    }
    if form.client_secret.as_deref() != Some(&state.client_secret) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", "authentication failed");
    }
    if form.grant_type.as_deref() != Some("client_credentials") {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant type not supported");
    }
    let token = state.tokens.issue();
    let lifetime = lifetime.unwrap_or_else(|| state.tokens.lifetime.as_secs().into());
    let body = json!({ "access_token": token, "token_type": "bearer", "expires_in": lifetime });
    (Json(body).into_response(), Some(token))
}

/// What the client says about itself, in the header or in the form.
#[derive(Default)]
struct Form {
    client_id: Option<String>,
    client_secret: Option<String>,
    grant_type: Option<String>,
}

impl Form {
    fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut form = Self::default();
        for (key, value) in url::form_urlencoded::parse(body) {
            match &*key {
                "client_id" => form.client_id = Some(value.into_owned()),
                "client_secret" => form.client_secret = Some(value.into_owned()),
                "grant_type" => form.grant_type = Some(value.into_owned()),
                _ => {}
            }
        }
        if let Some((id, secret)) = basic(headers) {
            form.client_id = Some(id);
            form.client_secret = Some(secret);
        }
        form
    }

    fn readable(&self, headers: &HeaderMap) -> String {
        let header = error_response::text(headers, &header::AUTHORIZATION).unwrap_or_default();
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("client '{}' with secret '{}' ({header})", part(&self.client_id), part(&self.client_secret))
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let header = error_response::text(headers, &header::AUTHORIZATION)?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    plain.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

/// The token in the header of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let header = error_response::text(headers, &header::AUTHORIZATION)?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
