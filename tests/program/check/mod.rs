//! `genesys-tail check`: one line per step with its remedy, and the exit code of the first failure (CHK-1 to CHK-3).

mod conversations;
mod network;
mod outages;
mod permissions;
mod sign_in;
// Windows has no signals and no device that is always full.
#[cfg(unix)]
mod unix;

use genesys_tail::simulator::{Options, Simulator};

use crate::support::program::{Finished, run, simulator, simulator_with, within_timeout};

/// A conversation with a queue and an agent, which starts with the first connection.
const SCRIPT: &str = "+0 customer Ada: Hello\n+0 join agent Sam Okafor\n+0 agent Sam Okafor: Hi\n+60 close";

/// Runs `check` and asserts that its output is well-formed.
async fn check(simulator: &Simulator, args: &[&str]) -> Finished {
    let finished = run(simulator, &[&["check"], args].concat()).await;
    assert_well_formed(simulator, &finished);
    finished
}

/// Asserts one line per step, an empty standard error and no secret in the output.
fn assert_well_formed(simulator: &Simulator, finished: &Finished) {
    assert_eq!(finished.stderr, "", "{}", finished.stdout);
    for line in finished.stdout.lines() {
        assert!(["ok    ", "warn  ", "fail  "].iter().any(|verdict| line.starts_with(verdict)), "{line:?}");
    }
    let log = simulator.request_log();
    let tokens = log.token_requests.iter().filter_map(|request| request.token.as_deref());
    let channels = log.channels.iter().map(|channel| channel.id.as_str());
    for secret in tokens.chain(channels).chain([simulator.client_secret()]) {
        assert!(!finished.stdout.contains(secret), "{secret} is in {}", finished.stdout);
    }
    assert!(
        log.channels.len() <= log.token_requests.len(),
        "channels cannot be deleted, so each check creates at most one"
    );
}

/// Returns the only line with this status, but for a target that was not read for the same reason.
fn only_line<'a>(finished: &'a Finished, status: &str) -> &'a str {
    let lines: Vec<&str> =
        finished.stdout.lines().filter(|line| line.starts_with(status) && !line.contains(": not read; see ")).collect();
    let [line] = lines.as_slice() else { panic!("not one {status} in {}", finished.stdout) };
    line
}

fn assert_no_line(finished: &Finished, status: &str) {
    assert!(!finished.stdout.lines().any(|line| line.starts_with(status)), "{status} in {}", finished.stdout);
}

/// Checks a simulator with these faults and returns the only line that is not `ok`.
async fn finding(faults: &[&str], args: &[&str], code: i32, status: &str) -> String {
    let simulator = simulator(SCRIPT, faults).await;
    let finished = check(&simulator, args).await;
    assert_eq!(finished.code, Some(code), "{faults:?} {args:?}: {}", finished.stdout);
    let other = if status == "warn" { "fail" } else { "warn" };
    assert_no_line(&finished, other);
    only_line(&finished, status).to_owned()
}

/// Starts a simulator whose conversation already has a customer, a queue and an agent.
async fn simulator_with_agent(faults: &[&str]) -> Simulator {
    let simulator = simulator("", faults).await;
    let conversation = simulator.first_conversation();
    for line in ["customer Ada: Hello", "join agent Sam Okafor", "agent Sam Okafor: Hi"] {
        conversation.play(line).await.unwrap();
    }
    simulator
}

#[tokio::test]
async fn every_step_is_ok_without_faults() {
    let simulator = simulator_with_agent(&[]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert_no_line(&finished, "warn");
    assert_no_line(&finished, "fail");
    let conversation = simulator.first_conversation();
    let conversation = format!("target conversation {}: open, 3 participants, 2 messages", conversation.id());
    for step in [
        &format!("settings: client id {}, API {}/, sign-in http", simulator.client_id(), simulator.base_url()),
        "host 127.0.0.1:",
        "clock within 1 min of 127.0.0.1:",
        "sign-in at 127.0.0.1:",
        "; the token is valid for 24 h\n",
        "transcript endpoint: socket opened and closed",
        "permission conversation:communication:view: granted",
        "permission conversation:message:view or conversation:webmessaging:view",
        "permission analytics:conversationDetail:view",
        "channel: created and found",
        "channel: socket at 127.0.0.1:",
        "topics for queue messages: 1 subscribed; needs routing:queue:view",
        "topics for agent messages: 1 subscribed; needs conversation:communication:view",
        "topics for joins and leaves: 4 subscribed; needs analytics:conversationDetail:view",
        "topics for calls: offered, not subscribed: no call yet; needs conversation:transcription:view",
        conversation.as_str(),
    ] {
        assert!(finished.stdout.contains(step), "{step:?} is not in {}", finished.stdout);
    }
}

#[tokio::test]
async fn check_closes_its_sockets_and_leaves_one_channel() {
    let simulator = simulator_with_agent(&[]).await;
    check(&simulator, &[]).await;
    let log =
        within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() + log.open_notification_sockets() == 0))
            .await;
    assert_eq!((log.token_requests.len(), log.channels.len()), (1, 1));
    assert_eq!(
        (log.transcript_sockets[0].close_code, log.notification_sockets[0].close_code),
        (Some(1000), Some(1000))
    );
    assert_eq!(log.unrouted_requests.len(), 0, "{:?}", log.unrouted_requests);
    let mut subscriptions = log.requests.iter().filter(|request| request.path.ends_with("/subscriptions"));
    assert!(subscriptions.all(|request| request.query == "ignoreErrors=true"));
    let topics = &log.subscriptions[0].topics;
    assert_eq!(topics.len(), 6, "{topics:?}");

    // Dropping a connection with unread data resets it, and the close frame would be lost.
    let busy = simulator_with("", &["socket:burst=20000"], Options::default()).await;
    check(&busy, &[]).await;
    let log = within_timeout(busy.wait_for(|log| log.open_transcript_sockets() == 0)).await;
    assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
}

#[tokio::test]
async fn standard_error_contains_no_channel_id() {
    let simulator = simulator_with_agent(&[]).await;
    let finished = run(&simulator, &["check", "-vv", "--log-format", "json"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(finished.stderr.contains("/api/v2/notifications/channels/[channel]"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(&simulator.request_log().channels[0].id), "{}", finished.stderr);
}

#[tokio::test]
async fn the_topic_errors_shows_lines_that_check_prints() {
    let simulator = simulator_with_agent(&["transcript:absent", "rest:deny=conversation:communication:view"]).await;
    let finished = check(&simulator, &[]).await;
    let host = simulator.base_url().trim_start_matches("http://");
    let parenthesized = regex::Regex::new(r"(40\d) \((?:[^()]|\([^()]*\))*\)").unwrap();
    let printed = parenthesized.replace_all(&finished.stdout, "$1 (…)").replace(host, "HOST");
    let topic = include_str!("../../../src/help/errors.md")
        .replace("\n      ", " ")
        .replace("login.mypurecloud.ie", "HOST")
        .replace("api.mypurecloud.ie", "HOST");
    let shown: Vec<&str> = topic
        .lines()
        .filter(|line| ["ok  ", "warn  ", "fail  "].iter().any(|verdict| line.starts_with(verdict)))
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    for line in shown {
        assert!(printed.lines().any(|printed| printed == line), "{line:?} is not in {printed}");
    }
}
