//! The text of `--fault help`.

use std::fmt::Write;

/// A valid example of each fault, and its effect.
const FAULTS: &[(&str, &str)] = &[
    (
        "token:status=503,retry-after=2",
        "an error status; with retry-after=SECONDS, date+SECONDS or any text, body=WORDS",
    ),
    ("token:garbage", "200 without a token"),
    ("token:not-json", "200 with a page of HTML"),
    ("token:expires-in=-1", "a good token with any JSON value as its lifetime"),
    ("token:slow=3s", "the answer comes late"),
    ("token:hang", "the answer never comes"),
    ("token:reset", "the connection is reset"),
    ("token:huge=100000000", "200 with that many bytes (64 MiB without a value)"),
    ("token:redirect=307", "a redirect to a path that notes what it is sent"),
    ("token:echo=401", "an error that repeats the credentials it was sent"),
    ("handshake:status=429,retry-after=2", "as above, and so are slow, hang, reset, not-json, huge, redirect and echo"),
    ("handshake:bad-accept", "101 with a wrong Sec-WebSocket-Accept"),
    ("handshake:ok", "200 where 101 belongs"),
    ("socket:close=1011,reason=going away, sorry", "a close frame; 1005 is one without a code, 1006 is eof"),
    ("socket:forbid", "close 1008, as for a token that expired"),
    ("socket:reset", "the connection is reset (RST)"),
    ("socket:eof", "the connection ends without a close frame (FIN)"),
    ("socket:silence", "nothing is sent any more, pings go unanswered (also half-open)"),
    ("socket:deaf", "nothing is read any more"),
    ("socket:no-close-answer", "the client's close frame is not answered"),
    ("socket:ping=5s", "the server pings, over and over"),
    ("socket:replay", "a new connection first gets everything said so far (always, unless times= says else)"),
    ("socket:duplicate", "each message comes twice"),
    ("socket:no-id", "messages have no id"),
    ("socket:binary", "the next frame is a binary one"),
    (
        "socket:fragmented",
        "the next frame comes in two pieces with a ping between, cut inside a character if there is one",
    ),
    ("socket:malformed", "a text frame that is no JSON"),
    ("socket:binary-junk", "a binary frame that is no text"),
    ("socket:bad-utf8", "a text frame that is no UTF-8"),
    ("socket:reserved-bits", "a frame with reserved bits set"),
    ("socket:masked", "a frame that is masked"),
    ("socket:unknown-event", "an event of an unknown kind"),
    ("socket:odd-types", "messages whose fields are null or of another type"),
    ("socket:oversize=20000000,fragments=4", "a message of that many bytes, in that many fragments"),
    ("socket:burst=100000", "that many messages at once, ids burst-1 and up"),
    ("transcript:absent", "there is no transcript socket, as in the published API (404, always)"),
    (
        "rest:status=429,retry-after=2,path=/bulk",
        "as above, and so are slow, hang, reset, not-json, huge, redirect, echo",
    ),
    ("rest:empty", "200 without a body"),
    ("rest:late-body=2s", "the text of a message cannot be read until it is that old (always)"),
    ("rest:newest-first", "the bulk answer is in the other order (always)"),
    ("rest:omit=3", "the bulk answer lacks the first so many ids that were asked for (1 without a value)"),
    ("rest:textbody", "the text is in textBody, and there is no normalizedMessage (always)"),
    ("rest:deny=conversation:message:view", "this permission is missing, for topics too (always)"),
    ("channel:status=503", "as rest:, on the paths of channels and subscriptions only"),
    ("channel:reject=conversations.messages", "topics with this in their names are rejected (always)"),
    ("channel:expire,after=3", "the channel of an open socket ends, and the socket is told so"),
    ("channel:evict,after=3", "the channel of an open socket gives way to another, without a word"),
    ("notify:socket_closing=2s", "a closing is announced, and happens that much later (60s without a value)"),
    (
        "notify:close=1001,reason=idle timeout",
        "as on the other socket, and so are reset, eof, silence, deaf, no-close-answer",
    ),
    ("notify:malformed", "as on the other socket, and so are binary-junk, bad-utf8, reserved-bits, masked, oversize"),
    ("notify:no-heartbeat", "no heartbeats any more; everything else goes on"),
    ("notify:duplicate", "each event comes twice"),
    ("notify:reorder", "the next two events change places"),
    ("notify:lose=2", "the next so many events never come (1 without a value)"),
    ("notify:unknown", "an unknown topic, unknown values, and frames that are no object"),
    ("notify:revoke", "every token is revoked, the socket is told so, and the channel is gone"),
    ("notify:status-updates", "after each message of the organisation, events that only change its status (always)"),
    ("notify:truncate=100", "events list no more than the latest so many messages of a participant (always)"),
];

const GRAMMAR: &str = "\
A fault is WHERE:WHAT[=VALUE][,KEY=VALUE...]. Keys that go with every one of them:
  after=N           let N requests through first; on a socket, send N frames of the script first
  path=TEXT         only requests with this in their method and path, such as path=POST (rest, channel)
  times=N|always    how often in the life of the process (once, unless it says always)
  skip=N            leave N connections alone first (sockets)
  conversation=ID   only there (handshakes, transcript sockets, rest)
A comma that is followed by a space belongs to the value. Faults combine: a request takes every delay
and the first answer that is due, and what it did not need is left for the next.
";

/// Returns the list of faults with an example of each, as text for a terminal.
#[must_use]
pub fn fault_help() -> String {
    let mut help = GRAMMAR.to_owned();
    for (example, effect) in FAULTS {
        // Writing to a String cannot fail.
        let _ = write!(help, "\n  {example}\n      {effect}");
    }
    help.push('\n');
    help
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::faults::Fault;

    #[test]
    fn every_example_is_a_valid_fault() {
        for (example, _) in FAULTS {
            assert!(example.parse::<Fault>().is_ok(), "{example}");
            assert!(fault_help().contains(example));
        }
    }
}
