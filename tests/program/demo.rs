//! `genesys-tail --demo`, and what else needs no account: contract section 6.

use std::fs;
use std::time::Duration;

use crate::support::program::{Finished, Running, bare_program};
use serde_json::Value;
use tempfile::tempdir;
use tokio::time::Instant;

/// What the demo prints; over notifications an update says what has changed.
const CONVERSATION: &str = r"[Customer] Ada Marlow: Hello, I was charged twice in June 😟
[Bot] Quill: Hi Ada, what is it about? [quick reply: Billing] [quick reply: Delivery] [quick reply: Something else]
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

async fn demo(args: &[&str]) -> Finished {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join(".env"), "this is no settings file\n").unwrap();
    let mut command = bare_program(&[&["--demo"], args].concat());
    command.current_dir(folder.path());
    let settings =
        ["GENESYS_REGION", "GENESYS_API_URL", "HTTPS_PROXY", "ALL_PROXY", "GENESYS_TAIL_LOG", "SSL_CERT_FILE"];
    command.envs(settings.map(|name| (name, "bogus://")));
    Running::start(&mut command).finish().await
}

fn assert_text(finished: &Finished, loss: &str) {
    let told =
        |lines: &str| -> String { lines.split_inclusive('\n').filter(|line| !line.starts_with("[UPDATE] ")).collect() };
    assert_eq!(told(&finished.stdout), told(CONVERSATION), "{}", finished.stderr);
    for words in ["connected to ", loss, "; retry 1 of 5", "reconnected to ", " missed messages fetched\n", "ended: "] {
        assert!(finished.stderr.contains(words), "{words:?} is not in: {}", finished.stderr);
    }
}

fn assert_json(finished: &Finished) {
    let types: Vec<String> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    let count = |kind: &str| types.iter().filter(|one| *one == kind).count();
    let counts = ["message", "update", "gap", "closed"].map(count);
    assert_eq!((counts, types.last().map(String::as_str)), ([10, 1, 0, 1], Some("closed")));
    assert_eq!(finished.stderr, "", "-q is quiet");
}

fn assert_raw(finished: &Finished) {
    let frames: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(frames.iter().all(|frame| frame["event"].is_string()));
    let first = frames.iter().filter(|frame| frame["payload"]["id"] == frames[0]["payload"]["id"]).count();
    assert_eq!(first, 2, "every frame as received: the first comes again after the reconnect");
}

#[tokio::test]
async fn it_shows_a_conversation_and_a_reconnect_in_every_form_whatever_is_set() {
    let start = Instant::now();
    let (text, json, raw, notified) = tokio::join!(
        demo(&["--timestamps", "none"]),
        demo(&["--json", "-q"]),
        demo(&["-o", "raw"]),
        demo(&["--timestamps", "none", "--source", "notifications"]),
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    for finished in [&text, &json, &raw, &notified] {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    assert_text(&text, "closed by the server with 1011");
    assert_eq!(text.stdout, CONVERSATION);
    assert_text(&notified, "closed by the server with 1001");
    assert!(notified.stdout.contains("\n[UPDATE] Sam Okafor joined\n"), "{}", notified.stdout);
    assert_json(&json);
    assert_raw(&raw);
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_it_at_once_and_in_silence() {
    let start = Instant::now();
    let mut running = Running::start(&mut bare_program(&["--demo"]));
    for _ in 0..2 {
        assert!(running.next_line().await.contains("] "));
    }
    running.stdout.take();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.lines().count(), 1, "only that it was connected: {}", finished.stderr);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn help_version_completions_and_the_manual_need_nothing() {
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    let completions = shells.map(|shell| (vec!["completions", shell], "max-retries"));
    let others = [
        (vec!["-h"], "Usage: genesys-tail [OPTIONS] [CONVERSATION]..."),
        (vec!["--help"], "genesys-tail -c 97b9"),
        (vec!["simulate", "--help"], "--token-lifetime"),
        (vec!["-V"], concat!("genesys-tail ", env!("CARGO_PKG_VERSION"), "\n")),
        (vec!["man"], ".TH GENESYS-TAIL 1"),
        (vec!["schema"], "draft/2020-12/schema"),
        (vec!["man"], "max\\-retries"),
    ];
    for (args, words) in completions.into_iter().chain(others) {
        let finished = Running::start(bare_program(&args).env("GENESYS_REGION", "bogus")).finish().await;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(finished.stdout.contains(words), "{args:?}: {}", finished.stdout);
        let mut left = Running::start(&mut bare_program(&args));
        left.stdout.take();
        let left = left.finish().await;
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{args:?} | head -0");
    }
}

#[tokio::test]
async fn what_an_account_needs_does_not_go_with_it() {
    for args in [["-c", "x"], ["--region", "us-east-1"], ["--client-id", "x"], ["--proxy", "x"], ["--replay", "x"]] {
        let finished = Running::start(&mut bare_program(&[&["--demo"][..], &args].concat())).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
    }
}
