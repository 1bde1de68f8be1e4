//! The flags, grouped as in the help.

#![expect(clippy::doc_markdown, reason = "the comments are the help, and a terminal shows no markdown")]

mod output;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueHint};

pub(crate) use self::output::OutputArgs;
use super::help;
use super::value_parsers::{
    FOLLOWED_MEDIA, LOG_FORMATS, MEDIA, SOURCES, choice, conversation_count, duration, duration_or_zero, line_limit,
    loopback, rate, retries, since, size,
};
use crate::config::{LineLimit, LogFormat, Medium, Retries, Since, SourceChoice};

/// Arguments that exclude `--replay`.
const NOT_WITH_REPLAY: [&str; 8] =
    ["target", "followed_media", "stream", "history", "account", "connection", "network", "record"];

/// Arguments that exclude `--demo`.
const NOT_WITH_DEMO: [&str; 11] = [
    "positional",
    "conversations",
    "queues",
    "users",
    "followed_media",
    "stream",
    "account",
    "proxy",
    "cacert",
    "replay",
    "cursor_file",
];

/// Arguments of a tail.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) media: MediaArgs,
    #[command(flatten)]
    pub(crate) stream: StreamArgs,
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
#[command(next_help_heading = "Conversations", next_display_order = 1)]
pub(crate) struct TargetArgs {
    /// Conversation to follow: id or Genesys URL
    #[arg(value_name = "CONVERSATION", display_order = 0)]
    pub(crate) positional: Vec<String>,
    /// Follow this conversation; @FILE reads ids, @- stdin
    ///
    /// The file has one id or URL per line. Blank lines and lines that begin with # are skipped. Repeatable.
    ///
    /// [env: GENESYS_CONVERSATION_ID (ids separated by commas or blanks)]
    #[arg(short, long = "conversation", value_name = "ID")]
    pub(crate) conversations: Vec<String>,
    /// Follow all messages and calls of this queue
    ///
    /// Its id, its admin URL, or its name. Replaces GENESYS_CONVERSATION_ID. Repeatable.
    #[arg(long = "queue", value_name = "ID|NAME")]
    pub(crate) queues: Vec<String>,
    /// Follow all messages and calls of this user
    ///
    /// The id, the admin URL, the e-mail address or the name. Replaces GENESYS_CONVERSATION_ID. Repeatable.
    #[arg(long = "user", value_name = "ID|EMAIL|NAME")]
    pub(crate) users: Vec<String>,
    #[arg(long, value_name = "SOURCE", default_value = "auto", value_parser = choice(SOURCES))]
    #[arg(help = help::SOURCE, long_help = help::SOURCE_LONG)]
    pub(crate) source: SourceChoice,
}

/// The media of queues and users.
#[derive(Debug, Args)]
#[group(id = "followed_media", multiple = true)]
#[command(next_help_heading = "Conversations", next_display_order = 4)]
pub(crate) struct MediaArgs {
    /// Media of --queue, --user, --events [default: both]
    ///
    /// Calls need transcription. Repeatable, or separated by commas.
    #[arg(long, value_name = "MEDIUM", value_delimiter = ',', ignore_case = true, value_parser = choice(FOLLOWED_MEDIA))]
    pub(crate) media: Vec<Medium>,
}

/// The event stream.
#[derive(Debug, Args)]
#[group(id = "stream", multiple = true)]
#[command(next_help_heading = "Conversations", next_display_order = 5)]
pub(crate) struct StreamArgs {
    /// Follow the events in this file; - is stdin
    ///
    /// Events of the Amazon EventBridge integration, one JSON object per line: whole, their detail alone, or as the Body of an
    /// SQS message. Calls are printed at once; the messages of the conversations need credentials. Ends with the input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) events: Option<PathBuf>,
}

/// Earlier messages, and the cursor.
#[derive(Debug, Args)]
#[group(id = "history", multiple = true)]
#[command(next_help_heading = "History")]
pub(crate) struct HistoryArgs {
    /// Show the last N lines
    ///
    /// Lines of the history, counted per conversation. all shows the whole history, 0 shows none.
    #[arg(short = 'n', long, value_name = "N|all", default_value = "all", allow_negative_numbers = true, value_parser = line_limit)]
    pub(crate) lines: LineLimit,
    /// Start this long ago, or at this time
    ///
    /// Examples of durations: 1h30m, 2days. Examples of times: today, yesterday, 2026-01-02, '2026-01-02 03:04' (local), 2026-01-02T03:04:05Z. A date means
    /// 00:00.
    #[arg(long, value_name = "DURATION|TIME", allow_hyphen_values = true, value_parser = since)]
    pub(crate) since: Option<Since>,
    /// Print the history and exit
    #[arg(long, conflicts_with_all = ["follow", "events"])]
    pub(crate) no_follow: bool,
    /// Wait for a call transcript
    ///
    /// After the end of a call that was followed with a gap, the stored transcript is requested every 30 s, and what was said
    /// in the gap is printed. An ended call waits for its transcript too. 0 does not wait.
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration_or_zero)]
    pub(crate) call_transcript_wait: Duration,
    /// Save progress to this file; resume
    ///
    /// Works even after kill -9. An existing cursor takes precedence over -n and --since. Several conversations can share
    /// a file, but only one process can use it at a time.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) cursor_file: Option<PathBuf>,
}

/// The OAuth client and the region.
#[derive(Debug, Args)]
#[group(id = "account", multiple = true)]
#[command(next_help_heading = "Account")]
pub(crate) struct AccountArgs {
    /// Region: AWS name, short name, domain or URL
    ///
    /// Examples: us-east-1, usw2, mypurecloud.ie, https://apps.usw2.pure.cloud. Replaces the variables of region, API URL
    /// and login URL, as the URL of a conversation does.
    ///
    /// [default: us-east-1] [env: GENESYS_REGION, GENESYSCLOUD_REGION]
    #[arg(id = "region", long, value_name = "REGION")]
    pub(crate) regions: Vec<String>,
    /// Id of the OAuth client
    ///
    /// [env: GENESYS_CLIENT_ID, GENESYSCLOUD_OAUTHCLIENT_ID]
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// File with the client secret; - is stdin
    ///
    /// The variables hold the secret itself. No flag takes it.
    ///
    /// [env: GENESYS_CLIENT_SECRET, GENESYSCLOUD_OAUTHCLIENT_SECRET]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Use the account of a gc profile
    ///
    /// Supplies region and client, also if variables are set; flags take precedence. Its proxy is used if no variable
    /// sets one. gc, the Genesys Cloud CLI, keeps its profiles in ~/.gc/config.toml.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Use this API URL instead of the region's
    ///
    /// Also replaces GENESYS_REGION and GENESYS_LOGIN_URL. Tokens come from /oauth/token below it, unless --login-url is
    /// given.
    ///
    /// [env: GENESYS_API_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) api_url: Option<String>,
    /// Use this login URL instead of the region's
    ///
    /// [env: GENESYS_LOGIN_URL]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) login_url: Option<String>,
    /// Read variables from this file instead of .env
    ///
    /// Without this flag, the nearest .env is read, in this folder or above.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) env_file: Option<PathBuf>,
}

/// Retries, keep-alive and limits of a connection.
#[derive(Debug, Args)]
#[group(id = "connection", multiple = true)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// Give up after N retries in a row, or unlimited
    ///
    /// 0 is a single attempt.
    ///
    /// [default: 5; unlimited with -F]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = retries)]
    pub(crate) max_retries: Option<Retries>,
    /// Continue after a normal close; retry forever
    ///
    /// Ends when the conversation ends. --max-retries still limits the retries.
    #[arg(short = 'F')]
    pub(crate) follow: bool,
    /// Reconnect after this long without data
    ///
    /// Must be greater than --ping-interval.
    #[arg(long, value_name = "DURATION", default_value = "45s", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) idle_timeout: Duration,
    /// Send a ping this often
    #[arg(long, value_name = "DURATION", default_value = "20s", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) ping_interval: Duration,
    /// Largest message to accept
    #[arg(long, value_name = "SIZE", default_value = "16MiB", allow_hyphen_values = true, value_parser = size)]
    pub(crate) max_frame_size: usize,
}

/// Proxy and certificates.
#[derive(Debug, Args)]
#[group(id = "network", multiple = true)]
#[command(next_help_heading = "Connection")]
pub(crate) struct NetworkArgs {
    /// Time limit for connecting and for each response
    #[arg(long, value_name = "DURATION", default_value = "10s", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) connect_timeout: Duration,
    /// Use this proxy: http, https or socks5
    ///
    /// HOST:PORT is an http proxy. NO_PROXY lists hosts to reach without the proxy. Loopback is never proxied.
    ///
    /// [env: HTTPS_PROXY, ALL_PROXY, GENESYSCLOUD_PROXY_HOST]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) proxy: Option<String>,
    /// Also trust the certificates in this file
    ///
    /// SSL_CERT_FILE and SSL_CERT_DIR, by contrast, replace the certificates of the operating system.
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,
}

/// Recording, replay and demo.
#[derive(Debug, Args)]
#[command(next_help_heading = "Recording and demo")]
pub(crate) struct RecordingArgs {
    /// Record received frames to this file
    ///
    /// Appends to an existing recording.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<PathBuf>,
    /// Print a recording, - is stdin; no network
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with_all = NOT_WITH_REPLAY)]
    pub(crate) replay: Option<PathBuf>,
    /// Follow a simulated conversation; no account needed
    #[arg(long, conflicts_with_all = NOT_WITH_DEMO)]
    pub(crate) demo: bool,
}

/// Lines on stderr.
#[derive(Debug, Args)]
#[command(next_help_heading = "Status lines")]
pub(crate) struct LoggingArgs {
    /// Print only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print debug lines; -vv also trace lines
    ///
    /// GENESYS_TAIL_LOG takes a filter such as debug or genesys_tail::supervisor=trace. -q and -v take precedence.
    ///
    /// [env: GENESYS_TAIL_LOG]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Format of the status lines
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

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) filter: ListFilterArgs,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// The conversations to list.
#[derive(Debug, Args)]
#[command(next_help_heading = "Conversations", next_display_order = 1)]
pub(crate) struct ListFilterArgs {
    /// List conversations of this queue
    ///
    /// Its id, its admin URL, or its name. Also lists older open conversations, unless --since is given. Repeatable.
    #[arg(long = "queue", value_name = "ID|NAME")]
    pub(crate) queues: Vec<String>,
    /// List conversations of this user
    ///
    /// The id, the admin URL, the e-mail address or the name. Repeatable.
    #[arg(long = "user", value_name = "ID|EMAIL|NAME")]
    pub(crate) users: Vec<String>,
    /// List conversations of this medium
    ///
    /// Repeatable, or separated by commas.
    #[arg(long, value_name = "MEDIUM", value_delimiter = ',', ignore_case = true, value_parser = choice(MEDIA))]
    pub(crate) media: Vec<Medium>,
    /// List conversations of this customer
    ///
    /// A part of the name or of the address, in any letter case.
    #[arg(long, value_name = "TEXT")]
    pub(crate) customer: Option<String>,
    /// List conversations started since then
    ///
    /// A duration (1h30m) or a time (yesterday, 2026-01-02, 2026-01-02T03:04:05Z), at most 31 days ago.
    ///
    /// [default: 7days]
    #[arg(long, value_name = "DURATION|TIME", allow_hyphen_values = true, value_parser = since)]
    pub(crate) since: Option<Since>,
    /// List ended conversations too
    #[arg(long)]
    pub(crate) all: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Loopback address to listen on
    ///
    /// Port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    pub(crate) listen: SocketAddr,
    /// Script to play: a built-in name or a file
    ///
    /// Built-in scripts: demo, billing, queue, flood, call, quiet. flood:1000 ends after 1,000 messages. Repeatable; several
    /// conversations play the scripts in turn.
    ///
    /// [default: demo]
    #[arg(id = "script", long, value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) scripts: Vec<String>,
    /// Number of conversations
    ///
    /// [default: one for each script]
    #[arg(id = "conversation_count", long = "conversations", value_name = "N", value_parser = conversation_count)]
    pub(crate) conversations: Option<usize>,
    /// Messages per second
    ///
    /// Replaces the pauses of the script.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Append the event stream to a file
    ///
    /// One EventBridge event per line. All scripts start at once. With -, events are printed on stdout and the settings on
    /// stderr.
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) events: Option<PathBuf>,
    /// Inject a fault; help lists all faults
    ///
    /// Repeatable.
    #[arg(long = "fault", value_name = "SPEC")]
    pub(crate) faults: Vec<String>,
    /// Seed of the ids and tokens [default: 0]
    ///
    /// The same seed gives the same ids.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Expire tokens after this long [default: 1day]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) token_lifetime: Option<Duration>,
}
