//! A client made of plain sockets, which shares no code with the program.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use genesys_tail::simulator::{Options, Script, Simulator};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// A conversation of three messages without pauses.
pub(crate) const SHORT: &str = "+0 customer Ada: one\n+0 bot Quill: twö\n+0 agent Sam: three\n+0 close";

/// Starts a simulator with this script and these faults.
pub(crate) async fn start(script: &str, faults: &[&str]) -> Simulator {
    start_with(script, faults, Options::default()).await
}

pub(crate) async fn start_with(script: &str, faults: &[&str], options: Options) -> Simulator {
    let script: Script = script.parse().unwrap();
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Simulator::start(Options { script, faults, ..options }).await.unwrap()
}

/// Plays a line in the first conversation.
pub(crate) async fn play(simulator: &Simulator, line: &str) {
    simulator.first_conversation().play(line).await.unwrap();
}

/// Fails the test if the future takes longer than any correct one does.
pub(crate) async fn within_timeout<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("the test does not hang")
}

pub(crate) fn address(simulator: &Simulator) -> &str {
    simulator.base_url().strip_prefix("http://").unwrap()
}

/// Sends a request and returns the raw response, or an error if the connection fails.
pub(crate) async fn http_request(simulator: &Simulator, head: &str, body: &str) -> std::io::Result<String> {
    let mut tcp = TcpStream::connect(address(simulator)).await?;
    let length = body.len();
    let text = format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    tcp.write_all(text.as_bytes()).await?;
    let mut response = Vec::new();
    tcp.read_to_end(&mut response).await?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

pub(crate) fn status_of(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

pub(crate) fn json_body(response: &str) -> Value {
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Requests a token and returns the raw response.
pub(crate) async fn request_token(simulator: &Simulator, id: &str, secret: &str) -> String {
    let basic = STANDARD.encode(format!("{id}:{secret}"));
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nAuthorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded"
    );
    http_request(simulator, &head, "grant_type=client_credentials").await.unwrap_or_default()
}

pub(crate) async fn access_token(simulator: &Simulator) -> String {
    let response = request_token(simulator, simulator.client_id(), simulator.client_secret()).await;
    json_body(&response)["access_token"].as_str().unwrap().to_owned()
}

/// Connects a transcript socket of the first conversation.
pub(crate) async fn connect_transcript(simulator: &Simulator, token: &str) -> Result<Socket, Error> {
    let id = simulator.first_conversation().id().to_owned();
    let url = format!("ws://{}/api/v2/messaging/conversations/{id}/transcript", address(simulator));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let tcp = TcpStream::connect(address(simulator)).await?;
    client_async(request, tcp).await.map(|(socket, _)| socket)
}

/// Opens a transcript socket that receives every later frame.
pub(crate) async fn open_transcript(simulator: &Simulator) -> Socket {
    let before = simulator.request_log().transcript_sockets.len();
    let socket = connect_transcript(simulator, &access_token(simulator).await).await.unwrap();
    within_timeout(simulator.wait_for(|log| log.transcript_sockets.len() > before)).await;
    socket
}

/// Connects the socket of a channel.
pub(crate) async fn connect_notification_socket(simulator: &Simulator, channel: &str) -> Result<Socket, Error> {
    let tcp = TcpStream::connect(address(simulator)).await?;
    client_async(format!("ws://{}/channels/{channel}", address(simulator)), tcp).await.map(|(socket, _)| socket)
}

/// Opens the socket of a channel, which receives every later event.
pub(crate) async fn open_notification_socket(simulator: &Simulator, channel: &str) -> Socket {
    let before = simulator.request_log().notification_sockets.len();
    let socket = connect_notification_socket(simulator, channel).await.unwrap();
    within_timeout(simulator.wait_for(|log| log.notification_sockets.len() > before)).await;
    socket
}

/// Returns the status of a refused handshake.
pub(crate) fn refused_status(handshake: Result<Socket, Error>) -> Option<u16> {
    match handshake {
        Err(Error::Http(response)) => Some(response.status().as_u16()),
        _ => None,
    }
}

pub(crate) async fn send(socket: &mut Socket, message: Message) {
    socket.send(message).await.unwrap();
}

/// Describes every message until the connection ends, and its end.
pub(crate) async fn read_to_end(socket: &mut Socket) -> Vec<String> {
    let mut descriptions = Vec::new();
    while let Some(message) = within_timeout(socket.next()).await {
        let is_end = message.is_err();
        descriptions.push(describe(message));
        if is_end {
            break;
        }
    }
    descriptions
}

/// Describes the next message.
pub(crate) async fn next_event(socket: &mut Socket) -> String {
    within_timeout(socket.next()).await.map_or_else(|| "end".to_owned(), describe)
}

/// Describes each of the next messages.
pub(crate) async fn next_events(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut descriptions = Vec::new();
    for _ in 0..count {
        descriptions.push(next_event(socket).await);
    }
    descriptions
}

fn describe(message: Result<Message, Error>) -> String {
    match message {
        Ok(Message::Text(text)) => describe_text(&text),
        Ok(Message::Binary(bytes)) => match str::from_utf8(&bytes) {
            Ok(text) => format!("binary {}", describe_text(text)),
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

fn describe_text(text: &str) -> String {
    let Ok(frame) = serde_json::from_str::<Value>(text) else { return "no JSON".to_owned() };
    if let Some(description) = describe_notification(&frame) {
        return description;
    }
    let text = &frame["payload"]["text"];
    match frame["event"].as_str() {
        Some("messageAdded") if text.is_string() && frame["payload"].get("id").is_none() => {
            format!("{text} without id")
        }
        Some("messageAdded") if text.as_str().is_some_and(|text| text.len() < 100) => text.as_str().unwrap().to_owned(),
        Some("conversationClosed") => "closed".to_owned(),
        Some(event) => event.to_owned(),
        None => "no event".to_owned(),
    }
}

/// Describes a frame of a notification socket: the topic, and the number of messages that it lists.
fn describe_notification(frame: &Value) -> Option<String> {
    if let Some(result) = frame["result"].as_str() {
        return Some(format!("{result} {}", frame["status"].as_str().unwrap_or_default()));
    }
    let (topic, body) = (frame["topicName"].as_str()?, &frame["eventBody"]);
    let words: Vec<_> = topic.split('.').collect();
    Some(match &words[..] {
        ["channel", "metadata"] => body["message"].as_str()?.to_owned(),
        ["v2", "detail", "events", "conversation", _, kind, edge] => format!("{kind}.{edge}"),
        ["v2", scope, .., "messages"] => format!("{scope} {}", listed_message_ids(body).len()),
        ["v2", "users" | "routing", .., "conversations"] => format!("all media {}", listed_message_ids(body).len()),
        ["v2", .., "transcription"] => describe_transcription(body),
        ["v2", "system", kind, ..] => (*kind).to_owned(),
        _ => topic.to_owned(),
    })
}

fn describe_transcription(body: &Value) -> String {
    let Some(transcript) = body["transcripts"].get(0) else { return body["status"]["status"].to_string() };
    let (channel, best) = (&transcript["channel"], &transcript["alternatives"][0]);
    let text = if transcript["isFinal"] == true { &best["decoratedTranscript"] } else { &best["transcript"] };
    format!("{} {}", channel.as_str().unwrap_or_default(), text.as_str().unwrap_or_default())
}

/// Returns the ids of the messages in a conversation of any shape.
pub(crate) fn listed_message_ids(conversation: &Value) -> Vec<String> {
    let participants = conversation["participants"].as_array().into_iter().flatten();
    let entries = participants.flat_map(|participant| participant["messages"].as_array().into_iter().flatten());
    let entries = entries.flat_map(|entry| match entry["messages"].as_array() {
        Some(nested) => nested.iter().collect(),
        None => vec![entry],
    });
    let id = |entry: &Value| entry["messageId"].as_str().or(entry["message"]["id"].as_str()).map(str::to_owned);
    entries.filter_map(id).collect()
}

pub(crate) struct RestResponse {
    /// The status; 0 if the connection failed.
    pub(crate) status: u16,
    /// The headers in lower case.
    pub(crate) head: String,
    pub(crate) json: Value,
}

pub(crate) async fn rest_request(simulator: &Simulator, token: &str, line: &str, body: &str) -> RestResponse {
    let head = format!("{line} HTTP/1.1\r\nAuthorization: Bearer {token}");
    let response = http_request(simulator, &head, body).await.unwrap_or_default();
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
    let json = serde_json::from_str(body).unwrap_or_default();
    RestResponse { status: status_of(&response), head: head.to_lowercase(), json }
}

/// Creates a channel with these topics and returns its id.
pub(crate) async fn create_channel(simulator: &Simulator, token: &str, topics: &[String]) -> String {
    let created = rest_request(simulator, token, "POST /api/v2/notifications/channels", "").await;
    let id = created.json["id"].as_str().unwrap().to_owned();
    assert_eq!(subscribe(simulator, token, &id, topics).await.status, 200);
    id
}

pub(crate) async fn subscribe(simulator: &Simulator, token: &str, channel: &str, topics: &[String]) -> RestResponse {
    let line = format!("POST /api/v2/notifications/channels/{channel}/subscriptions?ignoreErrors=true");
    rest_request(simulator, token, &line, &subscription_body(topics)).await
}

pub(crate) fn subscription_body(topics: &[String]) -> String {
    let topics = topics.iter().map(|topic| serde_json::json!({ "id": topic }));
    Value::from(topics.collect::<Vec<_>>()).to_string()
}

pub(crate) fn queue_topic(name: &str) -> String {
    format!("v2.routing.queues.{}.conversations.messages", Simulator::queue_id(name))
}

pub(crate) fn user_topic(name: &str) -> String {
    format!("v2.users.{}.conversations.messages", Simulator::user_id(name))
}
