//! The notification channel of this process: kept as long as the service knows it, and renewed before it expires (NTF-1,
//! NTF-3).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::protocol::Now;
use crate::backoff::renewal_delay;
use crate::wire::channel::Channel;

/// The minimum distance of renewals, and of reconnects because of announced closes.
const MIN_RENEWAL_INTERVAL: Duration = Duration::from_secs(10);

/// The longest lifetime that is believed. A channel lives for 24 hours.
const MAX_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// The lifetime of a channel for which the service states none.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(86_400);

/// The number of evictions within [`EVICTION_WINDOW`] after which another process is assumed to use the channel.
const MAX_EVICTIONS: usize = 3;
const EVICTION_WINDOW: Duration = Duration::from_secs(60);

/// The state of the channel.
#[derive(Debug, Default)]
pub(super) struct ChannelState {
    open: Option<OpenChannel>,
    evictions: VecDeque<Instant>,
    /// The latest replacement of the socket because of an announced close; it may lie ahead.
    last_moved: Option<Instant>,
    /// The time to open the next socket, because the service announced the close of this one.
    reconnect_at: Option<Instant>,
}

#[derive(Debug)]
struct OpenChannel {
    channel: Channel,
    lifetime: Duration,
    subscription: Option<Subscription>,
}

/// The latest subscription of the channel, which also extends its lifetime.
#[derive(Debug)]
struct Subscription {
    at: Instant,
    token_renew_at: Option<Instant>,
    is_token_valid: bool,
    /// The renewal has failed, and is not repeated before.
    postponed_until: Option<Instant>,
}

impl ChannelState {
    /// Stores a channel that was just created.
    pub(super) fn on_created(&mut self, channel: Channel, now: Now) {
        let stated = channel.expires.and_then(|expires| (expires - now.wall).to_std().ok());
        let lifetime = stated.filter(|life| !life.is_zero() && *life <= MAX_LIFETIME).unwrap_or(DEFAULT_LIFETIME);
        self.open = Some(OpenChannel { channel, lifetime, subscription: None });
        self.evictions.clear();
    }

    /// Returns the channel.
    pub(super) fn channel(&self) -> Option<&Channel> {
        self.open.as_ref().map(|open| &open.channel)
    }

    /// Records a subscription, which extends the lifetime of the channel.
    pub(super) fn on_subscribed(&mut self, token_renew_at: Option<Instant>, now: Instant) {
        if let Some(open) = &mut self.open {
            let subscription = Subscription { at: now, token_renew_at, is_token_valid: true, postponed_until: None };
            open.subscription = Some(subscription);
        }
    }

    /// Records that the renewal has failed, and when it is repeated.
    pub(super) fn postpone_renewal(&mut self, until: Instant) {
        if let Some(subscription) = self.open.as_mut().and_then(|open| open.subscription.as_mut()) {
            subscription.postponed_until = Some(until);
        }
    }

    /// Records that the token of the latest subscription was refused.
    pub(super) fn on_token_invalidated(&mut self) {
        if let Some(subscription) = self.open.as_mut().and_then(|open| open.subscription.as_mut()) {
            subscription.is_token_valid = false;
        }
    }

    /// Returns when the subscriptions are to be renewed: before the channel expires, and with every new token.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        let open = self.open.as_ref()?;
        let Subscription { at, token_renew_at, is_token_valid, postponed_until } = open.subscription.as_ref()?;
        let of_channel = *at + renewal_delay(open.lifetime);
        let due = match token_renew_at {
            _ if !is_token_valid => *at,
            Some(of_token) => of_channel.min(*of_token),
            None => of_channel,
        };
        let soonest = *at + MIN_RENEWAL_INTERVAL;
        Some(due.max(postponed_until.map_or(soonest, |until| until.max(soonest))))
    }

    /// Discards the channel.
    pub(super) fn discard(&mut self) {
        self.open = None;
    }

    /// Schedules the next socket because the service announced the close of this one: at once, or 10 s after the last
    /// time. A service that announces it on every socket would be dialled without a pause.
    pub(super) fn on_close_announced(&mut self, now: Instant) {
        // One socket closes once, however often the service announces it.
        if self.reconnect_at.is_none() {
            let at = self.last_moved.map_or(now, |moved| now.max(moved + MIN_RENEWAL_INTERVAL));
            (self.last_moved, self.reconnect_at) = (Some(at), Some(at));
        }
    }

    /// Returns when the next socket is to be opened because of an announced close.
    pub(super) fn reconnect_at(&self) -> Option<Instant> {
        self.reconnect_at
    }

    /// Records that a new socket is open.
    pub(super) fn on_socket_opened(&mut self) {
        self.reconnect_at = None;
    }

    /// Records that the service closed the socket without an announcement. Returns whether the channel was discarded
    /// because another process seems to use it.
    pub(super) fn on_evicted(&mut self, now: Instant) -> bool {
        self.evictions.push_back(now);
        self.evictions.retain(|eviction| now - *eviction < EVICTION_WINDOW);
        let is_shared = self.evictions.len() >= MAX_EVICTIONS;
        if is_shared {
            self.discard();
            self.evictions.clear();
        }
        is_shared
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn channel(lifetime: i64, now: Now) -> ChannelState {
        let mut state = ChannelState::default();
        let channel = Channel {
            id: "c".into(),
            connect_uri: "wss://streaming.example.invalid/channels/c".parse().expect("a URL"),
            expires: Some(now.wall + TimeDelta::seconds(lifetime)),
        };
        state.on_created(channel, now);
        state
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_channel_is_renewed_by_the_rule_of_the_token_and_with_the_token() {
        let now = Now::read();
        let due = |lifetime, token: Option<u64>| {
            let mut state = channel(lifetime, now);
            state.on_subscribed(token.map(|after| now.mono + seconds(after)), now.mono);
            (state.renew_at().expect("a renewal") - now.mono).as_secs()
        };
        assert_eq!([due(86_400, None), due(300, None), due(100, None), due(15, None)], [77_760, 240, 50, 10]);
        assert_eq!([due(86_400, Some(540)), due(86_400, Some(3)), due(300, Some(540))], [540, 10, 240]);
        assert_eq!(due(-5, None), 77_760, "an impossible lifetime is ignored");
    }

    #[test]
    fn a_failed_renewal_is_postponed() {
        let now = Now::read();
        let mut state = channel(86_400, now);
        state.on_subscribed(Some(now.mono + seconds(30)), now.mono);
        for failed_at in [30, 32, 34] {
            assert_eq!(state.renew_at(), Some(now.mono + seconds(failed_at)));
            state.postpone_renewal(now.mono + seconds(failed_at + 2));
        }
        state.on_subscribed(None, now.mono + seconds(36));
        assert_eq!(state.renew_at(), Some(now.mono + seconds(36 + 77_760)));
    }

    #[test]
    fn a_refused_token_renews_the_subscriptions_soon_and_not_twice_within_ten_seconds() {
        let now = Now::read();
        let mut state = channel(86_400, now);
        assert_eq!(state.renew_at(), None, "without a subscription");
        state.on_subscribed(None, now.mono);
        state.on_token_invalidated();
        assert_eq!(state.renew_at(), Some(now.mono + seconds(10)));
        let later = now.mono + seconds(8);
        state.on_subscribed(None, later);
        assert_eq!(state.renew_at(), Some(later + seconds(77_760)));
        state.discard();
        assert_eq!(state.renew_at(), None);
    }

    #[test]
    fn announced_closes_reconnect_at_once_and_then_ten_seconds_apart() {
        let now = Now::read();
        let mut state = channel(86_400, now);
        state.on_close_announced(now.mono);
        state.on_close_announced(now.mono + seconds(5));
        assert_eq!(state.reconnect_at(), Some(now.mono), "one socket closes once");
        state.on_socket_opened();
        assert_eq!(state.reconnect_at(), None);
        state.on_close_announced(now.mono);
        assert_eq!(state.reconnect_at(), Some(now.mono + MIN_RENEWAL_INTERVAL));
        state.on_socket_opened();
        let later = now.mono + 3 * MIN_RENEWAL_INTERVAL;
        state.on_close_announced(later);
        assert_eq!(state.reconnect_at(), Some(later));
    }

    #[test]
    fn three_evictions_within_a_minute_discard_the_channel_and_slower_ones_do_not() {
        let now = Now::read();
        let mut state = channel(86_400, now);
        for number in 0..5 {
            assert!(!state.on_evicted(now.mono + seconds(31) * number));
        }
        assert!(state.channel().is_some());
        let last = now.mono + seconds(31) * 5;
        assert_eq!((state.on_evicted(last), state.on_evicted(last)), (false, true));
        assert!(state.channel().is_none());
    }
}
