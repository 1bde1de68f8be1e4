//! The commands: each runs from the resolved settings to the end.

mod check;
mod demo;
pub(crate) mod error;
mod list;
pub(crate) mod replay;
mod simulate;
mod tail;

use std::io::{self, Write};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use self::check::check;
use self::demo::demo;
use self::error::Error;
use self::list::list;
use self::replay::replay_recording;
use self::simulate::simulate;
use self::tail::{print_events, tail};
use crate::config::Task;
use crate::output::SCHEMA;
use crate::status::logging::Log;
use crate::system::stdout::Stdout;

/// Runs a task until it is done or `stop` is cancelled.
///
/// # Errors
///
/// The failure of the task, which was not reported.
pub(crate) async fn run(task: Task, mut stdout: Stdout, log: &Log, stop: &CancellationToken) -> Result<(), Error> {
    match task {
        Task::Tail(config) => tail(*config, stdout, log, stop).await,
        Task::Events(settings) => print_events(*settings, stdout, log, stop).await,
        Task::Demo(settings) => demo(*settings, stdout, log, stop).await,
        Task::Check(settings) => check(*settings, stdout, &log.secrets, stop).await,
        Task::List(settings) => list(*settings, stdout, log, stop).await,
        Task::Replay(settings) => replay_recording(settings, stdout, log, stop).await,
        Task::Simulate(settings) => simulate(settings, stdout, log, stop).await,
        Task::Print(text) => print(&mut stdout, &text),
        Task::PrintSchema => print(&mut stdout, SCHEMA.as_bytes()),
    }
}

/// Prints a text. A closed pipe is success (OUT-43).
fn print(stdout: &mut Stdout, text: &[u8]) -> Result<(), Error> {
    match stdout.write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::Output(Arc::new(error))),
    }
}
