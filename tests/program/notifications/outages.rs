//! Outages of the notification socket while messages arrive (NTF-1, NTF-4, NTF-7, CONN-23, CONN-30, CONN-40).

use std::time::Duration;

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator};

use super::{
    SCRIPT, api_simulator, flood_simulator, notifications_only, numbers, run_long_to_end, run_to_end, start, texts,
};
use crate::support::program::{simulator_with, within_timeout};

#[tokio::test]
async fn every_kind_of_outage_reconnects_on_the_same_channel_without_losing_a_message() {
    let outages = [
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
    join_all(outages.map(async |outage| {
        let simulator = api_simulator(SCRIPT, &[&format!("notify:{outage},after=2")]).await;
        let times = ["--ping-interval", "200ms", "--idle-timeout", "600ms"];
        let (finished, log) = run_to_end(&simulator, &[&["--max-frame-size", "65536"], &times[..]].concat()).await;
        assert_eq!(finished.code, Some(0), "{outage}: {}", finished.stderr);
        assert_eq!(texts(&finished), ["one", "two", "three"], "{outage}");
        assert!(finished.stdout.ends_with("[CLOSED] Conversation terminated\n"), "{outage}: {}", finished.stdout);
        assert!(!finished.stdout.contains("[GAP]"), "{outage}");
        assert!(finished.stderr.contains("retry 1 of 5 in "), "{outage}: {}", finished.stderr);
        // During a silence, a REST request may read the message before the idle timeout.
        let summary = if outage == "silence" { ", 1 reconnect" } else { " fetched, 1 reconnect" };
        assert!(finished.stderr.contains(summary), "{outage}: {}", finished.stderr);
        assert_eq!((log.notification_sockets.len(), log.channels.len()), (2, 1), "{outage}");
        let head = log.requests.iter().find(|request| request.method == "HEAD").expect("a HEAD request of the channel");
        assert!(head.at < log.notification_handshakes[1].at, "{outage}: before the handshake");
        assert!(
            log.notification_handshakes.iter().all(|dial| dial.authorization.is_none()),
            "{outage}: the connect URI needs no token"
        );
    }))
    .await;
}

#[tokio::test]
async fn three_hundred_messages_through_fifteen_outages_are_printed_once_and_in_order() {
    let outages = [
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
        outages.iter().enumerate().map(|(skip, outage)| format!("notify:{outage},after=12,skip={skip}")).collect();
    let simulator =
        flood_simulator(300, 8.0, &faults.iter().map(String::as_str).chain(["notify:truncate=20"]).collect::<Vec<_>>())
            .await;
    let times = ["--ping-interval", "200ms", "--idle-timeout", "600ms", "--max-frame-size", "65536"];
    let (finished, log) = run_long_to_end(&simulator, &times).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(numbers(&finished), (1..=300).collect::<Vec<_>>(), "{}", finished.stderr);
    assert!(!finished.stdout.contains("[GAP]"));
    assert!(finished.stderr.contains(", 15 reconnects"), "{}", finished.stderr);
    assert_eq!((log.notification_sockets.len(), log.channels.len()), (16, 1));
}

#[tokio::test]
async fn heartbeats_do_not_reset_the_retry_count() {
    let options = Options { heartbeat_interval: Duration::from_millis(20), ..notifications_only() };
    let simulator = simulator_with("", &[], options).await;
    let running = start(&simulator, &["--max-retries", "1"]).await;
    for socket in 1..=2 {
        within_timeout(simulator.wait_for(|log| log.notification_sockets.len() == socket)).await;
        within_timeout(simulator.wait_for(|log| log.notification_sockets[socket - 1].heartbeats >= 3)).await;
        simulator.apply_fault("notify:close=1001,reason=idle timeout").await.unwrap();
    }
    let finished = running.finish().await;
    assert_eq!(
        (finished.code, simulator.request_log().notification_sockets.len()),
        (Some(69), 2),
        "{}",
        finished.stderr
    );
    let words = "gave up after 2 attempts in a row: connection lost: closed by the server with 1001 (idle timeout)";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

#[tokio::test]
async fn an_announced_close_moves_to_a_new_socket_without_visible_effect() {
    join_all(["notify:socket_closing=2s,after=1", "notify:socket_closing=0s,after=1"].map(async |fault| {
        let simulator = api_simulator(SCRIPT, &[fault]).await;
        let (finished, log) = run_to_end(&simulator, &[]).await;
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
async fn pongs_keep_a_socket_without_heartbeats_alive() {
    let simulator = api_simulator("", &["notify:no-heartbeat"]).await;
    let running = start(&simulator, &["--ping-interval", "50ms", "--idle-timeout", "300ms"]).await;
    let log =
        within_timeout(simulator.wait_for(|log| log.notification_sockets.iter().any(|listener| listener.pings >= 12)))
            .await;
    assert_eq!(
        (log.notification_sockets.len(), log.notification_sockets[0].messages_received),
        (1, log.notification_sockets[0].pings)
    );
    simulator.first_conversation().play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// Waits until the last of this number of sockets is open.
async fn wait_for_socket(simulator: &Simulator, sockets: usize) {
    within_timeout(
        simulator.wait_for(|log| log.notification_sockets.len() == sockets && log.open_notification_sockets() == 1),
    )
    .await;
}

#[tokio::test]
async fn a_channel_whose_socket_was_taken_three_times_in_a_minute_is_replaced() {
    let simulator = api_simulator("", &[]).await;
    let mut running = start(&simulator, &[]).await;
    for socket in 1..=3 {
        wait_for_socket(&simulator, socket).await;
        simulator.first_conversation().play(&format!("customer Ada: {socket}")).await.unwrap();
        assert_eq!(running.next_line().await, format!("[Customer] Ada: {socket}"));
        assert_eq!(simulator.request_log().channels.len(), 1);
        simulator.apply_fault("notify:close=1001").await.unwrap();
    }
    wait_for_socket(&simulator, 4).await;
    assert_eq!(simulator.request_log().channels.len(), 2);
    assert!(
        running
            .stderr()
            .contains("the server closed the notification socket 3 times within 60 s; creating a new channel"),
        "{}",
        running.stderr()
    );
    simulator.first_conversation().play("close").await.unwrap();
    assert_eq!(running.finish().await.code, Some(0));
}
