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

use crate::simulator::faults::{Place, Presented, RequestTrick, answer};
use crate::simulator::http::error_response;
use crate::simulator::state::Cloud;
use crate::simulator::ws::faulty_stream::Fate;

/// `POST /oauth/token`
pub(crate) async fn token(
    State(cloud): State<Arc<Cloud>>,
    Extension(fate): Extension<Fate>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&headers, &body);
    let request = cloud.recorder.token_request(form.client_id.clone());
    let tricks = cloud.faults.request(Place::Token, None, "");
    let credentials = form.readable(&headers);
    let presented =
        Presented { place: Place::Token, credentials: &credentials, base_url: &cloud.base_url, fate: &fate };
    for trick in &tricks {
        if let Some(response) = answer(trick, &presented).await {
            if !matches!(trick, RequestTrick::Reset) {
                cloud.recorder.token_response(request, response.status().as_u16(), None);
            }
            return response;
        }
    }
    let lifetime = tricks.into_iter().find_map(|trick| match trick {
        RequestTrick::ExpiresIn(value) => Some(value),
        _ => None,
    });
    let (response, token) = decide(&cloud, &form, lifetime);
    cloud.recorder.token_response(request, response.status().as_u16(), token);
    response
}

fn decide(cloud: &Cloud, form: &Form, lifetime: Option<Value>) -> (Response, Option<String>) {
    let refuse = |status, error, words| (error_response::oauth(status, error, words), None);
    if form.client_id.as_deref() != Some(&cloud.client_id) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_client", "client not found");
    }
    if form.client_secret.as_deref() != Some(&cloud.client_secret) {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", "authentication failed");
    }
    if form.grant_type.as_deref() != Some("client_credentials") {
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant type not supported");
    }
    let token = cloud.tokens.issue();
    let lifetime = lifetime.unwrap_or_else(|| cloud.tokens.lifetime.as_secs().into());
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
