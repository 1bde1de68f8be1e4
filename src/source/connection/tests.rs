use futures_util::SinkExt;
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

use super::*;
use crate::api::websocket::KeepAlive;
use crate::config::SocketLimits;
use crate::system::suspend::SuspendDetector;

async fn socket() -> (Socket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (ping_interval, idle_timeout) = (Duration::from_secs(20), Duration::from_secs(45));
    let limits = SocketLimits { ping_interval, idle_timeout, max_frame_size: 1024, read_buffer: 4096 };
    let suspend = SuspendDetector::start(|| Duration::ZERO);
    let socket = Socket::new(near, limits, KeepAlive::PingFrame, suspend).await;
    (socket, WebSocketStream::from_raw_socket(far, Role::Server, None).await)
}

#[tokio::test(start_paused = true)]
async fn a_retiring_socket_that_always_has_a_frame_ends_after_two_seconds() {
    let mut connection = Connection::default();
    let (old, mut old_server) = socket().await;
    let (new, _new_server) = socket().await;
    connection.open(old, None);
    connection.replace(new, None);
    for text in ["m1", "m2"] {
        old_server.send(Message::Text(text.into())).await.expect("sent");
    }
    let frame = connection.try_next().expect("a frame").expect("no close");
    assert_eq!(connection.role(&frame), ConnectionRole::Retiring);
    tokio::time::advance(RETIREMENT).await;
    assert!(connection.try_next().is_none() && connection.retiring.is_none());
    old_server.send(Message::Text("m3".into())).await.expect_err("the socket was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_socket_whose_end_waits_behind_a_backfill_gets_no_successor() {
    let mut connection = Connection::default();
    let (old, _old_server) = socket().await;
    connection.open(old, None);
    let opened = async || {
        let (socket, server) = socket().await;
        let peer = Peer { host: "api.example.invalid".to_owned(), source: "transcript" };
        (Opened { socket, peer, token: None }, server)
    };
    let (early, _early_server) = opened().await;
    connection.prepare(early);
    assert!(connection.successor.is_some() && !connection.may_be_renewed());
    let reason = CloseReason::ConnectionLost("connection reset".to_owned());
    connection.buffer_end(reason.clone());
    assert!(connection.successor.is_none());
    let (late, _late_server) = opened().await;
    connection.prepare(late);
    assert!(!connection.may_be_renewed() && connection.take_over().is_none());
    assert_eq!(connection.next_buffered().map(|result| result.map(|_| ())), Some(Err(reason)));
}
