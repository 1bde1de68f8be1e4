//! Faults of a service that limits, refuses or forgets a client, and of a network that loses connections (SIM-6).

use std::time::Duration;

use futures_util::StreamExt;
use genesys_tail::simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{
    SHORT, Socket, access_token, address, create_channel, http_request, json_body, next_event,
    open_notification_socket, open_transcript, play, queue_topic, request_token, rest_request, send, start, status_of,
    within_timeout,
};

/// The places of request faults, each with the status of its regular response to [`request`].
const PLACES: [(&str, u16); 5] =
    [("token", 200), ("handshake", 426), ("rest", 200), ("channel", 200), ("notify-handshake", 404)];

/// Sends a request that faults of this place apply to, and returns the raw response.
async fn request(simulator: &Simulator, place: &str, token: &str) -> String {
    let id = simulator.first_conversation().id().to_owned();
    let line = match place {
        "token" => return request_token(simulator, simulator.client_id(), simulator.client_secret()).await,
        "handshake" => format!("GET /api/v2/messaging/conversations/{id}/transcript"),
        "notify-handshake" => "GET /channels/ended".to_owned(),
        "rest" => format!("GET /api/v2/conversations/{id}"),
        _ => "POST /api/v2/notifications/channels".to_owned(),
    };
    http_request(simulator, &format!("{line} HTTP/1.1\r\nAuthorization: Bearer {token}"), "").await.unwrap()
}

/// Returns the responses to two requests at the place of a fault; the fault happens to the first.
async fn faulty_and_regular(place: &str, fault: &str) -> (String, String) {
    let simulator = start(SHORT, &[&format!("{place}:{fault},after={}", u8::from(place == "token"))]).await;
    let token = access_token(&simulator).await;
    (request(&simulator, place, &token).await, request(&simulator, place, &token).await)
}

#[tokio::test]
async fn an_error_states_its_wait_in_a_header_or_in_its_message() {
    let message = "Retry the request in [45] seconds";
    for (options, header, in_body) in [
        ("", None, false),
        (",retry-after=45", Some("retry-after: 45"), false),
        (",ratelimit-reset=45", Some("inin-ratelimit-reset: 45"), false),
        (",in-body=45", None, true),
        (",ratelimit-reset=45,in-body=45", Some("inin-ratelimit-reset: 45"), true),
    ] {
        for (place, regular_status) in PLACES {
            let (faulty, regular) = faulty_and_regular(place, &format!("status=429{options}")).await;
            let faulty = (status_of(&faulty), faulty.to_lowercase());
            let case = format!("{place}{options}: {faulty:?}");
            assert_eq!(faulty.0, 429, "{case}");
            assert_eq!(faulty.1.contains(&message.to_lowercase()), in_body, "{case}");
            for name in ["retry-after: 45", "inin-ratelimit-reset: 45"] {
                assert_eq!(faulty.1.contains(&format!("\r\n{name}\r\n")), header == Some(name), "{case}");
            }
            assert_eq!(status_of(&regular), regular_status, "{case}");
        }
    }
}

#[tokio::test]
async fn a_forbidden_page_is_no_error_object() {
    for (place, regular_status) in PLACES {
        let (faulty, regular) = faulty_and_regular(place, "forbidden-page").await;
        assert_eq!((status_of(&faulty), status_of(&regular)), (403, regular_status), "{place}");
        assert!(faulty.contains("content-type: text/html"), "{place}: {faulty}");
        assert!(faulty.ends_with("</html>"), "{place}: {faulty}");
    }
}

#[tokio::test]
async fn a_renewal_is_refused_after_a_successful_sign_in() {
    for (fault, status) in [
        ("status=400", 400),
        ("status=401", 401),
        ("status=403", 403),
        ("status=404", 404),
        ("status=429,in-body=3", 429),
        ("status=503", 503),
        ("forbidden-page", 403),
        ("not-json", 200),
        ("garbage", 200),
        ("redirect", 307),
        ("reset", 0),
    ] {
        let simulator = start(SHORT, &[&format!("token:{fault},after=1,times=2")]).await;
        let mut responses = Vec::new();
        for _ in 0..4 {
            responses.push(request(&simulator, "token", "").await);
        }
        let statuses: Vec<_> = responses.iter().map(|response| status_of(response)).collect();
        assert_eq!(statuses, [200, status, status, 200], "{fault}");
        let has_token: Vec<_> = responses.iter().map(|response| response.contains("access_token")).collect();
        assert_eq!(has_token, [true, false, false, true], "{fault}");
    }
}

#[tokio::test]
async fn a_new_token_is_unknown_at_first() {
    let simulator = start(SHORT, &["token:unknown-for=1h"]).await;
    let (unknown, known) = (access_token(&simulator).await, access_token(&simulator).await);
    for (place, regular_status) in &PLACES[1..4] {
        let response = request(&simulator, place, &unknown).await;
        assert_eq!((status_of(&response), json_body(&response)["code"].as_str()), (401, Some("bad.credentials")));
        assert_eq!(status_of(&request(&simulator, place, &known).await), *regular_status, "{place}");
    }
}

/// A connection of HTTP that stays open between requests.
struct KeptAlive(TcpStream);

impl KeptAlive {
    async fn connect(simulator: &Simulator) -> Self {
        Self(TcpStream::connect(address(simulator)).await.unwrap())
    }

    async fn send(&mut self, token: &str) {
        let head = format!("GET /api/v2/users/kept-alive HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}");
        self.0.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    }

    /// Returns the number of bytes that arrived; 0 at the end of the connection.
    async fn receive(&mut self) -> usize {
        self.0.read(&mut [0; 4096]).await.unwrap()
    }
}

fn kept_alive_requests(simulator: &Simulator) -> usize {
    simulator.request_log().requests.iter().filter(|request| request.path.ends_with("/kept-alive")).count()
}

/// Reads a socket until nothing arrives, and returns the number of messages. The end of the connection counts as one.
async fn received(socket: &mut Socket) -> usize {
    let mut count = 0;
    while let Ok(message) = timeout(Duration::from_millis(50), socket.next()).await {
        count += 1;
        if !matches!(message, Some(Ok(_))) {
            break;
        }
    }
    count
}

/// Lets the fault happen, and waits until it has.
async fn trigger(simulator: &Simulator, place: &str, token: &str) {
    if place == "rest" {
        let request = rest_request(simulator, token, "GET /api/v2/users/trigger", "");
        assert!(timeout(Duration::from_millis(50), request).await.is_err());
        return;
    }
    play(simulator, "customer Ada: one").await;
    let has_happened = simulator.wait_for(|log| match place {
        "socket" => log.transcript_sockets.iter().any(|socket| socket.frames == 1),
        _ => log.notification_sockets[0].events == 1,
    });
    within_timeout(has_happened).await;
}

#[tokio::test]
async fn all_open_connections_fall_silent_and_new_ones_work() {
    for (place, options) in [("socket", "after=1"), ("notify", "after=1"), ("rest", "path=/trigger")] {
        let simulator = start("", &[&format!("{place}:silence-all,{options}")]).await;
        let token = access_token(&simulator).await;
        let channel = create_channel(&simulator, &token, &[queue_topic("Support")]).await;
        let mut sockets = [
            open_transcript(&simulator).await,
            open_transcript(&simulator).await,
            open_notification_socket(&simulator, &channel).await,
        ];
        let mut kept_alive = KeptAlive::connect(&simulator).await;
        kept_alive.send(&token).await;
        assert!(within_timeout(kept_alive.receive()).await > 0);
        trigger(&simulator, place, &token).await;
        for socket in &mut sockets {
            received(socket).await;
        }

        play(&simulator, "customer Ada: two").await;
        for socket in &mut sockets {
            send(socket, Message::Ping("hello".into())).await;
            assert_eq!(received(socket).await, 0, "{place}");
        }
        kept_alive.send(&token).await;
        assert!(timeout(Duration::from_millis(50), kept_alive.receive()).await.is_err(), "{place}");
        assert_eq!(kept_alive_requests(&simulator), 1, "{place}");

        let mut again = open_transcript(&simulator).await;
        play(&simulator, "customer Ada: three").await;
        assert_eq!(next_event(&mut again).await, "three", "{place}");
    }
}

#[tokio::test]
async fn only_the_client_ends_a_silent_connection() {
    let simulator = start("", &["socket:silence-all", "rest:slow=100ms"]).await;
    let token = access_token(&simulator).await;
    let mut request = Box::pin(rest_request(&simulator, &token, "GET /api/v2/users/slow", ""));
    tokio::select! {
        _ = &mut request => panic!("the response is slow"),
        _ = within_timeout(simulator.wait_for(|log| log.requests.len() == 1)) => {}
    }
    let mut socket = open_transcript(&simulator).await;
    simulator.first_conversation().apply_fault("eof").await.unwrap();
    assert_eq!(received(&mut socket).await, 0);
    assert!(timeout(Duration::from_millis(200), request).await.is_err());
    drop(socket);
    within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
}
