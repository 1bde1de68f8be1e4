//! What is shown and recorded of frames, and what is never shown.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::Options;
use tempfile::tempdir;

use crate::notifications::{TALK, api, named, published, tail};
use crate::support::program::{Running, bare_program, program, simulator_with, within_timeout};

async fn replay(path: &Path, args: &[&str]) -> String {
    let args = [&["--replay", path.to_str().unwrap()], args].concat();
    let finished = Running::start(&mut bare_program(&args)).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

#[tokio::test]
async fn a_recording_gives_the_same_bytes_again_in_every_style() {
    let styles: [&[&str]; 4] = [&["--system"], &["--json", "--system"], &["-o", "raw"], &["-o", "raw", "--system"]];
    join_all(styles.map(async |style| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.rec");
        let simulator = named("billing", 20.0, &["notify:revoke,after=9"]).await;
        let record = ["--record", path.to_str().unwrap(), "--ping-interval", "150ms"];
        let (finished, log) = tail(&simulator, &[style, &record].concat()).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(replay(&path, &[style, &["--timestamps", "none"]].concat()).await, finished.stdout);
        let recorded = std::fs::read_to_string(&path).unwrap();
        for channel in &log.channels {
            assert!(!recorded.contains(&channel.id), "whoever has it can listen");
        }
        assert!(recorded.contains("[channel]") && recorded.contains("Good afternoon"));
    }))
    .await;
}

#[tokio::test]
async fn raw_lines_are_frames_as_they_came_and_signs_of_life_only_with_the_system() {
    join_all([false, true].map(async |system| {
        let options = Options { heartbeat_interval: Duration::from_millis(50), ..published() };
        let simulator = simulator_with(TALK, &["notify:unknown,after=1", "notify:malformed,after=1"], options).await;
        let style: &[&str] = if system { &["-o", "raw", "--system"] } else { &["-o", "raw"] };
        let (finished, log) = tail(&simulator, &[style, &["--ping-interval", "100ms"]].concat()).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let lines: Vec<_> = finished.stdout.lines().collect();
        let count = |word: &str| lines.iter().filter(|line| line.contains(word)).count();
        assert_eq!(count("Heartbeat") > 5, system, "{}", finished.stdout);
        assert_eq!(count("\"pong\"") > 3, system);
        let events = u64::try_from(count("conversations.messages") + count("v2.detail.")).unwrap();
        assert_eq!(events, log.notification_sockets[0].events + 1);
        assert_eq!((count("v2.tea.ready"), lines.iter().filter(|line| **line == "null").count()), (1, 1));
        assert!(!finished.stdout.contains("[GAP]") && count("[CLOSED]") == 0);
    }))
    .await;
}

#[tokio::test]
async fn no_secret_and_no_channel_is_ever_shown() {
    let faults: &[&[&str]] = &[
        &["channel:evict,after=2", "notify:revoke,after=2,skip=1"],
        &["channel:expire,after=1", "notify:close=1011,reason=streaming,skip=1"],
        &["rest:echo=503,path=/bulk", "rest:redirect,path=/bulk,after=1"],
        &["channel:echo=403"],
        &["rest:echo=403"],
    ];
    join_all(faults.iter().map(async |faults| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.rec");
        let simulator = api(TALK, faults).await;
        let args = ["-vv", "-o", "raw", "--system", "--record", path.to_str().unwrap()];
        let (finished, log) = tail(&simulator, &args).await;
        let tokens = log.token_requests.iter().filter_map(|request| request.token.clone());
        let channels = log.channels.iter().map(|channel| channel.id.clone());
        let secrets: Vec<String> = tokens.chain(channels).chain([simulator.client_secret().to_owned()]).collect();
        assert!(secrets.len() >= 2);
        let recorded = std::fs::read_to_string(&path).unwrap_or_default();
        for shown in [&finished.stdout, &finished.stderr, &recorded] {
            let leak = secrets.iter().find(|secret| shown.contains(secret.as_str()));
            assert_eq!(leak, None, "{faults:?}: {shown}");
            assert!(!shown.contains("ws://"), "{faults:?}: {shown}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_channel_is_struck_out_of_frames() {
    let simulator = api("", &[]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "-o", "raw"]));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let channel = simulator.request_log().channels[0].id.clone();
    simulator.send_notification(format!(r#"{{"topicName":"v2.system.hello.{channel}","eventBody":null}}"#)).await;
    assert_eq!(tail.next_line().await, r#"{"topicName":"v2.system.hello.[channel]","eventBody":null}"#);
    simulator.first_conversation().play("close").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains(&channel));
}
