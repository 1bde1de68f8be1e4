//! The token endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authentication::header_text;
use super::error_response;
use super::fault_responses::{RequestContext, faulty_response};
use crate::simulator::faults::{Endpoint, RequestFault};
use crate::simulator::state::SimulatorState;
use crate::simulator::ws::faulty_stream::StreamControl;

/// `POST /oauth/token`
pub(super) async fn token(
    State(state): State<Arc<SimulatorState>>,
    Extension(stream): Extension<StreamControl>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = TokenForm::read(&headers, &body);
    let entry = state.recorder.token_request(form.client_id.clone());
    let faults = state.faults.take_request_faults(Endpoint::Token, None, "");
    let credentials = form.describe(&headers);
    let context = RequestContext {
        endpoint: Endpoint::Token,
        credentials: &credentials,
        base_url: &state.base_url,
        stream: &stream,
    };
    if let Some(faulty) = faulty_response(&faults, &context).await {
        if let Some(status) = faulty.status {
            state.recorder.token_response(entry, status, None);
        }
        return faulty.response;
    }
    let (response, token) = issue_token(&state, &form, TokenOptions::new(faults));
    state.recorder.token_response(entry, response.status().as_u16(), token);
    response
}

/// Changes of a token that faults ask for.
#[derive(Default)]
struct TokenOptions {
    /// The value of `expires_in`.
    lifetime: Option<Value>,
    /// The time in which no other endpoint knows the token.
    unknown_for: Duration,
}

impl TokenOptions {
    fn new(faults: Vec<RequestFault>) -> Self {
        let mut options = Self::default();
        for fault in faults {
            match fault {
                RequestFault::ExpiresIn(value) => options.lifetime = Some(value),
                RequestFault::UnknownFor(duration) => options.unknown_for = duration,
                _ => {}
            }
        }
        options
    }
}

fn issue_token(state: &SimulatorState, form: &TokenForm, options: TokenOptions) -> (Response, Option<String>) {
    let refuse = |status, error, description| (error_response::oauth(status, error, description), None);
    if form.client_id.as_deref() != Some(&state.client_id) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_client", "client not found");
    }
    if form.client_secret.as_deref() != Some(&state.client_secret) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", "authentication failed");
    }
    if form.grant_type.as_deref() != Some("client_credentials") {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant type not supported");
    }
    let token = state.tokens.issue(options.unknown_for);
    let lifetime = options.lifetime.unwrap_or_else(|| state.tokens.lifetime().as_secs().into());
    let body = json!({ "access_token": token, "token_type": "bearer", "expires_in": lifetime });
    (Json(body).into_response(), Some(token))
}

/// The parameters of a token request. Credentials in the header take precedence over those in the body.
#[derive(Default)]
struct TokenForm {
    client_id: Option<String>,
    client_secret: Option<String>,
    grant_type: Option<String>,
}

impl TokenForm {
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
        if let Some((id, secret)) = basic_credentials(headers) {
            form.client_id = Some(id);
            form.client_secret = Some(secret);
        }
        form
    }

    fn describe(&self, headers: &HeaderMap) -> String {
        let header = header_text(headers, &header::AUTHORIZATION).unwrap_or_default();
        let id = self.client_id.as_deref().unwrap_or_default();
        let secret = self.client_secret.as_deref().unwrap_or_default();
        format!("client '{id}' with secret '{secret}' ({header})")
    }
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let header = header_text(headers, &header::AUTHORIZATION)?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}
