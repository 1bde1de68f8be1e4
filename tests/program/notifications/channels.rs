//! The lifetime of channels and the renewal of subscriptions (NTF-1, NTF-3, NTF-10, CONN-25).

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, RequestLog};

use super::{SCRIPT, api_simulator, notifications_only, run_to_end, start, texts};
use crate::support::program::{run, simulator_with, within_timeout};

#[tokio::test]
async fn a_lost_channel_is_replaced_without_losing_a_message() {
    let faults = ["channel:expire,after=2", "channel:evict,after=2", "notify:revoke,after=2"];
    join_all(faults.map(async |fault| {
        let simulator = api_simulator(SCRIPT, &[fault]).await;
        let (finished, log) = run_to_end(&simulator, &[]).await;
        assert_eq!((finished.code, texts(&finished)), (Some(0), vec!["one", "two", "three"]), "{}", finished.stderr);
        assert_eq!((log.channels.len(), log.notification_sockets.len()), (2, 2), "{fault}: {}", finished.stderr);
        assert_eq!(log.token_requests.len(), 1 + usize::from(fault.contains("revoke")), "{fault}");
        assert_ne!(log.channels[0].id, log.channels[1].id);
        assert!(!finished.stdout.contains("[GAP]"), "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn a_channel_lost_during_an_outage_is_replaced_before_the_next_handshake() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start(&simulator, &[]).await;
    simulator.apply_fault("notify:reset").await.unwrap();
    simulator.drop_channels();
    running.wait_for_stderr("retry 1").await;
    simulator.first_conversation().play("customer Ada: one").await.unwrap();
    assert_eq!(running.next_line().await, "[Customer] Ada: one");
    let log = simulator.request_log();
    assert_eq!(
        (log.channels.len(), log.notification_handshakes.len()),
        (2, 2),
        "the lost channel gets no handshake: {}",
        running.stderr()
    );
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
}

/// Returns the time of each renewal, in seconds after the first subscription.
fn renewals(log: &RequestLog) -> Vec<f64> {
    let start = log.subscriptions[0].at;
    let renewals = log.subscriptions.iter().filter(|subscription| subscription.method == "PUT");
    renewals.map(|renewal| (renewal.at - start).as_secs_f64()).collect()
}

#[tokio::test]
async fn subscriptions_are_renewed_before_channel_or_token_expire_and_not_within_ten_seconds() {
    let channel_lifetime = Duration::from_secs(16);
    let cases = [
        ("channel", Options { channel_lifetime, ..notifications_only() }, 1),
        ("token", Options { token_lifetime: Duration::from_secs(21), ..notifications_only() }, 2),
        ("revoked", notifications_only(), 2),
    ];
    join_all(cases.map(async |(case, options, tokens)| {
        let simulator = simulator_with("", &[], options).await;
        let mut running = start(&simulator, &[]).await;
        simulator.first_conversation().play("agent Sam: one").await.unwrap();
        assert_eq!([running.next_line().await, running.next_line().await], ["[UPDATE] Sam joined", "[Agent] Sam: one"]);
        if case == "revoked" {
            simulator.revoke_tokens();
            simulator.first_conversation().play("agent Sam: two").await.unwrap();
            assert_eq!(running.next_line().await, "[Agent] Sam: two");
        }
        let log = within_timeout(simulator.wait_for(|log| !renewals(log).is_empty())).await;
        assert!((9.5..12.5).contains(&renewals(&log)[0]), "{case}: {:?}", renewals(&log));
        assert_eq!(
            (log.token_requests.len(), log.channels.len(), log.notification_sockets.len()),
            (tokens, 1, 1),
            "{case}"
        );
        let renewal = log.subscriptions.last().unwrap();
        let added = log.subscriptions.iter().filter(|subscription| subscription.method == "POST");
        let mut topics: Vec<_> = added.flat_map(|subscription| subscription.topics.clone()).collect();
        let mut renewed_topics = renewal.topics.clone();
        topics.sort_unstable();
        renewed_topics.sort_unstable();
        assert_eq!(renewed_topics, topics, "{case}: the same topics");
        let put = log.requests.iter().rfind(|request| request.method == "PUT").unwrap();
        assert_eq!(put.token, log.token_requests.last().unwrap().token, "{case}: with the newest token");
        simulator.first_conversation().play("close").await.unwrap();
        let finished = running.finish().await;
        assert_eq!(finished.code, Some(0), "{case}: {}", finished.stderr);
        assert_eq!(renewals(&simulator.request_log()).len(), 1, "{case}");
    }))
    .await;
}

#[tokio::test]
async fn a_missing_channel_endpoint_is_76_and_a_forbidden_one_is_77() {
    let cases = [(404, 76), (403, 77), (400, 76)];
    join_all(cases.map(async |(status, code)| {
        let simulator = api_simulator(SCRIPT, &[&format!("channel:status={status}")]).await;
        let finished = run(&simulator, &["--source", "notifications"]).await;
        assert_eq!(finished.code, Some(code), "{status}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn topics_of_a_new_agent_or_queue_are_subscribed_within_two_seconds() {
    let simulator = api_simulator("", &[]).await;
    let running = start(&simulator, &[]).await;
    let conversation = simulator.first_conversation();
    for (line, prefix) in [
        ("alert agent Sam", "v2.users."),
        ("update queue=Billing", "v2.routing.queues."),
        ("transfer agent Noor", "v2.users."),
    ] {
        let before = simulator.request_log().subscriptions.len();
        conversation.play(line).await.unwrap();
        let added = simulator.wait_for(|log| {
            let mut topics = log.subscriptions[before..].iter().flat_map(|subscription| &subscription.topics);
            topics.any(|topic| topic.starts_with(prefix))
        });
        let added = tokio::time::timeout(Duration::from_secs(2), added).await;
        assert!(added.is_ok(), "{line}: {:?}", simulator.request_log().subscriptions);
    }
    conversation.play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
}
