//! REST errors: outages, refused tokens, missing permissions (NTF-2, NTF-9, NTF-13, CONN-4, CONN-11, CONN-12, CONN-21).

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator};
use tokio::sync::Notify;

use super::{SCRIPT, api_simulator, notifications_only, run_to_end, start, texts};
use crate::support::program::{simulator_with, within_timeout};

#[tokio::test]
async fn outages_while_the_socket_is_open_are_not_counted_as_retries() {
    let fault_sets: &[&[&str]] = &[
        &["rest:status=429,retry-after=2,path=/bulk"],
        &["rest:status=503,times=2,path=/bulk"],
        &["rest:status=500,times=2,path=GET /api/v2/conversations/,after=1"],
        &["rest:status=429,retry-after=1,path=/subscriptions,after=1"],
        &["rest:status=504,path=/subscriptions,after=1"],
        &["rest:reset,path=/bulk,times=2"],
    ];
    join_all(fault_sets.iter().map(async |faults| {
        let simulator = api_simulator(SCRIPT, faults).await;
        let (finished, log) = run_to_end(&simulator, &["--max-retries", "0"]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
        assert_eq!(texts(&finished), ["one", "two", "three"], "{faults:?}");
        assert_eq!((log.notification_sockets.len(), log.channels.len()), (1, 1), "{faults:?}");
        // Without a response, the first failure may be that of the socket, too.
        let is_told = !faults[0].contains("reset");
        assert_eq!(finished.stderr.contains("retrying in "), is_told, "{faults:?}: {}", finished.stderr);
        assert!(!finished.stderr.contains("retry "), "{faults:?}: {}", finished.stderr);
        let failed = log.requests.iter().find(|request| request.status != Some(200)).unwrap();
        let min_wait = match faults[0] {
            fault if fault.contains("retry-after=2") => 2.0,
            // A request that fails on a reused connection is repeated once at once (CONN-7).
            fault if fault.contains("reset") => 0.05,
            _ => 1.0,
        };
        let mut repeats = log.requests.iter().filter(|next| next.at > failed.at && next.path == failed.path);
        let wait = repeats.next().map_or(min_wait, |next| (next.at - failed.at).as_secs_f64());
        assert!(wait >= min_wait - 0.05, "{faults:?}: repeated after {wait} s");
    }))
    .await;
}

#[tokio::test]
async fn outages_before_the_socket_is_open_count_as_retries() {
    let faults = [
        "rest:status=503,path=GET /api/v2/conversations/,times=always",
        "channel:status=503,times=always",
        "channel:hang,times=always",
    ];
    join_all(faults.map(async |fault| {
        let simulator = api_simulator(SCRIPT, &[fault]).await;
        let (finished, _) = run_to_end(&simulator, &["--max-retries", "1", "--connect-timeout", "500ms"]).await;
        assert_eq!(finished.code, Some(69), "{fault}: {}", finished.stderr);
        assert!(finished.stderr.contains("gave up after 2 attempts in a row"), "{fault}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn each_refused_token_is_renewed_once() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start(&simulator, &[]).await;
    let conversation = simulator.first_conversation();
    for text in ["one", "two"] {
        conversation.play(&format!("customer Ada: {text}")).await.unwrap();
        assert_eq!(running.next_line().await, format!("[Customer] Ada: {text}"));
        simulator.revoke_tokens();
    }
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(
        (finished.code, simulator.request_log().notification_sockets.len()),
        (Some(0), 1),
        "{}",
        finished.stderr
    );
    assert_eq!(simulator.request_log().token_requests.len(), 3);
}

#[tokio::test]
async fn a_refusal_of_a_new_token_is_77() {
    join_all(["after=0", "after=2", "path=/bulk"].map(async |when| {
        let simulator = api_simulator(SCRIPT, &[&format!("rest:status=401,times=always,{when}")]).await;
        let (finished, log) = run_to_end(&simulator, &[]).await;
        assert_eq!(finished.code, Some(77), "{when}: {}", finished.stderr);
        assert_eq!(log.token_requests.len(), 2, "{when}");
        assert!(finished.stderr.contains("rejected a new token"), "{when}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_missing_permission_is_77_and_named() {
    join_all(["conversation:communication:view", "conversation:message:view"].map(async |permission| {
        let simulator = api_simulator(SCRIPT, &[&format!("rest:deny={permission}")]).await;
        let (finished, _) = run_to_end(&simulator, &[]).await;
        assert_eq!(finished.code, Some(77), "{permission}: {}", finished.stderr);
        assert!(finished.stderr.contains(permission), "{}", finished.stderr);
        assert!(finished.stderr.contains("give the OAuth client a role"), "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn an_unknown_conversation_is_66_and_creates_no_channel() {
    let simulator = api_simulator(SCRIPT, &[]).await;
    let (finished, log) = run_to_end(&simulator, &["-c", "97b9dcb3-0000-4000-8000-000000000001"]).await;
    assert_eq!((finished.code, log.channels.len()), (Some(66), 0), "{}", finished.stderr);
}

#[tokio::test]
async fn a_rejected_topic_is_a_warning_and_polling_replaces_it() {
    let without = |permission: &str| {
        let permissions = notifications_only().permissions.into_iter().filter(|held| held != permission).collect();
        Options { permissions, ..notifications_only() }
    };
    let cases = [
        (without("routing:queue:view"), vec![], "cannot subscribe to messages of queues", "routing:queue:view"),
        (
            without("analytics:conversationDetail:view"),
            vec![],
            "cannot subscribe to joins and leaves",
            "analytics:conversationDetail:view",
        ),
        (notifications_only(), vec!["channel:reject=v2"], "cannot subscribe to messages of queues", "Not authorized"),
        (
            notifications_only(),
            vec!["channel:status=403,path=/subscriptions,times=always"],
            "cannot subscribe to",
            "403",
        ),
        (
            notifications_only(),
            vec!["channel:status=400,path=/subscriptions,times=always"],
            "cannot subscribe to",
            "400",
        ),
    ];
    join_all(cases.map(async |(options, faults, warning, reason)| {
        let simulator = simulator_with(SCRIPT, &faults, options).await;
        simulator.first_conversation().start();
        let (finished, log) = run_to_end(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
        assert_eq!(texts(&finished), ["one", "two", "three"], "{faults:?}: {}", finished.stdout);
        let line = finished.stderr.lines().find(|line| line.contains(warning));
        assert!(line.is_some_and(|line| line.contains("warning") && line.contains(reason)), "{}", finished.stderr);
        assert_eq!(finished.stderr.matches(warning).count(), 1, "{}", finished.stderr);
        assert_eq!(log.notification_sockets.len(), 1, "{faults:?}");
    }))
    .await;
}

/// The simulator sends events as fast as the program reads them, so the socket always has another one.
#[tokio::test]
async fn a_flood_of_events_does_not_delay_message_bodies() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start(&simulator, &[]).await;
    let id = simulator.first_conversation().id().to_owned();
    let topic = format!("v2.users.{}.conversations.messages", Simulator::user_id("Sam Okafor"));
    // Large enough to take longer to read than to send.
    let padding = "x".repeat(256 << 10);
    let event = format!(r#"{{"topicName":"{topic}","eventBody":{{"id":"{id}","name":"{padding}"}}}}"#);
    let flood_started = Notify::new();
    let flood = async {
        loop {
            simulator.send_notification(event.clone()).await;
            flood_started.notify_one();
        }
    };
    // Early in the flood, so that few events precede the message.
    let message = async {
        flood_started.notified().await;
        simulator.first_conversation().play("customer Ada: through it").await.unwrap();
        while running.next_line().await != "[Customer] Ada: through it" {}
    };
    tokio::select! {
        () = flood => unreachable!("the flood never ends"),
        () = within_timeout(message) => {}
    }
}
