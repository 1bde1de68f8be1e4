//! Absence of secrets from stdout, stderr, recordings, help and core dumps (SEC-1, SEC-5).

use crate::support::program::{Running, bare_program, program, simulator_with};
use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Sources};

const SCRIPT: &str = "+0 customer Ada: one\n+0 close";

#[tokio::test]
async fn no_stream_or_recording_contains_a_secret() {
    let cases = [Sources::TranscriptOnly, Sources::NotificationsOnly]
        .map(|sources| ["text", "json", "raw"].map(|format| (sources, format)));
    join_all(cases.into_iter().flatten().map(async |(sources, format)| {
        let options = Options { sources, ..Options::default() };
        let faults = ["token:echo=500", "handshake:echo=503", "rest:echo=503", "channel:echo=503"];
        let simulator = simulator_with(SCRIPT, &faults, options).await;
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("a.rec");
        let mut command = program(&simulator, &["-vv", "--max-retries", "9", "-o", format, "--record"]);
        let finished = Running::start(command.arg(&recording)).finish().await;
        assert_eq!(finished.code, Some(0), "{sources:?} {format}: {}", finished.stderr);
        let written = [finished.stdout, finished.stderr, std::fs::read_to_string(recording).unwrap()];
        let log = simulator.request_log();
        let tokens = log.token_requests.iter().filter_map(|request| request.token.clone());
        let channels = log.channels.iter().map(|channel| channel.id.clone());
        let secrets: Vec<String> = tokens.chain(channels).chain([simulator.client_secret().to_owned()]).collect();
        assert_eq!(log.channels.is_empty(), sources == Sources::TranscriptOnly);
        for secret in secrets {
            assert!(written.iter().all(|text| !text.contains(&secret)), "{sources:?} {format}: {secret}");
        }
    }))
    .await;
}

#[tokio::test]
async fn help_prints_no_value_of_a_variable() {
    for args in [
        ["-h"].as_slice(),
        &["--help"],
        &["check", "--help"],
        &["help", "settings"],
        &["man"],
        &["completions", "bash"],
    ] {
        let mut command = bare_program(args);
        for name in ["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYS_CLIENT_ID", "HTTPS_PROXY"] {
            command.env(name, "http://ada:hunter2@proxy.example");
        }
        let finished = Running::start(&mut command).finish().await;
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.stderr);
        assert!(!finished.stdout.contains("hunter2") && !finished.stderr.contains("hunter2"), "{args:?}");
    }
}

// Windows has no core files.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_crash_leaves_no_core_file() {
    let simulator = crate::support::program::simulator("", &[]).await;
    let mut running = Running::start(&mut program(&simulator, &[]));
    running.wait_for_stderr("connected").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.child.id().unwrap())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().next(), Some("0"), "{core}");
}
