//! `genesys-tail check`: a line a step, how to mend what is wrong, and the exit code of the first failure.

mod conversations;
mod network;
mod permissions;
mod sign_in;

use genesys_tail::simulator::{Options, Simulator};

use crate::support::program::{Finished, Running, program, run, simulator, simulator_with, within_timeout};

/// A conversation that a queue and an agent have to do with before anybody listens.
const TALK: &str = "+0 customer Ada: Hello\n+0 join agent Sam Okafor\n+0 agent Sam Okafor: Hi\n+60 close";

/// Runs a check and holds it to what is true of each: a line a step, nothing on standard error, no secret.
async fn check(simulator: &Simulator, args: &[&str]) -> Finished {
    let finished = run(simulator, &[&["check"], args].concat()).await;
    assert_proper(simulator, &finished);
    finished
}

fn assert_proper(simulator: &Simulator, finished: &Finished) {
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
    assert!(log.channels.len() <= log.token_requests.len(), "a channel cannot be deleted: one for each check");
}

/// The only line with this verdict.
fn only<'a>(finished: &'a Finished, verdict: &str) -> &'a str {
    let lines: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with(verdict)).collect();
    let [line] = lines.as_slice() else { panic!("not one {verdict} in {}", finished.stdout) };
    line
}

fn lacks(finished: &Finished, verdict: &str) {
    assert!(!finished.stdout.lines().any(|line| line.starts_with(verdict)), "{verdict} in {}", finished.stdout);
}

/// Checks a simulator with these faults, and returns the only line that is not `ok`.
async fn finds(faults: &[&str], args: &[&str], code: i32, verdict: &str) -> String {
    let simulator = simulator(TALK, faults).await;
    let finished = check(&simulator, args).await;
    assert_eq!(finished.code, Some(code), "{faults:?} {args:?}: {}", finished.stdout);
    let other = if verdict == "warn" { "fail" } else { "warn" };
    lacks(&finished, other);
    only(&finished, verdict).to_owned()
}

/// A conversation in which everybody is there already.
async fn under_way(faults: &[&str]) -> Simulator {
    let simulator = simulator("", faults).await;
    let conversation = simulator.first_conversation();
    for act in ["customer Ada: Hello", "join agent Sam Okafor", "agent Sam Okafor: Hi"] {
        conversation.play(act).await.unwrap();
    }
    simulator
}

#[tokio::test]
async fn where_all_is_well_every_step_is_ok() {
    let simulator = under_way(&[]).await;
    let finished = check(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    lacks(&finished, "warn");
    lacks(&finished, "fail");
    let conversation = simulator.first_conversation();
    let conversation = format!("conversation {}: messages, open, ", conversation.id());
    for step in [
        &format!("settings: client {}, API at {}/, sign-in at", simulator.client_id(), simulator.base_url()),
        "api and login host 127.0.0.1:",
        "clock agrees with that of 127.0.0.1:",
        "signed in at 127.0.0.1:",
        "a token is renewed after 21h 36m",
        "transcript socket opens",
        "permission conversation:communication:view",
        "permission conversation:message:view or conversation:webmessaging:view",
        "permission analytics:conversationDetail:view",
        "notification channel made and found again",
        "notification socket of 127.0.0.1:",
        "topics for queue messages: 1 topic subscribed, which takes routing:queue:view",
        "topics for agent messages: 1 topic subscribed, which takes conversation:communication:view",
        "topics for joins and leaves: 4 topics subscribed, which takes analytics:conversationDetail:view",
        "topics for the words of calls: not tried, which takes conversation:transcription:view",
        conversation.as_str(),
    ] {
        assert!(finished.stdout.contains(step), "{step:?} is not in {}", finished.stdout);
    }
}

#[tokio::test]
async fn it_leaves_nothing_open_behind_it() {
    let simulator = under_way(&[]).await;
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
    let mut subscribing = log.requests.iter().filter(|request| request.path.ends_with("/subscriptions"));
    assert!(subscribing.all(|request| request.query == "ignoreErrors=true"));
    let topics = &log.subscriptions[0].topics;
    assert_eq!(topics.len(), 6, "{topics:?}");

    // A connection that is dropped while something is on its way is reset, and the goodbye lost.
    let talkative = simulator_with("", &["socket:burst=20000"], Options::default()).await;
    check(&talkative, &[]).await;
    let log = within_timeout(talkative.wait_for(|log| log.open_transcript_sockets() == 0)).await;
    assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
}

#[tokio::test]
async fn no_channel_is_shown_on_standard_error_either() {
    let simulator = under_way(&[]).await;
    let finished = run(&simulator, &["check", "-vv", "--log-format", "json"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stdout);
    assert!(finished.stderr.contains("/api/v2/notifications/channels/[channel]"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(&simulator.request_log().channels[0].id), "{}", finished.stderr);
}

#[tokio::test]
async fn a_signal_ends_it_at_once_and_a_reader_that_went_away_has_seen_enough() {
    let simulator = simulator(TALK, &["handshake:hang"]).await;
    let running = Running::start(&mut program(&simulator, &["check", "--connect-timeout", "1h"]));
    within_timeout(simulator.wait_for(|log| log.transcript_handshakes.len() == 1)).await;
    running.signal(rustix::process::Signal::TERM);
    let finished = running.finish().await;
    assert_eq!((finished.code, finished.signal), (None, Some(15)), "{}", finished.stdout);
    assert!(finished.stdout.contains("ok    signed in"), "it has printed what it knew: {}", finished.stdout);

    let mut gone = Running::start(&mut program(&simulator, &["check", "-c", "nonesuch"]));
    drop(gone.stdout.take());
    let finished = gone.finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_74() {
    let simulator = simulator(TALK, &[]).await;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let finished = Running::start(program(&simulator, &["check"]).stdout(full)).finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert!(finished.stderr.contains("cannot write the output"), "{}", finished.stderr);
}

#[tokio::test]
async fn the_lines_in_the_readme_are_what_it_says() {
    let simulator = under_way(&["transcript:absent", "rest:deny=conversation:communication:view"]).await;
    let finished = check(&simulator, &[]).await;
    let host = simulator.base_url().trim_start_matches("http://");
    let words = regex::Regex::new(r"(40\d) \((?:[^()]|\([^()]*\))*\)").unwrap();
    let said = words.replace_all(&finished.stdout, "$1 (…)").replace(host, "HOST");
    let readme = include_str!("../../../README.md")
        .replace("login.mypurecloud.ie", "HOST")
        .replace("api.mypurecloud.ie", "HOST");
    let shown: Vec<&str> = readme
        .lines()
        .filter(|line| ["ok  ", "warn  ", "fail  "].iter().any(|verdict| line.starts_with(verdict)))
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    for line in shown {
        assert!(said.lines().any(|said| said == line), "{line:?} is not in {said}");
    }
}
