//! Which messages of a conversation still lack their words, and when to ask for them.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::CLOCKS_APART;

use crate::event::Origin;
use crate::source::TimedEvent;
use crate::wire::conversation::{MessageKind, MessageRef};
use crate::wire::message::MessageBody;

/// Ids in one request. A thousand are allowed, and small requests advised.
const MOST: usize = 200;

/// Requests keep this distance, so that a burst of messages costs few of them: a thousand in ten seconds cost forty.
const DISTANCE: Duration = Duration::from_millis(250);

/// How long words may lag behind their id.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message whose id and, where it was looked for, whose words are known.
#[derive(Debug)]
pub(super) struct PendingMessage {
    pub(super) id: String,
    pub(super) time: Option<DateTime<Utc>>,
    pub(super) kind: MessageKind,
    /// The participant in whose list it is.
    pub(super) by: String,
    /// Whether it was said before the start, or in a time without a connection.
    pub(super) origin: Origin,
    /// Whether it is told with the rest of the past.
    past: bool,
    first_asked: Option<Instant>,
    tries: u32,
}

/// What is wanted, asked for, and late.
#[derive(Debug, Default)]
pub(super) struct PendingMessages {
    wanted: Vec<PendingMessage>,
    asked: Vec<PendingMessage>,
    late: Vec<(Instant, PendingMessage)>,
    /// What is told together with the words that come next.
    companions: Vec<TimedEvent>,
    not_before: Option<Instant>,
    /// Requests that failed in a row.
    pub(super) failures: u32,
}

impl PendingMessage {
    /// A message of which nothing was asked yet. With `past` it is told with the rest of the past, before anything else.
    pub(super) fn new(entry: MessageRef, by: String, origin: Origin, past: bool) -> Self {
        let MessageRef { id, sent_at: time, kind } = entry;
        Self { id, time, kind, by, origin, past, first_asked: None, tries: 0 }
    }

    fn is_sign(&self) -> bool {
        matches!(self.kind, MessageKind::Event(_))
    }

    /// Words that were not there although they had the time. Only of what was said long ago does the wall clock tell,
    /// which may be wrong.
    fn is_hopeless(&self) -> bool {
        let old = |time| self.origin == Origin::History && Utc::now() - time > CLOCKS_APART;
        self.first_asked.is_some_and(|first| first.elapsed() >= PATIENCE) || self.time.is_some_and(old)
    }
}

impl PendingMessages {
    /// One more is wanted.
    pub(super) fn want(&mut self, wanted: PendingMessage) {
        self.wanted.push(wanted);
    }

    /// These have no words to fetch, and their place among those that have.
    pub(super) fn accompany(&mut self, told: Vec<TimedEvent>) {
        self.companions.extend(told);
    }

    /// A connection was lost: what is wanted already comes before what was missed.
    pub(super) fn make_past(&mut self) {
        self.failures = 0;
        self.wanted.iter_mut().chain(&mut self.asked).for_each(|wanted| wanted.past = true);
    }

    /// Gives up everything, and says what it was.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = String> + use<> {
        let Self { wanted, asked, late, .. } = std::mem::take(self);
        wanted.into_iter().chain(asked).chain(late.into_iter().map(|(_, wanted)| wanted)).map(|wanted| wanted.id)
    }

    /// Begins a request, unless one is under way or it is too early: the ids to ask for, none where the lists have
    /// told everything. What was said first comes first.
    pub(super) fn next(&mut self) -> Option<Vec<String>> {
        let now = Instant::now();
        if self.due(now).is_none_or(|due| due > now) {
            return None;
        }
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = late;
        let due: Vec<(Instant, PendingMessage)> = due;
        self.wanted.extend(due.into_iter().map(|(_, wanted)| wanted));
        self.wanted.sort_by_key(|wanted| (!wanted.past, wanted.time));
        // What is past is told on its own.
        let past = self.wanted.iter().take_while(|wanted| wanted.past).count();
        let alike = if past > 0 { past } else { self.wanted.len() };
        self.asked = self.wanted.drain(..alike.min(MOST)).collect();
        self.not_before = Some(now + DISTANCE);
        let mut ids = Vec::new();
        for wanted in self.asked.iter_mut().filter(|wanted| !wanted.is_sign()) {
            wanted.first_asked.get_or_insert(now);
            ids.push(wanted.id.clone());
        }
        Some(ids)
    }

    /// Ends a request: what was asked for and has come is told. What has not is asked for again for a minute, and told
    /// without words after that.
    pub(super) fn resolve(
        &mut self,
        said: Vec<MessageBody>,
        tell: impl Fn(&PendingMessage, Option<MessageBody>) -> TimedEvent,
    ) -> Vec<TimedEvent> {
        self.failures = 0;
        let mut said: HashMap<String, MessageBody> = said.into_iter().map(|said| (said.id.clone(), said)).collect();
        let mut told = self.companions_until(self.wanted.iter().filter_map(|wanted| wanted.time).min());
        for mut wanted in std::mem::take(&mut self.asked) {
            let words = said.remove(&wanted.id).filter(says_something);
            if words.is_some() || wanted.is_sign() || wanted.is_hopeless() {
                told.push(tell(&wanted, words));
            } else {
                let again = Duration::from_millis(500 << wanted.tries.min(4));
                wanted.tries += 1;
                // It holds back nothing of the past, nor the end of it.
                wanted.past = false;
                self.late.push((Instant::now() + again, wanted));
            }
        }
        told
    }

    /// What stands before a message that is not asked for yet; all of it where there is none.
    fn companions_until(&mut self, first_left: Option<DateTime<Utc>>) -> Vec<TimedEvent> {
        let stands_before = |told: &mut TimedEvent| first_left.is_none_or(|first| told.at.is_none_or(|at| at <= first));
        self.companions.extract_if(.., stands_before).collect()
    }

    /// Ends a request that came to nothing.
    pub(super) fn fail(&mut self) {
        self.failures += 1;
        self.wanted.append(&mut self.asked);
    }

    /// When the next request may begin; `now` where there is no need to wait.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if !self.asked.is_empty() {
            return None;
        }
        let wanted = (!self.wanted.is_empty()).then_some(now);
        let late = self.late.iter().map(|(at, _)| *at).min();
        let due = wanted.into_iter().chain(late).min()?;
        Some(self.not_before.map_or(due, |soonest| due.max(soonest)))
    }

    /// Whether something of the past is missing that is not late.
    pub(super) fn has_past(&self) -> bool {
        self.wanted.iter().chain(&self.asked).any(|wanted| wanted.past)
    }

    /// Whether words are about to be fetched that are not late.
    pub(super) fn is_busy(&self) -> bool {
        !self.wanted.is_empty() || !self.asked.is_empty()
    }

    /// Whether nothing is missing.
    pub(super) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.asked.is_empty() && self.late.is_empty()
    }

    /// Whether this one is on its way.
    pub(super) fn has(&self, id: &str) -> bool {
        let late = self.late.iter().map(|(_, wanted)| wanted);
        self.wanted.iter().chain(&self.asked).chain(late).any(|wanted| wanted.id == id)
    }
}

/// A body may be there before its words are.
fn says_something(said: &MessageBody) -> bool {
    said.text.is_some() || !said.attachments.is_empty() || said.event_text.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventBody;

    fn wanted(id: &str, past: bool) -> PendingMessage {
        let time = id.parse().ok().and_then(|second| DateTime::from_timestamp(second, 0));
        let entry = MessageRef { id: id.to_owned(), sent_at: time, kind: MessageKind::Text };
        PendingMessage::new(entry, "p".into(), if past { Origin::History } else { Origin::Live }, past)
    }

    fn said(id: &str) -> MessageBody {
        MessageBody { id: id.to_owned(), text: Some("words".to_owned()), ..MessageBody::default() }
    }

    fn tell(wanted: &PendingMessage, said: Option<MessageBody>) -> TimedEvent {
        let what = said.map(|_| wanted.id.clone().into());
        TimedEvent { at: wanted.time, body: EventBody::Update { description: what } }
    }

    async fn wait(milliseconds: u64) {
        tokio::time::advance(Duration::from_millis(milliseconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_past_comes_first_and_on_its_own() {
        let mut fetch = PendingMessages::default();
        for (id, past) in [("3", false), ("9", true), ("1", false), ("8", true)] {
            fetch.want(wanted(id, past));
        }
        assert_eq!(fetch.next().expect("ids"), ["8", "9"]);
        assert!(fetch.has_past() && fetch.is_busy());
        assert_eq!(
            fetch.resolve(vec![said("9"), said("8"), said("7")], tell).len(),
            2,
            "what nobody asked for is not told"
        );
        assert!(!fetch.has_past());
        assert_eq!(fetch.next(), None, "not before a quarter of a second is over");
        wait(250).await;
        assert_eq!(fetch.next().expect("ids"), ["1", "3"]);
        assert!(fetch.has("1") && !fetch.has("8") && !fetch.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_messages_in_ten_seconds_cost_forty_requests() {
        let (mut fetch, mut requests, mut told) = (PendingMessages::default(), 0, 0);
        for number in 0..1000 {
            fetch.want(wanted(&number.to_string(), false));
            while let Some(ids) = fetch.next() {
                requests += 1;
                told += fetch.resolve(ids.iter().map(|id| said(id)).collect(), tell).len();
            }
            wait(10).await;
        }
        wait(250).await;
        told += fetch.next().map_or(0, |ids| ids.len());
        assert_eq!((requests, told), (40, 1000));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_is_named() {
        let mut fetch = PendingMessages::default();
        fetch.want(wanted("1", false));
        fetch.next().expect("ids");
        fetch.resolve(Vec::new(), tell);
        fetch.want(wanted("2", false));
        wait(250).await;
        fetch.next().expect("ids");
        fetch.want(wanted("3", false));
        let mut given_up: Vec<String> = fetch.drain().collect();
        given_up.sort_unstable();
        assert_eq!((given_up, fetch.is_idle()), (vec!["1".to_owned(), "2".into(), "3".into()], true));
    }
}
