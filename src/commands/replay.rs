//! `--replay`: prints a recording with the code of a live run, so that the same bytes come out (HIST-16, HIST-17).

mod error;
mod lines;
mod player;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::commands::error::Error;
use crate::config::Replay;
use crate::delivery::{Delivery, DeliveryOptions};
use crate::output::Prefixes;
use crate::status::logging::Log;
use crate::status::status_line::StatusLine;
use crate::system::stdout::Stdout;

pub(crate) use self::error::ReplayError;
pub(crate) use self::player::replay;

/// Prints a recording until its end, or until `stop` is cancelled.
///
/// # Errors
///
/// The failure to read or write, which was not reported.
pub(super) async fn replay_recording(
    settings: Replay,
    stdout: Stdout,
    log: &Log,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let options = DeliveryOptions {
        output: settings.output,
        history_lines: None,
        prefixes: Prefixes::default(),
        recorder: None,
        cursor: None,
    };
    let delivery = Delivery::start(options, stdout, &log.stderr)?;
    log.service.report_ready();
    let status_line = StatusLine::new(&log.stderr, Duration::ZERO);
    let progress = status_line.add_work();
    let writer = delivery.sink.borrow().output.handle();
    let replayed = stop.run_until_cancelled(replay(&settings.from, &delivery.sink, &progress));
    let replayed = status_line.show(replayed, || writer.is_idle(), stop);
    let Some(replayed) = delivery.run_until_failed(replayed).await? else { return Ok(()) };
    delivery.finish(stop).await?;
    replayed.unwrap_or(Ok(())).map_err(Error::Replay)
}
