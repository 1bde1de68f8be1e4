//! RFC 6455 on the wire: what a server sends, by the byte, what comes of it, and what the client sends.

use crate::support::program::{Finished, Running};
use crate::support::raw_server::{
    BINARY, CLOSE, CLOSED_EVENT, CONTINUATION, ClientFrame, FIN, PING, PONG, RawServer, TEXT, message_added,
    server_frame,
};
use futures_util::StreamExt;
use futures_util::stream;

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// These texts are printed, and the conversation ends.
    Prints(&'static [&'static str]),
    /// The connection is given up with this code.
    GivenUp(u16),
    /// The server has closed, with this code as it is shown.
    Closed(u16),
}
use Fate::{Closed, GivenUp, Prints};

/// Runs one case to its end against a server with a transcript socket alone.
async fn meet(frames: Vec<u8>) -> (Finished, Vec<ClientFrame>) {
    let server = RawServer::transcript(frames, None).await;
    let args = ["--source", "transcript", "--max-retries", "0", "--timestamps", "none", "--max-frame-size", "1MiB"];
    let finished = Running::start(&mut server.program(&args)).finish().await;
    (finished, server.client_frames())
}

/// Holds one case to its fate.
async fn judge(name: &str, frames: Vec<u8>, fate: Fate) -> Option<String> {
    let ending = server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes());
    let all = if matches!(fate, Prints(_)) { [frames, ending].concat() } else { frames };
    let (finished, heard) = meet(all).await;
    let closes: Vec<u16> = heard.iter().filter(|frame| frame.first_byte == FIN | CLOSE).map(code).collect();
    let texts: Vec<&str> = finished.stdout.lines().filter_map(|line| line.strip_prefix("[Customer] Ada: ")).collect();
    let good = match fate {
        Prints(expected) => finished.code == Some(0) && texts == expected && closes == [1000],
        GivenUp(code) => {
            finished.code == Some(69) && closes == [code] && finished.stderr.contains(&format!("({code})"))
        }
        Closed(1000 | 1001) => finished.code == Some(0) && closes.len() == 1,
        Closed(code) => {
            finished.code == Some(if code == 1008 { 77 } else { 69 })
                && finished.stderr.contains(&format!("closed by the server with {code}"))
        }
    };
    let masked = heard.iter().all(|frame| frame.mask.is_some());
    let shape = heard.iter().all(|frame| frame.first_byte & 0x70 == 0 && frame.first_byte & FIN != 0);
    (!good || !masked || !shape).then(|| format!("{name}: {fate:?}, but {finished:?}, {closes:?}, masked {masked}"))
}

fn code(close: &ClientFrame) -> u16 {
    close.payload.get(..2).map_or(1005, |code| u16::from_be_bytes(code.try_into().unwrap()))
}

/// Some are let run at the same time, and all are told that went wrong.
async fn judge_all(cases: Vec<(String, Vec<u8>, Fate)>) {
    let count = cases.len();
    let judged = stream::iter(cases).map(|(name, frames, fate)| async move { judge(&name, frames, fate).await });
    let wrong: Vec<String> = judged.buffer_unordered(6).filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

fn case(name: &str, frames: &[Vec<u8>], fate: Fate) -> (String, Vec<u8>, Fate) {
    (name.to_owned(), frames.concat(), fate)
}

/// A text message in these pieces of its JSON.
fn pieces(cuts: &[usize], json: &[u8], between: &[u8]) -> Vec<u8> {
    let ends = cuts.iter().copied().chain([json.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let mut frames = Vec::new();
    for (number, (start, end)) in starts.zip(ends).enumerate() {
        let kind = if number == 0 { TEXT } else { CONTINUATION };
        let last = if number == cuts.len() { FIN } else { 0 };
        if number > 0 {
            frames.extend_from_slice(between);
        }
        frames.extend(server_frame(kind | last, &json[start..end]));
    }
    frames
}

#[tokio::test]
async fn messages_come_whole_in_pieces_and_of_every_length() {
    let (one, euro) = (message_added("one"), message_added("a€b"));
    let text = |json: &str| server_frame(FIN | TEXT, json.as_bytes());
    let cut = euro.find('€').unwrap() + 1;
    let mut cases = vec![
        case("a text", &[text(&one)], Prints(&["one"])),
        case("a binary message", &[server_frame(FIN | BINARY, one.as_bytes())], Prints(&["one"])),
        case("an empty text", &[text(""), text(&one)], Prints(&["one"])),
        case("an empty binary message", &[server_frame(FIN | BINARY, b""), text(&one)], Prints(&["one"])),
        case("two in a row", &[text(&one), text(&message_added("two"))], Prints(&["one", "two"])),
        case("two pieces", &[pieces(&[5], one.as_bytes(), &[])], Prints(&["one"])),
        case("a cut inside a character", &[pieces(&[cut], euro.as_bytes(), &[])], Prints(&["a€b"])),
        case("a byte a piece", &[pieces(&(1..euro.len()).collect::<Vec<_>>(), euro.as_bytes(), &[])], Prints(&["a€b"])),
        case("empty pieces", &[pieces(&[0, 0, 3, 3], one.as_bytes(), &[])], Prints(&["one"])),
        case("a ping between", &[pieces(&[5], one.as_bytes(), &server_frame(FIN | PING, b"p"))], Prints(&["one"])),
        case("a pong between", &[pieces(&[5, 9], one.as_bytes(), &server_frame(FIN | PONG, b"p"))], Prints(&["one"])),
        case("a pong nobody asked for", &[server_frame(FIN | PONG, b"?"), text(&one)], Prints(&["one"])),
        case(
            "a binary message in pieces",
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
    judge_all(cases).await;
}

#[tokio::test]
async fn what_the_protocol_forbids_is_given_up_with_the_code_for_it() {
    let one = message_added("one");
    let text = server_frame(FIN | TEXT, one.as_bytes());
    let mut cases = vec![
        case("a continuation of nothing", &[server_frame(FIN | CONTINUATION, b"x")], GivenUp(1002)),
        case("an open continuation of nothing", &[server_frame(CONTINUATION, b"x")], GivenUp(1002)),
        case(
            "a continuation after the end",
            &[pieces(&[5], one.as_bytes(), &[]), server_frame(FIN | CONTINUATION, b"x")],
            GivenUp(1002),
        ),
        case("a text inside a text", &[server_frame(TEXT, b"{"), text.clone()], GivenUp(1002)),
        case(
            "a binary message inside a text",
            &[server_frame(TEXT, b"{"), server_frame(FIN | BINARY, b"x")],
            GivenUp(1002),
        ),
        case("a masked frame", &[vec![FIN | TEXT, 0x82, 0, 0, 0, 0, b'{', b'}']], GivenUp(1002)),
        case("a long ping", &[server_frame(FIN | PING, &[b'x'; 126])], GivenUp(1002)),
        case("a long pong", &[server_frame(FIN | PONG, &[b'x'; 126])], GivenUp(1002)),
        case("a long close", &[server_frame(FIN | CLOSE, &[&[3, 232], &[b'x'; 124][..]].concat())], GivenUp(1002)),
        case("a ping in pieces", &[server_frame(PING, b"x"), server_frame(FIN | CONTINUATION, b"x")], GivenUp(1002)),
        case("a pong in pieces", &[server_frame(PONG, b"x"), server_frame(FIN | CONTINUATION, b"x")], GivenUp(1002)),
        case("half a code", &[server_frame(FIN | CLOSE, &[3])], GivenUp(1002)),
        case("a frame of 2^63 bytes", &[vec![FIN | TEXT, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]], GivenUp(1009)),
        case("a frame of 2^64 - 1 bytes", &[[&[FIN | TEXT, 127], &[0xff; 8][..]].concat()], GivenUp(1009)),
        case("a frame above the limit", &[server_frame(FIN | TEXT, &vec![b' '; (1 << 20) + 1])], GivenUp(1009)),
        case(
            "pieces above the limit",
            &[
                server_frame(TEXT, &vec![b' '; 1 << 19]),
                server_frame(CONTINUATION, &vec![b' '; 1 << 19]),
                server_frame(FIN | CONTINUATION, b" "),
            ],
            GivenUp(1009),
        ),
    ];
    for reserved in [0x40, 0x20, 0x10, 0x70] {
        for kind in [TEXT, BINARY, PING, PONG, CLOSE] {
            cases.push(case(
                &format!("bits {reserved:x} on {kind}"),
                &[server_frame(FIN | reserved | kind, b"")],
                GivenUp(1002),
            ));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        cases.push(case(&format!("opcode {opcode}"), &[server_frame(FIN | opcode, b"x")], GivenUp(1002)));
    }
    for (name, bytes) in [
        ("a lone continuation byte", &b"\x80"[..]),
        ("a surrogate", b"\xed\xa0\x80"),
        ("an overlong slash", b"\xc0\xaf"),
        ("beyond the last character", b"\xf4\x90\x80\x80"),
        ("half a character at the end", b"\xe2\x82"),
        ("Latin-1", b"gr\xfc\xdfe"),
    ] {
        cases.push(case(name, &[server_frame(FIN | TEXT, bytes)], GivenUp(1007)));
        let halves = [
            server_frame(TEXT, &bytes[..bytes.len() / 2]),
            server_frame(FIN | CONTINUATION, &bytes[bytes.len() / 2..]),
        ];
        cases.push(case(&format!("{name}, in pieces"), &halves, GivenUp(1007)));
    }
    judge_all(cases).await;
}

#[tokio::test]
async fn a_close_is_answered_and_means_what_its_code_says() {
    let close = |code: u16, reason: &[u8]| server_frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat());
    let mut cases = vec![
        case("no code", &[server_frame(FIN | CLOSE, b"")], Closed(1005)),
        case("a long reason", &[close(1011, &[b'x'; 123])], Closed(1011)),
        case(
            "what comes after a close",
            &[close(1011, b""), server_frame(FIN | TEXT, message_added("late").as_bytes())],
            Closed(1011),
        ),
        case("a reason that is no UTF-8", &[close(1011, b"\xff")], GivenUp(1007)),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        cases.push(case(&format!("code {code}"), &[close(code, b"so")], Closed(code)));
    }
    // A code that nobody may send is a mistake of the server, and answered as one.
    for code in [0, 999, 1004, 1005, 1006, 1015, 5000, 65_535] {
        cases.push(case(&format!("code {code}"), &[close(code, b"")], Closed(1002)));
    }
    judge_all(cases).await;
}

#[tokio::test]
async fn pings_are_answered_with_what_is_in_them() {
    for payload in [&b""[..], b"one", &[0xff; 125]] {
        let frames = [server_frame(FIN | PING, payload), server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())].concat();
        let (finished, heard) = meet(frames).await;
        let pongs: Vec<&[u8]> =
            heard.iter().filter(|f| f.first_byte == FIN | PONG).map(|f| f.payload.as_slice()).collect();
        assert_eq!((finished.code, pongs), (Some(0), vec![payload]), "{}", finished.stderr);
    }
    // Of several that came together, the last has to be answered.
    let many: Vec<u8> = (0..100u8).flat_map(|number| server_frame(FIN | PING, &[number])).collect();
    let (finished, heard) = meet([many, server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())].concat()).await;
    let last = heard.iter().rfind(|frame| frame.first_byte == FIN | PONG).map(|frame| frame.payload.clone());
    assert_eq!((finished.code, last), (Some(0), Some(vec![99])), "{}", finished.stderr);
}
