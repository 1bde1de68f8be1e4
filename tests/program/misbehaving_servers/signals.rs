//! A signal while a server sends without end.

use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{MEMORY_LIMIT, notification_server};
use crate::support::memory::peak_memory_mib;
use crate::support::program::Running;
use crate::support::raw_server::{CONTINUATION, FIN, PING, RawServer, TEXT, server_frame};

#[tokio::test]
async fn endless_frames_neither_fill_the_memory_nor_delay_a_signal() {
    let empty_fragment = server_frame(CONTINUATION, b"");
    let unknown = server_frame(FIN | TEXT, br#"{"event":"somethingElse"}"#);
    let cases = [
        ("pings", Vec::new(), server_frame(FIN | PING, &[b'x'; 125])),
        ("unknown events", Vec::new(), unknown),
        ("frames without JSON", Vec::new(), server_frame(FIN | TEXT, b"")),
        ("binary frames", Vec::new(), server_frame(FIN | 2, &[0xff; 100])),
        ("messages without a payload", Vec::new(), server_frame(FIN | TEXT, br#"{"event":"messageAdded"}"#)),
        ("empty fragments", server_frame(TEXT, b""), empty_fragment),
    ];
    join_all(cases.map(async |(name, first, repeated)| {
        let server = RawServer::transcript(first, Some(repeated.repeat(4096 / repeated.len()))).await;
        let mut running = Running::start(&mut server.program(&[]));
        running.wait_for_stderr("connected to ").await;
        sleep(Duration::from_millis(700)).await;
        let memory = peak_memory_mib(running.child.id()).unwrap();
        running.signal(Signal::INT);
        let signaled_at = Instant::now();
        let finished = running.finish().await;
        assert_eq!(finished.signal, Some(2), "{name}: {}", finished.stderr);
        assert!(signaled_at.elapsed() < Duration::from_secs(4), "{name}: {:?}", signaled_at.elapsed());
        assert!(
            memory <= MEMORY_LIMIT && finished.stderr.lines().count() < 8,
            "{name}: {memory} MiB, {}",
            finished.stderr
        );
    }))
    .await;
}

#[tokio::test]
async fn endless_notifications_neither_fill_the_memory_nor_delay_a_signal() {
    let foreign_event = |topic: &str| {
        format!(r#"{{"topicName":"{topic}","eventBody":{{"id":"c2","participants":[{{"state":"connected"}}]}}}}"#)
    };
    let error = format!(r#"{{"result":400,"message":"{}"}}"#, "\\u001b[2J".repeat(100_000));
    let cases = [
        ("errors", error),
        ("other conversations", foreign_event("v2.users.u1.conversations.messages")),
        ("unknown topics", foreign_event("v2.something.else")),
        ("a long topic", foreign_event(&"x".repeat(1 << 20))),
        ("no object", "[]".to_owned()),
        ("heartbeats", r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#.to_owned()),
    ];
    join_all(cases.map(async |(name, json)| {
        let server = notification_server(Vec::new(), Some(server_frame(FIN | TEXT, json.as_bytes()))).await;
        let mut running = Running::start(&mut server.program(&["--source", "notifications"]));
        running.wait_for_stderr("connected to ").await;
        sleep(Duration::from_millis(700)).await;
        let memory = peak_memory_mib(running.child.id()).unwrap();
        running.signal(Signal::TERM);
        let finished = running.finish().await;
        assert_eq!(finished.signal, Some(15), "{name}: {}", finished.stderr);
        assert!(
            memory <= MEMORY_LIMIT && finished.stderr.len() < 20_000,
            "{name}: {memory} MiB, {}",
            finished.stderr.len()
        );
        assert!(finished.stderr.lines().count() < 8 && !finished.stderr.contains('\u{1b}'), "{name}");
    }))
    .await;
}
