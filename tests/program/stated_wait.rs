//! The wait that the server states is kept before the next request, whatever was requested (CONN-1, CONN-2, R9).

use crate::support::program::Running;
use crate::support::raw_server::{FIN, RawServer, Response, TEXT, json_response, server_frame};

const MESSAGE: &str = "Rate limit exceeded the maximum. Retry the request in [45] seconds";

/// Returns a 429 that states a wait of 45 s in this header and otherwise, without a header, in its message.
fn too_many_requests(header: &str) -> Response {
    let message = if header.is_empty() { MESSAGE } else { "Rate limit exceeded the maximum." };
    let body = format!(r#"{{"message":"{message}","code":"too.many.requests","status":429}}"#);
    let length = body.len();
    let head = format!("HTTP/1.1 429 So\r\nConnection: close\r\n{header}Content-Length: {length}\r\n\r\n");
    Response::Bytes([head, body].concat().into_bytes())
}

/// Returns the regular response to a request.
fn regular_response(head: &str, port: u16) -> Response {
    match head {
        head if head.starts_with("POST /oauth/token") => {
            json_response(200, r#"{"access_token":"invented","token_type":"bearer","expires_in":86399}"#)
        }
        head if head.starts_with("GET /socket") || head.contains("/transcript ") => {
            Response::WebSocket(server_frame(FIN | TEXT, b"{}"), None)
        }
        head if head.starts_with("GET /api/v2/conversations/") => {
            json_response(200, r#"{"id":"c1","participants":[{"id":"p","purpose":"customer","state":"connected"}]}"#)
        }
        head if head.contains("/subscriptions") => json_response(200, r#"{"entities":[]}"#),
        head if head.contains("/channels") => {
            json_response(200, &format!(r#"{{"id":"ch-1","connectUri":"ws://127.0.0.1:{port}/socket"}}"#))
        }
        _ => json_response(404, "{}"),
    }
}

#[tokio::test]
async fn every_kind_of_request_keeps_the_stated_wait_before_the_next_attempt() {
    for (kind, source, refused) in [
        ("token", "auto", "POST /oauth/token"),
        ("handshake", "transcript", "/transcript "),
        ("history", "transcript", "GET /api/v2/conversations/"),
        ("snapshot", "notifications", "GET /api/v2/conversations/"),
        ("channel", "notifications", "POST /api/v2/notifications/channels "),
        ("subscriptions", "notifications", "/subscriptions"),
        ("notification socket", "notifications", "GET /socket"),
    ] {
        for header in ["Retry-After: 45\r\n", "inin-ratelimit-reset: 45\r\n", ""] {
            let server = RawServer::start_with_port(move |head, port| {
                if head.contains(refused) { too_many_requests(header) } else { regular_response(head, port) }
            })
            .await;
            let mut running = Running::start(&mut server.program(&["--source", source]));
            running.wait_for_stderr("in 45.0 s").await;
            let attempts = server.request_lines().iter().filter(|line| line.contains(refused)).count();
            assert_eq!(attempts, 1, "{kind} {header}: {:?}", server.request_lines());
        }
    }
}
