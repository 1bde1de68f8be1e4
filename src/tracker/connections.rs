//! The effect of sockets, outages and the notification channel.

use super::{CreatedChannel, Event, HistoryAccess, Now, Outage, Subscribed, Tracker, Warning};

impl Tracker {
    /// Polls everything: a new socket tells nothing of what happened before.
    pub(super) fn on_poll_all(&mut self, now: Now) {
        self.channel.on_socket_opened();
        self.conversations.values_mut().for_each(|conversation| conversation.poll_soon(now.mono));
        self.discovery.restart(now.mono);
    }

    pub(super) fn on_reconnected(&mut self, outage: &Outage, now: Now) {
        for conversation in self.conversations.values_mut() {
            conversation.on_reconnect(outage, now);
            if self.history == HistoryAccess::Unavailable {
                conversation.abandon_backfill(now);
            }
            self.events.extend(conversation.take_events());
        }
        self.discovery.restart(now.mono);
    }

    pub(super) fn on_socket_closed(&mut self, now: Now) {
        if self.channel.on_evicted(now.mono) {
            self.warnings.push_back(Warning::ChannelShared);
        }
    }

    pub(super) fn on_channel_created(&mut self, created: CreatedChannel, now: Now) {
        let CreatedChannel { channel, topics, subscription } = created;
        self.channel.on_created(channel, now);
        self.subscriptions.reset();
        match subscription {
            Some(Ok(answer)) => self.on_subscribed(&topics, &answer, false, now),
            Some(Err(reason)) => self.on_topics_refused(&topics, &reason),
            None => {}
        }
    }

    pub(super) fn on_subscribed(&mut self, requested_topics: &[String], answer: &Subscribed, replaces: bool, now: Now) {
        let warnings = self.subscriptions.on_subscribed(requested_topics, answer, replaces, &self.options.targets);
        self.warnings.extend(warnings);
        self.drop_denied_calls();
        self.channel.on_subscribed(answer.token_renew_at, now.mono);
        let topics = requested_topics.len();
        tracing::debug!(topics, "topics subscribed: {topics}");
    }

    pub(super) fn on_topics_refused(&mut self, requested_topics: &[String], reason: &str) {
        let warning = self.subscriptions.on_refused(requested_topics, reason);
        self.warnings.extend(warning);
    }

    pub(super) fn lose_channel(&mut self, reason: &str) {
        self.channel.discard();
        self.events.push_back(Event::ChannelLost(reason.to_owned()));
    }
}
