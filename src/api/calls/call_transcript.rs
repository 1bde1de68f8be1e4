//! The stored transcript of a call.

use reqwest::Url;
use serde_json::Value;

use super::path_segment;
use crate::api::download::{DownloadError, download};
use crate::api::error_body::ErrorBody;
use crate::api::rest::{Rest, RestError};
use crate::wire::call_transcript::CallTranscript;

/// Returns the stored transcript of a leg of a call: that of the customer. [`RestError::NotFound`] if there is none, or none
/// yet.
///
/// A link that has expired is requested anew once (CALL-9). Cancel safe.
pub(crate) async fn call_transcript(rest: &Rest, conversation: &str, leg: &str) -> Result<CallTranscript, RestError> {
    let file = match download_once(rest, conversation, leg).await? {
        Ok(file) => file,
        Err(DownloadError::LinkRefused { status, .. }) => {
            tracing::debug!("the link of a call transcript was refused ({}); requesting a new one", status.as_u16());
            download_once(rest, conversation, leg).await?.map_err(|error| to_rest_error(rest, error))?
        }
        Err(error) => return Err(to_rest_error(rest, error)),
    };
    // A file of 30 MB takes a while: pings are answered meanwhile.
    let parsed = tokio::task::spawn_blocking(move || CallTranscript::parse(&String::from_utf8_lossy(&file))).await;
    parsed.ok().flatten().ok_or_else(|| rest.unexpected("the stored transcript of the call is unreadable"))
}

/// Returns the secret link of a transcript.
pub(crate) async fn call_transcript_link(rest: &Rest, conversation: &str, leg: &str) -> Result<Url, RestError> {
    let (conversation, leg) = (path_segment(conversation), path_segment(leg));
    let path =
        format!("/api/v2/speechandtextanalytics/conversations/{conversation}/communications/{leg}/transcripturl");
    let body: Option<Value> = serde_json::from_str(&rest.get(&path).await?).ok();
    let link = body.as_ref().and_then(|body| body.get("url")).and_then(Value::as_str);
    link.and_then(|link| link.parse().ok()).ok_or_else(|| rest.unexpected("no link to the call transcript"))
}

async fn download_once(
    rest: &Rest,
    conversation: &str,
    leg: &str,
) -> Result<Result<Vec<u8>, DownloadError>, RestError> {
    let link = call_transcript_link(rest, conversation, leg).await?;
    Ok(download(rest.http(), link, rest.is_local()).await)
}

fn to_rest_error(rest: &Rest, error: DownloadError) -> RestError {
    match error {
        DownloadError::Http(error) => RestError::Http(error),
        DownloadError::LinkRefused { host, status } => {
            let reason = format!("a new link to the call transcript is refused ({})", status.as_u16());
            RestError::UnexpectedResponse { host, reason }
        }
        DownloadError::Unavailable { host, status, headers } => {
            // The text of the host may repeat the link.
            RestError::Unavailable { host, body: ErrorBody::new(status, &headers, b"", rest.http().secrets()) }
        }
        DownloadError::Unusable { host, reason } => RestError::UnexpectedResponse { host, reason },
    }
}
