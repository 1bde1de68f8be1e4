//! A server that is written by hand, and so can be as wrong as one likes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::program::bare;

/// The last fragment of a message, as the first bit of a frame says.
pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The end of a conversation on the transcript socket.
pub(crate) const CLOSED: &str = r#"{"event":"conversationClosed","timestamp":"2026-01-02T03:06:31Z"}"#;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Sends these bytes, and hangs up.
    Bytes(Vec<u8>),
    /// Sends the first, and then the second over and over, each after a pause.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// Opens a WebSocket and sends the first, and then the second over and over where there is one.
    Socket(Vec<u8>, Option<Vec<u8>>),
}

/// A frame of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The first byte.
    pub(crate) head: u8,
    /// The key it is masked with.
    pub(crate) mask: Option<[u8; 4]>,
    /// What is in it, unmasked.
    pub(crate) payload: Vec<u8>,
}

/// A running server. It serves for as long as the runtime of the test runs.
pub(crate) struct Stranger {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<Vec<Frame>>>,
}

impl Stranger {
    /// Listens on loopback, and grants a token to whoever asks. `answer` is given the head of every other request.
    pub(crate) async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::bare(move |head| if head.starts_with("POST /oauth/token") { token() } else { answer(head) }).await
    }

    /// The same with an answer to the request for a token.
    pub(crate) async fn bare(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (asked, heard) = (Arc::default(), Arc::default());
        let stranger = Self { address: listener.local_addr().unwrap(), asked, heard };
        let (asked, heard) = (Arc::clone(&stranger.asked), Arc::clone(&stranger.heard));
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (answer, asked, heard) = (Arc::clone(&answer), Arc::clone(&asked), Arc::clone(&heard));
                tokio::spawn(async move {
                    let mut tcp = tcp;
                    let Some(request) = head(&mut tcp).await else { return };
                    let answer = answer(&request);
                    asked.lock().unwrap().push(request.clone());
                    serve(tcp, &request, answer, &heard).await;
                });
            }
        });
        stranger
    }

    /// A server with a transcript socket and nothing else.
    pub(crate) async fn transcript(frames: Vec<u8>, then: Option<Vec<u8>>) -> Self {
        let socket = Answer::Socket(frames, then);
        Self::start(move |head| if head.contains("/transcript ") { socket.clone() } else { json(404, "{}") }).await
    }

    /// The binary, sent to this server.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let mut command = bare(&["-c", "c1", "--api-url", &format!("http://{}", self.address), "--client-id", "id"]);
        command.args(args).env("GENESYS_CLIENT_SECRET", "invented");
        command
    }

    /// The first line of every request.
    pub(crate) fn asked(&self) -> Vec<String> {
        let first = |head: &String| head.lines().next().unwrap_or_default().to_owned();
        self.asked.lock().unwrap().iter().map(first).collect()
    }

    /// Every frame the client has sent.
    pub(crate) fn heard(&self) -> Vec<Frame> {
        self.heard.lock().unwrap().clone()
    }
}

/// A token.
pub(crate) fn token() -> Answer {
    json(200, r#"{"access_token":"invented-token","token_type":"bearer","expires_in":86399}"#)
}

/// An ordinary answer.
pub(crate) fn json(status: u16, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} So\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    Answer::Bytes([head.as_bytes(), body.as_bytes()].concat())
}

/// A frame as servers send it.
pub(crate) fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        short @ 0..126 => vec![u8::try_from(short).unwrap()],
        long @ 126..=0xffff => [&[126], &u16::try_from(long).unwrap().to_be_bytes()[..]].concat(),
        longest => [&[127], &(longest as u64).to_be_bytes()[..]].concat(),
    };
    [&[head], length.as_slice(), payload].concat()
}

/// A message of the customer.
pub(crate) fn said(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(r#"{{"event":"messageAdded","payload":{{"from":{{"id":"external","name":"Ada"}},"text":{text}}}}}"#)
}

async fn serve(mut tcp: TcpStream, head: &str, answer: Answer, log: &Mutex<Vec<Frame>>) {
    match answer {
        Answer::Bytes(bytes) => {
            let _ = tcp.write_all(&bytes).await;
            let _ = tcp.shutdown().await;
        }
        Answer::Endless(first, then, pause) => {
            let _ = tcp.write_all(&first).await;
            while tcp.write_all(&then).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
        Answer::Socket(frames, then) => socket(tcp, head, &frames, then, log).await,
    }
}

async fn socket(mut tcp: TcpStream, head: &str, frames: &[u8], then: Option<Vec<u8>>, log: &Mutex<Vec<Frame>>) {
    let key = head.lines().find_map(|line| {
        line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key)
    });
    let accept = derive_accept_key(key.unwrap().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let _ = tcp.write_all(answer.as_bytes()).await;
    let (mut read, mut write) = tcp.split();
    let speak = async {
        // In two pieces, so that frames are cut at the borders of reads as well.
        let (one, other) = frames.split_at(frames.len() / 2);
        let _ = write.write_all(one).await;
        tokio::task::yield_now().await;
        let _ = write.write_all(other).await;
        if let Some(more) = then {
            while write.write_all(&more).await.is_ok() {}
        }
        std::future::pending::<()>().await;
    };
    let listen = async {
        while let Some(frame) = client_frame(&mut read).await {
            let last = frame.head & 0xf == CLOSE;
            log.lock().unwrap().push(frame);
            if last {
                break;
            }
        }
    };
    tokio::select! {
        () = speak => {}
        () = listen => {}
    }
    let answer = log.lock().unwrap().last().cloned();
    if let Some(close) = answer.filter(|frame| frame.head & 0xf == CLOSE) {
        let _ = tcp.write_all(&frame(FIN | CLOSE, &close.payload)).await;
    }
}

async fn client_frame(read: &mut (impl AsyncReadExt + Unpin)) -> Option<Frame> {
    let (head, length) = (read.read_u8().await.ok()?, read.read_u8().await.ok()?);
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
    Some(Frame { head, mask, payload })
}

/// The head of a request, whose body is read and forgotten.
async fn head(tcp: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    tcp.read_exact(&mut vec![0; length.unwrap_or(0)]).await.ok()?;
    Some(head)
}
