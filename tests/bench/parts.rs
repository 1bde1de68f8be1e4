//! Benchmarks of each step from a frame to a line: `cargo bench`. The program as a whole is measured from outside.

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genesys_tail::bench::{Decoded, TemplateCache, decode, read_bodies};
use genesys_tail::event::{RawFrame, TranscriptEvent};
use genesys_tail::output::{Output, Prefixes, Style, Writer, escape};

const CONVERSATION: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
const TEXT: &str =
    "I have been waiting for the parcel since Monday, and the shop can't tell me where it is. Can you help me?";

/// The number of frames in the recording: twice the capacity of the deduplication, so that it also evicts.
const FRAMES: usize = 2 * 28_672;

fn frame(number: usize, text: &str) -> String {
    let second = number % 60;
    format!(
        r#"{{"event":"messageAdded","timestamp":"2026-01-02T03:04:{second:02}.678Z","payload":{{"id":"85c01f55-{number:08}",
"type":"text","from":{{"id":"external","name":"Ada"}},"to":{{"id":"agent-7","name":"Sam"}},
"timestamp":"2026-01-02T03:04:{second:02}.612Z","text":"{text}"}}}}"#
    )
}

fn event<'a>(frame: &'a str, templates: &TemplateCache) -> TranscriptEvent<'a> {
    match decode(RawFrame::Text(frame), CONVERSATION, DateTime::UNIX_EPOCH, templates) {
        Decoded::Event(event) => event,
        other => panic!("{frame}: {other:?}"),
    }
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (name, text) in [("plain", TEXT), ("with escapes", r#"It says \"out of stock\".\nIs that so? \ud83d\ude80"#)] {
        let frame = frame(1, text);
        group.throughput(Throughput::Bytes(frame.len() as u64));
        let templates = TemplateCache::default();
        group.bench_function(name, |bencher| bencher.iter(|| event(black_box(&frame), &templates)));
    }
    group.finish();
}

fn body() -> String {
    format!(
        r#"{{"entities":[{{"id":"6e2c9b4f8a1d4e7393b0c5d7f2a86410","providerMessageId":"9a7f2c1e",
"timestamp":"2026-10-08T14:02:31.902Z","fromAddress":"9d8c7b6a-5f4e-4d3c-a2b1-0f9e8d7c6b5a",
"toAddress":"4f1e2d3c5b6a79880a1b2c3d4e5f6071","direction":"outbound","messengerType":"webmessaging","status":"sent",
"normalizedMessage":{{"id":"6e2c9b4f8a1d4e7393b0c5d7f2a86410","channel":{{"id":"e1d2c3b4-a596-4877-8695-0a1b2c3d4e5f",
"platform":"WebMessaging","type":"Private","to":{{"id":"4f1e2d3c5b6a79880a1b2c3d4e5f6071","idType":"Opaque"}},
"from":{{"nickname":"Dana","id":"9d8c7b6a-5f4e-4d3c-a2b1-0f9e8d7c6b5a","idType":"Opaque"}},
"time":"2026-10-08T14:02:31.902Z"}},"type":"Text","text":"{TEXT}","content":[],"originatingEntity":"Human",
"direction":"Outbound","metadata":{{}}}},"createdBy":{{"id":"d41e6f0a-93b8-4c57-8e21-5a7f0c3b9d62","name":"Dana Reyes"}},
"conversationId":"{CONVERSATION}"}}]}}"#
    )
}

fn reading_bodies(criterion: &mut Criterion) {
    let body = body();
    assert_eq!(read_bodies(&body)[0].text.as_deref(), Some(TEXT));
    let mut group = criterion.benchmark_group("body");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("plain", |bencher| bencher.iter(|| read_bodies(black_box(&body))));
    group.finish();
}

fn escaping(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("escape");
    for (name, text) in [("plain", TEXT), ("emoji", "Grüße an alle 👩‍🚀 aus 東京"), ("hostile", "a\nb\x1b[2J\u{202e}c")]
    {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(escape(black_box(text))).len()));
    }
    group.finish();
}

fn formatting(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _runtime = runtime.enter();
    let device = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let device = File::options().write(true).open(device).expect("the null device opens");
    let writer = Writer::spawn(device, usize::MAX).expect("the writer thread starts");
    let mut output = Output::new(Style::default(), Prefixes::default(), writer);
    let frame = frame(1, TEXT);
    let event = event(&frame, &TemplateCache::default());
    criterion.bench_function("format", |bencher| bencher.iter(|| output.print(black_box(&event))));
}

fn replaying(criterion: &mut Criterion) {
    let mut recording = tempfile::NamedTempFile::new().expect("a temporary file");
    std::io::Write::write_all(&mut recording, recording_text().as_bytes()).expect("the recording is written");
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(FRAMES as u64)).sample_size(10);
    group.bench_function("to the null device", |bencher| {
        bencher.iter(|| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_genesys-tail"));
            let status = program.arg("--replay").arg(recording.path()).env_clear().stdout(Stdio::null()).status();
            assert!(status.expect("the program starts").success());
        });
    });
    group.finish();
}

fn recording_text() -> String {
    let at = DateTime::<Utc>::UNIX_EPOCH;
    let head = format!(r#"{{"genesys-tail-recording":1,"started":"{at:?}","conversations":["{CONVERSATION}"]}}"#);
    let mut recording = head + "\n";
    for number in 0..FRAMES {
        let frame = serde_json::Value::from(frame(number, TEXT));
        let _ = writeln!(recording, r#"{{"at":"{at:?}","conversation":"{CONVERSATION}","text":[1,{frame}]}}"#);
    }
    recording
}

criterion_group!(parts, decoding, reading_bodies, escaping, formatting, replaying);
criterion_main!(parts);
