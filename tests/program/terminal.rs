//! Escape sequences of an attacker, printed into a terminal emulator: its screen and state are those of the escaped
//! text (OUT-30, OUT-35).

use std::num::NonZeroU16;

use crate::support::program::{Finished, Running};
use crate::support::raw_server::{CLOSE, CLOSED_EVENT, FIN, RawServer, Response, TEXT, json_response, server_frame};
use serde_json::{Value, json};
use vt100::{Callbacks, Parser, Screen};

/// Name of the attack, its text and the escaped text.
const ATTACKS: [(&str, &str, &str); 22] = [
    ("cursor movement", "\x1b[2A\x1b[2K\x1b[1G", r"\x1b[2A\x1b[2K\x1b[1G"),
    ("clearing the screen", "\x1b[2J\x1b[H\x1bc", r"\x1b[2J\x1b[H\x1bc"),
    ("alternate screen", "\x1b[?1049h", r"\x1b[?1049h"),
    ("hidden cursor, mouse, paste", "\x1b[?25l\x1b[?1000h\x1b[?2004h", r"\x1b[?25l\x1b[?1000h\x1b[?2004h"),
    ("clipboard by OSC 52", "\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),
    ("link by OSC 8", "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\", r"\x1b]8;;http://x\x1b\here\x1b]8;;\x1b\"),
    ("window title", "\x1b]0;owned\x07\x1b]2;owned\x1b\\", r"\x1b]0;owned\x07\x1b]2;owned\x1b\"),
    ("answers of the terminal as input", "\x1b[6n\x1b[c\x05", r"\x1b[6n\x1b[c\x05"),
    ("bell and backspaces", "yes\x07\x08\x08\x08no", r"yes\x07\x08\x08\x08no"),
    ("colors that stay", "\x1b[31;1;8m", r"\x1b[31;1;8m"),
    ("another character set", "\x0e\x1b(0", r"\x0e\x1b(0"),
    ("a line forged by CR", "hi\r[Agent] Sam: no", r"hi\r[Agent] Sam: no"),
    ("a line forged by a newline", "hi\n[Agent] Sam: no", r"hi\n[Agent] Sam: no"),
    ("a line forged by CRLF", "hi\r\n[CLOSED] Conversation terminated", r"hi\n[CLOSED] Conversation terminated"),
    ("vertical tab and form feed", "a\x0bb\x0cc", r"a\x0bb\x0cc"),
    ("separators", "a\u{2028}b\u{2029}c\u{85}d", r"a\u{2028}b\u{2029}c\u{85}d"),
    ("bidi override and isolates", "\u{202e}gnp.exe\u{2066}x\u{2069}", r"\u{202e}gnp.exe\u{2066}x\u{2069}"),
    ("hidden tag characters", "a\u{e0041}\u{e007f}b", r"a\u{e0041}\u{e007f}b"),
    ("C1 in UTF-8", "\u{9b}31m\u{9d}0;t\u{9c}\u{90}q\u{9c}", r"\u{9b}31m\u{9d}0;t\u{9c}\u{90}q\u{9c}"),
    ("NUL and DEL", "a\0b\x7fc", r"a\x00b\x7fc"),
    ("harmless text", "👩‍👩‍👧‍👦 مرحبا، שלום naïve", "👩‍👩‍👧‍👦 مرحبا، שלום naïve"),
    (
        "a flood of combining characters",
        "z\u{300}\u{301}\u{489}\u{300}\u{301}\u{489}!",
        "z\u{300}\u{301}\u{489}\u{300}\u{301}\u{489}!",
    ),
];

/// Records every effect on the terminal other than text.
#[derive(Debug, Default)]
struct EffectRecorder(Vec<String>);

impl Callbacks for EffectRecorder {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.0.push("bell".to_owned());
    }
    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.0.push(format!("title {title:?}"));
    }
    fn set_window_icon_name(&mut self, _: &mut Screen, name: &[u8]) {
        self.0.push(format!("icon {name:?}"));
    }
    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.0.push(format!("clipboard {data:?}"));
    }
    fn unhandled_control(&mut self, _: &mut Screen, control: u8) {
        self.0.push(format!("control {control}"));
    }
    fn unhandled_escape(&mut self, _: &mut Screen, _: Option<u8>, _: Option<u8>, last: u8) {
        self.0.push(format!("escape {last}"));
    }
    fn unhandled_csi(&mut self, _: &mut Screen, _: Option<u8>, _: Option<u8>, _: &[&[u16]], last: char) {
        self.0.push(format!("CSI {last}"));
    }
    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        self.0.push(format!("OSC {params:?}"));
    }
}

/// Returns a terminal after these bytes, with a carriage return before each line feed as the kernel adds it.
fn terminal(bytes: &str) -> Parser<EffectRecorder> {
    let (rows, columns) = (NonZeroU16::new(80).unwrap(), NonZeroU16::new(300).unwrap());
    let mut terminal = Parser::new_with_callbacks(rows, columns, 0, EffectRecorder::default());
    terminal.process(bytes.replace('\n', "\r\n").as_bytes());
    terminal
}

/// Asserts that the output leaves a terminal in the same state as these lines of plain text.
fn assert_shows(printed: &str, lines: &[String]) {
    let (actual, expected) = (terminal(printed), terminal(&format!("{}\n", lines.join("\n"))));
    let (screen, wanted) = (actual.screen(), expected.screen());
    assert_eq!(screen.contents(), wanted.contents());
    assert_eq!(screen.state_formatted(), wanted.state_formatted(), "cursor, modes and attributes");
    assert_eq!(actual.callbacks().0, Vec::<String>::new());
    assert_eq!(usize::from(screen.cursor_position().0), lines.len());
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
}

fn message(name: &str, text: &str) -> Vec<u8> {
    let from = json!({ "id": "external", "name": name });
    let message = json!({ "event": "messageAdded", "payload": { "from": from, "text": text } });
    server_frame(FIN | TEXT, message.to_string().as_bytes())
}

/// Follows a transcript with every attack as text and as name.
async fn follow_attacks(args: &[&str]) -> Finished {
    let frames = ATTACKS.iter().flat_map(|(_, text, _)| message(text, text));
    let frames: Vec<u8> = frames.chain(server_frame(FIN | TEXT, CLOSED_EVENT.as_bytes())).collect();
    let server = RawServer::transcript(frames, None).await;
    let finished = Running::start(&mut server.program(&[&["--timestamps", "none"], args].concat())).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn expected_lines() -> Vec<String> {
    let messages = ATTACKS.iter().map(|(_, _, escaped)| format!("[Customer] {escaped}: {escaped}"));
    messages.chain(["[CLOSED] Conversation terminated".to_owned()]).collect()
}

#[test]
fn every_attack_has_an_effect_without_escaping() {
    for (attack, text, escaped) in ATTACKS {
        let (raw, harmless) = (terminal(text), terminal(escaped));
        let differs = raw.screen().state_formatted() != harmless.screen().state_formatted();
        assert_eq!(differs || !raw.callbacks().0.is_empty(), text != escaped, "{attack}");
    }
}

#[tokio::test]
async fn text_on_the_transcript_socket_does_not_control_the_terminal() {
    let finished = follow_attacks(&[]).await;
    assert_shows(&finished.stdout, &expected_lines());
    assert_eq!(finished.stdout, expected_lines().join("\n") + "\n");
    let colored = follow_attacks(&["--color", "always"]).await;
    let (colored, plain) = (terminal(&colored.stdout), terminal(&finished.stdout));
    assert_eq!(colored.screen().contents(), plain.screen().contents(), "colors change no text");
    assert_eq!(
        colored.screen().attributes_formatted(),
        plain.screen().attributes_formatted(),
        "colors are reset at the end"
    );
    assert_eq!(colored.callbacks().0, Vec::<String>::new());
}

#[tokio::test]
async fn json_and_raw_output_lose_no_text_and_do_not_control_the_terminal() {
    for format in ["json", "raw"] {
        let finished = follow_attacks(&["-o", format]).await;
        let lines: Vec<String> = finished.stdout.lines().map(str::to_owned).collect();
        assert_shows(&finished.stdout, &lines);
        for (line, (attack, text, _)) in lines.iter().zip(ATTACKS) {
            let value: Value = serde_json::from_str(line).unwrap();
            let message = if format == "raw" { &value["payload"] } else { &value };
            assert_eq!((&message["text"], &message["from"]["name"]), (&json!(text), &json!(text)), "{attack}");
        }
    }
}

#[tokio::test]
async fn text_of_the_rest_api_does_not_control_the_terminal() {
    let time = |number: usize| format!("2026-01-02T03:04:{number:02}Z");
    let message_refs: Vec<Value> = (0..ATTACKS.len())
        .map(|number| json!({ "messageId": format!("m{number}"), "messageTime": time(number) }))
        .collect();
    let participants: Vec<Value> = [json!({ "id": "p", "purpose": "customer", "messages": message_refs })].into();
    let conversation = json!({ "id": "c1", "endTime": time(59), "participants": participants }).to_string();
    let entities = ATTACKS.iter().enumerate().map(|(number, (_, text, _))| {
        let file = json!({ "contentType": "Attachment", "attachment": { "filename": text } });
        let channel = json!({ "from": { "nickname": text } });
        let normalized = json!({ "text": text, "content": [file], "channel": channel });
        let id = format!("m{number}");
        json!({ "id": id, "timestamp": time(number), "direction": "inbound", "normalizedMessage": normalized })
    });
    let bulk = json!({ "entities": entities.collect::<Vec<_>>() }).to_string();
    let server = RawServer::start(move |head| match head {
        head if head.contains("/messages/bulk") => json_response(200, &bulk),
        head if head.starts_with("GET /api/v2/conversations/c1 ") => json_response(200, &conversation),
        _ => json_response(404, "{}"),
    })
    .await;
    let args = ["--source", "notifications", "--no-follow", "--timestamps", "none"];
    let finished = Running::start(&mut server.program(&args)).finish().await;
    let messages =
        ATTACKS.iter().map(|(_, _, escaped)| format!("[Customer] {escaped}: {escaped} [attachment: {escaped}]"));
    let lines: Vec<String> = messages.chain(["[CLOSED] Conversation terminated".to_owned()]).collect();
    assert_eq!(finished.stdout, lines.join("\n") + "\n", "{}", finished.stderr);
    assert_shows(&finished.stdout, &lines);
}

#[tokio::test]
async fn error_messages_of_a_server_do_not_control_the_terminal() {
    for (attack, text, escaped) in ATTACKS {
        let error_body = json!({ "message": text, "code": text, "messageParams": { "permissions": text } });
        let error_body = error_body.to_string();
        let reason = [&1011_u16.to_be_bytes(), text.as_bytes()].concat();
        let close = Response::WebSocket(server_frame(FIN | CLOSE, &reason), None);
        let server = RawServer::start(move |head| match head {
            head if head.contains("/transcript ") => close.clone(),
            _ => json_response(403, &error_body),
        })
        .await;
        for (args, occurrences) in [(["--source", "transcript"], 2), (["--source", "notifications"], 1)] {
            for format in ["text", "json"] {
                let args = [&args[..], &["--max-retries", "0", "-vv", "--log-format", format]].concat();
                let finished = Running::start(&mut server.program(&args)).finish().await;
                let lines: Vec<String> = finished.stderr.lines().map(str::to_owned).collect();
                assert_shows(&finished.stderr, &lines);
                if format == "text" {
                    assert!(finished.stderr.matches(escaped).count() >= occurrences, "{attack}: {}", finished.stderr);
                } else {
                    assert!(
                        lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()),
                        "{attack}: {lines:?}"
                    );
                }
            }
        }
    }
}
