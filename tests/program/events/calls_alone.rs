//! Without credentials: the calls of a stream, with what its events hold (STR-3).

use std::fs;

use serde_json::{Value, json};
use tempfile::tempdir;

use super::feed::{NO_ACCOUNT, ONE, START, TWO, detail, event, lines, notification, spoken, sqs_message};
use crate::support::program::{Finished, Running, bare_program, path_str};

const NO_TIMES: [&str; 2] = ["--timestamps", "none"];

/// Runs the program on a file with this content.
async fn run(content: impl AsRef<[u8]>, args: &[&str]) -> Finished {
    let folder = tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    fs::write(&file, content).unwrap();
    Running::start(&mut bare_program(&[&["--events", path_str(&file), "--utc"], args].concat())).finish().await
}

/// Returns the lines of a run that ends as it should.
async fn printed(content: impl AsRef<[u8]>, args: &[&str]) -> String {
    let finished = run(content, args).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

#[tokio::test]
async fn what_is_said_is_printed_from_every_envelope_and_all_else_is_ignored() {
    let presence = notification("v2.users.u1.presence", &json!({"presenceDefinition": {"id": "x"}}));
    let audit = event("a", &notification("v2.audits.entitytype.UserPresence.entityid.x", &json!({"id": "y"})));
    let feed = [
        spoken(ONE, "EXTERNAL", 0, "Hello."),
        presence,
        event("e1", &spoken(TWO, "EXTERNAL", 2, "My order is late.")),
        audit,
        sqs_message(&event("e2", &spoken(ONE, "INTERNAL", 4, "Good morning."))),
        sqs_message(&spoken(TWO, "INTERNAL", 6, "Sorry.")),
        event("e3", &detail(TWO, "customer.end", "VOICE", &json!({}))),
    ];
    let expected = "2026-10-08 15:09:40 6f1c2d3e [Customer] Customer: Hello.\n\
        2026-10-08 15:09:42 7a2b3c4d [Customer] Customer: My order is late.\n\
        2026-10-08 15:09:44 6f1c2d3e [Agent] Agent: Good morning.\n\
        2026-10-08 15:09:46 7a2b3c4d [Agent] Agent: Sorry.\n";
    let joined: String = feed.iter().map(Value::to_string).collect();
    for content in [lines(&feed), lines(&feed).replace('\n', "\r\n"), joined] {
        let finished = run(&content, &[]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), expected), "{}", finished.stderr);
        assert_eq!(finished.stderr, format!("{NO_ACCOUNT}genesys-tail: end of input: 4 lines\n"));
    }
    assert_eq!(run(lines(&feed), &["-q"]).await.stderr, "");
}

#[tokio::test]
async fn events_tell_who_speaks_for_the_company() {
    let at = |second: i64| json!({"eventTime": START + second * 1000, "queueId": "q-1"});
    let agent = |second: i64| json!({"eventTime": START + second * 1000, "userId": "u-1", "queueId": "q-1"});
    let feed = [
        detail(ONE, "customer.start", "VOICE", &at(0)),
        detail(ONE, "flow.start", "VOICE", &at(0)),
        spoken(ONE, "INTERNAL", 2, "Press one."),
        detail(ONE, "flow.end", "VOICE", &at(10)),
        detail(ONE, "user.start", "VOICE", &agent(20)),
        spoken(ONE, "INTERNAL", 22, "Good morning."),
    ];
    let json = printed(lines(&feed), &["--json"]).await;
    let speakers: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fields = |line: &Value| [&line["role"], &line["from"]["id"], &line["queue"]["id"]].map(Value::clone);
    assert_eq!(fields(&speakers[0]), [json!("bot"), Value::Null, json!("q-1")]);
    assert_eq!(fields(&speakers[1]), [json!("agent"), json!("u-1"), json!("q-1")]);
    assert_eq!((&speakers[1]["media"], &speakers[1]["conversation"]), (&json!("call"), &json!(ONE)));
}

#[tokio::test]
async fn repeats_are_dropped_and_disorder_is_kept() {
    let (a, b, c) = (spoken(ONE, "EXTERNAL", 0, "A"), spoken(ONE, "EXTERNAL", 5, "B"), spoken(TWO, "EXTERNAL", 0, "A"));
    let mut without_id = spoken(ONE, "EXTERNAL", 7, "D");
    without_id["eventBody"]["transcripts"][0]["utteranceId"] = Value::Null;
    let feed = [
        event("e2", &b),
        event("e1", &a),
        event("e2", &b),
        event("e9", &a),
        a.clone(),
        event("e3", &c),
        event("e4", &without_id),
        event("e4", &without_id),
    ];
    let stdout = printed(lines(&feed), &NO_TIMES).await;
    let expected = ["6f1c2d3e B", "6f1c2d3e A", "7a2b3c4d A", "6f1c2d3e D", ""];
    assert_eq!(stdout.replace("[Customer] Customer: ", ""), expected.join("\n"));
}

#[tokio::test]
async fn lines_that_hold_no_event_are_skipped_and_counted() {
    let mut feed = lines(&[spoken(ONE, "EXTERNAL", 0, "A")]).into_bytes();
    feed.extend(b"\n  \nnot JSON\n{\"detail\":{\n[]\n\xff\xfe{}\n{}\n");
    feed.extend(lines(&[spoken("../escape", "EXTERNAL", 0, "B"), spoken(ONE, "EXTERNAL", 2, "C")]).into_bytes());
    feed.extend(br#"{"topicName":"v2.conversations.x.transcr"#);
    let finished = run(feed, &NO_TIMES).await;
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stdout, "6f1c2d3e [Customer] Customer: A\n6f1c2d3e [Customer] Customer: C\n");
    let first = "genesys-tail: warning: skipped 1 malformed line; last reason: not a JSON object\n";
    assert_eq!(finished.stderr.matches("skipped").count(), 1, "{}", finished.stderr);
    assert!(finished.stderr.contains(first), "{}", finished.stderr);
    let summary = "end of input: 2 lines, 7 unreadable lines\n";
    assert!(finished.stderr.ends_with(summary), "{}", finished.stderr);
}

#[tokio::test]
async fn filters_formats_and_redaction_apply() {
    let feed = lines(&[
        event("e1", &spoken(ONE, "EXTERNAL", 0, "My address is ada@example.com.")),
        spoken(TWO, "INTERNAL", 60, "Thank you."),
    ]);
    let one = "6f1c2d3e [Customer] Customer: My address is [email].\n";
    let two = "7a2b3c4d [Agent] Agent: Thank you.\n";
    for (args, expected) in [
        (&["--redact", "email"][..], format!("{one}{two}")),
        (&["--redact", "all", "--only", "customer"], one.to_owned()),
        (&["-i", "Thank"], two.to_owned()),
        (&["-e", "address"], two.to_owned()),
        (&["--since", "2026-10-08T15:10:00Z"], two.to_owned()),
        (
            &["--media", "call", "-n", "0", "-e", "address", "--prefix", "none"],
            "[Agent] Agent: Thank you.\n".to_owned(),
        ),
        (&["--media", "message"], String::new()),
    ] {
        assert_eq!(printed(&feed, &[&NO_TIMES, args].concat()).await, expected, "{args:?}");
    }
}

#[tokio::test]
async fn raw_output_prints_the_notifications() {
    let spoken = spoken(ONE, "EXTERNAL", 0, "Hello.");
    let presence = notification("v2.users.u1.presence", &json!({"a": 1}));
    let feed = lines(&[event("e1", &spoken), event("e1", &spoken), sqs_message(&event("e2", &presence))]);
    let stdout = printed(format!("{feed}junk\n"), &["-o", "raw"]).await;
    assert_eq!(stdout, format!("{spoken}\n{spoken}\n{presence}\njunk\n"));
}

#[tokio::test]
async fn each_call_has_its_file_in_an_output_folder() {
    let folder = tempdir().unwrap();
    let feed =
        lines(&[spoken(ONE, "EXTERNAL", 0, "A"), spoken(TWO, "EXTERNAL", 0, "B"), spoken(ONE, "EXTERNAL", 2, "C")]);
    let stdout = printed(feed, &[&NO_TIMES[..], &["--output-dir", path_str(folder.path())]].concat()).await;
    assert_eq!(stdout, "");
    for (id, expected) in [(ONE, "[Customer] Customer: A\n[Customer] Customer: C\n"), (TWO, "[Customer] Customer: B\n")]
    {
        assert_eq!(fs::read_to_string(folder.path().join(format!("{id}.log"))).unwrap(), expected);
    }
}

#[tokio::test]
async fn after_a_restart_with_a_cursor_no_line_is_printed_twice() {
    let folder = tempdir().unwrap();
    let cursor = folder.path().join("cursor");
    let args = [&NO_TIMES[..], &["--cursor-file", path_str(&cursor)]].concat();
    let said = |number: i64| spoken(if number % 2 == 0 { ONE } else { TWO }, "EXTERNAL", number, &number.to_string());
    let feed: Vec<Value> = (0..20).map(said).collect();
    let first = printed(lines(&feed[..10]), &args).await;
    let second = printed(lines(&feed), &args).await;
    let third = printed(lines(&feed), &args).await;
    let numbers = |text: &str| text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    let expected = |range: std::ops::Range<u32>| range.map(|number| number.to_string()).collect::<Vec<_>>();
    assert_eq!((numbers(&first), numbers(&second), third), (expected(0..10), expected(10..20), String::new()));
}

#[tokio::test]
async fn a_recording_replays_to_the_same_bytes() {
    let folder = tempdir().unwrap();
    let recording = folder.path().join("a.rec");
    let feed = lines(&[
        event("e1", &detail(ONE, "user.start", "VOICE", &json!({"userId": "u-1"}))),
        event("e2", &spoken(ONE, "EXTERNAL", 0, "Hello.")),
        event("e2", &spoken(ONE, "EXTERNAL", 0, "Hello.")),
        spoken(TWO, "INTERNAL", 60, "Thank you."),
    ]);
    for flags in [&["--timestamps", "iso"][..], &["--json"], &["-o", "raw"]] {
        let _ = fs::remove_file(&recording);
        let args = [flags, &["--record", path_str(&recording)]].concat();
        let stdout = printed(&feed, &args).await;
        let replay = [&["--replay", path_str(&recording), "--utc"], flags].concat();
        let replayed = Running::start(&mut bare_program(&replay)).finish().await;
        assert_eq!((replayed.stdout, replayed.code), (stdout, Some(0)), "{flags:?} {}", replayed.stderr);
    }
    // The notifications are recorded, whatever was printed.
    let _ = fs::remove_file(&recording);
    printed(&feed, &["--record", path_str(&recording)]).await;
    let replay = ["--replay", path_str(&recording), "-o", "raw"];
    let replayed = Running::start(&mut bare_program(&replay)).finish().await;
    assert_eq!(replayed.stdout.matches("topicName").count(), 4, "{}", replayed.stdout);
}
