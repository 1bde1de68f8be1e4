//! The flags, grouped as in the help.

#![expect(clippy::doc_markdown, reason = "the comments are the help, and a terminal shows no markdown")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueHint};
use regex::Regex;

use super::value_parsers::{
    COLORS, FORMATS, LOG_FORMATS, MULTILINES, ROLES, SOURCES, TIMESTAMPS, choice, duration, line_limit, loopback,
    pattern, rate, retries, since, size,
};
use crate::config::{Color, Format, LineLimit, LogFormat, Multiline, Retries, Since, SourceChoice, Timestamps};
use crate::event::Role;

/// Arguments that exclude `--replay`.
const NOT_WITH_REPLAY: [&str; 6] = ["target", "history", "account", "connection", "network", "record"];

/// Arguments that exclude `--demo`.
const NOT_WITH_DEMO: [&str; 9] =
    ["positional", "conversations", "queues", "users", "account", "proxy", "cacert", "replay", "cursor_file"];

/// Arguments of a tail.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) history: HistoryArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    // Not part of `ConnectionArgs`, because clap leaves nested groups empty.
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) recording: RecordingArgs,
}

/// Conversations, queues and users to follow, and the source of messages.
#[derive(Debug, Args)]
#[group(id = "target", multiple = true)]
#[command(next_help_heading = "Conversations")]
pub(crate) struct TargetArgs {
    /// Follow this conversation: an id or a Genesys URL
    #[arg(value_name = "CONVERSATION")]
    pub(crate) positional: Vec<String>,
    /// Follow this one; @FILE reads one id a line, @- stdin
    ///
    /// Repeatable. [env: GENESYS_CONVERSATION_ID, several separated by commas]
    #[arg(short, long = "conversation", value_name = "ID")]
    pub(crate) conversations: Vec<String>,
    /// Follow all message conversations of a queue
    ///
    /// Repeatable.
    #[arg(long = "queue", value_name = "ID")]
    pub(crate) queues: Vec<String>,
    /// Follow all message conversations of a user
    ///
    /// Repeatable.
    #[arg(long = "user", value_name = "ID")]
    pub(crate) users: Vec<String>,
    /// Ask transcript or notifications; auto finds out
    ///
    /// The transcription of a call comes over notifications only, and up to about 35 s after the words: the service takes
    /// so long to make it.
    #[arg(long, value_name = "SOURCE", default_value = "auto", value_parser = choice(SOURCES))]
    pub(crate) source: SourceChoice,
}

/// Earlier messages, and the cursor.
#[derive(Debug, Args)]
#[group(id = "history", multiple = true)]
#[command(next_help_heading = "History")]
pub(crate) struct HistoryArgs {
    /// Begin with the last N lines, or all
    #[arg(short = 'n', long, value_name = "N|all", default_value = "all", allow_negative_numbers = true, value_parser = line_limit)]
    pub(crate) lines: LineLimit,
    /// Begin so long ago (1h30m), or at a time
    ///
    /// A time is written like 2026-01-02T03:04:05Z.
    #[arg(long, value_name = "DURATION|TIME", allow_hyphen_values = true, value_parser = since)]
    pub(crate) since: Option<Since>,
    /// Print what was said until now, and end
    #[arg(long, conflicts_with = "follow")]
    pub(crate) no_follow: bool,
    /// Note here what was printed, and go on after it
    ///
    /// Also after a kill -9. What the file knows counts, and not -n or --since. Several conversations can share it, one
    /// process at a time.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) cursor_file: Option<PathBuf>,
}

/// The OAuth client and the region.
#[derive(Debug, Args)]
#[group(id = "account", multiple = true)]
#[command(next_help_heading = "Account")]
pub(crate) struct AccountArgs {
    /// Sign in to us-east-1, mypurecloud.ie, a URL
    ///
    /// [default: us-east-1] [env: GENESYS_REGION, else GENESYSCLOUD_REGION]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Sign in as this OAuth client
    ///
    /// [env: GENESYS_CLIENT_ID, else GENESYSCLOUD_OAUTHCLIENT_ID]
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Read the client's secret there; - is stdin
    ///
    /// The secret itself is never a flag. [env: GENESYS_CLIENT_SECRET, else GENESYSCLOUD_OAUTHCLIENT_SECRET, which hold
    /// the secret]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Take the settings of this profile of gc
    ///
    /// Region, client and proxy come from there where no flag, variable or .env says them. gc, the command line of Genesys
    /// Cloud, keeps its profiles in ~/.gc/config.toml. Without this flag, the file is not read.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Ask this API instead of the region's
    ///
    /// [env: GENESYS_API_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) api_url: Option<String>,
    /// Sign in there instead of at the region's
    ///
    /// [env: GENESYS_LOGIN_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) login_url: Option<String>,
    /// Read this file instead of .env
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) env_file: Option<PathBuf>,
}

/// The format of lines, and filters.
#[derive(Debug, Args)]
#[command(next_help_heading = "Lines")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct OutputArgs {
    /// Print text, json, or raw frames as received
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = choice(FORMATS))]
    pub(crate) output: Format,
    /// Print JSON objects, as with -o json
    #[arg(long, conflicts_with = "output")]
    pub(crate) json: bool,
    /// Show the time, iso, relative, or none
    #[arg(long, value_name = "STYLE", default_value = "time", value_parser = choice(TIMESTAMPS))]
    pub(crate) timestamps: Timestamps,
    /// Show times in UTC
    #[arg(long)]
    pub(crate) utc: bool,
    /// Use colors always, never, or auto
    ///
    /// With auto on a terminal, unless [env: NO_COLOR, TERM=dumb] say no or [env: CLICOLOR_FORCE] says yes.
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = choice(COLORS))]
    pub(crate) color: Color,
    /// Show system messages too: typing, joins
    #[arg(long)]
    pub(crate) system: bool,
    /// Show breaks in a message: escape, indent
    #[arg(long, value_name = "STYLE", default_value = "escape", value_parser = choice(MULTILINES))]
    pub(crate) multiline: Multiline,
    /// Let control characters through
    #[arg(long)]
    pub(crate) raw_control: bool,
    /// Show only customer, agent, bot or system
    ///
    /// Repeatable.
    #[arg(long, value_name = "ROLE", value_parser = choice(ROLES))]
    pub(crate) only: Vec<Role>,
    /// Show only messages whose text matches
    ///
    /// Repeatable; one that matches is enough.
    #[arg(short, long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) include: Vec<Regex>,
    /// Hide messages whose text matches
    ///
    /// Repeatable.
    #[arg(short, long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) exclude: Vec<Regex>,
    /// Highlight what matches
    ///
    /// Repeatable.
    #[arg(short = 'H', long, value_name = "REGEX", value_parser = pattern)]
    pub(crate) highlight: Vec<Regex>,
    /// Hold this much for a reader that stalls
    #[arg(long, value_name = "SIZE", default_value = "64MiB", allow_hyphen_values = true, value_parser = size)]
    pub(crate) stall_buffer: usize,
}

/// Retries, keep-alive and limits of a connection.
#[derive(Debug, Args)]
#[group(id = "connection", multiple = true)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// Give up after N retries in a row
    ///
    /// Or never, with unlimited. [default: 5, with -F unlimited]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = retries)]
    pub(crate) max_retries: Option<Retries>,
    /// Go on after a normal close; retry for ever
    ///
    /// Ends when the conversation itself does.
    #[arg(short = 'F')]
    pub(crate) follow: bool,
    /// Reconnect after so long a silence
    #[arg(long, value_name = "DURATION", default_value = "45s", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) idle_timeout: Duration,
    /// Ask for a sign of life this often
    #[arg(long, value_name = "DURATION", default_value = "20s", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) ping_interval: Duration,
    /// Refuse messages larger than this
    #[arg(long, value_name = "SIZE", default_value = "16MiB", allow_hyphen_values = true, value_parser = size)]
    pub(crate) max_frame_size: usize,
}

/// Proxy and certificates.
#[derive(Debug, Args)]
#[group(id = "network", multiple = true)]
#[command(next_help_heading = "Connection")]
pub(crate) struct NetworkArgs {
    /// Give up an attempt after this long
    #[arg(long, value_name = "DURATION", default_value = "10s", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) connect_timeout: Duration,
    /// Connect through it: http, https, socks5
    ///
    /// [env: HTTPS_PROXY, else ALL_PROXY, else GENESYSCLOUD_PROXY_HOST; NO_PROXY for hosts to reach without]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) proxy: Option<String>,
    /// Trust the certificates in this file too
    ///
    /// They count besides the system's. [env: SSL_CERT_FILE, whose certificates count instead of them]
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,
}

/// Recording, replay and demo.
#[derive(Debug, Args)]
#[command(next_help_heading = "Recording and demo")]
pub(crate) struct RecordingArgs {
    /// Record frames with their arrival times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<PathBuf>,
    /// Print a recording without any network; - is stdin
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with_all = NOT_WITH_REPLAY)]
    pub(crate) replay: Option<PathBuf>,
    /// Follow a simulated conversation; needs no settings
    #[arg(long, conflicts_with_all = NOT_WITH_DEMO)]
    pub(crate) demo: bool,
}

/// Lines on stderr.
#[derive(Debug, Args)]
#[command(next_help_heading = "Status lines")]
pub(crate) struct LoggingArgs {
    /// Say errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more, -vv everything
    ///
    /// [env: GENESYS_TAIL_LOG, a filter such as debug or genesys_tail::supervisor=trace]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say it in text, or as json objects
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", value_parser = choice(LOG_FORMATS))]
    pub(crate) log_format: LogFormat,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Listen there, loopback only; port 0 is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    pub(crate) listen: SocketAddr,
    /// Play what is built in (demo), or a file
    ///
    /// Built in are demo, billing, flood, call and quiet; flood:1000 ends after a thousand messages.
    #[arg(long, value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) script: Option<String>,
    /// Send this many messages per second
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Break something; help lists what there is
    ///
    /// Repeatable.
    #[arg(long = "fault", value_name = "SPEC")]
    pub(crate) faults: Vec<String>,
    /// Repeat the run that had this seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Let tokens expire after this long
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) token_lifetime: Option<Duration>,
}
