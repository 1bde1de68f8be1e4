//! Lines on stdout, printed from a recording with known times (OUT-1 to OUT-7, OUT-9 to OUT-30, OUT-32, OUT-35,
//! CLI-28 to CLI-37, EVT-1, EVT-11).

use std::io::Write;

use crate::support::program::{Running, bare_program};
use regex::Regex;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const ID: &str = "97b9dcb3-0000-4000-8000-000000000001";
const OTHER: &str = "a1b2c3d4-0000-4000-8000-000000000002";

/// Writes a recording in which every entry arrived at 03:04:05.678.
fn recording(entries: &[(&str, Value)]) -> NamedTempFile {
    let mut conversations: Vec<&str> = entries.iter().map(|(id, _)| *id).collect();
    conversations.dedup();
    let started = "2026-01-02T03:00:00Z";
    let head = json!({"genesys-tail-recording": 1, "started": started, "conversations": conversations});
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "{head}").unwrap();
    for (id, entry) in entries {
        let mut line = json!({"at": "2026-01-02T03:04:05.678Z", "conversation": id});
        match entry {
            Value::Object(members) if members.contains_key("gap") => line["gap"] = entry["gap"].clone(),
            Value::String(text) => line["text"] = json!([1, text]),
            frame => line["text"] = json!([1, frame.to_string()]),
        }
        writeln!(file, "{line}").unwrap();
    }
    file
}

fn timestamp(time: &str) -> String {
    format!("2026-01-02T{time}.612Z")
}

fn message(id: &str, name: &str, time: &str, text: &str) -> Value {
    json!({"event": "messageAdded", "timestamp": "2026-01-02T23:59:59Z", "payload":
        {"type": "text", "from": {"id": id, "name": name}, "timestamp": timestamp(time), "text": text}})
}

fn system_message(text: &str) -> Value {
    let mut frame = message("agent-7", "Sam", "03:04:12", text);
    frame["payload"]["type"] = "system".into();
    frame
}

/// A conversation with one event of each kind.
fn sample_conversation() -> Vec<Value> {
    vec![
        message("external", "Ada", "03:04:05", "Hello"),
        message("agent-7", "Sam", "03:04:09", "Hi Ada, how can I help?"),
        system_message("joined"),
        json!({"event": "conversationUpdated", "timestamp": timestamp("03:05:00"), "payload": {"status": "connected"}}),
        json!({"gap": {"from": "2026-01-02T03:03:23.678Z", "reason": "connection reset"}}),
        json!({"event": "conversationClosed", "timestamp": timestamp("03:06:31")}),
    ]
}

/// Returns what a replay of these frames of one conversation prints with these flags and variables.
async fn printed_with(frames: &[Value], args: &[&str], variables: &[(&str, &str)]) -> String {
    replay(&frames.iter().map(|frame| (ID, frame.clone())).collect::<Vec<_>>(), args, variables).await
}

async fn printed(frames: &[Value], args: &[&str]) -> String {
    printed_with(frames, args, &[]).await
}

async fn replay(entries: &[(&str, Value)], args: &[&str], variables: &[(&str, &str)]) -> String {
    let recording = recording(entries);
    let mut command = bare_program(&["-q", "--replay", recording.path().to_str().unwrap()]);
    let finished = Running::start(command.args(args).envs(variables.iter().copied())).finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    finished.stdout
}

#[tokio::test]
async fn each_kind_of_event_is_printed_as_documented() {
    let expected = "\
        03:04:05 [Customer] Ada: Hello\n\
        03:04:09 [Agent] Sam: Hi Ada, how can I help?\n\
        03:04:12 [SYSTEM] Sam: joined\n\
        03:05:00 [UPDATE] Conversation status changed\n\
        03:04:05 [GAP] 42 s without a connection; messages in it may be missing\n\
        03:06:31 [CLOSED] Conversation terminated\n";
    assert_eq!(printed(&sample_conversation(), &["--utc", "--system"]).await, expected);
    let without_system: String = expected.split_inclusive('\n').filter(|line| !line.contains("SYSTEM")).collect();
    assert_eq!(printed(&sample_conversation(), &["--utc"]).await, without_system);
}

// Windows takes the time zone from the system only.
#[cfg(unix)]
#[tokio::test]
async fn timestamps_are_local_in_the_chosen_format() {
    let frames = [message("external", "Ada", "03:04:05", "one"), message("external", "Ada", "03:05:12", "two")];
    for (args, first, second) in [
        (&[][..], "08:34:05 ", "08:35:12 "),
        (&["--utc"], "03:04:05 ", "03:05:12 "),
        (&["--timestamps", "iso"], "2026-01-02T08:34:05.612+05:30 ", "2026-01-02T08:35:12.612+05:30 "),
        (&["--timestamps", "iso", "--utc"], "2026-01-02T03:04:05.612Z ", "2026-01-02T03:05:12.612Z "),
        (&["--timestamps", "relative"], "+0:00:00 ", "+0:01:07 "),
        (&["--timestamps", "none"], "", ""),
    ] {
        let expected = format!("{first}[Customer] Ada: one\n{second}[Customer] Ada: two\n");
        assert_eq!(printed_with(&frames, args, &[("TZ", "IST-5:30")]).await, expected, "{args:?}");
    }
}

#[tokio::test]
async fn lines_of_several_conversations_have_the_shortest_unique_prefix() {
    let hello = message("external", "Ada", "03:04:05", "Hello");
    let closed = json!({"event": "conversationClosed", "timestamp": timestamp("03:06:31")});
    let entries = [(ID, hello.clone()), (OTHER, closed.clone())];
    let lines = replay(&entries, &["--utc"], &[]).await;
    assert_eq!(lines, "03:04:05 97b9dcb3 [Customer] Ada: Hello\n03:06:31 a1b2c3d4 [CLOSED] Conversation terminated\n");
    let similar_ids = [("97b9dcb3-1", hello), ("97b9dcb3-2", closed)];
    let lines = replay(&similar_ids, &["--utc"], &[]).await;
    assert_eq!(
        lines,
        "03:04:05 97b9dcb3-1 [Customer] Ada: Hello\n03:06:31 97b9dcb3-2 [CLOSED] Conversation terminated\n"
    );
}

#[tokio::test]
async fn the_prefix_has_the_chosen_form_and_for_each_conversation_a_color_of_its_own() {
    let hello = message("external", "Ada", "03:04:05", "Hello");
    let one = [(ID, hello.clone())];
    let args = |flag| ["--timestamps", "none", "--prefix", flag];
    assert_eq!(replay(&one, &args("short"), &[]).await, "97b9dcb3 [Customer] Ada: Hello\n");
    assert_eq!(replay(&one, &args("full"), &[]).await, format!("{ID} [Customer] Ada: Hello\n"));
    let two = [(ID, hello.clone()), (OTHER, hello)];
    assert_eq!(replay(&two, &args("none"), &[]).await, "[Customer] Ada: Hello\n".repeat(2));
    let colored = replay(&two, &[&args("short")[..], &["--color", "always"]].concat(), &[]).await;
    let customer = "\u{1b}[32m[Customer] Ada:\u{1b}[0m Hello";
    let expected = format!("\u{1b}[32m97b9dcb3\u{1b}[0m {customer}\n\u{1b}[92ma1b2c3d4\u{1b}[0m {customer}\n");
    assert_eq!(colored, expected);
}

#[tokio::test]
async fn the_date_precedes_the_time_of_an_event_of_another_day() {
    let mut old = message("external", "Ada", "03:04:05", "old");
    old["payload"]["timestamp"] = "2026-01-01T23:04:05Z".into();
    let frames = [old, message("external", "Ada", "03:04:05", "new")];
    let lines = "[Customer] Ada: old\n03:04:05 [Customer] Ada: new\n";
    assert_eq!(printed(&frames, &["--utc"]).await, format!("2026-01-01 23:04:05 {lines}"));
    // In India both are of the same day. Windows takes the time zone from the system only.
    if cfg!(windows) {
        return;
    }
    let lines = printed_with(&frames, &[], &[("TZ", "IST-5:30")]).await;
    assert!(lines.starts_with("04:34:05 [Customer] Ada: old\n"), "{lines}");
}

#[tokio::test]
async fn events_without_a_role_can_be_hidden() {
    for (args, hidden) in [
        (&["--hide", "update"][..], &["[UPDATE]"][..]),
        (&["--hide", "gap,closed"], &["[GAP]", "[CLOSED]"]),
        (&["--hide", "gap", "--hide", "update", "--hide", "closed"], &["[UPDATE]", "[GAP]", "[CLOSED]"]),
    ] {
        let lines = printed(&sample_conversation(), &[args, &["--timestamps", "none"]].concat()).await;
        let labels: Vec<&str> = lines.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let all = ["[Customer]", "[Agent]", "[UPDATE]", "[GAP]", "[CLOSED]"];
        assert_eq!(labels, all.into_iter().filter(|label| !hidden.contains(label)).collect::<Vec<_>>(), "{args:?}");
        let objects = printed(&sample_conversation(), &[args, &["--json"]].concat()).await;
        assert_eq!(objects.lines().count(), labels.len(), "{args:?}");
    }
}

#[tokio::test]
async fn filters_select_messages_and_hide_no_other_event() {
    let other_events = ["[UPDATE]", "[GAP]", "[CLOSED]"];
    for (args, labels) in [
        (&["--only", "customer"][..], &["[Customer]"][..]),
        (&["--only", "system"], &["[SYSTEM]"]),
        (&["--only", "agent", "--only", "system"], &["[Agent]", "[SYSTEM]"]),
        (&["--only", "bot", "--system"], &[]),
        (&["-i", "Hello|joined"], &["[Customer]"]),
        (&["-i", "Hello", "-i", "help"], &["[Customer]", "[Agent]"]),
        (&["-e", "(?i)HELLO"], &["[Agent]"]),
        (&["-e", "."], &[]),
        (&["-i", "Ada:", "--include", "UPDATE"], &[]),
    ] {
        let lines = printed(&sample_conversation(), &[args, &["--timestamps", "none"]].concat()).await;
        let printed_labels: Vec<&str> = lines.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(printed_labels, [labels, &other_events].concat(), "{args:?}");
        let objects = printed(&sample_conversation(), &[args, &["--json"]].concat()).await;
        assert_eq!(objects.lines().count(), printed_labels.len(), "{args:?}");
    }
}

#[tokio::test]
async fn a_customer_cannot_forge_a_line_or_control_the_terminal() {
    let forged = "see\n03:04:09 [Agent] Sam: yes\r\n\rx\t\\n \u{1b}[2J\u{7f}\u{9b}\u{2028}\u{202e}\u{e0041}";
    let unchanged = "👩‍👩‍👧 مرحبا שלום";
    let frames = [message("external", "A\u{1b}]0;x\u{7}\nda", "03:04:05", &format!("{forged} {unchanged}"))];
    let escaped = r"[Customer] A\x1b]0;x\x07\nda: see\n03:04:09 [Agent] Sam: yes\n\rx	\n \x1b[2J\x7f\u{9b}\u{2028}\u{202e}\u{e0041} ";
    let args = ["--timestamps", "none"];
    assert_eq!(printed(&frames, &args).await, format!("{escaped}{unchanged}\n"));
    let indented = printed(&frames, &[&args[..], &["--multiline", "indent"]].concat()).await;
    let expected = escaped.replacen("see\\n", "see\n    | ", 1).replacen("yes\\n", "yes\n    | ", 1);
    assert_eq!(indented, format!("{expected}{unchanged}\n"));
    let raw = printed(&frames, &[&args[..], &["--raw-control"]].concat()).await;
    assert_eq!(raw, format!("[Customer] A\u{1b}]0;x\u{7}\nda: {forged} {unchanged}\n"));
    let object = printed(&frames, &["--json"]).await;
    assert_eq!(
        object.find(|c: char| c.is_control() || "\u{2028}\u{202e}\u{e0041}".contains(c)),
        Some(object.len() - 1)
    );
    assert_eq!(serde_json::from_str::<Value>(&object).unwrap()["text"], format!("{forged} {unchanged}"));
}

#[tokio::test]
async fn json_has_exactly_the_members_that_are_known() {
    let mut full = message("external", "Ada", "03:04:05", "Hello");
    full["payload"]["id"] = "85c01f55".into();
    full["payload"]["to"] = json!({"id": "agent-7", "name": "Sam"});
    full["payload"]["attachment"] = json!({"name": "invoice.png", "mime": "image/png", "size": 7});
    let mut bot = message("flow-1", "", "03:04:06", "Hi");
    bot["payload"]["originatingEntity"] = "Bot".into();
    let frames =
        [&[full, bot, json!({"event": "messageAdded", "payload": {"text": "?"}})][..], &sample_conversation()[2..]]
            .concat();
    let lines = printed(&frames, &["-o", "json", "--system"]).await;
    let common = |time: &str| {
        let ts = timestamp(time);
        format!(r#""ts":"{ts}","received":"2026-01-02T03:04:05.678Z","conversation":"{ID}""#)
    };
    let expected = [
        format!(
            r#"{{"v":1,"type":"message",{},"id":"85c01f55","role":"customer","from":{{"id":"external","name":"Ada"}},"to":{{"id":"agent-7","name":"Sam"}},"text":"Hello","attachments":[{{"kind":"attachment","name":"invoice.png","mime":"image/png","size":7}}],"source":"live"}}"#,
            common("03:04:05")
        ),
        format!(
            r#"{{"v":1,"type":"message",{},"role":"bot","from":{{"id":"flow-1"}},"text":"Hi","source":"live"}}"#,
            common("03:04:06")
        ),
        format!(
            r#"{{"v":1,"type":"message",{},"role":"unknown","text":"?","source":"live"}}"#,
            common("03:04:05").replacen("612", "678", 1)
        ),
        format!(
            r#"{{"v":1,"type":"message",{},"role":"system","from":{{"id":"agent-7","name":"Sam"}},"text":"joined","source":"live"}}"#,
            common("03:04:12")
        ),
        format!(r#"{{"v":1,"type":"update",{}}}"#, common("03:05:00")),
        format!(
            r#"{{"v":1,"type":"gap",{},"from":"2026-01-02T03:03:23.678Z","to":"2026-01-02T03:04:05.678Z","seconds":42,"reason":"connection reset"}}"#,
            common("03:04:05").replacen("612", "678", 1)
        ),
        format!(r#"{{"v":1,"type":"closed",{}}}"#, common("03:06:31")),
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn raw_prints_every_frame_as_the_same_value_on_one_line() {
    let pretty = "{\r\n  \"event\": \"somethingNew\",\n\t\"evil\": \"\u{202e}\u{7f}\\n\"\n}";
    let frames = [json!({"event": "x", "n": 1}), pretty.into(), "no\njson\u{1b}".into(), "[1,\n2]".into()];
    let repeated = [&frames[..], &[frames[0].clone()]].concat();
    let raw = printed(&repeated, &["-o", "raw"]).await;
    let lines: Vec<&str> = raw.lines().collect();
    assert_eq!(lines.len(), repeated.len());
    assert_eq!((lines[0], lines[2], lines[4]), (r#"{"event":"x","n":1}"#, r"no\njson\x1b", lines[0]));
    assert!(!lines[1].contains(['\u{202e}', '\u{7f}']));
    for index in [1, 3] {
        let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
        assert_eq!(value(lines[index]), value(frames[index].as_str().unwrap()));
    }
}

#[tokio::test]
async fn color_adds_only_color_codes_and_its_flag_beats_the_variables() {
    let plain = printed(&sample_conversation(), &["--utc"]).await;
    let codes = Regex::new("\u{1b}\\[(?:0|1|2|7|3[0-7]|9[0-7])m").unwrap();
    for (args, variables, colored) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let lines = printed_with(&sample_conversation(), &[args, &["--utc"]].concat(), variables).await;
        assert_eq!(lines.contains('\u{1b}'), colored, "{args:?} {variables:?}");
        for line in lines.lines().filter(|line| line.contains('\u{1b}')) {
            assert!(line.rfind("\u{1b}[0m") == line.rfind('\u{1b}'), "reset within the line: {line:?}");
        }
        assert_eq!(codes.replace_all(&lines, ""), plain, "sixteen colours and effects only");
    }
}
