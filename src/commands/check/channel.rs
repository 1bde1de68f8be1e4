//! The notification channel: made, found again, and dialled.

use std::io;

use super::report::Report;
use super::stakes::Stakes;
use super::step::Step;
use super::transcript::leave;
use super::{LIMITS, Visit, words};
use crate::api::http_error::host;
use crate::api::rest::{Rest, RestError};
use crate::api::websocket::{self, HandshakeError, KeepAlive};
use crate::api::{calls, proxy};
use crate::status::redact::Secrets;
use crate::wire::channel::Channel;

/// Makes the one channel of the check, as the service has no way to end one, and dials it. `None` where there is none.
pub(super) async fn check(visit: &Visit<'_>, stakes: Stakes, report: &mut Report<'_>) -> io::Result<Option<Channel>> {
    let channel = match make(&visit.rest).await {
        Ok(channel) => channel,
        Err(error) => {
            report.say(&refusal(stakes, &error))?;
            return Ok(None);
        }
    };
    report.say(&find(&visit.rest, stakes, &channel).await)?;
    report.say(&dial(visit, stakes, &channel).await)?;
    Ok(Some(channel))
}

/// Whoever knows the id or the address can listen: no line may show them from now on.
async fn make(rest: &Rest) -> Result<Channel, RestError> {
    let channel = calls::create_channel(rest).await?;
    hide(rest.http().secrets(), &channel);
    Ok(channel)
}

fn refusal(stakes: Stakes, error: &RestError) -> Step {
    stakes.step(&format!("notification channel ({})", words::NOT_TRIED), error)
}

fn hide(secrets: &Secrets, channel: &Channel) {
    secrets.add_channel(&channel.id, channel.connect_uri.as_str());
}

async fn find(rest: &Rest, stakes: Stakes, channel: &Channel) -> Step {
    match calls::channel_exists(rest, &channel.id).await {
        Ok(true) => Step::ok("notification channel made and found again"),
        Ok(false) => Step::warn(
            "notification channel made, and gone at once",
            "too many programs make channels with this OAuth client (20 at a time): give each its own client",
        ),
        Err(error) => stakes.step("notification channel", &error),
    }
}

async fn dial(visit: &Visit<'_>, stakes: Stakes, channel: &Channel) -> Step {
    let url = websocket::to_http_scheme(&channel.connect_uri);
    let host = host(&url);
    let way = proxy::proxy_for(&visit.check.network, &visit.check.endpoints, &url);
    let through = way.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"));
    match websocket::open(visit.rest.http(), &url, None, LIMITS, KeepAlive::PingFrame).await {
        Ok(socket) => {
            leave(socket).await;
            Step::ok(format!("notification socket of {host} opens{through}, and is closed again"))
        }
        Err(error) => failure(stakes, &format!("notification socket{through}: {error}"), &error),
    }
}

fn failure(stakes: Stakes, what: &str, error: &HandshakeError) -> Step {
    let mend = match error {
        HandshakeError::Http(error) => words::network(error),
        HandshakeError::Rejected { .. } | HandshakeError::Invalid { .. } => {
            "a proxy or firewall in between may not pass WebSockets on: let it pass this host".to_owned()
        }
    };
    match stakes {
        Stakes::Needed => Step::fail(error.class(), what, mend),
        Stakes::Backing | Stakes::Extra => Step::warn(what, mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        let json = r#"{"id":"ch/4nnel","connectUri":"wss://streaming.example.test/channels/ch%2F4nnel"}"#;
        Channel::parse(json, |_| false).expect("a channel")
    }

    #[test]
    fn an_address_is_dialled_as_the_client_knows_it() {
        let dialled = |url: &str| websocket::to_http_scheme(&url.parse().expect("a URL")).to_string();
        assert_eq!(dialled("wss://streaming.test/channels/x"), "https://streaming.test/channels/x");
        assert_eq!(dialled("ws://127.0.0.1:8080/channels/x"), "http://127.0.0.1:8080/channels/x");
    }

    #[test]
    fn neither_id_nor_address_of_a_channel_is_shown() {
        let secrets = Secrets::default();
        hide(&secrets, &channel());
        for leak in ["ch/4nnel", "ch%2F4nnel", "wss://streaming.example.test/channels/ch%2F4nnel"] {
            let shown = secrets.redact(leak).into_owned();
            assert!(!shown.contains("4nnel"), "{shown}");
        }
    }
}
