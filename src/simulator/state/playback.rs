//! The playback of scripts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::SimulatorState;
use super::conversation::SimulatedConversation;
use crate::simulator::script::Action;

/// The number of steps without a pause after which other tasks get their turn.
const STEPS_PER_TURN: usize = 64;

impl SimulatorState {
    /// Starts the script of every conversation that a topic concerns.
    pub(crate) fn start_scripts_of(self: &Arc<Self>, topic: &str) {
        let concerned = self.conversations().iter().filter(|conversation| conversation.is_concerned_by(topic));
        concerned.for_each(|conversation| self.start_script(conversation));
    }

    /// Starts the script of a conversation, unless it has started.
    pub(crate) fn start_script(self: &Arc<Self>, conversation: &Arc<SimulatedConversation>) {
        if conversation.mark_started() {
            let (state, conversation) = (Arc::clone(self), Arc::clone(conversation));
            tokio::spawn(async move {
                if state.stop.run_until_cancelled(state.play(&conversation)).await.is_none() {
                    state.event_stream.close();
                }
            });
        }
    }

    /// Starts the script of every conversation.
    pub(crate) fn start_all_scripts(self: &Arc<Self>) {
        self.conversations().iter().for_each(|conversation| self.start_script(conversation));
    }

    /// Performs an action in a conversation now.
    pub(crate) async fn perform(&self, conversation: &SimulatedConversation, action: &Action) {
        conversation.perform(action, self).await;
    }

    /// Plays the script in real time, also without subscribers.
    async fn play(&self, conversation: &SimulatedConversation) {
        if self.event_stream.is_open() && conversation.has_begun() {
            conversation.begin(self).await;
        }
        let mut due = Instant::now();
        let fixed_pause = self.lines_per_second.and_then(|rate| Duration::try_from_secs_f64(rate.recip()).ok());
        for (index, step) in conversation.script().playback().enumerate() {
            due += fixed_pause.unwrap_or(step.pause);
            if due > Instant::now() {
                sleep_until(due).await;
            } else if index % STEPS_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
            self.perform(conversation, &step.action).await;
        }
        self.event_stream.finish(conversation.id()).await;
    }
}
