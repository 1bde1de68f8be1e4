//! The arguments, in the groups the help shows them in.

#![expect(clippy::doc_markdown, reason = "the comments are the help, and a terminal shows no markdown")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use regex::Regex;

use super::values::{choice, duration, last, loopback, pattern, rate, retries, since, size};
use super::words::{COLORS, FORMATS, LOG_FORMATS, MULTILINES, ROLES, SOURCES, TIMESTAMPS};
use crate::config::{Color, Last, Retries, Since, SourceChoice};
use crate::event::Role;
use crate::logging::LogFormat;
use crate::output::{Format, Multiline, Timestamps};

/// What a recording has no use for.
const LIVE: [&str; 6] = ["target", "past", "account", "connection", "network", "record"];

/// What the demo brings itself, or goes without.
const REMOTE: [&str; 9] =
    ["positional", "conversations", "queues", "users", "account", "proxy", "cacert", "replay", "cursor_file"];

/// Everything about tailing.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Which conversations.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How much of what was said already.
    #[command(flatten)]
    pub past: PastArgs,
    /// Whose, and where.
    #[command(flatten)]
    pub account: AccountArgs,
    /// What a line looks like, and which are shown.
    #[command(flatten)]
    pub lines: LinesArgs,
    /// How the connection is kept alive.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How the network is reached. It stands beside the connection, because nested groups of the parser are empty.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Recordings, and a conversation that needs no account.
    #[command(flatten)]
    pub recording: RecordingArgs,
}

/// Which conversations.
#[derive(Debug, Args)]
#[group(id = "target", multiple = true)]
#[command(next_help_heading = "Conversations")]
pub struct TargetArgs {
    /// Follow this conversation: an id or a Genesys URL
    #[arg(value_name = "CONVERSATION")]
    pub positional: Vec<String>,
    /// Follow this conversation; @FILE reads one id a line, @- stdin [env: GENESYS_CONVERSATION_ID]
    #[arg(short, long = "conversation", value_name = "ID")]
    pub conversations: Vec<String>,
    /// Follow every message conversation of this queue (repeatable)
    #[arg(long = "queue", value_name = "ID")]
    pub queues: Vec<String>,
    /// Follow every message conversation of this user (repeatable)
    #[arg(long = "user", value_name = "ID")]
    pub users: Vec<String>,
    /// Ask this wire; auto takes the one that works
    ///
    /// The transcription of a call comes over notifications only, and up to about 35 s after the words: the service takes
    /// so long to make it.
    #[arg(long, value_name = "SOURCE", default_value = "auto", value_parser = choice(SOURCES))]
    pub source: SourceChoice,
}

/// How much of what was said already.
#[derive(Debug, Args)]
#[group(id = "past", multiple = true)]
#[command(next_help_heading = "History")]
pub struct PastArgs {
    /// Begin with the last N lines of what was said already, or all
    #[arg(short = 'n', long, value_name = "N|all", default_value = "all", allow_negative_numbers = true, value_parser = last)]
    pub lines: Last,
    /// Begin this long ago, or at a time like 2026-01-02T03:04:05Z
    #[arg(long, value_name = "DURATION|TIME", allow_hyphen_values = true, value_parser = since)]
    pub since: Option<Since>,
    /// Print what was said already, and end
    #[arg(long, conflicts_with = "follow")]
    pub no_follow: bool,
    /// Keep in this file what was printed, and go on after it, also after a kill -9
    ///
    /// What the file knows counts, and not -n or --since. Several conversations can share it, one process at a time.
    #[arg(long, value_name = "PATH")]
    pub cursor_file: Option<PathBuf>,
}

/// Whose, and where.
#[derive(Debug, Args)]
#[group(id = "account", multiple = true)]
#[command(next_help_heading = "Account")]
pub struct AccountArgs {
    /// Sign in to this region: us-east-1, mypurecloud.ie or a URL [env: GENESYS_REGION]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Sign in as this OAuth client [env: GENESYS_CLIENT_ID]
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Read the client secret from a file, - is stdin [env, the secret itself: GENESYS_CLIENT_SECRET]
    #[arg(long, value_name = "PATH")]
    pub client_secret_file: Option<PathBuf>,
    /// Use this API instead of the region's [env: GENESYS_API_URL]
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// Use this token endpoint instead of the region's [env: GENESYS_LOGIN_URL]
    #[arg(long, value_name = "URL")]
    pub login_url: Option<String>,
    /// Read settings from this file instead of .env
    #[arg(long, value_name = "PATH")]
    pub env_file: Option<PathBuf>,
}

/// What a line looks like, and which are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Lines")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct LinesArgs {
    /// Print lines for people, JSON objects, or frames as received
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = choice(FORMATS))]
    pub output: Format,
    /// Print JSON objects, like -o json
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
    /// Show times this way
    #[arg(long, value_name = "STYLE", default_value = "time", value_parser = choice(TIMESTAMPS))]
    pub timestamps: Timestamps,
    /// Show times in UTC
    #[arg(long)]
    pub utc: bool,
    /// Use colors; auto heeds NO_COLOR, CLICOLOR_FORCE and TERM
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = choice(COLORS))]
    pub color: Color,
    /// Show system messages too: typing, receipts, joins
    #[arg(long)]
    pub system: bool,
    /// Show line breaks in a message this way
    #[arg(long, value_name = "STYLE", default_value = "escape", value_parser = choice(MULTILINES))]
    pub multiline: Multiline,
    /// Let control characters through to the terminal
    #[arg(long)]
    pub raw_control: bool,
    /// Show only messages of this side (repeatable)
    #[arg(long, value_name = "ROLE", value_parser = choice(ROLES))]
    pub only: Vec<Role>,
    /// Show only messages whose text matches (repeatable)
    #[arg(short, long, value_name = "REGEX", value_parser = pattern)]
    pub include: Vec<Regex>,
    /// Hide messages whose text matches (repeatable)
    #[arg(short, long, value_name = "REGEX", value_parser = pattern)]
    pub exclude: Vec<Regex>,
    /// Highlight what matches (repeatable)
    #[arg(short = 'H', long, value_name = "REGEX", value_parser = pattern)]
    pub highlight: Vec<Regex>,
    /// Hold this much for a reader that stalls
    #[arg(long, value_name = "SIZE", default_value = "64MiB", allow_hyphen_values = true, value_parser = size)]
    pub stall_buffer: usize,
}

/// How the connection is kept alive.
#[derive(Debug, Args)]
#[group(id = "connection", multiple = true)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Give up after this many retries in a row, or unlimited [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = retries)]
    pub max_retries: Option<Retries>,
    /// Go on after a normal close, until the conversation ends; retry without limit
    #[arg(short = 'F')]
    pub follow: bool,
    /// Reconnect after this long without a sign of life
    #[arg(long, value_name = "DURATION", default_value = "45s", allow_hyphen_values = true, value_parser = duration)]
    pub idle_timeout: Duration,
    /// Ask for a sign of life this often
    #[arg(long, value_name = "DURATION", default_value = "20s", allow_hyphen_values = true, value_parser = duration)]
    pub ping_interval: Duration,
    /// Refuse messages larger than this
    #[arg(long, value_name = "SIZE", default_value = "16MiB", allow_hyphen_values = true, value_parser = size)]
    pub max_frame_size: usize,
}

/// How the network is reached.
#[derive(Debug, Args)]
#[group(id = "network", multiple = true)]
#[command(next_help_heading = "Connection")]
pub struct NetworkArgs {
    /// Give up a connection attempt after this long
    #[arg(long, value_name = "DURATION", default_value = "10s", allow_hyphen_values = true, value_parser = duration)]
    pub connect_timeout: Duration,
    /// Connect through this proxy: http, https, socks5 [env: HTTPS_PROXY, ALL_PROXY, NO_PROXY]
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Trust the certificates in this PEM file too [env, instead of the system's: SSL_CERT_FILE]
    #[arg(long, value_name = "PEM")]
    pub cacert: Option<PathBuf>,
}

/// Recordings, and a conversation that needs no account.
#[derive(Debug, Args)]
#[command(next_help_heading = "Recording and demo")]
pub struct RecordingArgs {
    /// Record frames with their arrival times
    #[arg(long, value_name = "PATH")]
    pub record: Option<PathBuf>,
    /// Print a recording, - is stdin, without any network
    #[arg(long, value_name = "PATH", conflicts_with_all = LIVE)]
    pub replay: Option<PathBuf>,
    /// Tail a conversation simulated in this process; needs no settings
    #[arg(long, conflicts_with_all = REMOTE)]
    pub demo: bool,
}

/// What is said on standard error.
#[derive(Debug, Args)]
#[command(next_help_heading = "Status lines")]
pub struct LoggingArgs {
    /// Say errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more, -vv everything [env, a filter: GENESYS_TAIL_LOG]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say it for people or as JSON objects
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", value_parser = choice(LOG_FORMATS))]
    pub log_format: LogFormat,
}

/// What is checked.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which conversations.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Whose, and where.
    #[command(flatten)]
    pub account: AccountArgs,
    /// How the network is reached.
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// What the local Genesys Cloud does.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Listen here, loopback only; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    pub listen: SocketAddr,
    /// Play this conversation: a name or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub script: Option<String>,
    /// Send this many messages per second
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub rate: Option<f64>,
    /// Break something (repeatable); help lists what can be broken
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<String>,
    /// Repeat the run that had this seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Let tokens expire after this long
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = duration)]
    pub token_lifetime: Option<Duration>,
}
