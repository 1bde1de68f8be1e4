//! What goes wrong on an open notification socket.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::notifications::Ear;
use crate::simulator::faults::NotifyTrick;
use crate::simulator::ws::connection::Over;

impl Ear {
    /// Does every fault whose moment has come, in the order they were given.
    pub(crate) async fn strike(&mut self) -> Result<(), Over> {
        while let Some(place) = self.pending.iter().position(|pending| pending.after <= self.due) {
            let pending = self.pending.remove(place);
            if self.cloud.faults.spend(&pending) {
                self.commit(pending.trick).await?;
            }
        }
        Ok(())
    }

    /// Does one fault now.
    pub(crate) async fn commit(&mut self, trick: NotifyTrick) -> Result<(), Over> {
        match trick {
            NotifyTrick::Common(trick) => return self.peer.suffer(&trick).await,
            NotifyTrick::SocketClosing(notice) => {
                self.manner.closing = Some(Instant::now() + notice);
                let body = json!({ "message": "Socket closing" });
                return self
                    .say(&json!({ "topicName": "v2.system.socket_closing", "version": "2", "eventBody": body }))
                    .await;
            }
            NotifyTrick::NoHeartbeat => self.manner.no_heartbeat = true,
            NotifyTrick::Duplicate => self.manner.twice = true,
            NotifyTrick::Reorder => self.manner.reorder = true,
            NotifyTrick::Lose(events) => self.manner.lose += events,
            NotifyTrick::Unknown => {
                for frame in self.unknown() {
                    self.say(&frame).await?;
                }
            }
            NotifyTrick::Expire => {
                self.cloud.board.forget(&self.channel);
                return Err(self.cut_off().await);
            }
            NotifyTrick::Evict => {
                self.cloud.board.forget(&self.channel);
                return Err(Over::Cut);
            }
            NotifyTrick::Revoke => return self.revoke().await,
            // The whole world is like that, not this socket.
            NotifyTrick::StatusUpdates | NotifyTrick::Truncate(_) => {}
        }
        Ok(())
    }

    async fn revoke(&mut self) -> Result<(), Over> {
        let body = json!({
            "channelId": self.channel,
            "systemTopicType": "token_revoked",
            "reason": "user_tokens_revoked",
            "message": "token revoked",
            "data": {},
        });
        let topic = format!("v2.system.token_revoked.{}", self.channel);
        self.say(&json!({ "topicName": topic, "version": "2", "eventBody": body })).await?;
        self.cloud.tokens.revoke();
        self.cloud.board.forget(&self.channel);
        Err(self.cut_off().await)
    }

    /// Frames of kinds and with values that nobody knows.
    fn unknown(&self) -> Vec<Value> {
        let conversation = self.cloud.conversations()[0].id();
        let topic = self.cloud.board.topics(&self.channel).and_then(|topics| topics.into_iter().next());
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
