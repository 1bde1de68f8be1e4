//! The faults of a run, drawn from its seed.

use std::time::Duration;

use fastrand::Rng;
use genesys_tail::simulator::Sources;

/// The source that a run follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Transcript,
    Notifications,
}

/// A run, drawn from its seed.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) source: Source,
    pub(crate) history_available: bool,
    pub(crate) sources: Sources,
    pub(crate) messages: usize,
    /// Number of messages before each socket fault.
    pub(crate) messages_per_fault: usize,
    /// Faults of the open socket, in order.
    pub(crate) socket_faults: Vec<String>,
    pub(crate) request_faults: Vec<String>,
    pub(crate) token_lifetime: Duration,
    /// The maximum pause between two messages.
    pub(crate) max_pause: Duration,
    /// Standard output is read with pauses.
    pub(crate) reader_stalls: bool,
    pub(crate) args: Vec<&'static str>,
}

/// Socket faults of both sources that end the connection.
const ENDING_FAULTS: &[&str] = &[
    "close=1000",
    "close=1001",
    "close=1002",
    "close=1003",
    "close=1005",
    "close=1006",
    "close=1007",
    "close=1008",
    "close=1009",
    "close=1011",
    "close=1012",
    "close=1013",
    "close=4000",
    "reset",
    "eof",
    "silence",
    "silence-all",
    "malformed",
    "binary-junk",
    "bad-utf8",
    "reserved-bits",
    "masked",
    "oversize=70000",
];

/// Further faults of a transcript socket.
const TRANSCRIPT_FAULTS: &[&str] = &["duplicate", "binary", "fragmented", "unknown-event", "ping=300ms"];

/// Further faults of a notification socket.
const NOTIFICATION_FAULTS: &[&str] = &[
    "socket_closing=400ms",
    "no-heartbeat",
    "duplicate",
    "reorder",
    "lose=3",
    "unknown",
    "revoke",
    "channel:expire",
    "channel:evict",
];

/// Faults of a request to any endpoint. Refusals and pages happen after a success, so that they end no run.
const REQUEST_FAULTS: &[&str] = &[
    "status=500",
    "status=503,retry-after=1",
    "status=429,retry-after=1",
    "status=429,ratelimit-reset=1",
    "status=429,in-body=1",
    "status=408",
    "slow=300ms",
    "hang",
    "silence-all",
    "reset",
    "not-json",
    "forbidden-page",
    "redirect",
    "status=400",
    "status=401",
    "status=403",
    "status=404",
];

/// Further faults of a token request.
const TOKEN_FAULTS: &[&str] = &["garbage", "expires-in=null", "unknown-for=1s", "unknown-for=3s"];

/// Further faults of a handshake.
const HANDSHAKE_FAULTS: &[&str] = &["ok", "bad-accept"];

/// Faults of the content of API responses and notifications.
const CONTENT_FAULTS: &[&str] =
    &["rest:newest-first", "rest:omit=2,times=4", "rest:late-body=700ms", "rest:textbody", "notify:truncate=20"];

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let source = if seed.is_multiple_of(2) { Source::Notifications } else { Source::Transcript };
        let history_available = source == Source::Notifications || !random.u8(..).is_multiple_of(3);
        let sources = match (source, history_available) {
            (Source::Transcript, true) => Sources::Both,
            (Source::Transcript, false) => Sources::TranscriptOnly,
            (Source::Notifications, _) => Sources::NotificationsOnly,
        };
        let further = if source == Source::Transcript { TRANSCRIPT_FAULTS } else { NOTIFICATION_FAULTS };
        let count = random.usize(1..5);
        // A token is renewed after 10 s at the earliest.
        let (lifetime, pause) = if random.u8(..).is_multiple_of(3) { (12, 270) } else { (86_400, 60) };
        let (token_lifetime, max_pause) = (Duration::from_secs(lifetime), Duration::from_millis(pause));
        let socket_faults = (0..count).map(|_| socket_fault(&mut random, further)).collect();
        let mut args =
            vec!["-F", "--json", "--idle-timeout", "2s", "--ping-interval", "500ms", "--connect-timeout", "3s"];
        args.extend(["--max-frame-size", "65536", "--source"]);
        args.push(if source == Source::Transcript { "transcript" } else { "notifications" });
        Self {
            seed,
            source,
            history_available,
            sources,
            messages: 60 + random.usize(0..60),
            messages_per_fault: 10 + random.usize(0..8),
            socket_faults,
            request_faults: request_faults(&mut random, source),
            token_lifetime,
            max_pause,
            reader_stalls: random.u8(..).is_multiple_of(4),
            args,
        }
    }
}

fn socket_fault(random: &mut Rng, further: &[&str]) -> String {
    let faults = if random.u8(..) < 170 { ENDING_FAULTS } else { further };
    faults[random.usize(0..faults.len())].to_owned()
}

fn request_faults(random: &mut Rng, source: Source) -> Vec<String> {
    let mut faults: Vec<String> = (0..random.usize(0..4)).map(|_| request_fault(random, source)).collect();
    if let [fault] | [fault, _] = &mut faults[..]
        && random.bool()
    {
        // More than three failures in a row would exhaust the five attempts to read history, and the patience of the suite.
        fault.push_str(",times=2");
    }
    if random.u8(..) < 32 {
        // Nothing else goes wrong before the first success.
        faults = vec!["token:unknown-for=2s".to_owned()];
    }
    if random.bool() {
        faults.push(CONTENT_FAULTS[random.usize(0..CONTENT_FAULTS.len())].to_owned());
    }
    faults
}

/// Draws a fault that happens after the first success of its kind of request.
fn request_fault(random: &mut Rng, source: Source) -> String {
    let (place, further, first_success, path) = match (source, random.u8(0..4)) {
        (_, 0) => ("token", TOKEN_FAULTS, 1, ""),
        (Source::Transcript, 1 | 2) => ("handshake", HANDSHAKE_FAULTS, 1, ""),
        (Source::Notifications, 1) => ("channel", &[][..], 2, ""),
        (Source::Notifications, 2) => ("notify-handshake", HANDSHAKE_FAULTS, 1, ""),
        _ => ("rest", &[][..], 2, ",path=/conversations/"),
    };
    let faults = [REQUEST_FAULTS, further].concat();
    let fault = faults[random.usize(0..faults.len())];
    format!("{place}:{fault}{path},after={}", first_success + random.u8(0..3))
}
