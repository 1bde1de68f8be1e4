//! A service that is busy, that refuses tokens, and that does not permit everything.

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator};
use tokio::sync::Notify;

use crate::notifications::{TALK, api, published, tail, texts};
use crate::support::program::{Running, program, simulator_with, within_timeout};

#[tokio::test]
async fn while_the_socket_lives_the_service_is_waited_for_and_nothing_counts_as_a_retry() {
    let troubles: &[&[&str]] = &[
        &["rest:status=429,retry-after=2,path=/bulk"],
        &["rest:status=503,times=2,path=/bulk"],
        &["rest:status=500,times=2,path=GET /api/v2/conversations/,after=1"],
        &["rest:status=429,retry-after=1,path=/subscriptions,after=1"],
        &["rest:status=504,path=/subscriptions,after=1"],
        &["rest:reset,path=/bulk,times=2"],
    ];
    join_all(troubles.iter().map(async |faults| {
        let simulator = api(TALK, faults).await;
        let (finished, log) = tail(&simulator, &["--max-retries", "0"]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
        assert_eq!(texts(&finished), ["one", "two", "three"], "{faults:?}");
        assert_eq!((log.notification_sockets.len(), log.channels.len()), (1, 1), "{faults:?}");
        assert!(finished.stderr.contains("asking again in "), "{faults:?}: {}", finished.stderr);
        assert!(!finished.stderr.contains("retry "), "{faults:?}: {}", finished.stderr);
        let refused = log.requests.iter().find(|request| request.status != Some(200)).unwrap();
        let least = if faults[0].contains("retry-after=2") { 2.0 } else { 1.0 };
        let mut again = log.requests.iter().filter(|next| next.at > refused.at && next.path == refused.path);
        let wait = again.next().map_or(least, |next| (next.at - refused.at).as_secs_f64());
        assert!(wait >= least - 0.05, "{faults:?}: asked again after {wait} s");
    }))
    .await;
}

#[tokio::test]
async fn trouble_before_the_socket_stands_counts() {
    let troubles = [
        "rest:status=503,path=GET /api/v2/conversations/,times=always",
        "channel:status=503,times=always",
        "channel:hang,times=always",
    ];
    join_all(troubles.map(async |fault| {
        let simulator = api(TALK, &[fault]).await;
        let (finished, _) = tail(&simulator, &["--max-retries", "1", "--connect-timeout", "500ms"]).await;
        assert_eq!(finished.code, Some(69), "{fault}: {}", finished.stderr);
        assert!(finished.stderr.contains("gave up after 2 attempts in a row"), "{fault}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let simulator = api("", &[]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let conversation = simulator.first_conversation();
    for text in ["one", "two"] {
        conversation.play(&format!("customer Ada: {text}")).await.unwrap();
        assert_eq!(tail.next_line().await, format!("[Customer] Ada: {text}"));
        simulator.revoke_tokens();
    }
    conversation.play("close").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(
        (finished.code, simulator.request_log().notification_sockets.len()),
        (Some(0), 1),
        "{}",
        finished.stderr
    );
    assert_eq!(simulator.request_log().token_requests.len(), 3);
}

#[tokio::test]
async fn a_second_refusal_in_a_row_is_the_end() {
    join_all(["after=0", "after=2", "path=/bulk"].map(async |when| {
        let simulator = api(TALK, &[&format!("rest:status=401,times=always,{when}")]).await;
        let (finished, log) = tail(&simulator, &[]).await;
        assert_eq!(finished.code, Some(77), "{when}: {}", finished.stderr);
        assert_eq!(log.token_requests.len(), 2, "{when}");
        assert!(finished.stderr.contains("refuses a token it has just granted"), "{when}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_missing_permission_is_named_and_final() {
    join_all(["conversation:communication:view", "conversation:message:view"].map(async |permission| {
        let simulator = api(TALK, &[&format!("rest:deny={permission}")]).await;
        let (finished, _) = tail(&simulator, &[]).await;
        assert_eq!(finished.code, Some(77), "{permission}: {}", finished.stderr);
        assert!(finished.stderr.contains(permission), "{}", finished.stderr);
        assert!(finished.stderr.contains("give the OAuth client a role"), "{}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn an_unknown_conversation_is_no_input() {
    let simulator = api(TALK, &[]).await;
    let (finished, log) = tail(&simulator, &["-c", "97b9dcb3-0000-4000-8000-000000000001"]).await;
    assert_eq!((finished.code, log.channels.len()), (Some(66), 0), "{}", finished.stderr);
}

#[tokio::test]
async fn topics_that_are_not_permitted_are_warnings_and_looking_does() {
    let without = |permission: &str| {
        let permissions = published().permissions.into_iter().filter(|one| one != permission).collect();
        Options { permissions, ..published() }
    };
    let cases = [
        (without("routing:queue:view"), vec![], "events of queues cannot be subscribed", "routing:queue:view"),
        (
            without("analytics:conversationDetail:view"),
            vec![],
            "events of joins and leaves",
            "analytics:conversationDetail:view",
        ),
        (published(), vec!["channel:reject=v2"], "events of queues cannot be subscribed", "Not authorized"),
        (published(), vec!["channel:status=403,path=/subscriptions,times=always"], "cannot be subscribed", "403"),
        (published(), vec!["channel:status=400,path=/subscriptions,times=always"], "cannot be subscribed", "400"),
    ];
    join_all(cases.map(async |(options, faults, warning, reason)| {
        let simulator = simulator_with(TALK, &faults, options).await;
        simulator.first_conversation().start();
        let (finished, log) = tail(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
        assert_eq!(texts(&finished), ["one", "two", "three"], "{faults:?}: {}", finished.stdout);
        let line = finished.stderr.lines().find(|line| line.contains(warning));
        assert!(line.is_some_and(|line| line.contains("warning") && line.contains(reason)), "{}", finished.stderr);
        assert_eq!(finished.stderr.matches(warning).count(), 1, "{}", finished.stderr);
        assert_eq!(log.notification_sockets.len(), 1, "{faults:?}");
    }))
    .await;
}

/// Events are sent as fast as they are read, so that there is always another one.
#[tokio::test]
async fn a_socket_that_never_falls_silent_keeps_no_words_from_being_fetched() {
    let simulator = api("", &[]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    within_timeout(simulator.wait_for(|log| log.open_notification_sockets() == 1)).await;
    let id = simulator.first_conversation().id().to_owned();
    let topic = format!("v2.users.{}.conversations.messages", Simulator::user_id("Sam Okafor"));
    // It takes longer to read than to send.
    let much = "x".repeat(256 << 10);
    let event = format!(r#"{{"topicName":"{topic}","eventBody":{{"id":"{id}","name":"{much}"}}}}"#);
    let begun = Notify::new();
    let flood = async {
        loop {
            simulator.send_notification(event.clone()).await;
            begun.notify_one();
        }
    };
    // Early, so that not much stands before it.
    let talk = async {
        begun.notified().await;
        simulator.first_conversation().play("customer Ada: through it").await.unwrap();
        while tail.next_line().await != "[Customer] Ada: through it" {}
    };
    tokio::select! {
        () = flood => unreachable!("it goes on for ever"),
        () = within_timeout(talk) => {}
    }
}
