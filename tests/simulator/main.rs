//! The simulator, seen from the wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod channels;
mod client;
mod conversation_model;
mod faults;
mod notifications;
mod rest;

use std::io::ErrorKind;
use std::time::Duration;

use client::{SHORT, dial, everything, json, open, request, say, sign_in, soon, start, start_with, status, token};
use futures_util::StreamExt;
use genesys_tail::simulator::{Options, Script, Simulator};
use tokio_tungstenite::tungstenite::{Error, Message};

#[tokio::test]
async fn the_token_endpoint_knows_its_client() {
    let simulator = start(SHORT, &[]).await;
    let (id, secret) = (simulator.client_id(), simulator.client_secret());
    let good = sign_in(&simulator, id, secret).await;
    assert_eq!((status(&good), json(&good)["expires_in"].as_u64()), (200, Some(86_400)));
    let stranger = sign_in(&simulator, "somebody", secret).await;
    assert_eq!((status(&stranger), json(&stranger)["description"].as_str()), (400, Some("client not found")));
    let wrong = sign_in(&simulator, id, "guess").await;
    assert_eq!((status(&wrong), json(&wrong)["error_description"].as_str()), (401, Some("authentication failed")));
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let posted = request(&simulator, "POST /oauth/token HTTP/1.1", &form).await.unwrap();
    assert_eq!(status(&posted), 200);
    assert_ne!(json(&posted)["access_token"], json(&good)["access_token"]);
    let statuses: Vec<_> = simulator.request_log().token_requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(200), Some(400), Some(401), Some(200)]);
}

#[tokio::test]
async fn a_handshake_needs_a_good_token_and_a_conversation() {
    let simulator = start(SHORT, &[]).await;
    let token = token(&simulator).await;
    let path = |id: &str| format!("GET /api/v2/messaging/conversations/{id}/transcript HTTP/1.1");
    let known = path(simulator.first_conversation().id());
    let bearer = |token: &str| format!("\r\nAuthorization: Bearer {token}");
    for (head, wanted, code) in [
        (known.clone(), 401, "authentication.required"),
        (known.clone() + &bearer("invented"), 401, "bad.credentials"),
        (path("nonesuch") + &bearer(&token), 404, "not.found"),
        (known.clone() + &bearer(&token), 426, "upgrade.required"),
    ] {
        let answer = request(&simulator, &head, "").await.unwrap();
        assert_eq!((status(&answer), json(&answer)["code"].as_str()), (wanted, Some(code)));
    }
    simulator.revoke_tokens();
    assert!(matches!(dial(&simulator, &token).await, Err(Error::Http(answer)) if answer.status() == 401));
    let handshakes = simulator.request_log().transcript_handshakes;
    assert_eq!(handshakes.last().unwrap().authorization, Some(format!("Bearer {token}")));
}

#[tokio::test]
async fn a_script_plays_from_the_first_socket_to_its_end() {
    let simulator = start(SHORT, &[]).await;
    let seen = everything(&mut open(&simulator).await).await;
    assert_eq!(seen, ["one", "twö", "three", "closed", "close 1000 conversation ended"]);
    let late = everything(&mut open(&simulator).await).await;
    assert_eq!(late, ["closed", "close 1000 conversation ended"]);
    let log =
        soon(simulator.wait_for(|log| log.transcript_sockets.len() == 2 && log.open_transcript_sockets() == 0)).await;
    assert_eq!((log.transcript_sockets[0].frames, log.transcript_sockets[0].messages.len()), (4, 3));
    assert_eq!(log.transcript_sockets[0].close_code, Some(1000));
}

#[tokio::test]
async fn a_conversation_has_ended_at_one_time_whoever_is_told_when() {
    let simulator = start("", &[]).await;
    let mut there = open(&simulator).await;
    simulator.first_conversation().play("close").await.unwrap();
    let ended = soon(there.next()).await.unwrap().unwrap();
    assert!(ended.to_text().unwrap().contains(r#""timestamp":"2"#), "{ended}");
    let mut late = open(&simulator).await;
    assert_eq!(soon(late.next()).await.unwrap().unwrap(), ended);
}

#[tokio::test]
async fn an_expired_token_ends_the_socket_and_opens_no_other() {
    let options = Options { token_lifetime: Duration::from_millis(300), ..Options::default() };
    let simulator = start_with("", &[], options).await;
    let token = token(&simulator).await;
    let mut socket = dial(&simulator, &token).await.unwrap();
    assert_eq!(everything(&mut socket).await, ["close 1008 token expired"]);
    assert!(matches!(dial(&simulator, &token).await, Err(Error::Http(answer)) if answer.status() == 401));
}

#[tokio::test]
async fn what_happens_while_nobody_listens_is_lost_unless_it_is_replayed() {
    for (faults, wanted) in [(&[][..], vec!["two"]), (&["socket:replay"][..], vec!["one", "lost", "two"])] {
        let simulator = start("", faults).await;
        let conversation = simulator.first_conversation();
        let mut socket = open(&simulator).await;
        conversation.play("customer Ada: one").await.unwrap();
        assert!(soon(socket.next()).await.unwrap().unwrap().is_text());
        drop(socket);
        soon(simulator.wait_for(|log| log.transcript_sockets[0].closed_at.is_some())).await;
        conversation.play("customer Ada: lost").await.unwrap();
        let mut socket = open(&simulator).await;
        conversation.play("customer Ada: two").await.unwrap();
        conversation.apply_fault("eof").await.unwrap();
        let mut seen = everything(&mut socket).await;
        assert_eq!(seen.pop().as_deref(), Some("end"));
        assert_eq!(seen, wanted);
    }
}

#[tokio::test]
async fn a_hand_inside_reaches_every_socket_and_the_ledger_sees_what_clients_do() {
    let simulator = start("", &[]).await;
    let conversation = simulator.first_conversation();
    let (mut first, mut second) = (open(&simulator).await, open(&simulator).await);
    say(&mut first, Message::Ping("are you there".into())).await;
    assert!(soon(first.next()).await.unwrap().unwrap().is_pong());
    conversation.send_text("{\"event\":\"anything\"}").await;
    conversation.send_binary(&b"\xff"[..]).await;
    conversation.send_bytes(&b"\x89\x00"[..]).await;
    conversation.close(4001, "bye").await;
    for socket in [&mut first, &mut second] {
        assert_eq!(everything(socket).await, ["anything", "binary junk", "ping", "close 4001 bye"]);
    }
    let log = soon(simulator.wait_for(|log| log.open_transcript_sockets() == 0)).await;
    assert_eq!((log.transcript_sockets[0].pings, log.transcript_sockets[0].pongs), (1, 1));
    assert_eq!(log.transcript_sockets[1].close_code, Some(4001));
    assert!(conversation.apply_fault("nonsense").await.is_err());
    assert!(conversation.play("nonsense").await.is_err());
}

#[tokio::test]
async fn a_rate_takes_the_place_of_the_pauses() {
    let script = Script::built_in("flood:2000").unwrap();
    let options = Options { script, rate: Some(1e6), ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let seen = everything(&mut open(&simulator).await).await;
    assert_eq!(seen.len(), 2002);
    assert!(seen[1999].starts_with("message 2000: "));
}

#[tokio::test]
async fn it_listens_on_loopback_only_and_leaves_nothing_behind() {
    let everywhere = Options { listen: ([0, 0, 0, 0], 0).into(), ..Options::default() };
    assert_eq!(Simulator::start(everywhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let still = Options { rate: Some(0.0), ..Options::default() };
    assert_eq!(Simulator::start(still).await.unwrap_err().kind(), ErrorKind::InvalidInput);

    let simulator = start("", &[]).await;
    let listen = simulator.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    let mut socket = open(&simulator).await;
    drop(simulator);
    assert_eq!(everything(&mut socket).await, ["end"]);

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
