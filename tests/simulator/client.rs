//! A client made of nothing but sockets, so that it shares no code with the one that is tested elsewhere.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use genesys_tail::simulator::{Options, Script, Simulator};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// A conversation of three messages, over at once.
pub(crate) const SHORT: &str = "+0 customer Ada: one\n+0 bot Quill: twö\n+0 agent Sam: three\n+0 close";

/// A simulator with this script and these faults.
pub(crate) async fn start(script: &str, faults: &[&str]) -> Simulator {
    start_with(script, faults, Options::default()).await
}

pub(crate) async fn start_with(script: &str, faults: &[&str], options: Options) -> Simulator {
    let script: Script = script.parse().unwrap();
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Simulator::start(Options { script, faults, ..options }).await.unwrap()
}

/// Nothing here takes longer than this unless it is broken.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it happens in time")
}

fn address(simulator: &Simulator) -> &str {
    simulator.base_url().strip_prefix("http://").unwrap()
}

/// Sends a request and reads the whole answer; an error where the connection breaks.
pub(crate) async fn request(simulator: &Simulator, head: &str, body: &str) -> std::io::Result<String> {
    let mut tcp = TcpStream::connect(address(simulator)).await?;
    let length = body.len();
    let text = format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    tcp.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

pub(crate) fn json(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The answer of the token endpoint to these credentials.
pub(crate) async fn sign_in(simulator: &Simulator, id: &str, secret: &str) -> String {
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nAuthorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded"
    );
    request(simulator, &head, "grant_type=client_credentials").await.unwrap_or_default()
}

pub(crate) async fn token(simulator: &Simulator) -> String {
    let answer = sign_in(simulator, simulator.client_id(), simulator.client_secret()).await;
    json(&answer)["access_token"].as_str().unwrap().to_owned()
}

/// Opens a socket of the first conversation.
pub(crate) async fn dial(simulator: &Simulator, token: &str) -> Result<Socket, Error> {
    let id = simulator.first_conversation().id().to_owned();
    let url = format!("ws://{}/api/v2/messaging/conversations/{id}/transcript", address(simulator));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let tcp = TcpStream::connect(address(simulator)).await?;
    client_async(request, tcp).await.map(|(socket, _)| socket)
}

/// Opens a socket that hears whatever is said from now on.
pub(crate) async fn open(simulator: &Simulator) -> Socket {
    let before = simulator.request_log().transcript_sockets.len();
    let socket = dial(simulator, &token(simulator).await).await.unwrap();
    soon(simulator.wait_for(|log| log.transcript_sockets.len() > before)).await;
    socket
}

/// Everything that comes until the connection ends, a word for each.
pub(crate) async fn everything(socket: &mut Socket) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(message) = soon(socket.next()).await {
        let end = message.is_err();
        seen.push(word(message));
        if end {
            break;
        }
    }
    seen
}

fn word(message: Result<Message, Error>) -> String {
    match message {
        Ok(Message::Text(text)) => text_word(&text),
        Ok(Message::Binary(bytes)) => match str::from_utf8(&bytes) {
            Ok(text) => format!("binary {}", text_word(text)),
            Err(_) => "binary junk".to_owned(),
        },
        Ok(Message::Ping(_)) => "ping".to_owned(),
        Ok(Message::Close(Some(frame))) => format!("close {} {}", u16::from(frame.code), frame.reason),
        Ok(Message::Close(None)) => "close".to_owned(),
        Ok(_) => "pong".to_owned(),
        Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => "end".to_owned(),
        Err(Error::Io(error)) => format!("{:?}", error.kind()),
        Err(Error::Protocol(error)) => format!("{error:?}"),
        Err(Error::Utf8(_)) => "invalid UTF-8".to_owned(),
        Err(Error::Capacity(_)) => "too large".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn text_word(text: &str) -> String {
    let Ok(frame) = serde_json::from_str::<Value>(text) else { return "no JSON".to_owned() };
    if let Some(word) = notice_word(&frame) {
        return word;
    }
    let said = &frame["payload"]["text"];
    match frame["event"].as_str() {
        Some("messageAdded") if said.is_string() && frame["payload"].get("id").is_none() => {
            format!("{said} without id")
        }
        Some("messageAdded") if said.as_str().is_some_and(|text| text.len() < 100) => said.as_str().unwrap().to_owned(),
        Some("conversationClosed") => "closed".to_owned(),
        Some(event) => event.to_owned(),
        None => "no event".to_owned(),
    }
}

/// A word for a frame of a notification socket.
fn notice_word(frame: &Value) -> Option<String> {
    if let Some(result) = frame["result"].as_str() {
        return Some(format!("{result} {}", frame["status"].as_str().unwrap_or_default()));
    }
    let (topic, body) = (frame["topicName"].as_str()?, &frame["eventBody"]);
    let words: Vec<_> = topic.split('.').collect();
    Some(match &words[..] {
        ["channel", "metadata"] => body["message"].as_str()?.to_owned(),
        ["v2", "detail", "events", "conversation", _, kind, edge] => format!("{kind}.{edge}"),
        ["v2", scope, .., "messages"] => format!("{scope} {}", listed(body).len()),
        ["v2", "users" | "routing", .., "conversations"] => format!("all media {}", listed(body).len()),
        ["v2", .., "transcription"] => heard(body),
        ["v2", "system", what, ..] => (*what).to_owned(),
        _ => topic.to_owned(),
    })
}

fn heard(body: &Value) -> String {
    let Some(transcript) = body["transcripts"].get(0) else { return body["status"]["status"].to_string() };
    let (channel, best) = (&transcript["channel"], &transcript["alternatives"][0]);
    let end = if transcript["isFinal"] == true { &best["decoratedTranscript"] } else { &best["transcript"] };
    format!("{} {}", channel.as_str().unwrap_or_default(), end.as_str().unwrap_or_default())
}

/// The ids of the messages in a conversation, whatever its shape.
pub(crate) fn listed(conversation: &Value) -> Vec<String> {
    let lists = conversation["participants"].as_array().into_iter().flatten();
    let entries = lists.flat_map(|participant| participant["messages"].as_array().into_iter().flatten());
    let entries = entries.flat_map(|entry| match entry["messages"].as_array() {
        Some(nested) => nested.iter().collect(),
        None => vec![entry],
    });
    let id = |entry: &Value| entry["messageId"].as_str().or(entry["message"]["id"].as_str()).map(str::to_owned);
    entries.filter_map(id).collect()
}

/// One answer of the REST API.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) json: Value,
}

/// Asks the REST API; a status of 0 where the connection breaks.
pub(crate) async fn ask(simulator: &Simulator, token: &str, line: &str, body: &str) -> Answer {
    let head = format!("{line} HTTP/1.1\r\nAuthorization: Bearer {token}");
    let answer = request(simulator, &head, body).await.unwrap_or_default();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let json = serde_json::from_str(body).unwrap_or_default();
    Answer { status: status(&answer), head: head.to_lowercase(), json }
}

/// Makes a channel with these topics, and says its id.
pub(crate) async fn channel(simulator: &Simulator, token: &str, topics: &[String]) -> String {
    let made = ask(simulator, token, "POST /api/v2/notifications/channels", "").await;
    let id = made.json["id"].as_str().unwrap().to_owned();
    assert_eq!(subscribe(simulator, token, &id, topics).await.status, 200);
    id
}

pub(crate) async fn subscribe(simulator: &Simulator, token: &str, channel: &str, topics: &[String]) -> Answer {
    let line = format!("POST /api/v2/notifications/channels/{channel}/subscriptions?ignoreErrors=true");
    ask(simulator, token, &line, &wanted(topics)).await
}

/// The body that asks for these topics.
pub(crate) fn wanted(topics: &[String]) -> String {
    let topics = topics.iter().map(|topic| serde_json::json!({ "id": topic }));
    Value::from(topics.collect::<Vec<_>>()).to_string()
}

/// Opens the socket of a channel, which hears whatever happens from now on.
pub(crate) async fn listen(simulator: &Simulator, channel: &str) -> Socket {
    let before = simulator.request_log().notification_sockets.len();
    let socket = dial_channel(simulator, channel).await.unwrap();
    soon(simulator.wait_for(|log| log.notification_sockets.len() > before)).await;
    socket
}

pub(crate) async fn dial_channel(simulator: &Simulator, channel: &str) -> Result<Socket, Error> {
    let tcp = TcpStream::connect(address(simulator)).await?;
    client_async(format!("ws://{}/channels/{channel}", address(simulator)), tcp).await.map(|(socket, _)| socket)
}

/// A word for what comes next.
pub(crate) async fn next(socket: &mut Socket) -> String {
    soon(socket.next()).await.map_or_else(|| "end".to_owned(), word)
}

/// A word for each of what comes next.
pub(crate) async fn some(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(next(socket).await);
    }
    seen
}

pub(crate) async fn say(socket: &mut Socket, message: Message) {
    socket.send(message).await.unwrap();
}
