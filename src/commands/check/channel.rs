//! The notification channel: create it, look it up, open its socket.

use std::io;

use super::importance::Importance;
use super::messages;
use super::report::{CheckResult, Report};
use super::transcript::close_gracefully;
use super::{CheckContext, LIMITS};
use crate::api::http_error::host;
use crate::api::rest::{Rest, RestError};
use crate::api::websocket::{self, KeepAlive};
use crate::api::{calls, proxy};
use crate::source::SourceError;
use crate::status::redact::Secrets;
use crate::wire::channel::Channel;

/// The remedy for a channel that is gone.
const ONE_CLIENT_PER_PROGRAM: &str = "use one OAuth client per program: a client keeps at most 20 channels";

/// Creates a channel and opens its socket. Returns the channel, if there is one.
///
/// Creates one channel only, because the API has no call to delete it.
pub(super) async fn check(
    context: &CheckContext<'_>,
    importance: Importance,
    report: &mut Report<'_>,
) -> io::Result<Option<Channel>> {
    let channel = match create(&context.rest).await {
        Ok(channel) => channel,
        Err(error) => {
            report.print(&importance.result("channel", &error).with_skipped_checks())?;
            return Ok(None);
        }
    };
    report.print(&look_up(&context.rest, importance, &channel).await)?;
    report.print(&open_socket(context, importance, &channel).await)?;
    Ok(Some(channel))
}

async fn create(rest: &Rest) -> Result<Channel, RestError> {
    let channel = calls::create_channel(rest).await?;
    redact_channel(rest.http().secrets(), &channel);
    Ok(channel)
}

/// Redacts id and address of the channel from now on. Each of them is enough to listen to it.
fn redact_channel(secrets: &Secrets, channel: &Channel) {
    secrets.add_channel(&channel.id, channel.connect_uri.as_str());
}

async fn look_up(rest: &Rest, importance: Importance, channel: &Channel) -> CheckResult {
    match calls::channel_exists(rest, &channel.id).await {
        Ok(true) => CheckResult::ok("channel: created and found"),
        Ok(false) => CheckResult::warn("channel: gone right after its creation", ONE_CLIENT_PER_PROGRAM),
        Err(error) => importance.result("channel", &error),
    }
}

async fn open_socket(context: &CheckContext<'_>, importance: Importance, channel: &Channel) -> CheckResult {
    let url = websocket::to_http_scheme(&channel.connect_uri);
    let host = host(&url);
    let proxy = proxy::proxy_for(&context.check.network, &context.check.endpoints, &url);
    let through = messages::via_proxy(proxy.as_deref());
    match websocket::open(context.rest.http(), &url, None, LIMITS, KeepAlive::PingFrame).await {
        Ok(socket) => {
            close_gracefully(socket).await;
            CheckResult::ok(format!("channel: socket at {host} opened and closed{through}"))
        }
        Err(error) => {
            let message = format!("channel: socket{through}: {error}");
            socket_failure(importance, &message, &SourceError::from_channel_handshake(error))
        }
    }
}

fn socket_failure(importance: Importance, message: &str, error: &SourceError) -> CheckResult {
    let remedy = match error {
        SourceError::Unavailable { body, .. } => messages::try_again(body),
        SourceError::ChannelLost(_) => ONE_CLIENT_PER_PROGRAM.to_owned(),
        error => error.hint().to_owned(),
    };
    match importance {
        Importance::Required => CheckResult::fail(error.class(), message, remedy),
        Importance::Fallback | Importance::Optional => CheckResult::warn(message, remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_id_nor_address_of_a_channel_is_shown() {
        let json = r#"{"id":"ch/4nnel","connectUri":"wss://streaming.example.test/channels/ch%2F4nnel"}"#;
        let channel = Channel::parse(json, |_| false).expect("a channel");
        let secrets = Secrets::default();
        redact_channel(&secrets, &channel);
        for leak in ["ch/4nnel", "ch%2F4nnel", "wss://streaming.example.test/channels/ch%2F4nnel"] {
            let shown = secrets.redact(leak).into_owned();
            assert!(!shown.contains("4nnel"), "{shown}");
        }
    }
}
