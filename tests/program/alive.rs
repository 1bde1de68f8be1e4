//! Connection lifecycle over real sockets: outages, closes, retries, renewal (CONN-1 to CONN-4, CONN-22 to CONN-30,
//! CONN-40, CONN-41, CONN-45).

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, RequestLog, Simulator, Sources, TranscriptSocket};

use crate::support::program::{
    Finished, Running, program, run, simulator, simulator_with, simulator_without_history, transcript_only_options,
    within_timeout,
};

const SCRIPT: &str = "+0 customer Ada: one\n+0 agent Sam: two\n+0 customer Ada: three\n+0 close";

/// Socket faults that cause an outage, each with the close code that the client sends.
const OUTAGES: [(&str, Option<u16>); 20] = [
    ("close=1002", Some(1002)),
    ("close=1003", Some(1003)),
    ("close=1005", Some(1005)),
    ("close=1006", None),
    ("close=1007", Some(1007)),
    ("close=1008", Some(1008)),
    ("close=1009", Some(1009)),
    ("close=1010", Some(1010)),
    ("close=1011", Some(1011)),
    ("close=1012", Some(1012)),
    ("close=1013", Some(1013)),
    ("close=3999", Some(3999)),
    ("close=4404", Some(4404)),
    ("reset", None),
    ("eof", None),
    ("bad-utf8", Some(1007)),
    ("oversize=70000", Some(1009)),
    ("oversize=70000,fragments=9", Some(1009)),
    ("reserved-bits", Some(1002)),
    ("masked", Some(1002)),
];

/// Runs to the end with this fault, without history. Every new connection repeats the earlier messages.
async fn run_with_fault(fault: &str, args: &[&str]) -> (Finished, RequestLog) {
    let simulator = simulator_without_history(SCRIPT, &["socket:replay", &format!("socket:{fault}")]).await;
    let finished = run(&simulator, &[&["--timestamps", "none"], args].concat()).await;
    (finished, simulator.request_log())
}

/// Returns the printed lines without label and sender.
fn texts(finished: &Finished) -> Vec<&str> {
    finished.stdout.lines().map(|line| line.split(": ").last().unwrap()).collect()
}

fn socket_tokens(log: &RequestLog) -> Vec<&str> {
    log.transcript_sockets.iter().map(|connection| connection.token.as_str()).collect()
}

#[tokio::test]
async fn every_outage_reconnects_and_repeats_no_message() {
    join_all(OUTAGES.iter().map(async |(outage, close_code)| {
        let (finished, log) = run_with_fault(&format!("{outage},after=2"), &["--max-frame-size", "65536"]).await;
        assert_eq!(finished.code, Some(0), "{outage}: {}", finished.stderr);
        let lines = texts(&finished);
        assert!(lines[2].starts_with("[GAP] "), "{outage}: {lines:?}");
        assert_eq!([&lines[..2], &lines[3..]].concat(), ["one", "two", "three", "[CLOSED] Conversation terminated"]);
        assert_eq!(log.transcript_sockets[0].close_code, *close_code, "{outage}");
        assert_eq!(log.transcript_sockets.len(), 2, "{outage}");
        let renewed = usize::from(*outage == "close=1008");
        assert_eq!(log.token_requests.len(), 1 + renewed, "{outage}: only 1008 renews the token");
        assert_eq!(socket_tokens(&log)[0] != socket_tokens(&log)[1], renewed == 1, "{outage}");
        assert!(finished.stderr.contains("retry 1 of 5 in "), "{outage}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn with_history_an_outage_loses_no_message_and_prints_no_gap() {
    join_all(OUTAGES.iter().map(async |(outage, close_code)| {
        let simulator = simulator("", &[]).await;
        let conversation = simulator.first_conversation();
        assert_no_message_is_missed(&simulator, outage, async || conversation.apply_fault(outage).await.unwrap()).await;
        let log = simulator.request_log();
        assert_eq!(log.transcript_sockets[0].close_code, *close_code, "{outage}");
        assert_eq!(log.transcript_sockets.len(), 2, "{outage}");
    }))
    .await;
}

#[tokio::test]
async fn every_close_of_the_notification_socket_reconnects_without_losing_a_message() {
    let normal_closes = [("close=1000", Some(1000)), ("close=1001", Some(1001))];
    join_all(normal_closes.iter().chain(&OUTAGES).map(async |(outage, close_code)| {
        let options = Options { sources: Sources::NotificationsOnly, ..Options::default() };
        let simulator = simulator_with("", &[], options).await;
        let fault = format!("notify:{outage}");
        let break_socket = async || simulator.apply_fault(&fault).await.unwrap();
        assert_no_message_is_missed(&simulator, outage, break_socket).await;
        let log = simulator.request_log();
        assert_eq!(log.notification_sockets[0].close_code, *close_code, "{outage}");
        assert_eq!((log.notification_sockets.len(), log.channels.len()), (2, 1), "{outage}: the channel is kept");
    }))
    .await;
}

/// Sends messages before and during an outage, ends the conversation during it, and asserts that each is printed once.
async fn assert_no_message_is_missed(simulator: &Simulator, outage: &str, break_socket: impl AsyncFnOnce()) {
    let conversation = simulator.first_conversation();
    let args = ["--timestamps", "none", "--max-frame-size", "65536"];
    let mut running = Running::start(&mut program(simulator, &args));
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() + log.open_notification_sockets() == 1))
        .await;
    for line in ["customer Ada: one", "agent Sam: two"] {
        conversation.play(line).await.unwrap();
        while running.next_line().await.starts_with("[UPDATE] ") {}
    }
    break_socket().await;
    running.wait_for_stderr("retry 1 of 5 in ").await;
    for line in ["customer Ada: three", "agent Sam: four", "close"] {
        conversation.play(line).await.unwrap();
    }
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{outage}: {}", finished.stderr);
    let lines: Vec<_> = texts(&finished).into_iter().filter(|line| !line.starts_with("[UPDATE] ")).collect();
    assert_eq!(lines, ["three", "four", "[CLOSED] Conversation terminated"], "{outage}: {}", finished.stderr);
    assert!(finished.stderr.contains(": 2 missed messages fetched\n"), "{outage}: {}", finished.stderr);
}

#[tokio::test]
async fn unusual_but_valid_frames_keep_the_connection() {
    for fault in ["fragmented,after=1", "binary,after=1", "ping=5ms", "oversize=50000,fragments=9"] {
        let (finished, log) = run_with_fault(fault, &["--max-frame-size", "65536"]).await;
        assert_eq!((finished.code, log.transcript_sockets.len()), (Some(0), 1), "{fault}: {}", finished.stderr);
    }
}

#[tokio::test]
async fn a_normal_close_ends_the_run_unless_follow_is_set() {
    for code in [1000, 1001] {
        let fault = format!("close={code},after=1");
        let (finished, log) = run_with_fault(&fault, &[]).await;
        assert_eq!((finished.code, texts(&finished)), (Some(0), vec!["one"]), "{}", finished.stderr);
        assert_eq!(log.transcript_sockets[0].close_code, Some(code), "the close is answered");
    }
    let (finished, log) = run_with_fault("close=1000,after=1", &["-F"]).await;
    assert_eq!((finished.code, texts(&finished).len(), log.transcript_sockets.len()), (Some(0), 5, 2));
    assert!(finished.stderr.contains("retry 1 in"), "without a limit: {}", finished.stderr);
}

#[tokio::test]
async fn giving_up_reports_the_last_close_code_and_reason() {
    for (close, code) in [(1008, 77), (1011, 69), (4000, 69)] {
        let (finished, log) =
            run_with_fault(&format!("close={close},reason=so be it,after=1"), &["--max-retries", "0"]).await;
        assert_eq!((finished.code, log.transcript_sockets.len()), (Some(code), 1), "{}", finished.stderr);
        assert!(finished.stderr.contains(&format!("connection lost: closed by the server with {close} (so be it)")));
    }
}

#[tokio::test]
async fn a_refusal_that_lasts_ends_the_run_despite_follow() {
    for source in ["transcript", "auto"] {
        let faults = ["socket:close=1001,after=1", "handshake:status=404,after=1,times=always"];
        let simulator = simulator_without_history(SCRIPT, &faults).await;
        let finished = run(&simulator, &["-F", "--source", source, "--max-retries", "2"]).await;
        assert_eq!(
            (finished.code, simulator.request_log().transcript_handshakes.len()),
            (Some(66), 3),
            "{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn a_silent_peer_is_reconnected_and_a_peer_that_answers_pings_is_not() {
    let times = ["--ping-interval", "100ms", "--idle-timeout", "400ms"];
    let (finished, log) = run_with_fault("silence,after=1", &times).await;
    assert_eq!((finished.code, log.transcript_sockets.len()), (Some(0), 2), "{}", finished.stderr);
    assert!(finished.stderr.contains("connection lost: no data for 400ms"), "{}", finished.stderr);
    assert!(log.transcript_sockets[0].pings >= 2, "{}", log.transcript_sockets[0].pings);
    let open_for = log.transcript_sockets[0].closed_at.unwrap() - log.transcript_sockets[0].opened_at;
    assert!((Duration::from_millis(300)..Duration::from_secs(2)).contains(&open_for), "{open_for:?}");

    let quiet = simulator("", &[]).await;
    let running = Running::start(&mut program(&quiet, &times));
    let log =
        within_timeout(quiet.wait_for(|log| log.transcript_sockets.first().is_some_and(|first| first.pings >= 10)))
            .await;
    assert_eq!(log.transcript_sockets.len(), 1, "pongs are activity");
    quiet.first_conversation().play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
}

#[tokio::test]
async fn a_refused_conversation_does_not_stop_the_others() {
    let options = Options { conversations: vec!["alpha".into(), "beta".into()], ..Options::default() };
    let simulator = simulator_with(SCRIPT, &["handshake:status=404,conversation=beta"], options).await;
    let ids = ["-c", "alpha", "-c", "beta", "alpha", "--timestamps", "none"];
    let finished = run(&simulator, &[&ids[..], &["--source", "transcript"]].concat()).await;
    assert_beta_is_refused(&finished);
    let log = simulator.request_log();
    assert_eq!((log.transcript_handshakes.len(), log.token_requests.len()), (2, 1), "a repeated id counts once");

    let options =
        Options { conversations: vec!["alpha".into()], sources: Sources::NotificationsOnly, ..Options::default() };
    let simulator = simulator_with(SCRIPT, &[], options).await;
    let finished = run(&simulator, &[&ids[..], &["--source", "notifications"]].concat()).await;
    assert_beta_is_refused(&finished);
    let log = simulator.request_log();
    assert_eq!((log.channels.len(), log.count_requests("GET /api/v2/conversations/beta")), (1, 1));
}

fn assert_beta_is_refused(finished: &Finished) {
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stdout.ends_with("alpha [CLOSED] Conversation terminated\n"), "{}", finished.stdout);
    assert!(finished.stderr.contains("error: beta: "), "{}", finished.stderr);
}

#[tokio::test]
async fn the_first_failure_decides_the_exit_code_and_every_line_has_a_prefix() {
    let conversations = vec!["alpha".into(), "beta".into(), "gamma".into()];
    let options = Options { conversations, ..transcript_only_options() };
    let faults = [
        "handshake:status=403,conversation=beta",
        "socket:eof,conversation=alpha,after=1",
        "handshake:status=404,conversation=alpha,after=1,times=always",
        "socket:eof,conversation=gamma,after=1",
    ];
    let simulator = simulator_with(SCRIPT, &faults, options).await;
    let finished = run(&simulator, &["alpha", "beta", "gamma", "--timestamps", "none", "--max-retries", "1"]).await;
    assert_eq!(finished.code, Some(77), "{}", finished.stderr);
    assert!(finished.stderr.contains("alpha: connection lost"), "{}", finished.stderr);
    assert!(finished.stderr.contains("2 of 3 conversations"), "{}", finished.stderr);
    let endings: Vec<_> =
        finished.stdout.lines().filter(|line| line.contains("[GAP]") || line.contains("[CLOSED]")).collect();
    let [gap, closed] = endings[..] else { panic!("{}", finished.stdout) };
    assert!(gap.starts_with("gamma [GAP] ") && closed.starts_with("gamma [CLOSED] "), "{endings:?}");
}

/// The fallback response to one conversation does not move the others, which have been connected, to notifications.
#[tokio::test]
async fn a_conversation_that_had_a_transcript_socket_reconnects_to_it() {
    let options = Options { conversations: vec!["alpha".into(), "beta".into()], ..transcript_only_options() };
    let fault = "handshake:status=404,conversation=beta,after=1,times=always";
    let simulator = simulator_with("", &[fault], options).await;
    let args = ["alpha", "beta", "--timestamps", "none", "--max-retries", "1"];
    let mut running = Running::start(&mut program(&simulator, &args));
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 2)).await;
    simulator.conversation("beta").unwrap().close(1011, "").await;
    running.wait_for_stderr("error: beta: ").await;
    let alpha = simulator.conversation("alpha").unwrap();
    alpha.close(1011, "").await;
    within_timeout(simulator.wait_for(|log| log.transcript_sockets.len() == 3 && log.open_transcript_sockets() == 1))
        .await;
    alpha.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(66), "{}", finished.stderr);
    assert!(finished.stdout.ends_with("alpha [CLOSED] Conversation terminated\n"), "{}", finished.stdout);
}

/// Its history is read at once, not only with the next event of the shared socket.
#[tokio::test]
async fn a_conversation_that_falls_back_later_is_read_at_once() {
    let options = Options { conversations: vec!["alpha".into(), "beta".into()], ..Options::default() };
    let faults = ["handshake:slow=1500ms,conversation=beta", "handshake:status=404,times=always"];
    let simulator = simulator_with("", &faults, options).await;
    simulator.conversation("beta").unwrap().play("customer Ada: Hello").await.unwrap();
    let mut running = Running::start(&mut program(&simulator, &["alpha", "beta", "--timestamps", "none"]));
    let start = tokio::time::Instant::now();
    assert_eq!(running.next_line().await, "beta [Customer] Ada: Hello");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[tokio::test]
async fn conversations_share_one_token_and_its_renewal() {
    let conversations: Vec<String> = ["alpha", "beta", "gamma"].map(String::from).to_vec();
    let options = Options { conversations: conversations.clone(), ..Options::default() };
    let simulator = simulator_with("", &["token:slow=100ms,times=always", "token:status=503"], options).await;
    let ids = conversations.iter().map(String::as_str).collect::<Vec<_>>();
    let running = Running::start(&mut program(&simulator, &ids));
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 3)).await;
    assert_eq!(simulator.request_log().token_requests.len(), 2);
    let retries = running.stderr().matches("retry 1 of 5").count();
    assert_eq!(retries, 3, "a failed token request fails every conversation that waits for it: {}", running.stderr());

    simulator.revoke_tokens();
    for id in &ids {
        simulator.conversation(id).unwrap().close(1011, "").await;
    }
    let log = within_timeout(
        simulator.wait_for(|log| log.open_transcript_sockets() == 3 && log.transcript_sockets.len() == 6),
    )
    .await;
    assert_eq!(log.token_requests.len(), 3, "a refused token is renewed once for all");
    for id in &ids {
        simulator.conversation(id).unwrap().play("close").await.unwrap();
    }
    assert_eq!(running.finish().await.code, Some(0));
}

/// A renewal is at least ten seconds after the sign-in, so one test covers all of its aspects.
#[tokio::test]
async fn a_token_renewal_opens_new_sockets_before_closing_the_old_and_does_not_change_the_output() {
    let conversations: Vec<String> = ["alpha", "beta"].map(String::from).to_vec();
    let options = Options { conversations: conversations.clone(), ..Options::default() };
    let faults = ["token:expires-in=1", "token:status=503,after=1", "handshake:slow=200ms,times=always"];
    let simulator = simulator_with("+0.02 agent Sam: {n}\nrepeat", &faults, options).await;
    let mut running = Running::start(&mut program(&simulator, &["alpha", "beta", "--timestamps", "none"]));

    let log = within_timeout(
        simulator.wait_for(|log| log.token_requests.len() == 2 && log.token_requests[1].status.is_some()),
    )
    .await;
    let waited = log.token_requests[1].at - log.token_requests[0].at;
    assert!((Duration::from_secs(10)..Duration::from_secs(15)).contains(&waited), "{waited:?}");
    running.wait_for_stderr("cannot renew the token: sign-in at ").await;
    assert_eq!(simulator.request_log().open_transcript_sockets(), 2, "a failed renewal leaves the old sockets open");

    let moved = |log: &RequestLog| log.transcript_sockets.len() == 4 && log.open_transcript_sockets() == 2;
    let log = within_timeout(simulator.wait_for(moved)).await;
    for id in &conversations {
        let [old, new] = sockets_of(&log, id)[..] else { panic!("two connections: {log:?}") };
        assert_eq!(old.close_code, Some(1000));
        assert!(old.closed_at.unwrap() > new.opened_at && old.token != new.token, "make before break");
        simulator.conversation(id).unwrap().play("close").await.unwrap();
    }
    assert_eq!(log.token_requests.len(), 3, "one renewal for both");
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(!finished.stdout.contains("[GAP]"));
    assert_eq!(finished.stderr.matches("cannot renew").count(), 1, "once for both: {}", finished.stderr);
    for id in &conversations {
        let numbers = printed_numbers(&finished, id);
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{id}: {numbers:?}");
        assert_eq!(numbers[0], 1);
    }
}

fn sockets_of<'a>(log: &'a RequestLog, conversation: &str) -> Vec<&'a TranscriptSocket> {
    log.transcript_sockets.iter().filter(|socket| socket.conversation == conversation).collect()
}

/// Returns the printed message numbers of this conversation.
fn printed_numbers(finished: &Finished, conversation: &str) -> Vec<u64> {
    let prefix = format!("{conversation} [Agent] Sam: ");
    finished.stdout.lines().filter_map(|line| line.strip_prefix(&prefix)?.parse().ok()).collect()
}

#[tokio::test]
async fn an_unusable_token_lifetime_causes_no_renewal() {
    let lifetimes = ["0", "-1", "1e99", "null", "\"soon\"", "[]", "0.001"];
    join_all(lifetimes.map(async |lifetime| {
        let simulator: Simulator = simulator("", &[&format!("token:expires-in={lifetime},times=always")]).await;
        let running = Running::start(&mut program(&simulator, &["--ping-interval", "100ms", "--idle-timeout", "1s"]));
        let pinged_five_times = |log: &RequestLog| log.transcript_sockets.first().is_some_and(|first| first.pings >= 5);
        let log = within_timeout(simulator.wait_for(pinged_five_times)).await;
        assert_eq!((log.token_requests.len(), log.transcript_sockets.len()), (1, 1), "{lifetime}");
        simulator.first_conversation().play("close").await.unwrap();
        assert_eq!(running.finish().await.code, Some(0), "{lifetime}");
    }))
    .await;
}

#[tokio::test]
async fn at_most_64_handshakes_run_at_the_same_time() {
    const MAX_CONCURRENT: usize = 64;
    let duration = Duration::from_secs(1);
    let conversations: Vec<String> = (0..MAX_CONCURRENT + 6).map(|number| format!("c{number}")).collect();
    let options = Options { conversations: conversations.clone(), ..Options::default() };
    let simulator = simulator_with("close", &["handshake:slow=1s,times=always"], options).await;
    let ids: Vec<&str> = conversations.iter().map(String::as_str).collect();
    let finished = run(&simulator, &ids).await;
    assert_eq!((finished.code, finished.stdout.matches("[CLOSED]").count()), (Some(0), MAX_CONCURRENT + 6));
    let starts: Vec<_> = simulator.request_log().transcript_handshakes.iter().map(|handshake| handshake.at).collect();
    let concurrent = |at| starts.iter().filter(|other| **other <= at && **other + duration > at).count();
    let max_concurrent = starts.iter().map(|at| concurrent(*at)).max();
    assert_eq!(max_concurrent, Some(MAX_CONCURRENT));
}

#[tokio::test]
async fn many_conversations_share_one_failing_sign_in() {
    let conversations: Vec<String> = (0..70).map(|number| format!("c{number}")).collect();
    let options = Options { conversations: conversations.clone(), ..Options::default() };
    let simulator = simulator_with("close", &["token:status=401,times=always"], options).await;
    let ids: Vec<&str> = conversations.iter().map(String::as_str).collect();
    let finished = run(&simulator, &ids).await;
    assert_eq!((finished.code, simulator.request_log().token_requests.len()), (Some(77), 1), "{}", finished.stderr);
}
