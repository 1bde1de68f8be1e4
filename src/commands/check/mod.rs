//! `genesys-tail check`: tries every step that a tail takes, and says what is missing and how to mend it.

mod channel;
mod clock;
mod conversations;
mod groups;
mod hosts;
mod permissions;
mod report;
mod sign_in;
mod stakes;
mod step;
mod topics;
mod transcript;
mod words;

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::report::Report;
use self::stakes::Stakes;
use crate::api::http::Http;
use crate::api::oauth::Auth;
use crate::api::rest::Rest;
use crate::commands::error::Error;
use crate::config::{Check, SocketLimits};
use crate::status::redact::Secrets;

/// The id of nothing, to ask with where no conversation is named: an answer that it does not exist is a permission.
const MADE_UP: &str = "00000000-0000-4000-8000-000000000000";

/// No socket of a check stays open long enough for any of these to matter.
const LIMITS: SocketLimits = SocketLimits {
    ping_interval: Duration::from_secs(20),
    idle_timeout: Duration::from_secs(45),
    max_frame_size: 16 << 20,
    read_buffer: 4096,
};

/// What the steps have in common.
struct Visit<'a> {
    check: &'a Check,
    rest: Rest,
}

impl Visit<'_> {
    /// Waits until the allowance of the service has room for one more request, yet no longer than for an answer.
    async fn pace(&self) {
        let longest = Instant::now() + self.check.network.connect_timeout;
        tokio::time::sleep_until(self.rest.next_request_at(tokio::time::Instant::now()).min(longest)).await;
    }
}

/// Prints the report, a line a step as it is known, until it is complete, nobody reads it, or `stop` is cancelled.
///
/// # Errors
///
/// The settings cannot be used, the report cannot be written, or [`Error::Check`]: something is wrong, and the report
/// says what.
pub(crate) async fn check(
    check: Check,
    stdout: File,
    secrets: &Secrets,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let http = Http::new(&check.network, &check.endpoints, secrets.clone()).map_err(Error::Network)?;
    let (token, credentials) = (check.endpoints.token.clone(), check.credentials.clone());
    let auth = Arc::new(Auth::new(http.clone(), token, credentials, secrets.clone()));
    let rest = Rest::new(http, auth, check.endpoints.api.clone());
    let mut report = Report::new(stdout, secrets);
    let visit = Visit { check: &check, rest };
    let done = stop.run_until_cancelled(Box::pin(steps(&visit, &mut report))).await;
    match done {
        Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Some(Err(error)) => Err(Error::Output(Arc::new(error))),
        Some(Ok(())) => report.first_failure().map_or(Ok(()), |blame| Err(Error::Check(blame))),
        None => Ok(()),
    }
}

async fn steps(visit: &Visit<'_>, report: &mut Report<'_>) -> io::Result<()> {
    report.say(&hosts::settings(visit.check))?;
    if !hosts::reach(visit, report).await? || !sign_in::sign_in(visit, report).await? {
        return Ok(());
    }
    let opened = transcript::open(visit, report).await?;
    let stakes = Stakes::of(visit.check.source, opened);
    let looks = permissions::check(visit, stakes, report).await?;
    let channel = channel::check(visit, stakes, report).await?;
    topics::check(visit, &looks, channel.as_ref(), report).await?;
    conversations::check(&looks, stakes, report)?;
    groups::check(visit, report).await
}
