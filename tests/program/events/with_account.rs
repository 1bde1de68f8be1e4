//! With credentials: the stream tells of conversations, which are followed, and calls get names (STR-2, STR-4).

use std::fs;

use chrono::Utc;
use genesys_tail::simulator::{Options, Simulator, Sources};
use serde_json::json;
use tempfile::tempdir;

use super::feed::{ONE, Piped, TWO, detail, event, lines, spoken_at};
use crate::support::program::{Finished, Running, path_str, program, refusing_socket, simulator_with, within_timeout};

/// Starts a simulator of a conversation of messages and a call.
async fn chat_and_call(faults: &[&str]) -> Simulator {
    let options = Options {
        conversations: vec![ONE.into(), TWO.into()],
        more_scripts: vec!["+0 call".parse().unwrap()],
        sources: Sources::NotificationsOnly,
        ..Options::default()
    };
    simulator_with("", faults, options).await
}

async fn play(simulator: &Simulator, id: &str, lines: &[&str]) {
    for line in lines {
        simulator.conversation(id).unwrap().play(line).await.unwrap();
    }
}

/// Starts the program with the settings of a simulator, without a conversation, and events from a pipe.
fn follow(simulator: &Simulator, args: &[&str]) -> Piped {
    let mut command = program(simulator, &[&["--events", "-", "--timestamps", "none"], args].concat());
    command.env_remove("GENESYS_CONVERSATION_ID");
    Piped::start_command(command)
}

/// Runs the program on a file of these events.
async fn run(simulator: &Simulator, feed: &str, args: &[&str]) -> Finished {
    let folder = tempdir().unwrap();
    let file = folder.path().join("events");
    fs::write(&file, feed).unwrap();
    let mut command = program(simulator, &[&["--events", path_str(&file), "--timestamps", "none"], args].concat());
    Running::start(command.env_remove("GENESYS_CONVERSATION_ID")).finish().await
}

fn said(id: &str, channel: &str, text: &str) -> String {
    lines(&[event(text, &spoken_at(id, channel, Utc::now().timestamp_millis(), text))])
}

fn mention(id: &str, name: &str, medium: &str) -> String {
    lines(&[event(name, &detail(id, name, medium, &json!({"eventTime": Utc::now().timestamp_millis()})))])
}

#[tokio::test]
async fn a_conversation_of_the_stream_is_followed_like_one_of_a_queue() {
    let simulator = chat_and_call(&[]).await;
    let mut piped = follow(&simulator, &[]);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    play(&simulator, ONE, &["customer Ada: Hello"]).await;
    piped.send(&mention(ONE, "customer.start", "MESSAGE")).await;
    assert_eq!(piped.running.next_line().await, "6f1c2d3e [Customer] Ada: Hello");
    piped.running.wait_for_stderr(&format!("joined {ONE}: Ada, web messaging")).await;
    play(&simulator, ONE, &["agent Sam: Hi"]).await;
    let mut line = piped.running.next_line().await;
    while line.contains("[UPDATE]") {
        line = piped.running.next_line().await;
    }
    assert_eq!(line, "6f1c2d3e [Agent] Sam: Hi");
    play(&simulator, ONE, &["close"]).await;
    while !line.contains("[CLOSED]") {
        line = piped.running.next_line().await;
    }
    piped.running.wait_for_stderr(&format!("ended {ONE}: Ada, web messaging")).await;
    piped.end_input();
    let finished = piped.running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("genesys-tail: end of input: "), "{}", finished.stderr);
}

#[tokio::test]
async fn utterances_of_the_stream_have_the_names_of_both_sides_and_come_once() {
    let simulator = chat_and_call(&[]).await;
    play(&simulator, TWO, &["customer Ada: unheard", "join agent Sam"]).await;
    let mut piped = follow(&simulator, &[]);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let hello = said(TWO, "EXTERNAL", "Hello.");
    piped.send(&format!("{hello}{hello}{}", said(TWO, "INTERNAL", "Good morning."))).await;
    for expected in ["7a2b3c4d [Customer] Ada: Hello.", "7a2b3c4d [Agent] Sam: Good morning."] {
        assert_eq!(piped.running.next_line().await, expected);
    }
    piped.end_input();
    let finished = piped.running.finish().await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let log = simulator.request_log();
    let topics: Vec<&String> = log.subscriptions.iter().flat_map(|subscription| &subscription.topics).collect();
    assert!(!topics.iter().any(|topic| topic.ends_with(".transcription")), "the stream brings it: {topics:?}");
}

#[tokio::test]
async fn at_the_end_of_a_file_everything_known_is_printed_before_the_exit() {
    let simulator = chat_and_call(&["rest:slow=300ms"]).await;
    let texts: Vec<String> = (0..300).map(|number| format!("customer Ada: {number}")).collect();
    play(&simulator, ONE, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let feed = mention(ONE, "user.start", "MESSAGE") + &said(TWO, "EXTERNAL", "Hello.");
    let finished = run(&simulator, &feed, &["-n", "all"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let messages = finished.stdout.lines().filter(|line| line.starts_with("6f1c2d3e [Customer] Ada: ")).count();
    assert_eq!((messages, finished.stdout.matches("Hello.").count()), (300, 1), "{}", finished.stderr);
    assert!(finished.stderr.contains("genesys-tail: end of input: 301 lines"), "{}", finished.stderr);
}

#[tokio::test]
async fn media_and_history_of_conversations_are_chosen() {
    let simulator = chat_and_call(&[]).await;
    play(&simulator, ONE, &["customer Ada: one", "customer Ada: two"]).await;
    play(&simulator, TWO, &["customer Ada: unheard"]).await;
    let feed = mention(ONE, "user.start", "MESSAGE") + &said(TWO, "EXTERNAL", "Hello.");
    let (two, hello) = ("6f1c2d3e [Customer] Ada: two\n", "7a2b3c4d [Customer] Ada: Hello.\n");
    for (args, expected) in [
        (&["--media", "call"][..], &[hello][..]),
        (&["--media", "message", "-n", "1"], &[two]),
        (&["-n", "1"], &[two, hello]),
    ] {
        let finished = run(&simulator, &feed, args).await;
        let mut lines: Vec<&str> = finished.stdout.split_inclusive('\n').collect();
        lines.sort_unstable();
        assert_eq!((finished.code, lines.as_slice()), (Some(0), expected), "{args:?} {}", finished.stderr);
    }
}

#[tokio::test]
async fn what_is_said_is_printed_while_the_service_is_out_of_reach() {
    let socket = refusing_socket();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let simulator = chat_and_call(&[]).await;
    let mut command = program(&simulator, &["--events", "-", "--timestamps", "none", "--max-retries", "unlimited"]);
    command.env_remove("GENESYS_CONVERSATION_ID").env("GENESYS_API_URL", &url).env("GENESYS_LOGIN_URL", &url);
    let mut piped = Piped::start_command(command);
    piped.running.wait_for_stderr("; retry 1 in ").await;
    piped.send(&said(TWO, "EXTERNAL", "Hello.")).await;
    assert_eq!(piped.running.next_line().await, "7a2b3c4d [Customer] Customer: Hello.");
}

#[tokio::test]
async fn refused_credentials_end_the_run_with_their_code() {
    let simulator = chat_and_call(&[]).await;
    let mut command = program(&simulator, &["--events", "-"]);
    command.env("GENESYS_CLIENT_SECRET", "wrong").env_remove("GENESYS_CONVERSATION_ID");
    let piped = Piped::start_command(command);
    let finished = piped.running.finish().await;
    assert_eq!(finished.code, Some(77), "{}", finished.stderr);
    assert!(finished.stderr.contains("genesys-tail: error: sign-in at "), "{}", finished.stderr);
}

#[tokio::test]
async fn a_refused_conversation_does_not_stop_the_others_and_decides_the_exit_code() {
    let simulator = chat_and_call(&[]).await;
    play(&simulator, ONE, &["customer Ada: Hello"]).await;
    let unknown = "00000000-0000-4000-8000-00000000dead";
    let feed = mention(unknown, "user.start", "MESSAGE") + &mention(ONE, "customer.start", "MESSAGE");
    let finished = run(&simulator, &feed, &[]).await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert_eq!(finished.stdout, "6f1c2d3e [Customer] Ada: Hello\n");
    assert!(finished.stderr.contains("no such conversation") || finished.stderr.contains("404"), "{}", finished.stderr);
}

#[tokio::test]
async fn after_a_restart_with_a_cursor_no_message_and_no_utterance_comes_twice() {
    let folder = tempdir().unwrap();
    let cursor = folder.path().join("cursor");
    let simulator = chat_and_call(&[]).await;
    play(&simulator, ONE, &["customer Ada: Hello"]).await;
    let feed = mention(ONE, "user.start", "MESSAGE") + &said(TWO, "EXTERNAL", "Good morning.");
    let args = ["--cursor-file", path_str(&cursor)];
    let mut runs = Vec::new();
    for _ in 0..2 {
        let finished = run(&simulator, &feed, &args).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        runs.push(finished.stdout.lines().count());
    }
    assert_eq!(runs, [2, 0]);
}
