//! Errors that end a run, with their exit codes and hints.

use std::io;
use std::panic;
use std::process;
use std::sync::Arc;

use crate::api::setup_error::SetupError;
use crate::commands::replay::ReplayError;
use crate::config::EventsTo;
use crate::cursor::CursorError;
use crate::delivery::DeliveryError;
use crate::delivery::recording::RecordError;
use crate::exit_code::ErrorClass;
use crate::output::FileError;
use crate::settings::ConfigError;
use crate::simulator::{FaultError, ScriptError};
use crate::source::EventStreamError;
use crate::status::logging::{ErrorDetails, Log};
use crate::supervisor::Failure;
use crate::system::io_error;
use crate::system::limits;
use crate::system::signals::Signal;

/// The end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this exit code.
    Code(u8),
    /// By the signal that ended the run, so that the shell sees the cause.
    Signal(Signal),
}

/// An error that ends a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A setting is missing, unusable or contradictory.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A certificate or proxy setting is well formed but cannot be used.
    #[error(transparent)]
    Network(#[from] SetupError),
    /// The tail of the only conversation, or of queues and users, or a list failed.
    #[error("{failure}")]
    Tail {
        /// The id of the conversation.
        conversation: Option<String>,
        /// The failure.
        failure: Box<Failure>,
    },
    /// The tails of several conversations failed. Each failure was already logged; the first decides the exit code.
    #[error("{failed} of {all} conversations failed")]
    Tails {
        /// The number of failed conversations.
        failed: usize,
        /// The number of all conversations.
        all: usize,
        /// The first failure.
        first: Box<Failure>,
    },
    /// A step of `check` failed, and the report says why. The first failure decides the exit code.
    #[error("check failed")]
    Check(ErrorClass),
    /// The output cannot be written.
    #[error("cannot write standard output: {}", io_error::describe(.0))]
    Output(Arc<io::Error>),
    /// The folder, or the file of a conversation, cannot be used or written.
    #[error(transparent)]
    OutputFile(Arc<FileError>),
    /// The recording cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The cursor cannot be used or written.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The event stream cannot be read.
    #[error(transparent)]
    Events(#[from] EventStreamError),
    /// The recording cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The simulator does not know the fault.
    #[error("--fault {0}")]
    Fault(#[from] FaultError),
    /// The simulator cannot play the script.
    #[error("--script {0}")]
    Script(#[from] ScriptError),
    /// The simulator cannot write its event stream.
    #[error("cannot write events to {place}: {}", io_error::describe(error))]
    SimulatedEvents {
        /// The place.
        place: EventsTo,
        /// The reason.
        error: io::Error,
    },
    /// The simulator cannot be started.
    #[error("cannot start the simulator: {}", io_error::describe(.0))]
    Simulator(io::Error),
    /// The operating system refuses a basic resource.
    #[error("cannot start: {}", io_error::describe(.0))]
    Start(io::Error),
}

impl From<DeliveryError> for Error {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Start(error) => Self::Start(error),
            DeliveryError::Output(error) => Self::Output(error),
            DeliveryError::File(error) => Self::OutputFile(error),
            DeliveryError::Record(error) => Self::Record(error),
            DeliveryError::Cursor(error) => Self::Cursor(error),
        }
    }
}

impl Error {
    /// Returns the exit code.
    pub(crate) fn code(&self) -> u8 {
        self.class().into()
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Config(_) | Self::Network(_) | Self::Fault(_) | Self::Script(_) => ErrorClass::Config,
            Self::Tail { failure, .. } => class_of(failure),
            Self::Tails { first, .. } => class_of(first),
            Self::Check(class) => *class,
            Self::Record(RecordError::Foreign(_) | RecordError::NotAFile { .. }) => ErrorClass::Config,
            Self::Output(_)
            | Self::SimulatedEvents { .. }
            | Self::Record(RecordError::Busy(_) | RecordError::Io { .. }) => ErrorClass::Io,
            Self::OutputFile(error) => class_of_file_error(error),
            Self::Cursor(error) if error.is_configuration_error() => ErrorClass::Config,
            Self::Cursor(_) => ErrorClass::Io,
            Self::Replay(ReplayError::Missing(_) | ReplayError::Io { .. }) | Self::Events(_) => ErrorClass::NoInput,
            Self::Replay(ReplayError::Corrupt { .. }) => ErrorClass::Protocol,
            Self::Simulator(error) if error.kind() == io::ErrorKind::InvalidInput => ErrorClass::Config,
            Self::Simulator(_) => ErrorClass::Unavailable,
            Self::Start(_) => ErrorClass::Internal,
        }
    }

    /// Returns whether the error was already shown to the user.
    pub(crate) fn is_reported(&self) -> bool {
        matches!(self, Self::Check(_))
    }

    /// Returns the next step and the conversation that the error concerns.
    pub(crate) fn details(&self) -> ErrorDetails<'_> {
        let conversation = match self {
            Self::Tail { conversation, .. } => conversation.as_deref(),
            _ => None,
        };
        ErrorDetails { hint: Some(self.hint()), conversation }
    }

    /// Returns the next step.
    fn hint(&self) -> &str {
        match self {
            Self::Config(error) => error.hint(),
            Self::Network(error) => error.hint(),
            Self::Tail { failure, .. } => failure.cause().hint(),
            Self::Tails { .. } => "see the error of each conversation above",
            Self::Check(_) => "see the lines that start with fail",
            Self::Output(error) => io_error::write_hint(error),
            Self::OutputFile(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Cursor(error) => error.hint(),
            Self::Events(error) => error.hint(),
            Self::Replay(error) => error.hint(),
            Self::Fault(_) => "run genesys-tail simulate --fault help for the list of faults",
            Self::Script(error) => error.hint(),
            Self::SimulatedEvents { place: EventsTo::File(path), error } => io_error::write_hint_to(path, error),
            Self::SimulatedEvents { place: EventsTo::Stdout, error } => io_error::write_hint(error),
            Self::Simulator(error) if error.kind() == io::ErrorKind::AddrInUse => {
                "use another port with --listen; port 0 selects a free one"
            }
            Self::Simulator(_) => "use a loopback address and a free port with --listen, such as 127.0.0.1:0",
            Self::Start(error) if io_error::is_short_of_files(error) => limits::OPEN_FILES_HINT,
            Self::Start(_) => limits::PROCESS_HINT,
        }
    }
}

/// Returns the class of a failure: that of its cause, after retries too (CONN-4, CONN-20).
fn class_of(failure: &Failure) -> ErrorClass {
    failure.cause().class()
}

/// Returns the class of an error of `--output-dir`: a path that leads to something else is a wrong setting, as for
/// `--record`, and an id that is no file name is a fault of the recording.
fn class_of_file_error(error: &FileError) -> ErrorClass {
    match error {
        FileError::NotAFolder { .. } | FileError::NotAFile { .. } => ErrorClass::Config,
        FileError::CreateFolder { .. } | FileError::Io { .. } => ErrorClass::Io,
        FileError::Name(_) => ErrorClass::Protocol,
    }
}

/// Reports a panic of any thread like an error, and ends the process with the exit code of a bug.
///
/// Shows the place in the source only: the panic's message may hold secrets or text of a conversation.
pub(crate) fn report_bugs(log: Log) {
    panic::set_hook(Box::new(move |bug| {
        let place = bug
            .location()
            .map_or_else(String::new, |place| format!(" at {}:{}", without_registry_path(place.file()), place.line()));
        let details = ErrorDetails { hint: Some("report it with this message"), conversation: None };
        log.report(&format!("internal error{place}: a bug in this program"), details);
        process::exit(u8::from(ErrorClass::Internal).into());
    }));
}

/// Strips the folder of the package registry on the build machine from a source path.
fn without_registry_path(file: &str) -> &str {
    let below = file.split_once("/registry/src/").and_then(|(_, below)| below.split_once('/'));
    below.map_or(file, |(_, file)| file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_bug_is_shown_without_the_registry_path() {
        for (file, shown) in [
            ("/home/ada/.cargo/registry/src/index.crates.io-1/tokio-1.5/src/x.rs", "tokio-1.5/src/x.rs"),
            ("src/commands/error.rs", "src/commands/error.rs"),
        ] {
            assert_eq!(without_registry_path(file), shown);
        }
    }
}
