//! The recipes of the topic on scale, run as they are written, with stand-ins for Kafka and AWS.

use std::collections::BTreeSet;
use std::fs;

use genesys_tail::simulator::{Options, Simulator};
use serde_json::{Value, json};

use super::Page;
use super::recipes::{Sandbox, has_jq};
use crate::support::program::Finished;

const CALL: &str = "+0 call\n+0 customer Ada: One\n+0 agent Sam: Two\n+0 close";

/// Returns a block of code below a heading, counted from 0.
fn code(heading: &str, index: usize) -> String {
    let text = &Page::topic("scale").text;
    let marks = [2, 3].map(|level| format!("\n{} {heading}\n", "#".repeat(level)));
    let (_, text) = marks.iter().find_map(|mark| text.split_once(mark)).unwrap();
    text.split("\n```").nth(2 * index + 1).unwrap().split_once('\n').unwrap().1.to_owned()
}

/// Runs shell code without the settings of an account.
async fn run(sandbox: &Sandbox, code: &str) -> Finished {
    let names = ["API_URL", "LOGIN_URL", "CLIENT_ID", "CLIENT_SECRET", "CONVERSATION_ID"];
    let unset = names.map(|name| format!("unset GENESYS_{name}\n")).concat();
    sandbox.run(&(unset + code)).await
}

/// Returns a folder with the events of a call in `events.jsonl`.
async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new("+0 customer Ada: Hello\n+0 close").await;
    let options = Options { script: CALL.parse().unwrap(), ..Options::default() };
    let (_simulator, stream) = Simulator::start_with_events(options).await.unwrap();
    let events = fs::File::create(sandbox.folder.path().join("events.jsonl")).unwrap();
    stream.write(events).wait().await.unwrap();
    sandbox
}

fn texts(lines: &str) -> Vec<Value> {
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == "message").map(|line| line["text"].clone()).collect()
}

#[tokio::test]
async fn a_consumer_of_kafka_prints_the_lines_of_its_partitions() {
    let sandbox = sandbox().await;
    sandbox.add_program("kcat", "case \"$*\" in *'-G tails'*events) cat events.jsonl;; esac");
    let finished = run(&sandbox, &format!("HOSTNAME=a; {}", code("Kafka", 0))).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    assert_eq!(texts(&sandbox.read("lines-a.jsonl")), ["One", "Two"]);
}

#[tokio::test]
async fn events_get_their_conversation_as_the_key() {
    let sandbox = sandbox().await;
    if !has_jq(&sandbox).await {
        return;
    }
    sandbox.add_program("tail", "cat events.jsonl; echo '{\"detail-type\":\"v2.users.{id}.presence\",\"detail\":{}}'");
    sandbox.add_program("kcat", "cat > sent");
    let finished = run(&sandbox, &code("Events with keys", 0)).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let (sent, events) = (sandbox.read("sent"), sandbox.read("events.jsonl"));
    assert_eq!(sent.lines().count(), events.lines().count(), "the event of a user has no key");
    for (line, event) in sent.lines().zip(events.lines()) {
        let (key, value) = line.split_once('\t').unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(event).unwrap());
        assert_eq!(value["detail"]["eventBody"]["conversationId"], key);
    }
}

#[tokio::test]
async fn messages_of_sqs_are_deleted_after_they_are_in_the_file() {
    let sandbox = sandbox().await;
    if !has_jq(&sandbox).await {
        return;
    }
    fs::rename(sandbox.folder.path().join("events.jsonl"), sandbox.folder.path().join("feed")).unwrap();
    sandbox.add_program("aws", SQS);
    let finished = run(&sandbox, &code("SQS", 0)).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let receipts: Value = serde_json::from_str(&sandbox.read("deleted")).unwrap();
    let expected: Vec<Value> = (1..=sandbox.read("feed").lines().count())
        .map(|n| json!({"Id": n.to_string(), "ReceiptHandle": "r"}))
        .collect();
    assert_eq!(receipts["Entries"], Value::from(expected));
    let printed = run(&sandbox, "genesys-tail --events events.jsonl --json").await;
    assert_eq!(texts(&printed.stdout), ["One", "Two"], "{}", printed.stderr);
}

/// Delivers all messages once, refuses the next request, and accepts the receipts if the messages are in the file.
const SQS: &str = r#"case $2 in
receive-message)
  [ ! -e delivered ] || exit 1
  touch delivered
  jq -Rn '{Messages: [inputs | {Body: ., ReceiptHandle: "r"}] | to_entries | map(.value + {MessageId: "\(.key + 1)"})}' feed;;
delete-message-batch)
  [ "$(wc -l < events.jsonl)" = "$(wc -l < feed)" ] && cp receipts.json deleted;;
esac"#;

#[tokio::test]
async fn records_of_a_shard_of_kinesis_are_appended_to_its_file() {
    let sandbox = sandbox().await;
    if !has_jq(&sandbox).await {
        return;
    }
    sandbox.add_program("aws", KINESIS);
    let finished = run(&sandbox, &format!("SHARD=shard-0; {}", code("Kinesis", 1).replace("sleep 1", ":"))).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    assert_eq!(sandbox.read("shard-0.jsonl"), sandbox.read("events.jsonl"));
}

/// Delivers all records in one page, which is the last one of the shard.
const KINESIS: &str = r#"case $2 in
get-shard-iterator) echo first;;
get-records) [ "$4" = first ] && jq -Rn '{Records: [inputs | {Data: @base64}]}' events.jsonl;;
esac"#;

#[tokio::test]
async fn each_line_of_two_consumers_is_kept_once() {
    let sandbox = sandbox().await;
    if !has_jq(&sandbox).await {
        return;
    }
    let print = "genesys-tail --events events.jsonl --json";
    run(&sandbox, &format!("{print} > lines-1.jsonl; sed 1d lines-1.jsonl > lines-2.jsonl; {print} >> lines-2.jsonl"))
        .await;
    let finished = run(&sandbox, &code("Drop repeats", 0)).await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let parse =
        |file| -> Vec<Value> { sandbox.read(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let (lines, unique) = (parse("lines-1.jsonl"), parse("unique.jsonl"));
    assert_eq!(texts(&sandbox.read("unique.jsonl")), ["One", "Two"]);
    let keys = |lines: &[Value]| -> BTreeSet<String> { lines.iter().map(|line| line["id"].to_string()).collect() };
    assert_eq!(keys(&unique), keys(&lines));
}
