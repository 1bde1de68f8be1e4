//! When a conversation is over, and when it is not.

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::Simulator;

use crate::notifications::{api, tail};
use crate::support::program::{Running, program, within_timeout};

async fn played(lines: &[&str]) -> Simulator {
    let simulator = api("", &[]).await;
    for line in lines {
        simulator.first_conversation().play(line).await.unwrap();
    }
    simulator
}

#[tokio::test]
async fn one_that_was_over_at_the_start_is_told_without_a_channel() {
    let simulator = played(&["customer Ada: one", "agent Sam: two", "close"]).await;
    let (finished, log) = tail(&simulator, &[]).await;
    let told = "[Customer] Ada: one\n[Agent] Sam: two\n[CLOSED] Conversation terminated\n";
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), told), "{}", finished.stderr);
    assert_eq!((log.channels.len(), log.notification_handshakes.len()), (0, 0));
}

#[tokio::test]
async fn without_following_what_is_there_is_told_and_no_channel_is_opened() {
    let all = "[Customer] Ada: one\n[Agent] Sam: two\n";
    join_all([("all", all), ("1", "[Agent] Sam: two\n"), ("0", "")].map(async |(lines, told)| {
        let simulator = played(&["customer Ada: one", "agent Sam: two"]).await;
        let (finished, log) = tail(&simulator, &["--no-follow", "-n", lines]).await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), told), "{}", finished.stderr);
        assert_eq!((log.channels.len(), log.notification_handshakes.len(), log.transcript_handshakes.len()), (0, 0, 0));
    }))
    .await;
}

#[tokio::test]
async fn without_following_trouble_is_waited_for_and_given_up() {
    join_all([("2", Some(0)), ("always", Some(69))].map(async |(times, code)| {
        let simulator = api("", &[&format!("rest:status=503,path=/bulk,times={times}")]).await;
        simulator.first_conversation().play("customer Ada: one").await.unwrap();
        let (finished, _) = tail(&simulator, &["--no-follow", "--max-retries", "2"]).await;
        assert_eq!(finished.code, code, "{times}: {}", finished.stderr);
        let told = if code == Some(0) { "[Customer] Ada: one\n" } else { "" };
        assert_eq!(finished.stdout, told, "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn neither_a_parked_agent_nor_a_customer_who_leaves_is_the_end() {
    let simulator = played(&["customer Ada: one", "agent Sam: two"]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    let conversation = simulator.first_conversation();
    assert_eq!([tail.next_line().await, tail.next_line().await], ["[Customer] Ada: one", "[Agent] Sam: two"]);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let looks = simulator.request_log().count_requests("GET /api/v2/conversations/");
    conversation.play("park").await.unwrap();
    conversation.play("leave customer Ada").await.unwrap();
    assert_eq!(tail.next_line().await, "[UPDATE] Ada left");
    // It looks, and goes on.
    within_timeout(simulator.wait_for(|log| log.count_requests("GET /api/v2/conversations/") > looks)).await;
    assert!(tokio::time::timeout(Duration::from_secs(5), tail.child.wait()).await.is_err(), "{}", tail.stderr());
    conversation.play("resume").await.unwrap();
    conversation.play("customer Ada: back again").await.unwrap();
    let lines = [tail.next_line().await, tail.next_line().await];
    assert_eq!(lines, ["[UPDATE] Ada joined", "[Customer] Ada: back again"]);
    let closed = tokio::time::Instant::now();
    conversation.play("close").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!((2..8).contains(&closed.elapsed().as_secs()), "one more look some seconds later: {:?}", closed.elapsed());
}

#[tokio::test]
async fn what_is_said_as_the_last_word_is_read_before_the_end() {
    let simulator = played(&["customer Ada: one", "agent Sam: two"]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    assert_eq!([tail.next_line().await, tail.next_line().await], ["[Customer] Ada: one", "[Agent] Sam: two"]);
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    simulator.first_conversation().play("close").await.unwrap();
    simulator.first_conversation().play("customer Ada: and thanks").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout.matches(": and thanks\n").count(), 1, "{}", finished.stdout);
    assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{}", finished.stdout);
}
