//! Properties that hold for every input, one function per parser. The fuzz targets in `tests/fuzz` call them, and the
//! unit tests with random input. Not part of an ordinary build.

#![expect(clippy::missing_panics_doc, reason = "each function panics if its property does not hold")]

use std::ffi::OsString;
use std::path::Path;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::api::error_body::ErrorBody;
use crate::api::token::parse_grant;
use crate::cli::Cli;
use crate::config::{Format, Multiline, Style, Timestamps, is_loopback, region};
use crate::cursor as cursor_file;
use crate::delivery::recording::{self, RecordedItem, RecordingLine};
use crate::event::{EventBody, Message, Origin, Party, RawFrame, Role, TranscriptEvent};
use crate::output::{escape, format_event, format_frame};
use crate::settings::{Env, parse_env_file, parse_gc_profiles, resolve};
use crate::status::redact::Secrets;
use crate::tracker::message_from_body;
use crate::wire::call_transcript::CallTranscript;
use crate::wire::channel::{Channel, parse_available_topics, parse_topic_states};
use crate::wire::conversation::Snapshot;
use crate::wire::event_stream::{StreamEvent, notification_text, read_line};
use crate::wire::message::parse_bulk;
use crate::wire::notification::{self, Notification};
use crate::wire::transcript::fast_path::TemplateCache;
use crate::wire::transcript::{Decoded, decode, decode_by_serde};

/// Checks a frame of the transcript socket, as text and as binary data, up to each output format.
pub fn frame(data: &[u8]) {
    check_frame(RawFrame::Binary(data));
    if let Ok(text) = str::from_utf8(data) {
        check_frame(RawFrame::Text(text));
    }
}

/// Checks a frame of the notification socket.
pub fn notification(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let notification = notification::decode(RawFrame::Text(text));
    assert_eq!(notification, notification::decode(RawFrame::Binary(data)), "text and binary frames decode alike");
    if let Notification::Conversation(snapshot) = notification {
        snapshot.has_ended();
    }
}

/// Checks the lines of an event stream.
pub fn event_stream(data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        read_line(line, &mut |object| {
            assert!(line.contains(object.text) || line.contains('\\'), "the text of an object is a part of its line");
            let _ = notification_text(object.text);
            if let StreamEvent::Transcription(transcription) = object.event {
                assert!(transcription.conversation.is_some(), "a transcription has a conversation");
                assert!(transcription.utterances.iter().all(|utterance| !utterance.text.trim().is_empty()));
            }
        });
    }
}

/// Checks the body of any response of the API or the token endpoint.
pub fn response_body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(snapshot) = Snapshot::parse(&text) {
        snapshot.has_ended();
    }
    for body in parse_bulk(&text).unwrap_or_default() {
        let (at, message) = (body.sent_at, message_from_body(body, None, Origin::History));
        check_output(&event(at, EventBody::Message(message)));
    }
    if let Some(transcript) = CallTranscript::parse(&text) {
        assert!(transcript.phrases.is_sorted_by_key(|phrase| phrase.spoken_at), "phrases are in order of time");
        for phrase in &transcript.phrases {
            assert!(!phrase.text.trim().is_empty(), "a phrase has a text");
            let _ = transcript.speaker(phrase);
        }
    }
    let _ = (Channel::parse(&text, is_loopback), parse_topic_states(&text), parse_available_topics(&text));
    if let Ok((token, lifetime)) = parse_grant(data) {
        HeaderValue::from_str(token.expose_secret()).expect("a token fits into a header");
        assert!(lifetime.is_none_or(|lifetime| !lifetime.is_zero()));
    }
    check_error_body(data, &text);
}

/// Checks that escaping removes every dangerous character and that JSON output keeps the text.
pub fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let escaped = escape(&text);
    assert!(!escaped.chars().any(is_dangerous), "{escaped:?}");
    assert_eq!(escape(&escaped), escaped, "escaping twice changes nothing");
    let party = Party { id: Some("external".into()), name: Some(text.clone()) };
    let message = Message {
        id: Some(text.clone()),
        role: Role::Customer,
        from: party.clone(),
        to: party,
        text: Some(text.clone()),
        attachments: Vec::new(),
        origin: Origin::Live,
        status: None,
        details: None,
    };
    let json = check_output(&event(None, EventBody::Message(message)));
    for value in [&json["text"], &json["id"], &json["from"]["name"], &json["to"]["name"]] {
        assert_eq!(value.as_str(), Some(text.as_ref()), "JSON output keeps the text");
    }
}

/// Checks the lines of a recording.
pub fn recording(data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        let Ok(RecordingLine::Entry(entry)) = recording::parse(line) else { continue };
        match &entry.item {
            RecordedItem::Text(_, text) => check_frame(RawFrame::Text(text)),
            RecordedItem::Binary(_, base64) => recording::decode_binary(base64).iter().for_each(|bytes| frame(bytes)),
            RecordedItem::Message(at, message) => {
                drop(check_output(&event(*at, EventBody::Message((**message).clone()))));
            }
            RecordedItem::Update(..) | RecordedItem::Closed(_) | RecordedItem::Gap { .. } => {}
        }
        let serialized = serde_json::to_string(&entry).expect("an entry serializes");
        assert_eq!(recording::parse(&serialized).expect("a serialized entry parses"), RecordingLine::Entry(entry));
    }
}

/// Checks a cursor file.
pub fn cursor(data: &[u8]) {
    cursor_file::assert_round_trip(data);
}

/// Checks command line arguments, environment variables, a `.env` file and a file of profiles.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(reason) = parse_env_file(&text) {
        assert!(reason.starts_with("line "), "{reason}");
    }
    if let Err(reason) = parse_gc_profiles(&text) {
        assert!(reason.starts_with("line ") && reason.ends_with(" is not valid TOML"), "{reason}");
    }
    let _ = region::hosts(&text);
    // A value with a leading `@` is the path of a file to read.
    if text.contains('\0') || text.starts_with('@') {
        return;
    }
    for flag in
        ["-c", "--since", "-n", "--idle-timeout", "--max-frame-size", "--max-retries", "--api-url", "--proxy", "-i"]
    {
        check_settings(&[flag, &text], &[]);
    }
    for name in ["GENESYS_REGION", "GENESYS_CONVERSATION_ID", "GENESYS_LOGIN_URL", "HTTPS_PROXY", "GENESYS_TAIL_LOG"] {
        check_settings(&[], &[(name, &text)]);
    }
}

fn check_settings(args: &[&str], variables: &[(&str, &str)]) {
    let args = ["genesys-tail"].iter().chain(args).map(OsString::from);
    let Ok(cli) = Cli::parse_from_args(args) else { return };
    let credentials = [("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "hunter2")];
    let variables = credentials.iter().chain(variables).map(|(name, value)| (name.into(), value.into()));
    let env = Env::read(variables, &cli, Path::new("/nowhere"));
    if let Err(error) = resolve(cli, &env, false, &mut std::io::empty()) {
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

/// Checks that the message of an error response is short and contains no secret.
fn check_error_body(data: &[u8], text: &str) {
    let secrets = Secrets::default();
    secrets.add_token(&"an-invented-token".to_owned().into());
    let retry_after = HeaderValue::from_bytes(&data[..data.len().min(40)]).ok();
    let headers: HeaderMap = retry_after.map(|value| (RETRY_AFTER, value)).into_iter().collect();
    for body in [data, format!("{text} an-invented-token").as_bytes()] {
        let message = ErrorBody::new(StatusCode::BAD_REQUEST, &headers, body, &secrets).to_string();
        assert!(message.chars().count() < 700 && !message.contains("an-invented-token"), "{message}");
    }
}

fn check_frame(raw: RawFrame<'_>) {
    let line = safe_line(format_frame(raw));
    if let RawFrame::Text(text) = raw
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        assert_eq!(serde_json::from_str::<Value>(&line).expect("raw output of JSON is JSON"), value);
    }
    if let Decoded::Event(event) = decode_both_ways(raw) {
        check_output(&event);
    }
}

/// Decodes a frame with the templates of all earlier frames, and compares the result with that of serde.
fn decode_both_ways(raw: RawFrame<'_>) -> Decoded<'_> {
    thread_local! {
        static TEMPLATES: TemplateCache = TemplateCache::default();
    }
    let decoded = TEMPLATES.with(|templates| decode(raw, "c1", DateTime::UNIX_EPOCH, templates));
    if let RawFrame::Text(text) = raw
        && text.trim_start().starts_with('{')
    {
        assert_eq!(decoded, decode_by_serde(text, "c1", DateTime::UNIX_EPOCH), "the fast path decodes as serde does");
    }
    decoded
}

fn event(at: Option<DateTime<Utc>>, body: EventBody<'_>) -> TranscriptEvent<'_> {
    TranscriptEvent { conversation: "c1", at, received: DateTime::UNIX_EPOCH, body, context: None }
}

/// Checks that every output format gives one line without dangerous characters. Returns the JSON line.
fn check_output(event: &TranscriptEvent<'_>) -> Value {
    for timestamps in [Timestamps::Time, Timestamps::Iso, Timestamps::Relative] {
        let style = Style { timestamps, ..Style::default() };
        let line = safe_line(format_event(&style, event));
        assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "{line:?}");
        let indented = format_event(&Style { multiline: Multiline::Indent, ..style }, event);
        let lines = String::from_utf8(indented).expect("UTF-8");
        assert!(lines.lines().skip(1).all(|line| line.starts_with("    | ") && !line.chars().any(is_dangerous)));
    }
    let line = safe_line(format_event(&Style { format: Format::Json, ..Style::default() }, event));
    serde_json::from_str(&line).expect("JSON")
}

/// Returns the line, which has no dangerous characters before its line break.
fn safe_line(bytes: Vec<u8>) -> String {
    let line = String::from_utf8(bytes).expect("UTF-8");
    assert!(!line.trim_end_matches('\n').chars().any(is_dangerous), "{line:?}");
    line
}

/// Returns whether escaping has to replace a character. A second definition, so that a mistake in the first is found.
fn is_dangerous(character: char) -> bool {
    let code = u32::from(character);
    let marks = [0x61c, 0x200e, 0x200f, 0x2028, 0x2029];
    let ranges = [0x202a..=0x202e, 0x2066..=0x2069, 0xe0000..=0xe007f];
    (character.is_control() && character != '\t')
        || marks.contains(&code)
        || ranges.into_iter().any(|range| range.contains(&code))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seeds");

    fn seeds() -> Vec<Vec<u8>> {
        let folders = std::fs::read_dir(SEEDS).expect("seeds").map(|folder| folder.expect("a folder").path());
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        paths.into_iter().map(|path| std::fs::read(path).expect("a file")).collect()
    }

    /// A seed with some bytes changed, possibly truncated.
    fn mutated_seed() -> impl Strategy<Value = Vec<u8>> {
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
        (prop::sample::select(seeds()), changes, any::<prop::sample::Index>()).prop_map(|(mut seed, changes, end)| {
            if !seed.is_empty() {
                for (at, byte) in changes {
                    let at = at.index(seed.len());
                    seed[at] = byte;
                }
            }
            seed.truncate(if end.index(4) == 0 { end.index(seed.len() + 1) } else { seed.len() });
            seed
        })
    }

    fn check_all(data: &[u8]) {
        for check in [frame, notification, event_stream, response_body, text, recording, cursor] {
            check(data);
        }
    }

    #[test]
    fn all_properties_hold_for_every_seed() {
        for seed in seeds() {
            check_all(&seed);
            settings(&seed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn all_properties_hold_for_mutated_seeds(data in mutated_seed()) {
            check_all(&data);
        }

        #[test]
        fn all_properties_hold_for_random_bytes(data in prop::collection::vec(any::<u8>(), 0..200)) {
            check_all(&data);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn settings_of_any_text_are_accepted_or_refused(data in "\\PC{0,40}") {
            settings(data.as_bytes());
        }
    }
}
