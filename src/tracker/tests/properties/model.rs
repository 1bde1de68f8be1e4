//! A tracker, its caller and the service.

use std::collections::BTreeSet;

use proptest::sample::Index;

use super::super::*;
use super::service::{ServiceConversation, ServiceMessage, message_id};
use super::{ResponseKind, Setup, Step};

const CONVERSATIONS: [&str; 2] = ["c1", "c2"];

/// The time until a settled tracker has polled everything: more than a period of snapshots and one of searches.
const SETTLE_TIME: Duration = Duration::from_secs(100);

type Service = BTreeMap<&'static str, ServiceConversation>;

#[derive(Debug)]
struct RequestInFlight {
    request: Request,
    /// The service at the moment when the request was sent.
    service: Service,
}

/// A tracker, the service, and everything that the tracker has emitted.
pub(super) struct Model {
    scenario: Scenario,
    setup: Setup,
    service: Service,
    in_flight: Vec<RequestInFlight>,
    message_count: usize,
    outages: Vec<DateTime<Utc>>,
    followed: BTreeSet<String>,
    emitted: Vec<(String, TimedEvent)>,
    /// The requests, the events and the due times in order.
    pub(super) log: Vec<String>,
}

impl Model {
    pub(super) fn new(setup: &Setup) -> Self {
        let targets = if setup.follows_queue { queue() } else { Targets::default() };
        let scenario = Scenario::with(TrackerOptions { mode: setup.mode, targets, ..options() });
        let mut model = Self {
            scenario,
            setup: setup.clone(),
            service: CONVERSATIONS.map(|id| (id, ServiceConversation::default())).into(),
            in_flight: Vec::new(),
            message_count: 0,
            outages: Vec::new(),
            followed: BTreeSet::new(),
            emitted: Vec::new(),
            log: Vec::new(),
        };
        let named = if setup.follows_queue { 1 } else { CONVERSATIONS.len() };
        CONVERSATIONS[..named].iter().for_each(|id| model.scenario.follow(id));
        if setup.has_channel {
            model.create_channel();
        }
        model.collect();
        model
    }

    /// Creates a channel that has to be renewed every few seconds.
    fn create_channel(&mut self) {
        let connect_uri = "wss://streaming.example.invalid/channels/c".parse().expect("a URL");
        let expires = Some(self.scenario.now.wall + Duration::from_secs(60));
        let channel = Channel { id: "channel".into(), connect_uri, expires };
        let created = CreatedChannel { channel, topics: Vec::new(), subscription: None };
        self.scenario.handle(Input::ChannelCreated(created));
    }

    pub(super) fn step(&mut self, step: &Step) {
        let id = |conversation: &Index| *conversation.get(&CONVERSATIONS);
        match step {
            Step::Send { conversation, count } => self.send(id(conversation), *count),
            Step::End { conversation } => self.conversation(id(conversation)).has_ended = true,
            Step::Notify { conversation, from, count, is_old } => self.notify(id(conversation), *from, *count, *is_old),
            Step::StartRequests => self.start_requests(),
            Step::Respond { request, kind } => {
                if !self.in_flight.is_empty() {
                    let request = self.in_flight.remove(request.index(self.in_flight.len()));
                    self.respond(request, kind);
                }
            }
            Step::Reconnect { failures } => {
                self.reconnect();
                for _ in 0..*failures {
                    self.fail_requests();
                }
            }
            Step::OpenSocket => self.scenario.handle(Input::PollAll),
            Step::Wait { milliseconds } => self.scenario.advance(*milliseconds),
        }
        self.collect();
    }

    fn conversation(&mut self, id: &str) -> &mut ServiceConversation {
        self.service.get_mut(id).expect("a conversation of the service")
    }

    fn send(&mut self, id: &str, count: usize) {
        let sent_at = self.scenario.now.wall;
        for _ in 0..count {
            self.message_count += 1;
            let message = ServiceMessage { number: self.message_count, sent_at };
            let conversation = self.conversation(id);
            if !conversation.has_ended {
                conversation.messages.push(message);
            }
        }
    }

    fn notify(&mut self, id: &str, from: Index, count: usize, is_old: bool) {
        let mut conversation = self.service[id].clone();
        let from = from.index(conversation.messages.len() + 1);
        conversation.messages = conversation.messages.into_iter().skip(from).take(count).collect();
        conversation.has_ended &= !is_old;
        self.scenario.notify(Notification::Conversation(conversation.snapshot(id)));
    }

    fn reconnect(&mut self) {
        let last_activity = at(i64::try_from(self.outages.len()).expect("a few outages"));
        self.outages.push(last_activity);
        self.scenario.handle(Input::Reconnected(Outage { last_activity, reason: "reset".into() }));
    }

    fn fail_requests(&mut self) {
        self.start_requests();
        for request in std::mem::take(&mut self.in_flight) {
            self.respond(request, &ResponseKind::Unavailable);
        }
        self.scenario.advance(1000);
    }

    fn start_requests(&mut self) {
        for request in self.scenario.requests() {
            self.log.push(format!("{request:?}"));
            self.in_flight.push(RequestInFlight { request, service: self.service.clone() });
        }
        let now = self.scenario.now.mono;
        let next = self.scenario.tracker.poll_timeout(now, Lane::All);
        assert!(next.is_none_or(|next| next > now), "no request is due after all that were due have started");
        self.log.push(format!("{:?}", next.map(|next| next - now)));
    }

    fn respond(&mut self, request: RequestInFlight, kind: &ResponseKind) {
        let RequestInFlight { request, service } = request;
        let service = if matches!(kind, ResponseKind::Late) { &service } else { &self.service };
        let error = self.error(&request, kind);
        let response = match request {
            Request::Snapshot(conversation) => {
                let snapshot = service[conversation.as_str()].snapshot(&conversation);
                Response::Snapshot { conversation, result: error.map_or(Ok(snapshot), Err) }
            }
            Request::Messages { conversation, ids } => {
                let bodies = self.service[conversation.as_str()].bodies(&ids, kind);
                Response::Messages { conversation, result: error.map_or(Ok(bodies), Err) }
            }
            Request::CallTranscript { conversation, leg } => {
                Response::CallTranscript { conversation, leg, result: Err(error.unwrap_or_else(not_found)) }
            }
            Request::UserNames(users) => {
                let others = users.iter().filter(|user| *user != "u1");
                let names = others.map(|user| (user.clone(), format!("name of {user}"))).collect();
                Response::UserNames { users, result: error.map_or(Ok(names), Err) }
            }
            Request::OpenConversations(search) => {
                let open = service.iter().filter(|(_, conversation)| !conversation.has_ended);
                let ids: Vec<&str> = open.map(|(&id, _)| id).collect();
                Response::OpenConversations { search, result: error.map_or(Ok(open_conversations(&ids)), Err) }
            }
            Request::Subscribe { channel, topics, mode } => {
                let result = error.map_or(Ok(Subscribed::default()), Err);
                Response::Subscribe { channel, topics, mode, result }
            }
        };
        let _ = self.scenario.respond(response);
    }

    /// Returns the error of a response, unless it would be a refusal of this request.
    fn error(&self, request: &Request, kind: &ResponseKind) -> Option<RestError> {
        let is_known = match request {
            Request::Snapshot(id) => self.scenario.tracker.conversations.get(id).is_some_and(|one| one.is_known()),
            Request::OpenConversations(_) => false,
            Request::Messages { .. }
            | Request::CallTranscript { .. }
            | Request::UserNames(_)
            | Request::Subscribe { .. } => true,
        };
        match kind {
            ResponseKind::Complete | ResponseKind::Late | ResponseKind::Partial { .. } => None,
            ResponseKind::NotFound if is_known && self.setup.mode == Mode::Full => Some(not_found()),
            ResponseKind::Unexpected if is_known => Some(unexpected()),
            ResponseKind::RateLimited => Some(rate_limited()),
            ResponseKind::Unavailable | ResponseKind::NotFound | ResponseKind::Unexpected => Some(unavailable()),
        }
    }

    /// Takes the events and the warnings.
    fn collect(&mut self) {
        self.followed.extend(self.scenario.tracker.conversations.keys().cloned());
        self.log.extend(self.scenario.warnings().iter().map(ToString::to_string));
        assert!(self.scenario.tracker.poll_refusal().is_none(), "nothing is refused here");
        while let Some(event) = self.scenario.tracker.poll_event() {
            self.log.push(format!("{event:?}"));
            match event {
                Event::Live(id, event) => self.emitted.push((id, event)),
                Event::Backfill(id, events, _) => {
                    assert!(events.is_sorted_by_key(|event| event.at), "a backfill is in order");
                    self.emitted.extend(events.into_iter().map(|event| (id.clone(), event)));
                }
                Event::ChannelLost(_) => {}
            }
        }
    }

    /// Answers everything until nothing is missing. Without notifications, an outage makes the tracker read what it
    /// missed.
    pub(super) fn settle(&mut self) {
        if self.setup.mode == Mode::HistoryOnly {
            self.reconnect();
        }
        let end = self.scenario.now.mono + SETTLE_TIME;
        for _ in 0..1000 {
            self.start_requests();
            if self.in_flight.is_empty() {
                let now = self.scenario.now.mono;
                let next = self.scenario.tracker.poll_timeout(now, Lane::All).unwrap_or(end).min(end);
                self.scenario.advance(u64::try_from((next - now).as_millis()).expect("a short time").max(1));
            }
            for request in std::mem::take(&mut self.in_flight) {
                self.respond(request, &ResponseKind::Complete);
            }
            self.collect();
            if self.scenario.now.mono >= end {
                return;
            }
        }
        panic!("too many requests");
    }

    fn events_of(&self, id: &str) -> impl Iterator<Item = &EventBody<'static>> {
        self.emitted.iter().filter(move |(conversation, _)| conversation == id).map(|(_, event)| &event.body)
    }

    pub(super) fn assert_each_message_was_emitted_once(&self) {
        for (id, conversation) in self.service.iter().filter(|(id, _)| self.followed.contains(**id)) {
            let mut sent: Vec<String> = conversation.messages.iter().map(ServiceMessage::id).collect();
            let mut emitted: Vec<&str> = self.events_of(id).filter_map(message_id).collect();
            sent.sort_unstable();
            emitted.sort_unstable();
            assert_eq!(emitted, sent, "{id}");
        }
    }

    pub(super) fn assert_each_gap_is_an_outage(&self) {
        for id in CONVERSATIONS {
            let mut outages = self.outages.clone();
            for event in self.events_of(id) {
                if let EventBody::Gap(gap) = event {
                    let outage = outages.iter().position(|outage| *outage == gap.from);
                    outages.remove(outage.expect("an outage that no other gap reports"));
                }
            }
        }
    }

    /// The end is emitted once, after everything else. The history alone has no end.
    pub(super) fn assert_the_end_is_the_last_event(&self) {
        for (id, conversation) in self.service.iter().filter(|(id, _)| self.followed.contains(**id)) {
            let events: Vec<_> = self.events_of(id).collect();
            let has_end = conversation.has_ended && self.setup.mode == Mode::Full;
            let ends = events.iter().filter(|event| ***event == EventBody::Closed).count();
            assert_eq!(ends, usize::from(has_end), "{id}");
            assert!(!has_end || events.last() == Some(&&EventBody::Closed), "{id}");
        }
    }
}
