//! What goes wrong in a run, drawn from its seed.

use std::time::Duration;

use fastrand::Rng;
use genesys_tail::simulator::Sources;

/// The wire of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Transcript,
    Notifications,
}

/// A run, drawn from its seed.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) wire: Wire,
    /// Whether what was missed can be read.
    pub(crate) history: bool,
    pub(crate) sources: Sources,
    pub(crate) messages: usize,
    pub(crate) trouble_every: usize,
    /// What happens on the open socket, one after the other.
    pub(crate) troubles: Vec<String>,
    /// What happens to requests.
    pub(crate) faults: Vec<String>,
    pub(crate) token_lifetime: Duration,
    pub(crate) stalls: bool,
    pub(crate) args: Vec<&'static str>,
}

/// Ends of a connection on either wire.
const ENDS: &[&str] = &[
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

/// What else can happen on a transcript socket.
const ON_TRANSCRIPT: &[&str] = &["duplicate", "binary", "fragmented", "unknown-event", "ping=300ms"];

/// What else can happen on a notification socket.
const ON_NOTIFICATIONS: &[&str] = &[
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

/// What can happen to a request of any kind.
const TO_REQUESTS: &[&str] = &[
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

/// What can happen to answers of the API, if they come.
const TO_ANSWERS: &[&str] =
    &["rest:newest-first", "rest:omit=2,times=4", "rest:late-body=700ms", "rest:textbody", "notify:truncate=20"];

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let wire = if seed.is_multiple_of(2) { Wire::Notifications } else { Wire::Transcript };
        let history = wire == Wire::Notifications || !random.u8(..).is_multiple_of(3);
        let sources = match (wire, history) {
            (Wire::Transcript, true) => Sources::Both,
            (Wire::Transcript, false) => Sources::TranscriptOnly,
            (Wire::Notifications, _) => Sources::NotificationsOnly,
        };
        let more = if wire == Wire::Transcript { ON_TRANSCRIPT } else { ON_NOTIFICATIONS };
        let count = random.usize(1..5);
        let troubles = (0..count).map(|_| trouble(&mut random, more)).collect();
        let mut args =
            vec!["-F", "--json", "--idle-timeout", "2s", "--ping-interval", "500ms", "--connect-timeout", "3s"];
        args.extend(["--max-frame-size", "65536", "--source"]);
        args.push(if wire == Wire::Transcript { "transcript" } else { "notifications" });
        Self {
            seed,
            wire,
            history,
            sources,
            messages: 60 + random.usize(0..60),
            trouble_every: 10 + random.usize(0..8),
            troubles,
            faults: faults(&mut random, wire),
            token_lifetime: Duration::from_secs(if random.bool() { 86_400 } else { 12 }),
            stalls: random.u8(..).is_multiple_of(4),
            args,
        }
    }
}

fn trouble(random: &mut Rng, more: &[&str]) -> String {
    let from = if random.u8(..) < 170 { ENDS } else { more };
    from[random.usize(0..from.len())].to_owned()
}

fn faults(random: &mut Rng, wire: Wire) -> Vec<String> {
    let mut faults = Vec::new();
    for _ in 0..random.usize(0..4) {
        let place = match (wire, random.u8(0..4)) {
            (_, 0) => "token",
            (Wire::Transcript, 1 | 2) => "handshake",
            (Wire::Notifications, 1) => "channel",
            _ => "rest",
        };
        let what = TO_REQUESTS[random.usize(0..TO_REQUESTS.len())];
        // What is final where it is said, or when it is said again, is no trouble to live through.
        let second = what == "status=401" && faults.iter().any(|fault: &String| fault.contains(what));
        let final_ = second || (what == "not-json" && place != "rest") || (what == "status=401" && place == "token");
        if !final_ {
            faults.push(format!("{place}:{what},after={}", 2 + random.u8(0..5)));
        }
    }
    if random.bool() {
        faults.push(TO_ANSWERS[random.usize(0..TO_ANSWERS.len())].to_owned());
    }
    faults
}
