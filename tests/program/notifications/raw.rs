//! Raw output and recordings of notifications (OUT-35, OUT-36, HIST-15, HIST-16, SEC-1).

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::Options;
use tempfile::tempdir;

use super::{SCRIPT, api_simulator, notifications_only, run_to_end, scripted_simulator, start};
use crate::support::program::{Running, bare_program, simulator_with};

async fn replay(path: &Path, args: &[&str]) -> String {
    let args = [&["--replay", path.to_str().unwrap()], args].concat();
    let finished = Running::start(&mut bare_program(&args)).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

/// The revocation follows the fifth event: so many detail events come even if the topics of queues and agents are subscribed
/// only when the script has ended.
#[tokio::test]
async fn a_replay_prints_the_same_bytes_in_every_format() {
    let formats: [&[&str]; 4] = [&["--system"], &["--json", "--system"], &["-o", "raw"], &["-o", "raw", "--system"]];
    join_all(formats.map(async |format| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.rec");
        let simulator = scripted_simulator("billing", 20.0, &["notify:revoke,after=5"]).await;
        let record = ["--record", path.to_str().unwrap(), "--ping-interval", "150ms"];
        let (finished, log) = run_to_end(&simulator, &[format, &record].concat()).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(replay(&path, &[format, &["--timestamps", "none"]].concat()).await, finished.stdout);
        let recorded = std::fs::read_to_string(&path).unwrap();
        for channel in &log.channels {
            assert!(!recorded.contains(&channel.id), "a channel id gives access to its events");
        }
        assert!(recorded.contains("[channel]") && recorded.contains("Good afternoon"));
    }))
    .await;
}

#[tokio::test]
async fn raw_output_prints_frames_as_received_and_heartbeats_only_with_system() {
    join_all([false, true].map(async |system| {
        let options = Options { heartbeat_interval: Duration::from_millis(50), ..notifications_only() };
        let simulator = simulator_with(SCRIPT, &["notify:unknown,after=1", "notify:malformed,after=1"], options).await;
        let format: &[&str] = if system { &["-o", "raw", "--system"] } else { &["-o", "raw"] };
        let (finished, log) = run_to_end(&simulator, &[format, &["--ping-interval", "100ms"]].concat()).await;
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
async fn no_output_or_recording_contains_a_secret_or_channel_id() {
    let fault_sets: &[&[&str]] = &[
        &["channel:evict,after=2", "notify:revoke,after=2,skip=1"],
        &["channel:expire,after=1", "notify:close=1011,reason=streaming,skip=1"],
        &["rest:echo=503,path=/bulk", "rest:redirect,path=/bulk,after=1"],
        &["channel:echo=403"],
        &["rest:echo=403"],
    ];
    join_all(fault_sets.iter().map(async |faults| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.rec");
        let simulator = api_simulator(SCRIPT, faults).await;
        let args = ["-vv", "-o", "raw", "--system", "--record", path.to_str().unwrap()];
        let (finished, log) = run_to_end(&simulator, &args).await;
        let tokens = log.token_requests.iter().filter_map(|request| request.token.clone());
        let channels = log.channels.iter().map(|channel| channel.id.clone());
        let secrets: Vec<String> = tokens.chain(channels).chain([simulator.client_secret().to_owned()]).collect();
        assert!(secrets.len() >= 2);
        let recorded = std::fs::read_to_string(&path).unwrap_or_default();
        for text in [&finished.stdout, &finished.stderr, &recorded] {
            let leak = secrets.iter().find(|secret| text.contains(secret.as_str()));
            assert_eq!(leak, None, "{faults:?}: {text}");
            assert!(!text.contains("ws://"), "{faults:?}: {text}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_channel_id_in_a_frame_is_redacted() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start(&simulator, &["-o", "raw"]).await;
    let channel = simulator.request_log().channels[0].id.clone();
    simulator.send_notification(format!(r#"{{"topicName":"v2.system.hello.{channel}","eventBody":null}}"#)).await;
    assert_eq!(running.next_line().await, r#"{"topicName":"v2.system.hello.[channel]","eventBody":null}"#);
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains(&channel));
}
