//! The faults of each place, with their effects, for `--fault help`.

/// The faults that some places have in common.
pub(super) struct FaultTable {
    pub(super) places: &'static [&'static str],
    /// A valid example of each fault, without the place, and its effect.
    pub(super) faults: &'static [(&'static str, &'static str)],
}

pub(super) const TABLES: &[FaultTable] = &[
    FaultTable {
        places: &["token", "handshake", "rest", "channel", "notify-handshake"],
        faults: &[
            ("status=503", "503 with the usual error body"),
            ("status=503,retry-after=2", "503 with Retry-After: 2 (or any other text; date+2\nsends a date 2 s ahead)"),
            ("status=429,ratelimit-reset=45", "429 with inin-ratelimit-reset: 45"),
            (
                "status=429,in-body=45",
                "429 with the message \"Rate limit exceeded the\nmaximum. Retry the request in [45] seconds\"",
            ),
            ("status=400,body=No.", "400 with this message"),
            ("forbidden-page", "403 with an HTML page, as from a firewall"),
            ("slow=3s", "the response is delayed by 3 s"),
            ("hang", "no response"),
            ("silence-all", "no response, and silence on all open connections\n(see socket)"),
            ("reset", "the connection is reset"),
            ("not-json", "200 with an HTML page"),
            ("huge=100000000", "200 with a body of 100 MB [default: 64 MiB]"),
            ("redirect=307", "a redirect [default: token 307, others 302]"),
            ("echo=401", "an error that repeats the credentials sent\n[default: 401]"),
        ],
    },
    FaultTable {
        places: &["token"],
        faults: &[
            ("garbage", "200 without a token"),
            ("expires-in=-1", "a token with this expires_in (any JSON value)"),
            ("unknown-for=5s", "a token that REST, channel and handshake answer\nwith 401 for 5 s"),
        ],
    },
    FaultTable {
        places: &["handshake", "notify-handshake"],
        faults: &[("bad-accept", "101 with a wrong Sec-WebSocket-Accept"), ("ok", "200 in place of 101")],
    },
    FaultTable { places: &["transcript"], faults: &[("absent", "404: there is no transcript endpoint")] },
    FaultTable { places: &["rest", "channel"], faults: &[("empty", "200 with an empty body")] },
    FaultTable {
        places: &["rest"],
        faults: &[
            ("late-body=2s", "the text of a message is not available until\nthe message is 2 s old"),
            ("newest-first", "bulk responses list the newest message first"),
            ("omit=3", "a bulk response lacks the first 3 ids requested\n[default: 1]"),
            ("textbody", "the text is in textBody, without\nnormalizedMessage"),
            ("deny=routing:queue:view", "the client lacks this permission, for topics too"),
        ],
    },
    FaultTable {
        places: &["channel"],
        faults: &[
            ("reject=v2.users.", "topics that contain this text are rejected"),
            ("expire", "the channel ends: the socket receives a 404\nmessage and close 1001"),
            ("evict", "the channel ends: the socket ends without a\nclose frame"),
        ],
    },
    FaultTable {
        places: &["call"],
        faults: &[
            ("transcript-after=30s", "the stored transcript is available 30 s after the\ncall"),
            ("no-transcript", "there is no stored transcript"),
            ("expired-link", "the link to the stored transcript has expired"),
            ("broken-transcript", "the stored transcript is incomplete JSON"),
            ("huge-transcript=30000000", "the stored transcript has 30 MB [default: 30 MB]"),
            ("redirected-transcript", "the link redirects to ftp"),
        ],
    },
    FaultTable {
        places: &["events"],
        faults: &[
            (
                "duplicates=10%",
                "10% of the events are repeated after the next\nevent of their conversation (without a value:\none event)",
            ),
            (
                "disorder=10%",
                "10% of the events follow the next event of their\nconversation (without a value: one event)",
            ),
            ("malformed=1%", "an incomplete line precedes 1% of the events\n(without a value: one event)"),
            ("oversize=10000000", "an event of 10 MB precedes the next event"),
            ("stall=5s", "the stream pauses for 5 s"),
            ("concatenated", "no line breaks between the events"),
            (
                "shape=sqs",
                "each event is an SQS message; detail: without the\nenvelope; notification: as on a WebSocket",
            ),
        ],
    },
    FaultTable {
        places: &["socket", "notify"],
        faults: &[
            ("close=1011,reason=Sorry", "a close frame (1005: without a code; 1006: as eof)"),
            ("reset", "the connection is reset (TCP RST)"),
            ("eof", "the connection ends without a close frame"),
            ("silence", "the server sends nothing, not even pongs\n(also half-open)"),
            (
                "silence-all",
                "all open connections, of HTTP too, are dead: no\ndata in either direction, no end. New ones work,\nas after a VPN switch.",
            ),
            ("deaf", "the server reads nothing"),
            ("no-close-answer", "the server does not answer a close frame"),
            ("malformed", "a text frame with incomplete JSON"),
            ("binary-junk", "a binary frame that is not UTF-8"),
            ("bad-utf8", "a text frame that is not UTF-8"),
            ("reserved-bits", "a frame with reserved bits set"),
            ("masked", "a masked frame"),
            ("oversize=20000000", "a message of 20 MB; fragments=4 splits it"),
        ],
    },
    FaultTable {
        places: &["socket"],
        faults: &[
            ("forbid", "close 1008, as for an expired token"),
            ("ping=5s", "the server sends a ping every 5 s"),
            ("replay", "a new connection first receives all earlier\nmessages"),
            ("duplicate", "every frame is sent twice"),
            ("no-id", "messages have no id"),
            ("binary", "the next message is a binary frame"),
            ("fragmented", "the next message is split inside a character,\nwith a ping between the parts"),
            ("unknown-event", "an event of an unknown type"),
            ("odd-types", "messages with null or unexpected types"),
            ("burst=100000", "100,000 messages at once"),
        ],
    },
    FaultTable {
        places: &["notify"],
        faults: &[
            ("socket_closing=2s", "a close is announced 2 s ahead [default: 60s]"),
            ("no-heartbeat", "the server sends no heartbeats"),
            ("duplicate", "every event is sent twice"),
            ("reorder", "the next two events change places"),
            ("lose=2", "the next 2 events are not sent [default: 1]"),
            ("unknown", "frames with unknown topics, values and types"),
            ("revoke", "all tokens are revoked, and the channel ends"),
            ("status-updates", "outbound messages are followed by events that\nonly change their status"),
            ("truncate=100", "events list only the latest 100 messages of a\nparticipant"),
        ],
    },
];
