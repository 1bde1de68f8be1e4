//! Channels that end, and the renewal of what they listen to.

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, RequestLog};

use crate::notifications::{TALK, api, published, tail, texts};
use crate::support::program::{Running, program, run, simulator_with, within_timeout};

#[tokio::test]
async fn a_channel_that_is_gone_is_replaced_and_nothing_is_missed() {
    let ends = ["channel:expire,after=2", "channel:evict,after=2", "notify:revoke,after=2"];
    join_all(ends.map(async |end| {
        let simulator = api(TALK, &[end]).await;
        let (finished, log) = tail(&simulator, &[]).await;
        assert_eq!((finished.code, texts(&finished)), (Some(0), vec!["one", "two", "three"]), "{}", finished.stderr);
        assert_eq!((log.channels.len(), log.notification_sockets.len()), (2, 2), "{end}: {}", finished.stderr);
        assert_eq!(log.token_requests.len(), 1 + usize::from(end.contains("revoke")), "{end}");
        assert_ne!(log.channels[0].id, log.channels[1].id);
        assert!(!finished.stdout.contains("[GAP]"), "{end}");
    }))
    .await;
}

#[tokio::test]
async fn a_channel_that_was_dropped_while_nobody_listened_is_replaced_before_the_dial() {
    let simulator = api("", &[]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    simulator.apply_fault("notify:reset").await.unwrap();
    simulator.drop_channels();
    tail.wait_for_stderr("retry 1").await;
    simulator.first_conversation().play("customer Ada: one").await.unwrap();
    assert_eq!(tail.next_line().await, "[Customer] Ada: one");
    let log = simulator.request_log();
    assert_eq!(
        (log.channels.len(), log.notification_handshakes.len()),
        (2, 2),
        "the dead one is not dialled: {}",
        tail.stderr()
    );
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(tail.finish().await.code, Some(0));
}

/// How long after the first subscription everything was subscribed anew, each time.
fn renewals(log: &RequestLog) -> Vec<f64> {
    let start = log.subscriptions[0].at;
    let renewals = log.subscriptions.iter().filter(|subscription| subscription.method == "PUT");
    renewals.map(|renewal| (renewal.at - start).as_secs_f64()).collect()
}

#[tokio::test]
async fn subscriptions_are_said_again_before_the_channel_or_the_token_ends_and_not_within_ten_seconds() {
    let short = Duration::from_secs(16);
    let lives = [
        ("channel", Options { channel_lifetime: short, ..published() }, 1),
        ("token", Options { token_lifetime: Duration::from_secs(21), ..published() }, 2),
        ("revoked", published(), 2),
    ];
    join_all(lives.map(async |(what, options, tokens)| {
        let simulator = simulator_with("", &[], options).await;
        let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
        within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
        simulator.first_conversation().play("agent Sam: one").await.unwrap();
        assert_eq!([tail.next_line().await, tail.next_line().await], ["[UPDATE] Sam joined", "[Agent] Sam: one"]);
        if what == "revoked" {
            simulator.revoke_tokens();
            simulator.first_conversation().play("agent Sam: two").await.unwrap();
            assert_eq!(tail.next_line().await, "[Agent] Sam: two");
        }
        let log = within_timeout(simulator.wait_for(|log| !renewals(log).is_empty())).await;
        assert!((9.5..12.5).contains(&renewals(&log)[0]), "{what}: {:?}", renewals(&log));
        assert_eq!(
            (log.token_requests.len(), log.channels.len(), log.notification_sockets.len()),
            (tokens, 1, 1),
            "{what}"
        );
        let renewal = log.subscriptions.last().unwrap();
        let mut topics: Vec<_> = log.subscriptions.iter().filter(|one| one.method == "POST").collect();
        let mut topics: Vec<_> = topics.drain(..).flat_map(|one| one.topics.clone()).collect();
        let mut again = renewal.topics.clone();
        topics.sort_unstable();
        again.sort_unstable();
        assert_eq!(again, topics, "{what}: the same topics");
        let put = log.requests.iter().rfind(|request| request.method == "PUT").unwrap();
        assert_eq!(put.token, log.token_requests.last().unwrap().token, "{what}: with the newest token");
        simulator.first_conversation().play("close").await.unwrap();
        let finished = tail.finish().await;
        assert_eq!(finished.code, Some(0), "{what}: {}", finished.stderr);
        assert_eq!(renewals(&simulator.request_log()).len(), 1, "{what}");
    }))
    .await;
}

#[tokio::test]
async fn a_service_without_channels_is_not_the_published_api() {
    let cases = [(404, 76), (403, 77), (400, 76)];
    join_all(cases.map(async |(status, code)| {
        let simulator = api(TALK, &[&format!("channel:status={status}")]).await;
        let finished = run(&simulator, &["--source", "notifications"]).await;
        assert_eq!(finished.code, Some(code), "{status}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn topics_of_who_comes_are_added_within_two_seconds() {
    let simulator = api("", &[]).await;
    let tail = Running::start(&mut program(&simulator, &["--source", "notifications"]));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let conversation = simulator.first_conversation();
    for (act, topic) in [
        ("alert agent Sam", "v2.users."),
        ("update queue=Billing", "v2.routing.queues."),
        ("transfer agent Noor", "v2.users."),
    ] {
        let before = simulator.request_log().subscriptions.len();
        conversation.play(act).await.unwrap();
        let added = simulator.wait_for(|log| {
            log.subscriptions[before..].iter().any(|one| one.topics.iter().any(|name| name.starts_with(topic)))
        });
        let added = tokio::time::timeout(Duration::from_secs(2), added).await;
        assert!(added.is_ok(), "{act}: {:?}", simulator.request_log().subscriptions);
    }
    conversation.play("close").await.unwrap();
    assert_eq!(tail.finish().await.code, Some(0));
}
