//! The resolved settings: plain data that the rest of the program reads.
//!
//! [`crate::settings`] produces these types from the command line, the environment and files.

mod ca_bundle;
mod connection;
mod history;
mod list;
mod network;
mod no_proxy;
mod output;
pub(crate) mod region;
mod service;
pub(crate) mod similar_region;
mod targets;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use ca_bundle::{CaBundle, UnusableBundle};
pub(crate) use connection::{ConnectionOptions, Retries, SocketLimits};
pub(crate) use history::{History, LineLimit, Since};
pub(crate) use list::{List, ListFilter, ListFormat, Medium};
pub(crate) use network::{Network, Proxy, ProxyLogin};
pub(crate) use no_proxy::NoProxy;
pub use output::Style;
pub(crate) use output::{Color, Filter, Format, Hidden, LogFormat, Multiline, OutputOptions, PrefixForm, Timestamps};
pub(crate) use service::{Credentials, Endpoints, is_loopback};
pub(crate) use targets::{
    FollowedMedia, NamedTarget, Target, TargetKey, TargetKind, TargetQuery, Targets, is_valid_id,
};

/// The task of a run, with the settings that it needs.
#[derive(Debug)]
pub(crate) enum Task {
    /// Follows conversations of Genesys Cloud, or of a simulator in another process.
    Tail(Box<Config>),
    /// Prints the calls of an event stream without credentials.
    Events(Box<Events>),
    /// Follows a conversation of a simulator in this process.
    Demo(Box<Demo>),
    /// Checks credentials, permissions and network.
    Check(Box<Check>),
    /// Lists conversations.
    List(Box<List>),
    /// Prints a recording.
    Replay(Replay),
    /// Runs a local Genesys Cloud.
    Simulate(Simulate),
    /// Writes this text to stdout: a completion script or the manual page.
    Print(Vec<u8>),
    /// Writes the JSON Schema of the JSON lines to stdout.
    PrintSchema,
}

/// The settings of a tail.
#[derive(Debug)]
pub(crate) struct Config {
    /// The ids of the conversations, each once, in the order they were given. Empty only if there are targets or an event stream.
    pub(crate) conversations: Vec<String>,
    /// The queues, then the users, each once.
    pub(crate) targets: Vec<TargetQuery>,
    /// The media of the queues and users.
    pub(crate) media: FollowedMedia,
    pub(crate) endpoints: Endpoints,
    pub(crate) credentials: Credentials,
    /// Always [`SourceChoice::Notifications`] if there are targets or an event stream.
    pub(crate) source: SourceChoice,
    pub(crate) history: History,
    pub(crate) connection: ConnectionOptions,
    pub(crate) output: OutputOptions,
    /// The file that frames are recorded to.
    pub(crate) record: Option<PathBuf>,
    /// The file that keeps track of delivered messages, so that the next run resumes after them.
    pub(crate) cursor: Option<PathBuf>,
    /// The event stream, which tells of further conversations.
    pub(crate) events: Option<EventInput>,
}

/// The settings of an event stream without credentials, of which only calls are printed.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) input: EventInput,
    pub(crate) media: FollowedMedia,
    pub(crate) history: History,
    pub(crate) output: OutputOptions,
    /// The file that notifications are recorded to.
    pub(crate) record: Option<PathBuf>,
    pub(crate) cursor: Option<PathBuf>,
}

/// The settings of the demo. The simulator supplies the rest of a [`Config`].
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) source: SourceChoice,
    pub(crate) history: History,
    /// Without a proxy and without certificates.
    pub(crate) connection: ConnectionOptions,
    pub(crate) output: OutputOptions,
    /// The file that frames are recorded to.
    pub(crate) record: Option<PathBuf>,
}

/// The settings of a check.
#[derive(Debug)]
pub(crate) struct Check {
    /// The ids of the conversations, each once, in the order they were given. May be empty.
    pub(crate) conversations: Vec<String>,
    /// The queues, then the users, each once.
    pub(crate) targets: Vec<TargetQuery>,
    pub(crate) endpoints: Endpoints,
    pub(crate) credentials: Credentials,
    /// Always [`SourceChoice::Notifications`] if there are targets.
    pub(crate) source: SourceChoice,
    pub(crate) network: Network,
}

/// The settings of a replay.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) from: ReplayFrom,
    pub(crate) output: OutputOptions,
}

/// The place of an event stream: `--events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventInput {
    File(PathBuf),
    Stdin,
}

/// The place of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReplayFrom {
    File(PathBuf),
    Stdin,
}

/// The place of a simulated event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventsTo {
    File(PathBuf),
    Stdout,
}

impl fmt::Display for EventsTo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Stdout => formatter.write_str("standard output"),
        }
    }
}

/// The settings of the simulator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Simulate {
    /// A loopback address. Port 0 lets the operating system choose a free port.
    pub(crate) listen: SocketAddr,
    /// The names of built-in scripts, or files. Conversations play them in turn.
    pub(crate) scripts: Vec<String>,
    /// The number of conversations, greater than 0. `None` is one for each script.
    pub(crate) conversations: Option<usize>,
    /// Messages per second, finite and greater than 0. `None` leaves the pace to the script.
    pub(crate) rate: Option<f64>,
    /// The place of the event stream. `None` writes none.
    pub(crate) events: Option<EventsTo>,
    /// The faults as typed. `help` asks for the list of faults.
    pub(crate) faults: Vec<String>,
    /// The seed that repeats an earlier run.
    pub(crate) seed: Option<u64>,
    /// The lifetime of tokens. `None` leaves it to the simulator.
    pub(crate) token_lifetime: Option<Duration>,
}

/// The source of messages that the user chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceChoice {
    /// The transcript socket, or notifications if the transcript socket is refused.
    Auto,
    /// The transcript socket.
    Transcript,
    /// Notifications, with the message text read by REST.
    Notifications,
}

impl SourceChoice {
    /// Returns the value of `--source`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Transcript => "transcript",
            Self::Notifications => "notifications",
        }
    }
}
