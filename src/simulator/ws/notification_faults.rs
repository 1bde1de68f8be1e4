//! What goes wrong on an open notification socket.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::notifications::NotificationConnection;
use crate::simulator::faults::NotificationFault;
use crate::simulator::ws::connection::Disconnect;

impl NotificationConnection {
    /// Does every fault whose moment has come, in the order they were given.
    pub(crate) async fn apply_due_faults(&mut self) -> Result<(), Disconnect> {
        while let Some(place) = self.pending.iter().position(|pending| pending.after <= self.due) {
            let pending = self.pending.remove(place);
            if self.state.faults.spend(&pending) {
                self.apply(pending.fault).await?;
            }
        }
        Ok(())
    }

    /// Does one fault now.
    pub(crate) async fn apply(&mut self, fault: NotificationFault) -> Result<(), Disconnect> {
        match fault {
            NotificationFault::Common(fault) => return self.connection.apply_to_socket(&fault).await,
            NotificationFault::SocketClosing(notice) => {
                self.behavior.closing = Some(Instant::now() + notice);
                let body = json!({ "message": "Socket closing" });
                return self
                    .say(&json!({ "topicName": "v2.system.socket_closing", "version": "2", "eventBody": body }))
                    .await;
            }
            NotificationFault::NoHeartbeat => self.behavior.no_heartbeat = true,
            NotificationFault::Duplicate => self.behavior.twice = true,
            NotificationFault::Reorder => self.behavior.reorder = true,
            NotificationFault::Lose(events) => self.behavior.lose += events,
            NotificationFault::Unknown => {
                for frame in self.unknown() {
                    self.say(&frame).await?;
                }
            }
            NotificationFault::Expire => {
                self.state.channels.forget(&self.channel);
                return Err(self.cut_off().await);
            }
            NotificationFault::Evict => {
                self.state.channels.forget(&self.channel);
                return Err(Disconnect::Cut);
            }
            NotificationFault::Revoke => return self.revoke().await,
            // The whole world is like that, not this socket.
            NotificationFault::StatusUpdates | NotificationFault::Truncate(_) => {}
        }
        Ok(())
    }

    async fn revoke(&mut self) -> Result<(), Disconnect> {
        let body = json!({
            "channelId": self.channel,
            "systemTopicType": "token_revoked",
            "reason": "user_tokens_revoked",
            "message": "token revoked",
            "data": {},
        });
        let topic = format!("v2.system.token_revoked.{}", self.channel);
        self.say(&json!({ "topicName": topic, "version": "2", "eventBody": body })).await?;
        self.state.tokens.revoke();
        self.state.channels.forget(&self.channel);
        Err(self.cut_off().await)
    }

    /// Frames of kinds and with values that nobody knows.
    fn unknown(&self) -> Vec<Value> {
        let conversation = self.state.conversations()[0].id();
        let topic = self.state.channels.topics(&self.channel).and_then(|topics| topics.into_iter().next());
        let person = json!({
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
                "eventBody": { "id": conversation, "participants": [person, null] },
                "metadata": null,
                "hops": [1],
            }),
            json!({ "topicName": 7, "eventBody": "a string" }),
            json!([]),
            json!(null),
        ]
    }
}
