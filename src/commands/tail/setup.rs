//! The cursor, the recording and the writer of a run.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::api::rest::Rest;
use crate::commands::error::Error;
use crate::config::{Config, NamedTarget, Targets};
use crate::cursor::{self, CursorFile, FollowedTargets};
use crate::dedup::Dedup;
use crate::delivery::recording::Recorder;
use crate::delivery::{Delivery, DeliveryOptions};
use crate::output::{Prefixes, reader_closed};
use crate::source::TargetLookup;
use crate::status::logging::Log;
use crate::status::service_status::{Readiness, ServiceStatus};
use crate::status::status_line::StatusLine;
use crate::supervisor::retry_request;
use crate::system::stdout::Stdout;

pub(super) fn prefixes(config: &Config) -> Prefixes {
    let ids = config.conversations.iter().map(String::as_str);
    let is_closed = config.targets.is_empty() && config.events.is_none();
    if is_closed { Prefixes::new(ids) } else { Prefixes::growing(ids) }
}

pub(super) fn status_line(config: &Config, log: &Log) -> StatusLine {
    let readiness = if config.history.follow { Readiness::Connected } else { Readiness::Answered };
    let service = ServiceStatus::new(log, readiness);
    StatusLine::new(&log.stderr, config.connection.socket.ping_interval).with_service(service)
}

pub(super) fn start_delivery(
    config: &Config,
    prefixes: Prefixes,
    cursor: Option<CursorFile>,
    stdout: Stdout,
    log: &Log,
) -> Result<Delivery, Error> {
    let recorder = config.record.as_ref().map(|path| Recorder::open(path, &config.conversations, prefixes.grows()));
    let options = DeliveryOptions {
        output: config.output.clone(),
        history_lines: config.history.lines,
        prefixes,
        recorder: recorder.transpose()?,
        cursor,
    };
    Ok(Delivery::start(options, stdout, &log.stderr)?)
}

/// Looks up the queues and users of a run. `None` if the user stops the program or the reader closes the pipe.
pub(super) async fn look_up_targets(
    config: &Config,
    rest: &Rest,
    status_line: &StatusLine,
    stdout: &Stdout,
    stop: &CancellationToken,
) -> Result<Option<Vec<NamedTarget>>, Error> {
    let status = status_line.add_connection();
    let mut lookup = TargetLookup::new(&config.targets);
    let request = retry_request(config.connection.retries, &status, stop, async || lookup.complete(rest).await);
    let found = tokio::select! {
        biased;
        found = status_line.show(request, || true, stop) => found,
        () = reader_closed(stdout), if config.output.folder.is_none() => Ok(None),
    };
    found.map_err(|failure| Error::Tail { conversation: None, failure: Box::new(failure) })
}

/// The progress of earlier runs.
pub(in crate::commands) struct EarlierRuns {
    pub(in crate::commands) dedup: Dedup,
    pub(in crate::commands) cursor: CursorFile,
}

pub(super) fn open_cursor(config: &Config, targets: &Targets) -> Result<Option<EarlierRuns>, Error> {
    let Config { conversations, history, events, .. } = config;
    let Targets { queues, users, .. } = targets;
    let (since, has_stream) = (history.since, events.is_some());
    open_cursor_file(config.cursor.as_deref(), FollowedTargets { conversations, queues, users, has_stream, since })
}

/// Opens the cursor of a run that follows these targets, if there is one.
pub(in crate::commands) fn open_cursor_file(
    path: Option<&Path>,
    targets: FollowedTargets<'_>,
) -> Result<Option<EarlierRuns>, Error> {
    let Some(path) = path else { return Ok(None) };
    let cursor = cursor::open(path, targets)?;
    let dedup = Dedup::resumed(cursor.fingerprint_key(), cursor.earlier_deliveries());
    tracing::debug!("resuming after {}; -n and --since apply only to conversations that are not in it", path.display());
    Ok(Some(EarlierRuns { dedup, cursor }))
}
