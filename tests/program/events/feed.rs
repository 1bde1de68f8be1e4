//! Lines of an event stream.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};

use crate::support::program::{Running, bare_program, within_timeout};

/// Two calls.
pub(super) const ONE: &str = "6f1c2d3e-0000-4000-8000-000000000001";
pub(super) const TWO: &str = "7a2b3c4d-0000-4000-8000-000000000002";

/// The start of the calls, in milliseconds since 1970: 2026-10-08 15:09:40 UTC.
pub(super) const START: i64 = 1_791_472_180_000;

/// The message of a run without credentials.
pub(super) const NO_ACCOUNT: &str = "genesys-tail: without client id and secret, only calls are printed, with ids in place of names; messages need both\n";

/// Returns the notification of what one side said, this many seconds into the call.
pub(super) fn spoken(call: &str, channel: &str, second: i64, text: &str) -> Value {
    spoken_at(call, channel, START + second * 1000, text)
}

/// Returns the notification of what one side said at this time.
pub(super) fn spoken_at(call: &str, channel: &str, milliseconds: i64, text: &str) -> Value {
    let alternative = json!({"confidence": 0.9, "offsetMs": 0, "transcript": text.to_lowercase(), "decoratedTranscript": text,
        "words": [{"offsetMs": 0, "durationMs": 80, "word": "x"}]});
    let transcript = json!({"utteranceId": format!("{channel} {text}"), "isFinal": true, "channel": channel,
        "alternatives": [alternative], "dialect": "en-US"});
    notification(
        &format!("v2.conversations.{call}.transcription"),
        &json!({"conversationId": call, "sessionStartTimeMs": milliseconds, "transcripts": [transcript]}),
    )
}

/// Returns the notification of a detail event of a participant.
pub(super) fn detail(conversation: &str, name: &str, medium: &str, more: &Value) -> Value {
    let mut body =
        json!({"eventTime": START, "conversationId": conversation, "participantId": name, "mediaType": medium});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    notification(&format!("v2.detail.events.conversation.{conversation}.{name}"), &body)
}

pub(super) fn notification(topic: &str, body: &Value) -> Value {
    json!({"topicName": topic, "version": "2", "eventBody": body, "metadata": {"CorrelationId": "x"}})
}

/// Returns the event of EventBridge with this id.
pub(super) fn event(id: &str, detail: &Value) -> Value {
    json!({"version": "0", "id": id, "detail-type": "v2.conversations.{id}.transcription", "account": "111122223333",
        "source": "aws.partner/genesys.com/cloud/x/bus", "time": "2026-10-08T15:10:07Z", "detail": detail})
}

pub(super) fn sqs_message(body: &Value) -> Value {
    json!({"MessageId": "m", "ReceiptHandle": "r", "Body": body.to_string()})
}

/// Returns a line for each value.
pub(super) fn lines(values: &[Value]) -> String {
    values.iter().flat_map(|value| [value.to_string(), "\n".to_owned()]).collect()
}

/// A program that reads events from a pipe.
pub(super) struct Piped {
    pub(super) running: Running,
    input: Option<ChildStdin>,
}

impl Piped {
    /// Starts the program without credentials.
    pub(super) fn start(args: &[&str]) -> Self {
        Self::start_command(bare_program(&[&["--events", "-", "--utc"], args].concat()))
    }

    pub(super) fn start_command(mut command: Command) -> Self {
        let mut running = Running::start(command.stdin(Stdio::piped()));
        let input = running.child.stdin.take();
        Self { running, input }
    }

    pub(super) async fn send(&mut self, text: &str) {
        within_timeout(self.input.as_mut().unwrap().write_all(text.as_bytes())).await.unwrap();
    }

    /// Ends the input, and returns the pipe to it to those who want to write it in the background.
    pub(super) fn take_input(&mut self) -> ChildStdin {
        self.input.take().unwrap()
    }

    pub(super) fn end_input(&mut self) {
        self.input = None;
    }
}
