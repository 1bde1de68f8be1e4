//! RFC 6455 at the byte level, as server and client send it (SRC-16, SRC-17, CONN-22, CONN-23, CONN-30).

use crate::support::program::{Finished, Running};
use crate::support::raw_server::{
    BINARY, CLOSE, CLOSED_EVENT, CONTINUATION, ClientFrame, FIN, PING, PONG, RawServer, TEXT, message_added,
    server_frame,
};
use futures_util::StreamExt;
use futures_util::stream;

/// The expected end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The client prints these texts and the conversation ends.
    Prints(&'static [&'static str]),
    /// The client fails the connection with this close code.
    Fails(u16),
    /// The client reports this close code of the server.
    ClosedByServer(u16),
}
use Outcome::{ClosedByServer, Fails, Prints};

/// The frames of a server and their expected outcome.
struct Case {
    name: String,
    frames: Vec<u8>,
    outcome: Outcome,
}

fn case(name: &str, frames: &[Vec<u8>], outcome: Outcome) -> Case {
    Case { name: name.to_owned(), frames: frames.concat(), outcome }
}

/// Runs the client against a server that sends these frames on its transcript socket.
async fn run_against(frames: Vec<u8>) -> (Finished, Vec<ClientFrame>) {
    let server = RawServer::transcript(frames, None).await;
    let args = ["--source", "transcript", "--max-retries", "0", "--timestamps", "none", "--max-frame-size", "1MiB"];
    let finished = Running::start(&mut server.program(&args)).finish().await;
    (finished, server.client_frames())
}

/// Runs one case and returns a description of its failure, if it fails.
async fn failure(Case { name, frames, outcome }: Case) -> Option<String> {
    let end = server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes());
    let all = if matches!(outcome, Prints(_)) { [frames, end].concat() } else { frames };
    let (finished, client_frames) = run_against(all).await;
    let closes: Vec<u16> =
        client_frames.iter().filter(|frame| frame.first_byte == FIN | CLOSE).map(close_code).collect();
    let texts: Vec<&str> = finished.stdout.lines().filter_map(|line| line.strip_prefix("[Customer] Ada: ")).collect();
    let good = match outcome {
        Prints(expected) => finished.code == Some(0) && texts == expected && closes == [1000],
        Fails(code) => finished.code == Some(69) && closes == [code] && finished.stderr.contains(&format!("({code})")),
        ClosedByServer(1000 | 1001) => finished.code == Some(0) && closes.len() == 1,
        ClosedByServer(code) => {
            finished.code == Some(if code == 1008 { 77 } else { 69 })
                && finished.stderr.contains(&format!("connection lost: closed by the server with {code}"))
        }
    };
    let masked = client_frames.iter().all(|frame| frame.mask.is_some());
    let well_formed = client_frames.iter().all(|frame| frame.first_byte & 0x70 == 0 && frame.first_byte & FIN != 0);
    (!good || !masked || !well_formed)
        .then(|| format!("{name}: {outcome:?}, but {finished:?}, {closes:?}, masked {masked}"))
}

fn close_code(close: &ClientFrame) -> u16 {
    close.payload.get(..2).map_or(1005, |code| u16::from_be_bytes(code.try_into().unwrap()))
}

/// Runs all cases, a few at a time, and reports every failure.
async fn assert_all(cases: Vec<Case>) {
    let count = cases.len();
    let failures: Vec<String> =
        stream::iter(cases).map(failure).buffer_unordered(6).filter_map(std::future::ready).collect().await;
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

/// Returns a text message in fragments, cut at these offsets, with the frames `between` after each cut.
fn fragments(cuts: &[usize], json: &[u8], between: &[u8]) -> Vec<u8> {
    let ends = cuts.iter().copied().chain([json.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let mut frames = Vec::new();
    for (number, (start, end)) in starts.zip(ends).enumerate() {
        let opcode = if number == 0 { TEXT } else { CONTINUATION };
        let fin = if number == cuts.len() { FIN } else { 0 };
        if number > 0 {
            frames.extend_from_slice(between);
        }
        frames.extend(server_frame(opcode | fin, &json[start..end]));
    }
    frames
}

#[tokio::test]
async fn whole_and_fragmented_messages_of_every_length_are_printed() {
    let (one, euro) = (message_added("one"), message_added("a€b"));
    let text = |json: &str| server_frame(FIN | TEXT, json.as_bytes());
    let cut = euro.find('€').unwrap() + 1;
    let mut cases = vec![
        case("a text", &[text(&one)], Prints(&["one"])),
        case("a binary message", &[server_frame(FIN | BINARY, one.as_bytes())], Prints(&["one"])),
        case("an empty text", &[text(""), text(&one)], Prints(&["one"])),
        case("an empty binary message", &[server_frame(FIN | BINARY, b""), text(&one)], Prints(&["one"])),
        case("two messages", &[text(&one), text(&message_added("two"))], Prints(&["one", "two"])),
        case("two fragments", &[fragments(&[5], one.as_bytes(), &[])], Prints(&["one"])),
        case("a cut inside a character", &[fragments(&[cut], euro.as_bytes(), &[])], Prints(&["a€b"])),
        case(
            "one byte per fragment",
            &[fragments(&(1..euro.len()).collect::<Vec<_>>(), euro.as_bytes(), &[])],
            Prints(&["a€b"]),
        ),
        case("empty fragments", &[fragments(&[0, 0, 3, 3], one.as_bytes(), &[])], Prints(&["one"])),
        case(
            "a ping between fragments",
            &[fragments(&[5], one.as_bytes(), &server_frame(FIN | PING, b"p"))],
            Prints(&["one"]),
        ),
        case(
            "a pong between fragments",
            &[fragments(&[5, 9], one.as_bytes(), &server_frame(FIN | PONG, b"p"))],
            Prints(&["one"]),
        ),
        case("an unsolicited pong", &[server_frame(FIN | PONG, b"?"), text(&one)], Prints(&["one"])),
        case(
            "a fragmented binary message",
            &[server_frame(BINARY, &one.as_bytes()[..9]), server_frame(FIN | CONTINUATION, &one.as_bytes()[9..])],
            Prints(&["one"]),
        ),
        case(
            "invalid UTF-8 in a binary message",
            &[server_frame(FIN | BINARY, b"\xff\xfe"), text(&one)],
            Prints(&["one"]),
        ),
    ];
    for length in [125, 126, 127, 128, 65_535, 65_536, 65_537] {
        let padded = format!("{one}{}", " ".repeat(length - one.len()));
        cases.push(case(&format!("{length} bytes"), &[text(&padded)], Prints(&["one"])));
    }
    assert_all(cases).await;
}

#[tokio::test]
async fn a_protocol_violation_fails_the_connection_with_its_close_code() {
    let one = message_added("one");
    let text = server_frame(FIN | TEXT, one.as_bytes());
    let mut cases = vec![
        case("a final continuation without a message", &[server_frame(FIN | CONTINUATION, b"x")], Fails(1002)),
        case("a continuation without a message", &[server_frame(CONTINUATION, b"x")], Fails(1002)),
        case(
            "a continuation after a whole message",
            &[fragments(&[5], one.as_bytes(), &[]), server_frame(FIN | CONTINUATION, b"x")],
            Fails(1002),
        ),
        case("a text inside a text", &[server_frame(TEXT, b"{"), text.clone()], Fails(1002)),
        case(
            "a binary message inside a text",
            &[server_frame(TEXT, b"{"), server_frame(FIN | BINARY, b"x")],
            Fails(1002),
        ),
        case("a masked frame", &[vec![FIN | TEXT, 0x82, 0, 0, 0, 0, b'{', b'}']], Fails(1002)),
        case("a long ping", &[server_frame(FIN | PING, &[b'x'; 126])], Fails(1002)),
        case("a long pong", &[server_frame(FIN | PONG, &[b'x'; 126])], Fails(1002)),
        case("a long close", &[server_frame(FIN | CLOSE, &[&[3, 232], &[b'x'; 124][..]].concat())], Fails(1002)),
        case("a fragmented ping", &[server_frame(PING, b"x"), server_frame(FIN | CONTINUATION, b"x")], Fails(1002)),
        case("a fragmented pong", &[server_frame(PONG, b"x"), server_frame(FIN | CONTINUATION, b"x")], Fails(1002)),
        case("half a close code", &[server_frame(FIN | CLOSE, &[3])], Fails(1002)),
        case("a frame of 2^63 bytes", &[vec![FIN | TEXT, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]], Fails(1009)),
        case("a frame of 2^64 - 1 bytes", &[[&[FIN | TEXT, 127], &[0xff; 8][..]].concat()], Fails(1009)),
        case("a frame above the limit", &[server_frame(FIN | TEXT, &vec![b' '; (1 << 20) + 1])], Fails(1009)),
        case(
            "fragments above the limit",
            &[
                server_frame(TEXT, &vec![b' '; 1 << 19]),
                server_frame(CONTINUATION, &vec![b' '; 1 << 19]),
                server_frame(FIN | CONTINUATION, b" "),
            ],
            Fails(1009),
        ),
    ];
    for reserved in [0x40, 0x20, 0x10, 0x70] {
        for kind in [TEXT, BINARY, PING, PONG, CLOSE] {
            cases.push(case(
                &format!("bits {reserved:x} on {kind}"),
                &[server_frame(FIN | reserved | kind, b"")],
                Fails(1002),
            ));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        cases.push(case(&format!("opcode {opcode}"), &[server_frame(FIN | opcode, b"x")], Fails(1002)));
    }
    for (name, bytes) in [
        ("a lone continuation byte", &b"\x80"[..]),
        ("a surrogate", b"\xed\xa0\x80"),
        ("an overlong slash", b"\xc0\xaf"),
        ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
        ("half a character at the end", b"\xe2\x82"),
        ("Latin-1", b"gr\xfc\xdfe"),
    ] {
        cases.push(case(name, &[server_frame(FIN | TEXT, bytes)], Fails(1007)));
        let halves = [
            server_frame(TEXT, &bytes[..bytes.len() / 2]),
            server_frame(FIN | CONTINUATION, &bytes[bytes.len() / 2..]),
        ];
        cases.push(case(&format!("{name}, fragmented"), &halves, Fails(1007)));
    }
    assert_all(cases).await;
}

#[tokio::test]
async fn a_close_frame_is_answered_and_its_code_decides_the_outcome() {
    let close = |code: u16, reason: &[u8]| server_frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat());
    let mut cases = vec![
        case("no code", &[server_frame(FIN | CLOSE, b"")], ClosedByServer(1005)),
        case("a long reason", &[close(1011, &[b'x'; 123])], ClosedByServer(1011)),
        case(
            "a message after a close",
            &[close(1011, b""), server_frame(FIN | TEXT, message_added("late").as_bytes())],
            ClosedByServer(1011),
        ),
        case("a reason that is not UTF-8", &[close(1011, b"\xff")], Fails(1007)),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        cases.push(case(&format!("code {code}"), &[close(code, b"so")], ClosedByServer(code)));
    }
    // RFC 6455 reserves these codes: no endpoint may send them, so the client answers with a protocol error.
    for code in [0, 999, 1004, 1005, 1006, 1015, 5000, 65_535] {
        cases.push(case(&format!("code {code}"), &[close(code, b"")], ClosedByServer(1002)));
    }
    assert_all(cases).await;
}

#[tokio::test]
async fn a_pong_repeats_the_payload_of_its_ping() {
    for payload in [&b""[..], b"one", &[0xff; 125]] {
        let frames = [server_frame(FIN | PING, payload), server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())].concat();
        let (finished, client_frames) = run_against(frames).await;
        let pongs: Vec<&[u8]> =
            client_frames.iter().filter(|f| f.first_byte == FIN | PONG).map(|f| f.payload.as_slice()).collect();
        assert_eq!((finished.code, pongs), (Some(0), vec![payload]), "{}", finished.stderr);
    }
    // Of several pings read at once, the last must be answered.
    let many: Vec<u8> = (0..100u8).flat_map(|number| server_frame(FIN | PING, &[number])).collect();
    let (finished, client_frames) =
        run_against([many, server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())].concat()).await;
    let last = client_frames.iter().rfind(|frame| frame.first_byte == FIN | PONG).map(|frame| frame.payload.clone());
    assert_eq!((finished.code, last), (Some(0), Some(vec![99])), "{}", finished.stderr);
}
