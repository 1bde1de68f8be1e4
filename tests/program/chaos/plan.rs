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

/// Faults of a request to any endpoint.
const REQUEST_FAULTS: &[&str] = &[
    "status=500",
    "status=503,retry-after=1",
    "status=429,retry-after=1",
    "status=408",
    "slow=300ms",
    "hang",
    "reset",
    "not-json",
    "status=401",
];

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
            token_lifetime: Duration::from_secs(if random.bool() { 86_400 } else { 12 }),
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
    let mut faults = Vec::new();
    for _ in 0..random.usize(0..4) {
        let endpoint = match (source, random.u8(0..4)) {
            (_, 0) => "token",
            (Source::Transcript, 1 | 2) => "handshake",
            (Source::Notifications, 1) => "channel",
            _ => "rest",
        };
        let fault = REQUEST_FAULTS[random.usize(0..REQUEST_FAULTS.len())];
        // A refusal ends the program rightly, so it is left out.
        let second_401 = fault == "status=401" && faults.iter().any(|earlier: &String| earlier.contains(fault));
        let is_refusal =
            second_401 || (fault == "not-json" && endpoint != "rest") || (fault == "status=401" && endpoint == "token");
        if !is_refusal {
            faults.push(format!("{endpoint}:{fault},after={}", 2 + random.u8(0..5)));
        }
    }
    if random.bool() {
        faults.push(CONTENT_FAULTS[random.usize(0..CONTENT_FAULTS.len())].to_owned());
    }
    faults
}
