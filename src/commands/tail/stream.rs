//! The event stream of a run: beside the notifications source, or alone without credentials (STR-2, STR-3).

use std::cell::RefCell;
use std::io::{self, IsTerminal as _};

use tokio_util::sync::CancellationToken;

use super::outcomes::log_summary;
use super::setup::{EarlierRuns, open_cursor_file};
use crate::commands::error::Error;
use crate::config::{Config, EventInput, Events, Format};
use crate::cursor::FollowedTargets;
use crate::delivery::recording::Recorder;
use crate::delivery::{Delivery, DeliveryOptions};
use crate::output::Prefixes;
use crate::source::{EventStream, EventStreamSettings, StreamLink};
use crate::status::logging::Log;
use crate::status::status_line::StatusLine;
use crate::supervisor::{StreamDelivery, deliver_stream};
use crate::system::stdout::Stdout;

/// Starts to read the event stream of a run, if it has one.
pub(super) fn start<'a>(config: &Config, link: &'a StreamLink) -> Result<Option<EventStream<'a>>, Error> {
    let Some(input) = &config.events else { return Ok(None) };
    let settings = EventStreamSettings {
        input: input.clone(),
        media: config.media,
        since: config.history.since,
        keeps_frames: config.record.is_some() || config.output.style.format == Format::Raw,
    };
    open(settings, Some(link)).map(Some)
}

/// Prints the calls of an event stream without credentials, until it ends or `stop` is cancelled.
///
/// # Errors
///
/// The failure to read or write, which was not reported.
pub(crate) async fn print_events(
    settings: Events,
    stdout: Stdout,
    log: &Log,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let Events { input, media, history, output, record, cursor } = settings;
    let prefixes = Prefixes::growing([]);
    log.set_prefixes(prefixes.of_status_lines(output.style.prefix));
    let targets =
        FollowedTargets { conversations: &[], queues: &[], users: &[], since: history.since, has_stream: true };
    let progress = open_cursor_file(cursor.as_deref(), targets)?;
    let (dedup, cursor) = progress.map_or_else(Default::default, |EarlierRuns { dedup, cursor }| (dedup, Some(cursor)));
    let recorder = record.as_ref().map(|path| Recorder::open(path, &[], prefixes.grows())).transpose()?;
    let keeps_frames = recorder.is_some() || output.style.format == Format::Raw;
    let ping_interval = std::time::Duration::ZERO;
    let options = DeliveryOptions { output, history_lines: None, prefixes, recorder, cursor };
    let delivery = Delivery::start(options, stdout, &log.stderr)?;
    let mut stream = open(EventStreamSettings { input, media, since: history.since, keeps_frames }, None)?;
    tracing::info!(
        "without client id and secret, only calls are printed, with ids in place of names; messages need both"
    );
    log.service.report_ready();
    let dedup = RefCell::new(dedup);
    let writer = delivery.sink.borrow().output.handle();
    let shared = StreamDelivery { sink: &delivery.sink, dedup: &dedup, stop };
    let status_line = StatusLine::new(&log.stderr, ping_interval);
    let work = status_line.show(deliver_stream(&mut stream, shared), || writer.is_idle(), stop);
    let result = delivery.run_until_failed(work).await?;
    let totals = delivery.finish(stop).await?;
    let outcome = result.transpose()?;
    if let (Some(outcome), Some(totals)) = (outcome, totals) {
        log_summary(outcome, true, totals);
    }
    Ok(())
}

fn open(settings: EventStreamSettings, link: Option<&StreamLink>) -> Result<EventStream<'_>, Error> {
    if settings.input == EventInput::Stdin && io::stdin().is_terminal() {
        tracing::info!("reading events from the terminal: type or paste them, and end with Ctrl-D");
    }
    EventStream::start(settings, link).map_err(Error::Start)
}
