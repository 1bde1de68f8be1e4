//! How a run ends: the exit codes of the contract, and the error they stand for.

use std::io;
use std::panic;
use std::process;
use std::sync::Arc;

use rustix::io::Errno;

use crate::api::http::HttpError;
use crate::api::oauth::AuthError;
use crate::commands::check::Blame;
use crate::commands::replay::ReplayError;
use crate::cursor::CursorError;
use crate::delivery::recording::RecordError;
use crate::settings::ConfigError;
use crate::simulator::{FaultError, ScriptError};
use crate::source::SourceError;
use crate::status::logging::Log;
use crate::supervisor::Failure;
use crate::system::io_error;
use crate::system::signals::Signal;

/// How the process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By the signal that ended the run, so that a shell sees what it expects.
    Signal(Signal),
}

const NO_INPUT: u8 = 66;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const IO: u8 = 74;
const PROTOCOL: u8 = 76;
const NO_PERMISSION: u8 = 77;
const CONFIG: u8 = 78;

/// The error a run ends with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A setting is missing, unusable or contradictory.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The settings are well formed, yet no connection can be set up with them.
    #[error("cannot set up connections: {0}")]
    Network(String),
    /// The tail of the only conversation failed.
    #[error(transparent)]
    Tail(Box<Failure>),
    /// The tails of several conversations failed, each of which was reported; the first decides the code.
    #[error("{failed} of {all} conversations could not be followed to their end")]
    Tails {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The first of them.
        first: Box<Failure>,
    },
    /// A check has found something wrong, and its report says what; the first of it decides the code.
    #[error("the check has found something wrong")]
    Check(Blame),
    /// The output cannot be written.
    #[error("cannot write the output: {}", io_error::describe(.0))]
    Output(Arc<io::Error>),
    /// The recording cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The cursor cannot be used or written.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The recording cannot be read.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A fault the simulator does not know.
    #[error("--fault: {0}")]
    Fault(#[from] FaultError),
    /// A script the simulator cannot play.
    #[error("--script: {0}")]
    Script(#[from] ScriptError),
    /// The simulator cannot be started.
    #[error("cannot start the simulator: {}", io_error::describe(.0))]
    Simulator(io::Error),
    /// The machine refuses what every program needs.
    #[error("cannot start: {}", io_error::describe(.0))]
    Start(io::Error),
}

impl Error {
    /// The exit code it stands for.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Network(_) | Self::Fault(_) | Self::Script(_) => CONFIG,
            Self::Tail(failure) => of_failure(failure),
            Self::Tails { first, .. } => of_failure(first),
            Self::Check(blame) => of_blame(*blame),
            Self::Record(RecordError::Foreign(_) | RecordError::NotAFile { .. }) => CONFIG,
            Self::Output(_) | Self::Record(RecordError::Busy(_) | RecordError::Io { .. }) => IO,
            Self::Cursor(error) if error.is_configuration_error() => CONFIG,
            Self::Cursor(_) => IO,
            Self::Replay(ReplayError::Missing(_) | ReplayError::Io { .. }) => NO_INPUT,
            Self::Replay(ReplayError::Corrupt { .. }) => PROTOCOL,
            Self::Simulator(error) if error.kind() == io::ErrorKind::InvalidInput => CONFIG,
            Self::Simulator(_) => UNAVAILABLE,
            Self::Start(_) => SOFTWARE,
        }
    }

    /// Whether everything about it was said where it was found.
    pub(crate) fn is_reported(&self) -> bool {
        matches!(self, Self::Check(_))
    }

    /// The likely cause and the next step, where there is something to say.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Tail(failure) => failure.cause().hint(),
            Self::Record(RecordError::Foreign(_) | RecordError::NotAFile { .. }) => {
                Some("name another file for --record")
            }
            Self::Record(RecordError::Io { source, .. }) => io_error::write_hint(source),
            Self::Output(error) => io_error::write_hint(error),
            Self::Cursor(error) => error.hint(),
            Self::Fault(_) => Some("genesys-tail simulate --fault help lists them"),
            Self::Network(reason) if reason.starts_with("SSL_CERT_FILE") => None,
            Self::Network(_) => Some("check --cacert and --proxy"),
            Self::Record(RecordError::Busy(_)) => {
                Some("give every process a file of its own; several conversations can share one process")
            }
            Self::Replay(ReplayError::Corrupt { line: 1, .. }) => Some("--replay prints what --record has written"),
            Self::Replay(ReplayError::Corrupt { .. }) => Some("what stands before that line was printed"),
            Self::Simulator(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Some("name another port with --listen; 0 takes a free one")
            }
            Self::Start(error) if is_short_of_files(error) => Some("raise the limit of open files (ulimit -n)"),
            Self::Tails { .. } | Self::Replay(_) => None,
            Self::Check(_) | Self::Script(_) | Self::Simulator(_) | Self::Start(_) => None,
        }
    }
}

/// From now on a bug in whatever thread is reported like every other error, and ends the process with a code of its own.
/// Only its place is told: what it says may hold what nobody is to see.
pub(crate) fn report_bugs(log: Log) {
    panic::set_hook(Box::new(move |bug| {
        let place = bug
            .location()
            .map_or_else(String::new, |place| format!(", found at {}:{}", without_home(place.file()), place.line()));
        log.report(&format!("a bug in this program{place}"), Some("please report it with this message"));
        process::exit(SOFTWARE.into());
    }));
}

/// A source file without where it was when this program was built, which nobody can use who reads the report.
fn without_home(file: &str) -> &str {
    let below = file.split_once("/registry/src/").and_then(|(_, below)| below.split_once('/'));
    below.map_or(file, |(_, file)| file)
}

fn is_short_of_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

fn of_blame(blame: Blame) -> u8 {
    match blame {
        Blame::NoInput => NO_INPUT,
        Blame::Unavailable => UNAVAILABLE,
        Blame::Protocol => PROTOCOL,
        Blame::NoPermission => NO_PERMISSION,
    }
}

fn of_failure(failure: &Failure) -> u8 {
    match failure {
        Failure::GaveUp { last, .. } if last.is_policy_close() => NO_PERMISSION,
        Failure::GaveUp { .. } => UNAVAILABLE,
        Failure::Refused(error) => of_refusal(error),
    }
}

/// What is missing on both wires says more than what is wrong with one of them.
fn more_specific(one: u8, other: u8) -> u8 {
    let order = [NO_PERMISSION, NO_INPUT, PROTOCOL];
    order.into_iter().find(|code| [one, other].contains(code)).unwrap_or(other)
}

fn of_refusal(error: &SourceError) -> u8 {
    match error {
        SourceError::Http(HttpError::ProxyCredentials { .. }) => NO_PERMISSION,
        SourceError::Http(
            HttpError::Certificate { .. }
            | HttpError::Dns { .. }
            | HttpError::Unreachable { .. }
            | HttpError::Proxy { .. }
            | HttpError::ProxyRefuses { .. }
            | HttpError::Timeout { .. },
        ) => UNAVAILABLE,
        SourceError::Auth(AuthError::Refused { .. }) => NO_PERMISSION,
        SourceError::Auth(AuthError::Unusable { .. }) => PROTOCOL,
        SourceError::Auth(AuthError::Http(_) | AuthError::Unavailable { .. }) | SourceError::Unavailable { .. } => {
            UNAVAILABLE
        }
        SourceError::Unauthorized { .. } | SourceError::Forbidden { .. } => NO_PERMISSION,
        SourceError::NoConversation { .. } => NO_INPUT,
        SourceError::UnexpectedResponse { .. } | SourceError::NotGenesysCloud { .. } => PROTOCOL,
        SourceError::BothSourcesRefused { transcript, notifications } => {
            more_specific(of_refusal(transcript), of_refusal(notifications))
        }
        SourceError::ClosedByServer(_) | SourceError::ConnectionLost(_) | SourceError::ChannelLost(_) => UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_bug_is_without_the_place_of_its_source() {
        for (file, shown) in [
            ("/home/ada/.cargo/registry/src/index.crates.io-1/tokio-1.5/src/x.rs", "tokio-1.5/src/x.rs"),
            ("src/exit.rs", "src/exit.rs"),
        ] {
            assert_eq!(without_home(file), shown);
        }
    }
}
