//! The end of a conversation and `--no-follow` (NTF-5, NTF-6, SRC-8, CLI-17).

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use genesys_tail::simulator::Simulator;

use super::{ARGS, api_simulator, run_to_end, scripted_simulator, start};
use crate::support::program::{Running, within_timeout};
use crate::support::raw_server::{RawServer, json_response};

/// Starts a simulator whose conversation already has these lines.
async fn simulator_after(lines: &[&str]) -> Simulator {
    let simulator = api_simulator("", &[]).await;
    for line in lines {
        simulator.first_conversation().play(line).await.unwrap();
    }
    simulator
}

#[tokio::test]
async fn a_conversation_that_had_ended_at_the_start_is_printed_without_a_channel() {
    let simulator = simulator_after(&["customer Ada: one", "agent Sam: two", "close"]).await;
    let (finished, log) = run_to_end(&simulator, &[]).await;
    let expected = "[Customer] Ada: one\n[Agent] Sam: two\n[CLOSED] Conversation terminated\n";
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), expected), "{}", finished.stderr);
    assert_eq!((log.channels.len(), log.notification_handshakes.len()), (0, 0));
}

/// Starts a service whose conversation has this end time, and whose only participant left at this time.
async fn service_with_end(end: Option<String>, left: &str) -> RawServer {
    let end = end.map(|end| format!(r#""endTime":"{end}","#)).unwrap_or_default();
    let message = format!(r#"{{"messageId":"m1","messageTime":"{left}"}}"#);
    let participant = format!(
        r#"{{"id":"p1","purpose":"customer","name":"Ada","messages":[{{"id":"c","state":"disconnected","disconnectedTime":"{left}","messages":[{message}]}}]}}"#
    );
    let conversation = format!(r#"{{"id":"c1",{end}"participants":[{participant}]}}"#);
    let body = format!(r#"{{"entities":[{{"id":"m1","timestamp":"{left}","textBody":"one"}}]}}"#);
    RawServer::start(move |head| match head {
        head if head.contains("/messages/bulk") => json_response(200, &body),
        head if head.starts_with("GET /api/v2/conversations/c1 ") => json_response(200, &conversation),
        _ => json_response(404, "{}"),
    })
    .await
}

/// The final snapshot of NTF-6 is for an end that the program observes (R18).
#[tokio::test]
async fn a_conversation_that_ended_before_the_start_costs_one_snapshot_and_no_pause() {
    let ages = [TimeDelta::seconds(15), TimeDelta::minutes(5), TimeDelta::days(1)];
    let cases = ages.into_iter().flat_map(|age| [(age, true), (age, false)]);
    join_all(cases.flat_map(|(age, has_end)| [&["--no-follow"][..], &[]].map(|args| (age, has_end, args))).map(
        async |(age, has_end, args)| {
            let end = (Utc::now() - age).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            let server = service_with_end(has_end.then(|| end.clone()), &end).await;
            let finished = Running::start(&mut server.program(&[&ARGS, args].concat())).finish().await;
            let expected = "[Customer] Ada: one\n[CLOSED] Conversation terminated\n";
            assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), expected), "{age} {}", finished.stderr);
            let requests = server.request_lines();
            let snapshots = requests.iter().filter(|line| line.starts_with("GET /api/v2/conversations/c1 ")).count();
            assert_eq!(snapshots, 1, "{age}, end time: {has_end}, {args:?}: {requests:?}");
        },
    ))
    .await;
}

/// An open conversation needs no second snapshot either (R18).
#[tokio::test]
async fn no_follow_of_an_open_conversation_takes_one_snapshot() {
    let simulator = simulator_after(&["customer Ada: one", "agent Sam: two"]).await;
    let (finished, log) = run_to_end(&simulator, &["--no-follow"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(log.count_requests("GET /api/v2/conversations/"), 1);
}

#[tokio::test]
async fn no_follow_prints_the_history_without_a_channel() {
    let all = "[Customer] Ada: one\n[Agent] Sam: two\n";
    join_all([("all", all), ("1", "[Agent] Sam: two\n"), ("0", "")].map(async |(lines, expected)| {
        let simulator = simulator_after(&["customer Ada: one", "agent Sam: two"]).await;
        let (finished, log) = run_to_end(&simulator, &["--no-follow", "-n", lines]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), expected), "{}", finished.stderr);
        assert_eq!((log.channels.len(), log.notification_handshakes.len(), log.transcript_handshakes.len()), (0, 0, 0));
    }))
    .await;
}

#[tokio::test]
async fn no_follow_retries_an_outage_and_then_gives_up() {
    join_all([("2", Some(0)), ("always", Some(69))].map(async |(times, code)| {
        let simulator = api_simulator("", &[&format!("rest:status=503,path=/bulk,times={times}")]).await;
        simulator.first_conversation().play("customer Ada: one").await.unwrap();
        let (finished, _) = run_to_end(&simulator, &["--no-follow", "--max-retries", "2"]).await;
        assert_eq!(finished.code, code, "{times}: {}", finished.stderr);
        let expected = if code == Some(0) { "[Customer] Ada: one\n" } else { "" };
        assert_eq!(finished.stdout, expected, "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_parked_agent_or_a_leaving_customer_does_not_end_the_conversation() {
    let simulator = simulator_after(&["customer Ada: one", "agent Sam: two"]).await;
    let mut running = start(&simulator, &[]).await;
    let conversation = simulator.first_conversation();
    assert_eq!([running.next_line().await, running.next_line().await], ["[Customer] Ada: one", "[Agent] Sam: two"]);
    let snapshots = simulator.request_log().count_requests("GET /api/v2/conversations/");
    conversation.play("park").await.unwrap();
    conversation.play("leave customer Ada").await.unwrap();
    assert_eq!(running.next_line().await, "[UPDATE] Ada left");
    // The program takes a snapshot and keeps following.
    within_timeout(simulator.wait_for(|log| log.count_requests("GET /api/v2/conversations/") > snapshots)).await;
    assert!(tokio::time::timeout(Duration::from_secs(5), running.child.wait()).await.is_err(), "{}", running.stderr());
    conversation.play("resume").await.unwrap();
    conversation.play("customer Ada: back again").await.unwrap();
    let lines = [running.next_line().await, running.next_line().await];
    assert_eq!(lines, ["[UPDATE] Ada joined", "[Customer] Ada: back again"]);
    let closed = tokio::time::Instant::now();
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!((2..8).contains(&closed.elapsed().as_secs()), "one more snapshot before the end: {:?}", closed.elapsed());
}

#[tokio::test]
async fn a_message_after_the_close_is_printed_before_the_end() {
    let simulator = simulator_after(&["customer Ada: one", "agent Sam: two"]).await;
    let mut running = start(&simulator, &[]).await;
    assert_eq!([running.next_line().await, running.next_line().await], ["[Customer] Ada: one", "[Agent] Sam: two"]);
    simulator.first_conversation().play("close").await.unwrap();
    simulator.first_conversation().play("customer Ada: and thanks").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout.matches(": and thanks\n").count(), 1, "{}", finished.stdout);
    assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{}", finished.stdout);
}

#[tokio::test]
async fn an_email_is_one_warning_and_is_followed_to_its_end() {
    let simulator = scripted_simulator("email", 10.0, &[]).await;
    let warning = format!(
        "genesys-tail: warning: conversation {} has no messages and no calls, only an e-mail: nothing of it is printed",
        simulator.first_conversation().id()
    );
    for args in [&[][..], &["--no-follow"]] {
        let (finished, _) = run_to_end(&simulator, args).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(finished.stderr.matches(&warning).count(), 1, "{}", finished.stderr);
        let is_change = |line: &str| line.starts_with("[UPDATE] ") || line == "[CLOSED] Conversation terminated";
        assert!(finished.stdout.lines().all(is_change), "{}", finished.stdout);
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{}", finished.stdout);
    }
}
