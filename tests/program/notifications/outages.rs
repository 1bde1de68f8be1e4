//! Every loss of the socket, while messages keep arriving.

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator};

use crate::notifications::{TALK, api, flood, long_tail, numbers, published, tail, texts};
use crate::support::program::{Running, program, simulator_with, within_timeout};

#[tokio::test]
async fn every_loss_is_lived_through_on_the_same_channel() {
    let losses = [
        "close=1000",
        "close=1001,reason=idle timeout",
        "close=1002",
        "close=1005",
        "close=1006",
        "close=1008",
        "close=1011",
        "close=1012",
        "close=4404",
        "reset",
        "eof",
        "bad-utf8",
        "reserved-bits",
        "masked",
        "oversize=70000",
        "silence",
    ];
    join_all(losses.map(async |loss| {
        let simulator = api(TALK, &[&format!("notify:{loss},after=2")]).await;
        let times = ["--ping-interval", "200ms", "--idle-timeout", "600ms"];
        let (finished, log) = tail(&simulator, &[&["--max-frame-size", "65536"], &times[..]].concat()).await;
        assert_eq!(finished.code, Some(0), "{loss}: {}", finished.stderr);
        assert_eq!(texts(&finished), ["one", "two", "three"], "{loss}");
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{loss}: {}", finished.stdout);
        assert!(!finished.stdout.contains("[GAP]"), "{loss}");
        assert!(finished.stderr.contains("retry 1 of 5 in "), "{loss}: {}", finished.stderr);
        // What is said into a silence may be read before that is noticed to be one.
        let fetched = if loss == "silence" { ", 1 reconnect" } else { " fetched, 1 reconnect" };
        assert!(finished.stderr.contains(fetched), "{loss}: {}", finished.stderr);
        assert_eq!((log.notification_sockets.len(), log.channels.len()), (2, 1), "{loss}");
        let asked: Vec<_> = log.requests.iter().map(|request| (request.method.as_str(), request.at)).collect();
        let head = asked.iter().find(|(method, _)| *method == "HEAD").expect("it asks for the channel");
        assert!(head.1 < log.notification_handshakes[1].at, "{loss}: before it dials");
        assert!(
            log.notification_handshakes.iter().all(|dial| dial.authorization.is_none()),
            "{loss}: the channel is secret enough"
        );
    }))
    .await;
}

#[tokio::test]
async fn three_hundred_messages_through_fifteen_losses_are_all_told_once_and_in_order() {
    let losses = [
        "close=1000",
        "reset",
        "eof",
        "bad-utf8",
        "close=1006",
        "masked",
        "silence",
        "oversize=100000",
        "reserved-bits",
        "reset",
        "close=1011",
        "eof",
        "close=1006",
        "bad-utf8",
        "reset",
    ];
    let faults: Vec<String> =
        losses.iter().enumerate().map(|(skip, loss)| format!("notify:{loss},after=12,skip={skip}")).collect();
    let simulator =
        flood(300, 8.0, &faults.iter().map(String::as_str).chain(["notify:truncate=20"]).collect::<Vec<_>>()).await;
    let times = ["--ping-interval", "200ms", "--idle-timeout", "600ms", "--max-frame-size", "65536"];
    let (finished, log) = long_tail(&simulator, &times).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(numbers(&finished), (1..=300).collect::<Vec<_>>(), "{}", finished.stderr);
    assert!(!finished.stdout.contains("[GAP]"));
    assert!(finished.stderr.contains(", 15 reconnects"), "{}", finished.stderr);
    assert_eq!((log.notification_sockets.len(), log.channels.len()), (16, 1));
}

#[tokio::test]
async fn heartbeats_are_life_and_no_reason_to_start_counting_anew() {
    let options = Options { heartbeat_interval: Duration::from_millis(20), ..published() };
    let simulator = simulator_with("", &[], options).await;
    let args = ["--source", "notifications", "--timestamps", "none", "--max-retries", "1"];
    let tail = Running::start(&mut program(&simulator, &args));
    for socket in 1..=2 {
        within_timeout(simulator.wait_for(|log| log.notification_sockets.len() == socket)).await;
        within_timeout(simulator.wait_for(|log| log.notification_sockets[socket - 1].heartbeats >= 3)).await;
        simulator.apply_fault("notify:close=1001,reason=idle timeout").await.unwrap();
    }
    let finished = tail.finish().await;
    assert_eq!(
        (finished.code, simulator.request_log().notification_sockets.len()),
        (Some(69), 2),
        "{}",
        finished.stderr
    );
    let words = "gave up after 2 attempts in a row: closed by the server with 1001: idle timeout";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

#[tokio::test]
async fn an_announced_closing_is_moved_away_from_and_the_reader_sees_nothing() {
    join_all(["notify:socket_closing=2s,after=1", "notify:socket_closing=0s,after=1"].map(async |fault| {
        let simulator = api(TALK, &[fault]).await;
        let (finished, log) = tail(&simulator, &[]).await;
        assert_eq!((finished.code, texts(&finished)), (Some(0), vec!["one", "two", "three"]), "{}", finished.stderr);
        let [old, new] = &log.notification_sockets[..] else {
            panic!("{fault}: {:?} {}", log.notification_sockets, finished.stderr)
        };
        assert!(new.opened_at < old.closed_at.unwrap(), "make before break");
        assert_eq!(log.channels.len(), 1);
        for word in ["retry", "reconnect", "missed", "lost"] {
            assert!(!finished.stderr.contains(word), "{fault}: {}", finished.stderr);
        }
    }))
    .await;
}

#[tokio::test]
async fn without_heartbeats_it_asks_and_the_answers_are_life() {
    let simulator = api("", &["notify:no-heartbeat"]).await;
    let args = ["--source", "notifications", "--ping-interval", "50ms", "--idle-timeout", "300ms"];
    let tail = Running::start(&mut program(&simulator, &args));
    let log =
        within_timeout(simulator.wait_for(|log| log.notification_sockets.iter().any(|listener| listener.pings >= 12)))
            .await;
    assert_eq!(
        (log.notification_sockets.len(), log.notification_sockets[0].messages_received),
        (1, log.notification_sockets[0].pings)
    );
    simulator.first_conversation().play("close").await.unwrap();
    let finished = tail.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// Waits until so many sockets were opened, and something was asked since.
async fn listening(simulator: &Simulator, sockets: usize) {
    within_timeout(
        simulator.wait_for(|log| log.notification_sockets.len() == sockets && log.open_notification_sockets() == 1),
    )
    .await;
}

#[tokio::test]
async fn who_takes_the_socket_three_times_in_a_minute_is_left_the_channel() {
    let simulator = api("", &[]).await;
    let mut tail = Running::start(&mut program(&simulator, &["--source", "notifications", "--timestamps", "none"]));
    for socket in 1..=3 {
        listening(&simulator, socket).await;
        simulator.first_conversation().play(&format!("customer Ada: {socket}")).await.unwrap();
        assert_eq!(tail.next_line().await, format!("[Customer] Ada: {socket}"));
        assert_eq!(simulator.request_log().channels.len(), 1);
        simulator.apply_fault("notify:close=1001").await.unwrap();
    }
    listening(&simulator, 4).await;
    assert_eq!(simulator.request_log().channels.len(), 2);
    assert!(tail.stderr().contains("another process seems to use the same notification channel"), "{}", tail.stderr());
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(tail.finish().await.code, Some(0));
}
