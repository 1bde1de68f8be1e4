//! Faults of an open notification socket.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::connection::Disconnect;
use super::notifications::NotificationConnection;
use crate::simulator::faults::NotificationFault;

impl NotificationConnection {
    /// Applies every fault that is due, in the order given.
    pub(super) async fn apply_due_faults(&mut self) -> Result<(), Disconnect> {
        while let Some(index) = self.pending_faults.iter().position(|pending| pending.after <= self.events_due) {
            let pending = self.pending_faults.remove(index);
            if self.state.faults.take(&pending) {
                self.apply(pending.fault).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn apply(&mut self, fault: NotificationFault) -> Result<(), Disconnect> {
        match fault {
            NotificationFault::Common(fault) => return self.connection.apply_to_socket(&fault).await,
            NotificationFault::SocketClosing(notice) => return self.announce_closing(Instant::now() + notice).await,
            NotificationFault::NoHeartbeat => self.behavior.no_heartbeat = true,
            NotificationFault::Duplicate => self.behavior.duplicates = true,
            NotificationFault::Reorder => self.behavior.holds_next_event = true,
            NotificationFault::Lose(events) => self.behavior.events_to_lose += events,
            NotificationFault::Unknown => {
                for frame in self.unknown_frames() {
                    self.send_json(&frame).await?;
                }
            }
            NotificationFault::Expire => {
                self.state.channels.remove(&self.channel);
                return Err(self.close_detached().await);
            }
            NotificationFault::Evict => {
                self.state.channels.remove(&self.channel);
                return Err(Disconnect::Eof);
            }
            NotificationFault::Revoke => return self.revoke_tokens().await,
            // These change the contents of events, not the socket.
            NotificationFault::StatusUpdates | NotificationFault::Truncate(_) => {}
        }
        Ok(())
    }

    async fn announce_closing(&mut self, at: Instant) -> Result<(), Disconnect> {
        self.behavior.closing_at = Some(at);
        let body = json!({ "message": "Socket closing" });
        self.send_json(&json!({ "topicName": "v2.system.socket_closing", "version": "2", "eventBody": body })).await
    }

    async fn revoke_tokens(&mut self) -> Result<(), Disconnect> {
        let body = json!({
            "channelId": self.channel,
            "systemTopicType": "token_revoked",
            "reason": "user_tokens_revoked",
            "message": "token revoked",
            "data": {},
        });
        let topic = format!("v2.system.token_revoked.{}", self.channel);
        self.send_json(&json!({ "topicName": topic, "version": "2", "eventBody": body })).await?;
        self.state.tokens.revoke_all();
        self.state.channels.remove(&self.channel);
        Err(self.close_detached().await)
    }

    /// Returns frames with an unknown topic, unknown values, and other types than an object.
    fn unknown_frames(&self) -> Vec<Value> {
        let conversation = self.state.conversations()[0].id();
        let topic = self.state.channels.topics(&self.channel).and_then(|topics| topics.into_iter().next());
        let participant = json!({
            "id": "unknown-1",
            "purpose": "oracle",
            "state": "levitating",
            "messages": [{ "message": null, "messageStatus": "teleported" }, 7],
            "connectedTime": 7,
        });
        vec![
            json!({ "topicName": "v2.tea.ready", "version": "9", "eventBody": { "temperature": [90, null] } }),
            json!({
                "topicName": topic,
                "version": 3,
                "eventBody": { "id": conversation, "participants": [participant, null] },
                "metadata": null,
                "hops": [1],
            }),
            json!({ "topicName": 7, "eventBody": "a string" }),
            json!([]),
            json!(null),
        ]
    }
}
