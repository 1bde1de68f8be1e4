//! The channel of this process: kept for as long as the service knows it, renewed before it ends.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;
use url::Url;

use crate::api::oauth::{Token, renewal_delay};
use crate::wire::channel::Channel;

/// Two renewals are never closer together than this.
const SHORTEST: Duration = Duration::from_secs(10);

/// A life beyond this is not believed; a channel lives for 24 hours.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// What a channel lives where the service does not say.
const USUAL: Duration = Duration::from_secs(86_400);

/// A socket that is taken away this often within [`KICKS_WITHIN`] has another owner.
const KICKS: usize = 3;
const KICKS_WITHIN: Duration = Duration::from_secs(60);

/// The channel, if there is one.
#[derive(Debug, Default)]
pub(crate) struct ChannelState {
    open: Option<Open>,
    kicks: VecDeque<Instant>,
    /// When it was moved to another socket last, or will be.
    moved: Option<Instant>,
    /// Why the channel was lost, until the session that used it has heard of it.
    lost: Option<String>,
}

#[derive(Debug)]
struct Open {
    channel: Channel,
    life: Duration,
    /// When it was told what to listen to, and with which token.
    subscribed: Option<(Instant, Token)>,
}

impl ChannelState {
    /// Takes a channel that was just made.
    pub(crate) fn take(&mut self, channel: Channel) {
        let told = channel.expires.and_then(|expires| (expires - Utc::now()).to_std().ok());
        let life = told.filter(|life| !life.is_zero() && *life <= LONGEST).unwrap_or(USUAL);
        self.open = Some(Open { channel, life, subscribed: None });
        self.kicks.clear();
        self.lost = None;
    }

    /// The id of the channel.
    pub(crate) fn channel(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.channel.id.as_str())
    }

    /// Where its socket is.
    pub(crate) fn address(&self) -> Option<Url> {
        self.open.as_ref().map(|open| open.channel.connect_uri.clone())
    }

    /// The channel was told what to listen to just now, with this token, and so lives on.
    pub(crate) fn subscribed(&mut self, token: Token) {
        if let Some(open) = &mut self.open {
            open.subscribed = Some((Instant::now(), token));
        }
    }

    /// When the topics have to be said again: before the channel ends, and when another token takes the place of the one
    /// they were said with.
    pub(crate) fn renewal(&self) -> Option<Instant> {
        let open = self.open.as_ref()?;
        let (at, token) = open.subscribed.as_ref()?;
        let of_channel = *at + renewal_delay(open.life);
        let due = if token.is_invalid() { *at } else { token.renew_at.map_or(of_channel, |due| due.min(of_channel)) };
        Some(due.max(*at + SHORTEST))
    }

    /// The channel is of no more use.
    pub(crate) fn lose(&mut self, why: &str) {
        self.open = None;
        self.lost = Some(why.to_owned());
    }

    /// Why the channel was lost, once.
    pub(crate) fn take_loss(&mut self) -> Option<String> {
        self.lost.take()
    }

    /// When to move to the next socket because the closing of this one was announced: now, unless it was so just before. A
    /// service that announces it with every socket would be dialled without a pause.
    pub(crate) fn move_at(&mut self) -> Instant {
        let now = Instant::now();
        let at = self.moved.map_or(now, |moved| now.max(moved + SHORTEST));
        self.moved = Some(at);
        at
    }

    /// The service took the socket away without notice. One that does so over and over gives it to somebody else.
    pub(crate) fn kicked(&mut self) {
        let now = Instant::now();
        self.kicks.push_back(now);
        self.kicks.retain(|kick| now - *kick < KICKS_WITHIN);
        if self.kicks.len() >= KICKS {
            tracing::warn!("another process seems to use the same notification channel; making a new one");
            self.open = None;
            self.kicks.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn line(seconds: i64) -> ChannelState {
        let mut line = ChannelState::default();
        line.take(Channel {
            id: "c".into(),
            connect_uri: "wss://streaming.example.invalid/channels/c".parse().expect("a URL"),
            expires: Some(Utc::now() + TimeDelta::seconds(seconds)),
        });
        line
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_is_renewed_by_the_rule_of_the_token_and_with_the_token() {
        let start = Instant::now();
        let due = |seconds, token: Option<u64>| {
            let mut line = line(seconds);
            line.subscribed(Token::new("t".into(), token.map(|after| start + Duration::from_secs(after))));
            (line.renewal().expect("one") - start + Duration::from_millis(500)).as_secs()
        };
        assert_eq!([due(86_400, None), due(300, None), due(100, None), due(15, None)], [77_760, 240, 50, 10]);
        assert_eq!([due(86_400, Some(540)), due(86_400, Some(3)), due(300, Some(540))], [540, 10, 240]);
        assert_eq!(due(-5, None), 77_760, "nonsense is not believed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_refused_is_replaced_soon_and_not_twice_within_ten_seconds() {
        let mut line = line(86_400);
        assert_eq!(line.renewal(), None, "nothing was said yet");
        let token = Token::new("t".into(), None);
        line.subscribed(token.clone());
        token.invalidate();
        let wait = |line: &ChannelState| (line.renewal().expect("one") - Instant::now()).as_secs();
        assert_eq!(wait(&line), 10);
        tokio::time::advance(Duration::from_secs(8)).await;
        line.subscribed(Token::new("u".into(), None));
        assert!((77_700..77_761).contains(&wait(&line)), "as if there had been no other");
        line.lose("expired");
        assert_eq!((line.renewal(), line.take_loss().as_deref(), line.take_loss()), (None, Some("expired"), None));
    }

    #[tokio::test(start_paused = true)]
    async fn it_moves_at_once_and_then_only_after_a_pause() {
        let mut line = line(86_400);
        let start = Instant::now();
        assert_eq!((line.move_at(), line.move_at()), (start, start + SHORTEST));
        tokio::time::advance(SHORTEST * 3).await;
        assert_eq!(line.move_at(), Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn three_kicks_within_a_minute_cost_the_channel_and_slower_ones_do_not() {
        let mut line = line(86_400);
        for _ in 0..5 {
            line.kicked();
            tokio::time::advance(Duration::from_secs(31)).await;
        }
        assert!(line.channel().is_some());
        line.kicked();
        line.kicked();
        assert_eq!(line.channel(), None);
    }
}
