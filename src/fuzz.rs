//! What has to hold for whatever comes from outside, one function for each place where it comes in: for the fuzzer in
//! `tests/fuzz`, and here with random input. None of this is part of an ordinary build.

#![expect(clippy::missing_panics_doc, reason = "each of them panics where its property does not hold")]

use std::ffi::OsString;
use std::path::Path;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::api::error_body::ErrorBody;
use crate::api::oauth::parse_grant;
use crate::cli::Cli;
use crate::config::{Format, Multiline, Style, Timestamps, is_loopback, region};
use crate::cursor as cursor_file;
use crate::delivery::recording::{self, RecordedItem, RecordingLine};
use crate::event::{EventBody, Message, Origin, Party, RawFrame, Role, TranscriptEvent};
use crate::output::{escape, format_event, format_frame};
use crate::settings::{Env, parse_env_file, parse_gc_profiles, resolve};
use crate::status::redact::Secrets;
use crate::tracker::attribution;
use crate::wire::channel::{Channel, parse_available_topics, parse_topic_states};
use crate::wire::conversation::Snapshot;
use crate::wire::message::parse_bulk;
use crate::wire::notification::{self, Notification};
use crate::wire::transcript::fast_path::TemplateCache;
use crate::wire::transcript::{Decoded, decode, decode_by_serde};

/// A frame of the transcript socket, as text and as binary data, all the way to each output.
pub fn frame(data: &[u8]) {
    arrives(RawFrame::Binary(data));
    if let Ok(text) = str::from_utf8(data) {
        arrives(RawFrame::Text(text));
    }
}

/// A frame of the notification socket.
pub fn notification(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let notice = notification::decode(RawFrame::Text(text));
    assert_eq!(notice, notification::decode(RawFrame::Binary(data)), "both kinds of frame are read alike");
    if let Notification::Conversation(snapshot) = notice {
        snapshot.has_ended();
    }
}

/// The body of any answer of the published API, and of the token endpoint.
pub fn response_body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(snapshot) = Snapshot::parse(&text) {
        snapshot.has_ended();
    }
    for said in parse_bulk(&text).unwrap_or_default() {
        let (at, message) = (said.sent_at, attribution::message(said, None, Origin::History));
        shown(&event(at, EventBody::Message(message)));
    }
    let _ = (Channel::parse(&text, is_loopback), parse_topic_states(&text), parse_available_topics(&text));
    if let Ok((token, life)) = parse_grant(data) {
        HeaderValue::from_str(token.expose_secret()).expect("a token goes into a header");
        assert!(life.is_none_or(|life| !life.is_zero()));
    }
    refusal(data, &text);
}

/// Text of any kind, as text and as JSON.
pub fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let escaped = escape(&text);
    assert!(!escaped.chars().any(is_dangerous), "{escaped:?}");
    assert_eq!(escape(&escaped), escaped, "what is escaped stays as it is");
    let who = Party { id: Some("external".into()), name: Some(text.clone()) };
    let message = Message {
        id: Some(text.clone()),
        role: Role::Customer,
        from: who.clone(),
        to: who,
        text: Some(text.clone()),
        attachments: Vec::new(),
        origin: Origin::Live,
    };
    let json = shown(&event(None, EventBody::Message(message)));
    for value in [&json["text"], &json["id"], &json["from"]["name"], &json["to"]["name"]] {
        assert_eq!(value.as_str(), Some(text.as_ref()), "json loses nothing");
    }
}

/// A line of a recording.
pub fn recording(data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        let Ok(RecordingLine::Entry(entry)) = recording::parse(line) else { continue };
        match &entry.item {
            RecordedItem::Text(_, text) => arrives(RawFrame::Text(text)),
            RecordedItem::Binary(_, base64) => recording::decode_binary(base64).iter().for_each(|bytes| frame(bytes)),
            RecordedItem::Message(at, message) => drop(shown(&event(*at, EventBody::Message((**message).clone())))),
            RecordedItem::Update(..) | RecordedItem::Closed(_) | RecordedItem::Gap { .. } => {}
        }
        let again = serde_json::to_string(&entry).expect("it can be written");
        assert_eq!(recording::parse(&again).expect("it can be read again"), RecordingLine::Entry(entry));
    }
}

/// A cursor file.
pub fn cursor(data: &[u8]) {
    cursor_file::assert_round_trip(data);
}

/// Whatever somebody types or sets, a `.env` file, and a file of profiles.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(reason) = parse_env_file(&text) {
        assert!(reason.starts_with("line "), "{reason}");
    }
    if let Err(reason) = parse_gc_profiles(&text) {
        assert!(reason.starts_with("line ") && reason.ends_with(" is not TOML"), "{reason}");
    }
    let _ = region::hosts(&text);
    // What begins like this names a file.
    if text.contains('\0') || text.starts_with('@') {
        return;
    }
    for flag in
        ["-c", "--since", "-n", "--idle-timeout", "--max-frame-size", "--max-retries", "--api-url", "--proxy", "-i"]
    {
        typed(&[flag, &text], &[]);
    }
    for name in ["GENESYS_REGION", "GENESYS_CONVERSATION_ID", "GENESYS_LOGIN_URL", "HTTPS_PROXY", "GENESYS_TAIL_LOG"] {
        typed(&[], &[(name, &text)]);
    }
}

fn typed(args: &[&str], variables: &[(&str, &str)]) {
    let words = ["genesys-tail"].iter().chain(args).map(OsString::from);
    let Ok(cli) = Cli::parse_from_args(words) else { return };
    let given = [("GENESYS_CLIENT_ID", "id"), ("GENESYS_CLIENT_SECRET", "hunter2")];
    let process = given.iter().chain(variables).map(|(name, value)| (name.into(), value.into()));
    let env = Env::read(process, &cli, Path::new("/nowhere")).expect("there is no file");
    if let Err(error) = resolve(cli, &env, false, &mut std::io::empty()) {
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

/// What refuses has words that are short and hold no secret.
fn refusal(data: &[u8], text: &str) {
    let secrets = Secrets::default();
    secrets.add_token(&"an-invented-token".to_owned().into());
    let wish = HeaderValue::from_bytes(&data[..data.len().min(40)]).ok();
    let headers: HeaderMap = wish.map(|wish| (RETRY_AFTER, wish)).into_iter().collect();
    for body in [data, format!("{text} an-invented-token").as_bytes()] {
        let words = ErrorBody::new(StatusCode::BAD_REQUEST, &headers, body, &secrets).to_string();
        assert!(words.chars().count() < 700 && !words.contains("an-invented-token"), "{words}");
    }
}

fn arrives(raw: RawFrame<'_>) {
    let line = one_line(format_frame(raw));
    if let RawFrame::Text(text) = raw
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        assert_eq!(serde_json::from_str::<Value>(&line).expect("it still is JSON"), value);
    }
    if let Decoded::Event(event) = decoded(raw) {
        shown(&event);
    }
}

/// What a frame is, which does not depend on what came before it.
fn decoded(raw: RawFrame<'_>) -> Decoded<'_> {
    thread_local! {
        static SHAPES: TemplateCache = TemplateCache::default();
    }
    let decoded = SHAPES.with(|shapes| decode(raw, "c1", DateTime::UNIX_EPOCH, shapes));
    if let RawFrame::Text(text) = raw
        && text.trim_start().starts_with('{')
    {
        assert_eq!(
            decoded,
            decode_by_serde(text, "c1", DateTime::UNIX_EPOCH),
            "the quick way reads what the slow one does"
        );
    }
    decoded
}

fn event(at: Option<DateTime<Utc>>, body: EventBody<'_>) -> TranscriptEvent<'_> {
    TranscriptEvent { conversation: "c1", at, received: DateTime::UNIX_EPOCH, body }
}

/// Every output is one line without anything dangerous; returns that of json.
fn shown(event: &TranscriptEvent<'_>) -> Value {
    for timestamps in [Timestamps::Time, Timestamps::Iso, Timestamps::Relative] {
        let style = Style { timestamps, ..Style::default() };
        let line = one_line(format_event(&style, event));
        assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "{line:?}");
        let indented = format_event(&Style { multiline: Multiline::Indent, ..style }, event);
        let lines = String::from_utf8(indented).expect("it is UTF-8");
        assert!(lines.lines().skip(1).all(|line| line.starts_with("    | ") && !line.chars().any(is_dangerous)));
    }
    let line = one_line(format_event(&Style { format: Format::Json, ..Style::default() }, event));
    serde_json::from_str(&line).expect("it is JSON")
}

fn one_line(bytes: Vec<u8>) -> String {
    let line = String::from_utf8(bytes).expect("it is UTF-8");
    assert!(!line.trim_end_matches('\n').chars().any(is_dangerous), "{line:?}");
    line
}

/// The definition, spelled out anew so that the product cannot agree with itself.
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

    /// A seed in which some bytes are others, and which may end early.
    fn spoiled() -> impl Strategy<Value = Vec<u8>> {
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
        (prop::sample::select(seeds()), changes, any::<prop::sample::Index>()).prop_map(|(mut seed, changes, end)| {
            changes.into_iter().filter(|_| !seed.is_empty()).collect::<Vec<_>>().into_iter().for_each(|(at, byte)| {
                let at = at.index(seed.len());
                seed[at] = byte;
            });
            seed.truncate(if end.index(4) == 0 { end.index(seed.len() + 1) } else { seed.len() });
            seed
        })
    }

    fn everything(data: &[u8]) {
        for hold in [frame, notification, response_body, text, recording, cursor] {
            hold(data);
        }
    }

    #[test]
    fn every_seed_holds_everywhere() {
        for seed in seeds() {
            everything(&seed);
            settings(&seed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn spoiled_seeds_hold_everywhere(data in spoiled()) {
            everything(&data);
        }

        #[test]
        fn bytes_hold_everywhere(data in prop::collection::vec(any::<u8>(), 0..200)) {
            everything(&data);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn nothing_typed_is_too_much(data in "\\PC{0,40}") {
            settings(data.as_bytes());
        }
    }
}
