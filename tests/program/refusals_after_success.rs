//! Refusals after a success: outages, on both sources, that end with their own exit code (R2, CONN-19, CONN-20, CONN-43, SRC-5).

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, RequestLog, Sources};

use crate::support::program::{Finished, run, simulator_with, transcript_only_options};

const SCRIPT: &str =
    "+0.2 customer Ada: one\n+0.4 agent Sam: two\n+0.4 customer Ada: three\n+0.4 customer Ada: four\n+0.4 close";

const TEXTS: [&str; 4] = ["one", "two", "three", "four"];

/// Each kind of refusal of a request, and its exit code if it lasts.
const REFUSALS: [(&str, i32); 9] = [
    ("status=400", 76),
    ("status=401", 77),
    ("status=403", 77),
    ("forbidden-page", 76),
    ("status=404", 66),
    ("status=410", 66),
    ("status=418", 76),
    ("status=501", 76),
    ("not-json", 76),
];

async fn run_with_faults(options: Options, faults: &[&str], args: &[&str]) -> (Finished, RequestLog) {
    run_script(SCRIPT, options, faults, args).await
}

async fn run_script(script: &str, options: Options, faults: &[&str], args: &[&str]) -> (Finished, RequestLog) {
    let simulator = simulator_with(script, faults, options).await;
    let finished = run(&simulator, &[&["--timestamps", "none"], args].concat()).await;
    (finished, simulator.request_log())
}

fn texts(finished: &Finished) -> Vec<&str> {
    finished.stdout.lines().filter_map(|line| line.split_once(": ")).map(|(_, text)| text).collect()
}

fn notifications_only() -> Options {
    Options { sources: Sources::NotificationsOnly, ..Options::default() }
}

fn assert_survived(finished: &Finished, case: &str) {
    assert_eq!(finished.code, Some(0), "{case}: {}", finished.stderr);
    // A body that is missing for a while delays no other message (NTF-12).
    let (mut printed, mut expected) = (texts(finished), TEXTS);
    if case.contains("/bulk") {
        printed.sort_unstable();
        expected.sort_unstable();
    }
    assert_eq!(printed, expected, "{case}: {}\n{}", finished.stdout, finished.stderr);
    assert!(!finished.stderr.contains("using notifications"), "{case}: {}", finished.stderr);
}

#[tokio::test]
async fn a_handshake_that_is_refused_after_a_success_is_retried_and_never_selects_notifications() {
    let further = ["ok", "bad-accept", "redirect=302", "status=405", "status=426"].map(|fault| (fault, 76));
    let cases = REFUSALS.into_iter().chain(further);
    join_all(cases.flat_map(|case| ["transcript", "auto"].map(|source| (case.0, source))).map(
        async |(fault, source)| {
            let fault = format!("handshake:{fault},after=1,times=2");
            let faults = ["socket:reset,after=2", fault.as_str()];
            let (finished, log) = run_with_faults(Options::default(), &faults, &["--source", source]).await;
            assert_survived(&finished, &format!("{fault} {source}"));
            assert_eq!((log.transcript_handshakes.len(), log.channels.len()), (4, 0), "{fault} {source}");
        },
    ))
    .await;
}

#[tokio::test]
async fn a_handshake_that_stays_refused_ends_with_its_own_exit_code_after_the_retries() {
    join_all(REFUSALS.map(async |(fault, code)| {
        let fault = format!("handshake:{fault},after=1,times=always");
        let faults = ["socket:reset,after=2", fault.as_str()];
        let (finished, log) = run_with_faults(transcript_only_options(), &faults, &["--max-retries", "2"]).await;
        assert_eq!(finished.code, Some(code), "{fault}: {}", finished.stderr);
        assert!(finished.stderr.contains("gave up after 3 attempts in a row"), "{fault}: {}", finished.stderr);
        assert!(log.channels.is_empty(), "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn a_read_or_subscription_that_is_refused_after_a_success_is_repeated() {
    let paths = [
        "rest:FAULT,path=GET /api/v2/conversations/,after=2,times=2",
        "rest:FAULT,path=/messages/bulk,after=1,times=2",
        "channel:FAULT,path=/subscriptions,after=1,times=1",
    ];
    let cases = paths.into_iter().flat_map(|path| REFUSALS.map(|(fault, _)| path.replace("FAULT", fault)));
    join_all(cases.map(async |fault| {
        let (finished, _) = run_with_faults(notifications_only(), &[&fault], &["--source", "notifications"]).await;
        assert_survived(&finished, &fault);
    }))
    .await;
}

#[tokio::test]
async fn a_channel_that_is_refused_after_a_success_is_an_outage() {
    let cases =
        ["status=401,times=3", "status=401,times=6", "status=403,times=2", "not-json,times=2", "status=400,times=2"];
    join_all(cases.map(async |fault| {
        let fault = format!("rest:{fault},path=/notifications/channels,after=2");
        let faults = ["notify:reset,after=4", fault.as_str()];
        let (finished, _) = run_with_faults(notifications_only(), &faults, &["--source", "notifications"]).await;
        assert_survived(&finished, &fault);
    }))
    .await;
}

#[tokio::test]
async fn a_read_that_stays_refused_ends_with_its_own_exit_code_after_the_retries() {
    let cases = [("status=403", 77), ("status=404", 66), ("status=401", 77), ("forbidden-page", 76)];
    join_all(cases.map(async |(fault, code)| {
        let fault = format!("rest:{fault},path=GET /api/v2/conversations/,after=1,times=always");
        let args = ["--source", "notifications", "--max-retries", "1"];
        let (finished, _) = run_script("+0.2 customer Ada: one", notifications_only(), &[&fault], &args).await;
        assert_eq!(finished.code, Some(code), "{fault}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_sign_in_that_is_refused_after_a_success_is_an_outage_and_ends_with_its_own_exit_code() {
    for (times, code) in [("2", 0), ("always", 77)] {
        let cases = [("transcript", "socket:forbid,after=2"), ("notifications", "notify:revoke,after=4")];
        join_all(cases.map(async |(source, revoked)| {
            let fault = format!("token:status=401,after=1,times={times}");
            let args = ["--source", source, "--max-retries", "3"];
            let (finished, log) = run_with_faults(Options::default(), &[revoked, &fault], &args).await;
            assert_eq!(finished.code, Some(code), "{revoked} {times}: {}", finished.stderr);
            assert!(log.token_requests.len() >= 4, "{revoked} {times}");
            if code == 0 {
                assert!(finished.stdout.contains("four"), "{}", finished.stdout);
            }
        }))
        .await;
    }
}
