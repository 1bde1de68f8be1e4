//! Tests of the simulator over its sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod channels;
mod client;
mod conversation_model;
mod directory;
mod event_stream;
mod faults;
mod notifications;
mod outages;
mod rest;

use std::io::ErrorKind;
use std::time::Duration;

use client::{
    SHORT, access_token, connect_transcript, http_request, json_body, open_transcript, read_to_end, refused_status,
    request_token, send, start, start_with, status_of, within_timeout,
};
use futures_util::StreamExt;
use genesys_tail::simulator::{Options, Script, Simulator};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn only_the_configured_client_gets_a_token() {
    let simulator = start(SHORT, &[]).await;
    let (id, secret) = (simulator.client_id(), simulator.client_secret());
    let good = request_token(&simulator, id, secret).await;
    assert_eq!((status_of(&good), json_body(&good)["expires_in"].as_u64()), (200, Some(86_400)));
    let unknown = request_token(&simulator, "other-client", secret).await;
    assert_eq!((status_of(&unknown), json_body(&unknown)["description"].as_str()), (400, Some("client not found")));
    let wrong = request_token(&simulator, id, "guess").await;
    assert_eq!(
        (status_of(&wrong), json_body(&wrong)["error_description"].as_str()),
        (401, Some("authentication failed"))
    );
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let posted = http_request(&simulator, "POST /oauth/token HTTP/1.1", &form).await.unwrap();
    assert_eq!(status_of(&posted), 200);
    assert_ne!(json_body(&posted)["access_token"], json_body(&good)["access_token"]);
    let statuses: Vec<_> = simulator.request_log().token_requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(200), Some(400), Some(401), Some(200)]);
}

#[tokio::test]
async fn a_handshake_needs_a_valid_token_and_a_known_conversation() {
    let simulator = start(SHORT, &[]).await;
    let token = access_token(&simulator).await;
    let path = |id: &str| format!("GET /api/v2/messaging/conversations/{id}/transcript HTTP/1.1");
    let known = path(simulator.first_conversation().id());
    let bearer = |token: &str| format!("\r\nAuthorization: Bearer {token}");
    for (head, expected, code) in [
        (known.clone(), 401, "authentication.required"),
        (known.clone() + &bearer("invented"), 401, "bad.credentials"),
        (path("nonesuch") + &bearer(&token), 404, "not.found"),
        (known.clone() + &bearer(&token), 426, "upgrade.required"),
    ] {
        let response = http_request(&simulator, &head, "").await.unwrap();
        assert_eq!((status_of(&response), json_body(&response)["code"].as_str()), (expected, Some(code)));
    }
    simulator.revoke_tokens();
    assert_eq!(refused_status(connect_transcript(&simulator, &token).await), Some(401));
    let handshakes = simulator.request_log().transcript_handshakes;
    assert_eq!(handshakes.last().unwrap().authorization, Some(format!("Bearer {token}")));
}

#[tokio::test]
async fn a_script_starts_with_the_first_socket_and_plays_to_its_end() {
    let simulator = start(SHORT, &[]).await;
    let received = read_to_end(&mut open_transcript(&simulator).await).await;
    assert_eq!(received, ["one", "twö", "three", "closed", "close 1000 conversation ended"]);
    let late = read_to_end(&mut open_transcript(&simulator).await).await;
    assert_eq!(late, ["closed", "close 1000 conversation ended"]);
    let log = within_timeout(
        simulator.wait_for(|log| log.transcript_sockets.len() == 2 && log.open_transcript_sockets() == 0),
    )
    .await;
    assert_eq!((log.transcript_sockets[0].frames, log.transcript_sockets[0].messages.len()), (4, 3));
    assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
}

#[tokio::test]
async fn every_socket_receives_the_same_closing_frame() {
    let simulator = start("", &[]).await;
    let mut early = open_transcript(&simulator).await;
    simulator.first_conversation().play("close").await.unwrap();
    let ended = within_timeout(early.next()).await.unwrap().unwrap();
    assert!(ended.to_text().unwrap().contains(r#""timestamp":"2"#), "{ended}");
    let mut late = open_transcript(&simulator).await;
    assert_eq!(within_timeout(late.next()).await.unwrap().unwrap(), ended);
}

#[tokio::test]
async fn an_expired_token_closes_the_socket_and_opens_no_other() {
    let options = Options { token_lifetime: Duration::from_millis(300), ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let token = access_token(&simulator).await;
    let mut socket = connect_transcript(&simulator, &token).await.unwrap();
    assert_eq!(read_to_end(&mut socket).await, ["close 1008 token expired"]);
    assert_eq!(refused_status(connect_transcript(&simulator, &token).await), Some(401));
}

#[tokio::test]
async fn frames_without_a_socket_are_lost_unless_they_are_replayed() {
    for (faults, expected) in [(&[][..], vec!["two"]), (&["socket:replay"][..], vec!["one", "lost", "two"])] {
        let simulator = start("", faults).await;
        let conversation = simulator.first_conversation();
        let mut socket = open_transcript(&simulator).await;
        conversation.play("customer Ada: one").await.unwrap();
        assert!(within_timeout(socket.next()).await.unwrap().unwrap().is_text());
        drop(socket);
        within_timeout(simulator.wait_for(|log| log.transcript_sockets[0].closed_at.is_some())).await;
        conversation.play("customer Ada: lost").await.unwrap();
        let mut socket = open_transcript(&simulator).await;
        conversation.play("customer Ada: two").await.unwrap();
        conversation.apply_fault("eof").await.unwrap();
        let mut received = read_to_end(&mut socket).await;
        assert_eq!(received.pop().as_deref(), Some("end"));
        assert_eq!(received, expected);
    }
}

#[tokio::test]
async fn a_handle_reaches_every_socket_and_the_log_holds_what_clients_send() {
    let simulator = start("", &[]).await;
    let conversation = simulator.first_conversation();
    let (mut first, mut second) = (open_transcript(&simulator).await, open_transcript(&simulator).await);
    send(&mut first, Message::Ping("are you there".into())).await;
    assert!(within_timeout(first.next()).await.unwrap().unwrap().is_pong());
    conversation.send_text("{\"event\":\"anything\"}").await;
    conversation.send_binary(&b"\xff"[..]).await;
    conversation.send_bytes(&b"\x89\x00"[..]).await;
    conversation.close(4001, "bye").await;
    for socket in [&mut first, &mut second] {
        assert_eq!(read_to_end(socket).await, ["anything", "binary junk", "ping", "close 4001 bye"]);
    }
    let log = within_timeout(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
    assert_eq!((log.transcript_sockets[0].pings, log.transcript_sockets[0].pongs), (1, 1));
    assert_eq!(log.transcript_sockets[1].close_code, Some(4001));
    assert!(conversation.apply_fault("nonsense").await.is_err());
    assert!(conversation.play("nonsense").await.is_err());
}

#[tokio::test]
async fn a_rate_replaces_the_pauses_of_the_script() {
    let script = Script::built_in("flood:2000").unwrap();
    let options = Options { script, rate: Some(1e6), ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let received = read_to_end(&mut open_transcript(&simulator).await).await;
    assert_eq!(received.len(), 2002);
    assert!(received[1999].starts_with("message 2000: "));
}

#[tokio::test]
async fn the_simulator_listens_on_loopback_only_and_frees_its_port() {
    let all_interfaces = Options { listen: ([0, 0, 0, 0], 0).into(), ..Options::default() };
    assert_eq!(Simulator::start(all_interfaces).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let zero_rate = Options { rate: Some(0.0), ..Options::default() };
    assert_eq!(Simulator::start(zero_rate).await.unwrap_err().kind(), ErrorKind::InvalidInput);

    let simulator = start("", &[]).await;
    let listen = simulator.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    let mut socket = open_transcript(&simulator).await;
    drop(simulator);
    assert_eq!(read_to_end(&mut socket).await, ["end"]);

    let again = Options { listen, ..Options::default() };
    let simulator = Simulator::start(again).await.unwrap();
    let dotenv = simulator.dotenv();
    simulator.shutdown().await;
    assert!(
        dotenv
            .starts_with(&format!("GENESYS_API_URL=http://{listen}\nGENESYS_LOGIN_URL=http://{listen}/oauth/token\n"))
    );
    assert_eq!(dotenv.lines().count(), 5);
}
