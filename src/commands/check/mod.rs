//! `genesys-tail check`: tries every step of a tail, and reports what is missing and how to fix it.

mod channel;
mod clock;
mod conversations;
mod hosts;
mod importance;
mod messages;
mod permissions;
mod report;
mod sign_in;
mod targets;
mod topics;
mod transcript;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::importance::Importance;
use self::report::Report;
use crate::api::http::Http;
use crate::api::oauth::Auth;
use crate::api::rest::Rest;
use crate::commands::error::Error;
use crate::config::{Check, SocketLimits};
use crate::status::redact::Secrets;
use crate::system::stdout::Stdout;

/// An id that does not exist, for requests while no conversation is named. A 404 shows that the request is permitted.
const PLACEHOLDER_ID: &str = "00000000-0000-4000-8000-000000000000";

/// A check closes its sockets at once, so these limits never apply.
const LIMITS: SocketLimits = SocketLimits {
    ping_interval: Duration::from_secs(20),
    idle_timeout: Duration::from_secs(45),
    max_frame_size: 16 << 20,
    read_buffer: 4096,
};

/// The settings and the API client of all checks.
struct CheckContext<'a> {
    check: &'a Check,
    rest: Rest,
}

impl CheckContext<'_> {
    /// Waits until the rate limit allows a request, at most the time that a request may take.
    async fn throttle(&self) {
        let now = Instant::now();
        let latest = now + self.check.network.connect_timeout;
        sleep_until(self.rest.next_request_at(now).min(latest)).await;
    }
}

/// Prints the report line by line until it is complete, the reader closes the pipe, or `stop` is cancelled.
///
/// # Errors
///
/// Returns [`Error::Check`] if the report contains a failure.
pub(crate) async fn check(
    check: Check,
    stdout: Stdout,
    secrets: &Secrets,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let http = Http::new(&check.network, &check.endpoints, secrets.clone()).map_err(Error::Network)?;
    let (token, credentials) = (check.endpoints.token.clone(), check.credentials.clone());
    let auth = Arc::new(Auth::new(http.clone(), token, credentials, secrets.clone()));
    let rest = Rest::new(http, auth, check.endpoints.api.clone());
    let mut report = Report::new(stdout, secrets);
    let context = CheckContext { check: &check, rest };
    let result = stop.run_until_cancelled(Box::pin(run_checks(&context, &mut report))).await;
    match result {
        Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Some(Err(error)) => Err(Error::Output(Arc::new(error))),
        Some(Ok(())) => report.first_failure().map_or(Ok(()), |class| Err(Error::Check(class))),
        None => Ok(()),
    }
}

async fn run_checks(context: &CheckContext<'_>, report: &mut Report<'_>) -> io::Result<()> {
    report.print(&hosts::settings(context.check))?;
    if !hosts::check(context, report).await? || !sign_in::check(context, report).await? {
        return Ok(());
    }
    let found = targets::find(context).await;
    let targets = targets::followed(&found);
    let is_transcript_open = transcript::check(context, report).await?;
    let importance = Importance::new(context.check.source, is_transcript_open);
    let conversations = permissions::check(context, &targets, importance, report).await?;
    let channel = channel::check(context, importance, report).await?;
    topics::check(context, &conversations, &targets, channel.as_ref(), report).await?;
    conversations::check(&conversations, importance, report)?;
    targets::check(&found, report)
}
