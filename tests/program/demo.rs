//! `--demo` and the other commands that need no account (CLI-48, CLI-60, CLI-84, CLI-5 to CLI-7, CLI-51).

use std::fs;
use std::time::Duration;

use crate::support::program::{Finished, Running, bare_program};
use serde_json::Value;
use tempfile::tempdir;
use tokio::time::Instant;

/// The demo's output with the transcript source. Notifications name the change in each update.
const CONVERSATION: &str = r"[Customer] Ada Marlow: Hello, I was charged twice in June 😟
[Bot] Quill: Hi Ada, what is it about? [quick replies: Billing | Delivery | Something else]
[Customer] Ada Marlow: Billing
[UPDATE] Conversation status changed
[Agent] Sam Okafor: Hi Ada, Sam here. Which invoice is it?
[Customer] Ada Marlow: Here it is [attachment: invoice-2041.pdf]
[Agent] Sam Okafor: Thank you. I see two payments:\n2 June  49.00 EUR\n2 June  49.00 EUR
[Customer] Ada Marlow: Exactly. My husband يوسف and my mother רות saw it too 👩‍👩‍👧
[Agent] Sam Okafor: I have refunded one of them. Anything else?
[Customer] Ada Marlow: No, thanks! \x1b[2J\x1b[31mred\x1b[0m\n03:04:05 [Agent] Sam Okafor: your PIN, please
[Agent] Sam Okafor: Nice try 🙂 Have a good day, Ada.
[CLOSED] Conversation terminated
";

/// Runs the demo in an environment of unusable settings, which it must ignore.
async fn demo(args: &[&str]) -> Finished {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join(".env"), "not a settings file\n").unwrap();
    let mut command = bare_program(&[&["--demo"], args].concat());
    command.current_dir(folder.path());
    let settings =
        ["GENESYS_REGION", "GENESYS_API_URL", "HTTPS_PROXY", "ALL_PROXY", "GENESYS_TAIL_LOG", "SSL_CERT_FILE"];
    command.envs(settings.map(|name| (name, "bogus://")));
    Running::start(&mut command).finish().await
}

/// Asserts the lines, apart from updates, and the status lines of an outage with this cause.
fn assert_text(finished: &Finished, cause: &str) {
    let without_updates =
        |lines: &str| -> String { lines.split_inclusive('\n').filter(|line| !line.starts_with("[UPDATE] ")).collect() };
    assert_eq!(without_updates(&finished.stdout), without_updates(CONVERSATION), "{}", finished.stderr);
    for words in ["connected to ", cause, "; retry 1 of 5", "reconnected to ", " missed messages fetched\n", "ended: "]
    {
        assert!(finished.stderr.contains(words), "{words:?} is not in: {}", finished.stderr);
    }
}

fn assert_json(finished: &Finished) {
    let types: Vec<String> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    let count = |wanted: &str| types.iter().filter(|found| *found == wanted).count();
    let counts = ["message", "update", "gap", "closed"].map(count);
    assert_eq!((counts, types.last().map(String::as_str)), ([10, 1, 0, 1], Some("closed")));
    assert_eq!(finished.stderr, "", "-q is quiet");
}

fn assert_raw(finished: &Finished) {
    let frames: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(frames.iter().all(|frame| frame["event"].is_string()));
    let copies_of_first = frames.iter().filter(|frame| frame["payload"]["id"] == frames[0]["payload"]["id"]).count();
    assert_eq!(copies_of_first, 2, "raw output contains the repeat after the reconnect");
}

#[tokio::test]
async fn the_demo_prints_a_conversation_with_a_reconnect_in_every_format() {
    let start = Instant::now();
    let (text, json, raw, notifications) = tokio::join!(
        demo(&["--timestamps", "none"]),
        demo(&["--json", "-q"]),
        demo(&["-o", "raw"]),
        demo(&["--timestamps", "none", "--source", "notifications"]),
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    for finished in [&text, &json, &raw, &notifications] {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    assert_text(&text, "connection lost: closed by the server with 1011");
    assert_eq!(text.stdout, CONVERSATION);
    assert_text(&notifications, "connection lost: closed by the server with 1001");
    assert!(notifications.stdout.contains("\n[UPDATE] Sam Okafor joined\n"), "{}", notifications.stdout);
    assert_json(&json);
    assert_raw(&raw);
}

#[tokio::test]
async fn a_closed_pipe_ends_the_demo_at_once_and_silently() {
    let start = Instant::now();
    let mut running = Running::start(&mut bare_program(&["--demo"]));
    for _ in 0..2 {
        assert!(running.next_line().await.contains("] "));
    }
    running.stdout.take();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.lines().count(), 1, "only the `connected` line: {}", finished.stderr);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn help_version_completions_schema_and_manual_need_no_settings() {
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    let completions = shells.map(|shell| (vec!["completions", shell], "max-retries"));
    let others = [
        (vec!["-h"], "Usage: genesys-tail [OPTIONS] [CONVERSATION]..."),
        (vec!["--help"], "genesys-tail 97b9"),
        (vec!["simulate", "--help"], "--token-lifetime"),
        (vec!["-V"], concat!("genesys-tail ", env!("CARGO_PKG_VERSION"), "\n")),
        (vec!["man"], ".TH GENESYS-TAIL 1"),
        (vec!["man", "errors"], ".TH GENESYS-TAIL-ERRORS 7"),
        (vec!["help"], "exit-codes"),
        (vec!["help", "settings"], "GENESYS_CLIENT_SECRET"),
        (vec!["help", "check"], "genesys-tail check"),
        (vec!["schema"], "draft/2020-12/schema"),
        (vec!["man"], "max\\-retries"),
    ];
    for (args, expected) in completions.into_iter().chain(others) {
        let finished = Running::start(bare_program(&args).env("GENESYS_REGION", "bogus")).finish().await;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(finished.stdout.contains(expected), "{args:?}: {}", finished.stdout);
        let mut closed = Running::start(&mut bare_program(&args));
        closed.stdout.take();
        let closed = closed.finish().await;
        assert_eq!((closed.code, closed.stderr.as_str()), (Some(0), ""), "{args:?} | head -0");
    }
}

#[tokio::test]
async fn the_demo_rejects_account_and_replay_flags() {
    for args in [["-c", "x"], ["--region", "us-east-1"], ["--client-id", "x"], ["--proxy", "x"], ["--replay", "x"]] {
        let finished = Running::start(&mut bare_program(&[&["--demo"][..], &args].concat())).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
    }
}
