//! The requests of a conversation that something waits for.

use tokio::time::Instant;

use super::Conversation;

impl Conversation {
    /// Schedules a snapshot soon, before those that nothing waits for.
    pub(in crate::tracker) fn poll_for_news(&mut self, now: Instant) {
        self.poll_timer.mark_urgent();
        self.poll_soon(now);
    }

    /// Records that something was announced. The backfill, which precedes it, is urgent now.
    pub(in crate::tracker) fn mark_news(&mut self, now: Instant) {
        if self.is_backfilling() {
            self.news_since.get_or_insert(now);
        }
    }

    /// Returns whether something that was announced waits for the next snapshot.
    pub(in crate::tracker) fn is_poll_urgent(&self) -> bool {
        self.poll_timer.is_urgent() || (self.news_since.is_some() && self.is_listing_backfill())
    }

    /// Returns whether the missing bodies are those of live messages, or precede something that was announced.
    pub(in crate::tracker) fn are_messages_urgent(&self) -> bool {
        self.news_since.is_some() || !self.is_backfilling()
    }

    /// Returns since when a snapshot, which is due at `due`, is waited for.
    pub(in crate::tracker) fn poll_waiting_since(&self, due: Instant) -> Instant {
        self.news_since.filter(|_| self.is_listing_backfill()).unwrap_or(due)
    }
}
