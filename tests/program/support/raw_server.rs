//! A hand-written HTTP and WebSocket server that can break every rule of its protocols.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::program::{bare_program, within_timeout};

/// The FIN bit of a frame: the last fragment of a message.
pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The event that ends a conversation on the transcript socket.
pub(crate) const CLOSED_EVENT: &str = r#"{"event":"conversationClosed","timestamp":"2026-01-02T03:06:31Z"}"#;

/// The server's reaction to one request.
#[derive(Debug, Clone)]
pub(crate) enum Response {
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends the first bytes, then the second again and again, each after a pause.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// Opens a WebSocket and sends the first bytes, then the second, if any, again and again.
    WebSocket(Vec<u8>, Option<Vec<u8>>),
}

/// A WebSocket frame sent by the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientFrame {
    /// FIN, reserved bits and opcode.
    pub(crate) first_byte: u8,
    /// The masking key.
    pub(crate) mask: Option<[u8; 4]>,
    /// The unmasked payload.
    pub(crate) payload: Vec<u8>,
}

/// A running server. It serves for as long as the runtime of the test runs.
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    client_frames: watch::Sender<Vec<ClientFrame>>,
}

impl RawServer {
    /// Listens on loopback and grants tokens. `respond` gets the head of every other request.
    pub(crate) async fn start(respond: impl Fn(&str) -> Response + Send + Sync + 'static) -> Self {
        Self::start_without_tokens(
            move |head| {
                if head.starts_with("POST /oauth/token") { token_response() } else { respond(head) }
            },
        )
        .await
    }

    /// Listens on loopback. `respond` gets the head of every request, token requests included.
    pub(crate) async fn start_without_tokens(respond: impl Fn(&str) -> Response + Send + Sync + 'static) -> Self {
        Self::start_with_port(move |head, _| respond(head)).await
    }

    /// Listens on loopback. `respond` gets the head of every request, token requests included, and the server's own port.
    pub(crate) async fn start_with_port(respond: impl Fn(&str, u16) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, client_frames) = (Arc::default(), watch::Sender::default());
        let server = Self { address: listener.local_addr().unwrap(), requests, client_frames };
        let (requests, client_frames) = (Arc::clone(&server.requests), server.client_frames.clone());
        let respond = Arc::new(respond);
        tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let (respond, requests) = (Arc::clone(&respond), Arc::clone(&requests));
                let client_frames = client_frames.clone();
                tokio::spawn(async move {
                    let Some(head) = read_request_head(&mut tcp).await else { return };
                    let response = respond(&head, port);
                    requests.lock().unwrap().push(head.clone());
                    serve(tcp, &head, response, &client_frames).await;
                });
            }
        });
        server
    }

    /// Starts a server that offers only the transcript socket.
    pub(crate) async fn transcript(frames: Vec<u8>, repeated: Option<Vec<u8>>) -> Self {
        let socket = Response::WebSocket(frames, repeated);
        Self::start(move |head| if head.contains("/transcript ") { socket.clone() } else { json_response(404, "{}") })
            .await
    }

    /// Returns the binary with the settings to tail conversation `c1` of this server.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let url = format!("http://{}", self.address);
        let mut command = bare_program(&["-c", "c1", "--api-url", &url, "--client-id", "id"]);
        command.args(args).env("GENESYS_CLIENT_SECRET", "invented");
        command
    }

    /// Returns the first line of every request.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        let first = |head: &String| head.lines().next().unwrap_or_default().to_owned();
        self.requests.lock().unwrap().iter().map(first).collect()
    }

    /// Returns every WebSocket frame that the client sent.
    pub(crate) fn client_frames(&self) -> Vec<ClientFrame> {
        self.client_frames.borrow().clone()
    }

    /// Waits until the client has sent so many pings.
    pub(crate) async fn wait_for_pings(&self, count: usize) {
        let is_ping = |frame: &&ClientFrame| frame.first_byte & 0xf == PING;
        let mut frames = self.client_frames.subscribe();
        within_timeout(frames.wait_for(|frames| frames.iter().filter(is_ping).count() >= count)).await.unwrap();
    }
}

/// Returns a response of the token endpoint that grants a token.
pub(crate) fn token_response() -> Response {
    json_response(200, r#"{"access_token":"invented-token","token_type":"bearer","expires_in":86399}"#)
}

/// Returns a well-formed HTTP response with a JSON body.
pub(crate) fn json_response(status: u16, body: &str) -> Response {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} So\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    Response::Bytes([head.as_bytes(), body.as_bytes()].concat())
}

/// Encodes an unmasked WebSocket frame with a correct length.
pub(crate) fn server_frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        short @ 0..126 => vec![u8::try_from(short).unwrap()],
        long @ 126..=0xffff => [&[126], &u16::try_from(long).unwrap().to_be_bytes()[..]].concat(),
        longest => [&[127], &(longest as u64).to_be_bytes()[..]].concat(),
    };
    [&[first_byte], length.as_slice(), payload].concat()
}

/// Returns the event of a customer message on the transcript socket.
pub(crate) fn message_added(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(r#"{{"event":"messageAdded","payload":{{"from":{{"id":"external","name":"Ada"}},"text":{text}}}}}"#)
}

async fn serve(mut tcp: TcpStream, head: &str, response: Response, client_frames: &watch::Sender<Vec<ClientFrame>>) {
    match response {
        Response::Bytes(bytes) => {
            let _ = tcp.write_all(&bytes).await;
            let _ = tcp.shutdown().await;
        }
        Response::Endless(first, repeated, pause) => {
            let _ = tcp.write_all(&first).await;
            while tcp.write_all(&repeated).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
        Response::WebSocket(frames, repeated) => {
            accept_handshake(&mut tcp, head).await;
            serve_websocket(tcp, &frames, repeated, client_frames).await;
        }
    }
}

async fn accept_handshake(tcp: &mut TcpStream, head: &str) {
    let key = head.lines().find_map(|line| {
        line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key)
    });
    let accept = derive_accept_key(key.unwrap().as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let _ = tcp.write_all(response.as_bytes()).await;
}

/// Sends `frames`, records the client's frames and answers its close frame.
async fn serve_websocket(
    mut tcp: TcpStream,
    frames: &[u8],
    repeated: Option<Vec<u8>>,
    client_frames: &watch::Sender<Vec<ClientFrame>>,
) {
    let (mut read, mut write) = tcp.split();
    let send = async {
        // Two writes, so that the client's reads also split frames.
        let (first, second) = frames.split_at(frames.len() / 2);
        let _ = write.write_all(first).await;
        tokio::task::yield_now().await;
        let _ = write.write_all(second).await;
        if let Some(repeated) = repeated {
            while write.write_all(&repeated).await.is_ok() {}
        }
        std::future::pending::<()>().await;
    };
    let receive = async {
        while let Some(frame) = read_client_frame(&mut read).await {
            let is_close = frame.first_byte & 0xf == CLOSE;
            client_frames.send_modify(|frames| frames.push(frame));
            if is_close {
                break;
            }
        }
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
    }
    let last = client_frames.borrow().last().cloned();
    if let Some(close) = last.filter(|frame| frame.first_byte & 0xf == CLOSE) {
        let _ = tcp.write_all(&server_frame(FIN | CLOSE, &close.payload)).await;
    }
}

async fn read_client_frame(read: &mut (impl AsyncReadExt + Unpin)) -> Option<ClientFrame> {
    let (first_byte, length) = (read.read_u8().await.ok()?, read.read_u8().await.ok()?);
    let long = match length & 0x7f {
        126 => read.read_u16().await.ok()?.into(),
        127 => usize::try_from(read.read_u64().await.ok()?).ok()?,
        short => short.into(),
    };
    let mut mask = None;
    if length & 0x80 != 0 {
        let mut key = [0; 4];
        read.read_exact(&mut key).await.ok()?;
        mask = Some(key);
    }
    let mut payload = vec![0; long];
    read.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().zip(mask.unwrap_or_default().iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    Some(ClientFrame { first_byte, mask, payload })
}

/// Reads a request and returns its head. The body is discarded.
async fn read_request_head(tcp: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    tcp.read_exact(&mut vec![0; length.unwrap_or(0)]).await.ok()?;
    Some(head)
}
