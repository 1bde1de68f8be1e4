//! The stored transcripts of the calls of a conversation: as its history, and to fill gaps (CALL-8 to CALL-13).

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{Conversation, Refused};
use crate::api::rest::RestError;
use crate::config::Retries;
use crate::decision::RefusalRow;
use crate::dedup::UTTERANCE_STEPS;
use crate::tracker::Mode;
use crate::tracker::call_log::CallLog;
use crate::tracker::call_transcripts::{CallTranscripts, ReadTranscripts, Use};
use crate::tracker::protocol::{BackfillReason, Event, Now, TimedEvent};
use crate::tracker::{call_speakers, poll_timer};
use crate::wire::call_transcript::{CallTranscript, Phrase};
use crate::wire::conversation::{CallLeg, Participant};
use crate::wire::transcription::{Side, Transcription, Utterance};

/// The wishes about calls.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::tracker) struct CallPolicy {
    /// History is wanted.
    pub(in crate::tracker) wants_history: bool,
    /// The conversation is followed to its end.
    pub(in crate::tracker) is_followed: bool,
    /// The time to wait for a transcript (CLI-19).
    pub(in crate::tracker) wait: Duration,
    /// A missing transcript ends the run, so that a later one prints it: it is all that the run is for.
    pub(in crate::tracker) is_required: bool,
}

/// The calls of a conversation.
#[derive(Debug, Default)]
pub(super) struct Calls {
    policy: CallPolicy,
    transcripts: CallTranscripts,
    log: CallLog,
    /// Older phrases are not wanted.
    not_before: Option<DateTime<Utc>>,
    plans: Plans,
    notice: Option<CallNotice>,
    /// The failed requests in a row.
    failures: RefusalRow,
    /// The wait was logged.
    has_told_wait: bool,
    /// The end is not reported, because the transcript is missing.
    withholds_end: bool,
}

/// The readings of transcripts that were started or need not be.
#[derive(Debug, Default)]
struct Plans {
    history: bool,
    gaps: bool,
}

/// A fact about calls that the user should know.
#[derive(Debug)]
pub(in crate::tracker) enum CallNotice {
    /// A call in progress has no history.
    InProgress,
    /// The transcript of an ended call is not available.
    Missing { error: RestError, is_fatal: bool },
    /// The utterances of gaps are not available.
    GapsNotFilled(RestError),
}

/// The knowledge of earlier runs about the utterances of a call.
pub(in crate::tracker) struct EarlierCalls<F> {
    /// Returns the fingerprint of the utterance of that side that was printed, some steps from that time.
    pub(in crate::tracker) printed: F,
}

impl<F: Fn(Side, DateTime<Utc>, i64) -> Option<u64>> EarlierCalls<F> {
    /// Returns which phrases were printed. Each utterance is one phrase of a leg, the one that is nearest. Utterances of one
    /// side in the same step share a fingerprint, so all phrases of that step count as printed.
    fn printed_phrases(&self, phrases: &[LegPhrase<'_>]) -> Vec<bool> {
        let (mut is_printed, mut taken) = (vec![false; phrases.len()], HashSet::new());
        for steps in UTTERANCE_STEPS {
            for (leg_phrase, is_printed) in phrases.iter().zip(&mut is_printed).filter(|(_, is_printed)| !**is_printed)
            {
                let at = leg_phrase.phrase.spoken_at;
                let utterance = at.and_then(|at| (self.printed)(leg_phrase.phrase.side, at, steps));
                *is_printed =
                    utterance.is_some_and(|utterance| taken.insert((leg_phrase.leg, utterance)) || steps == 0);
            }
        }
        is_printed
    }
}

impl Conversation {
    /// Handles the final utterances of a call.
    pub(in crate::tracker) fn handle_transcription(&mut self, transcription: Transcription, now: Now) {
        self.seen.calls = true;
        self.call_has_ended = transcription.session_ended;
        if transcription.session_ended {
            tracing::debug!(conversation = self.id, "call transcription ended");
            self.poll_for_news(now.mono);
        }
        if self.printed_media().calls {
            self.unattributed.extend(transcription.utterances.into_iter().filter(|utterance| utterance.is_final));
        }
        if self.unattributed.iter().any(|utterance| call_speakers::speaker(utterance, &self.participants).is_none()) {
            self.poll_for_news(now.mono);
        }
        // A snapshot that is about to be taken may tell the speakers.
        if !self.poll_timer.polls_before(now.mono + poll_timer::MIN_DISTANCE) {
            self.flush_unattributed();
        }
    }

    /// Sets the wishes about calls.
    pub(in crate::tracker) fn set_call_policy(&mut self, policy: CallPolicy) {
        self.calls.policy = policy;
    }

    /// Requests no stored transcript for what precedes the start.
    pub(super) fn skip_call_history(&mut self) {
        self.calls.policy.wants_history = false;
    }

    /// Returns whether what precedes the start is wanted.
    pub(super) fn wants_history(&self) -> bool {
        self.calls.policy.wants_history
    }

    /// Returns when a transcript is to be requested.
    pub(in crate::tracker) fn next_transcript_request_at(&self) -> Option<Instant> {
        if self.participants.has_pending_lookups() { None } else { self.calls.transcripts.next_at() }
    }

    /// Starts a request for a transcript if one is due, and returns its leg.
    pub(in crate::tracker) fn start_transcript_request(&mut self, now: Instant) -> Option<String> {
        if self.participants.has_pending_lookups() {
            return None;
        }
        self.calls.transcripts.start_request(now)
    }

    /// Applies the transcript of a leg.
    pub(in crate::tracker) fn on_transcript<F: Fn(Side, DateTime<Utc>, i64) -> Option<u64>>(
        &mut self,
        leg: &str,
        transcript: CallTranscript,
        now: Now,
        earlier: &EarlierCalls<F>,
    ) {
        self.calls.failures.reset();
        let read = self.calls.transcripts.on_read(leg, transcript, now.mono);
        self.apply_transcripts(read, now, earlier);
    }

    /// Records that the transcript of a leg is not available.
    pub(in crate::tracker) fn on_transcript_refused<F: Fn(Side, DateTime<Utc>, i64) -> Option<u64>>(
        &mut self,
        leg: &str,
        error: RestError,
        now: Now,
        earlier: &EarlierCalls<F>,
    ) {
        let read = self.calls.transcripts.on_refused(leg, error, now.mono);
        let is_waiting = read.is_none() && !self.fills_gaps() && self.calls.transcripts.is_pending();
        if is_waiting && !std::mem::replace(&mut self.calls.has_told_wait, true) {
            let wait = humantime::format_duration(self.calls.policy.wait);
            tracing::info!(
                conversation = self.id,
                "the transcript of the call is not available yet; waiting up to {wait}"
            );
        }
        self.apply_transcripts(read, now, earlier);
    }

    /// Records that a request for a transcript has failed and is to be repeated.
    pub(in crate::tracker) fn transcript_failed(&mut self, leg: &str) {
        self.calls.transcripts.on_failed(leg);
    }

    /// Counts a request for a transcript that has failed. Returns whether it is one too many in a row.
    pub(in crate::tracker) fn transcript_failed_too_often(&mut self, limit: Retries, now: Instant) -> bool {
        Refused::count(&mut self.calls.failures, limit, now) == Refused::OneTooMany
    }

    /// Returns whether the transcripts that are being read fill gaps.
    pub(in crate::tracker) fn fills_gaps(&self) -> bool {
        self.calls.transcripts.fills_gaps()
    }

    /// Takes the latest fact about calls.
    pub(in crate::tracker) fn take_call_notice(&mut self) -> Option<CallNotice> {
        // The messages of a conversation are printed before the failure of its call ends it.
        if self.is_backfilling() { None } else { self.calls.notice.take() }
    }

    /// Returns whether stored transcripts are being read.
    pub(super) fn reads_transcripts(&self) -> bool {
        self.calls.transcripts.is_pending()
    }

    /// Returns whether the end waits for a transcript, or is not reported without it.
    pub(super) fn withholds_end(&self) -> bool {
        self.calls.withholds_end || self.calls.transcripts.is_pending()
    }

    /// Emits the pending utterances with the speakers that are known.
    pub(super) fn flush_unattributed(&mut self) {
        for utterance in std::mem::take(&mut self.unattributed) {
            self.log_utterance(&utterance);
            let event = call_speakers::utterance(utterance, &self.participants);
            self.push_live(event);
        }
    }

    /// Records an utterance that is printed, if gaps may be filled later.
    pub(super) fn log_utterance(&mut self, utterance: &Utterance) {
        if !self.calls.policy.wait.is_zero() {
            self.calls.log.record(utterance);
        }
    }

    /// Records a gap of a call in progress.
    pub(super) fn log_call_gap(&mut self, from: DateTime<Utc>) {
        self.calls.log.record_gap(from);
    }

    /// Decides about the history of calls when the first snapshot has come.
    pub(super) fn plan_call_history(&mut self, has_ended: bool, not_before: Option<DateTime<Utc>>, now: Now) {
        let CallPolicy { wants_history, is_followed, wait, .. } = self.calls.policy;
        let is_wanted = self.mode == Mode::Full && self.seen.calls && wants_history && !self.is_of_target();
        if !is_wanted || std::mem::replace(&mut self.calls.plans.history, true) {
            return;
        }
        let legs = self.legs_to_read();
        if !has_ended && legs.iter().any(|leg| !leg.has_ended) {
            self.calls.notice = (!is_followed).then_some(CallNotice::InProgress);
            return;
        }
        if !legs.is_empty() {
            let legs = legs.into_iter().map(|leg| leg.id.clone()).collect();
            self.calls.not_before = not_before;
            self.calls.transcripts.start(Use::History, legs, wait, now.mono);
        }
    }

    /// Starts to fill the gaps of a call that has ended.
    pub(super) fn plan_gaps(&mut self, now: Now) {
        let wait = self.calls.policy.wait;
        if wait.is_zero() || !self.calls.log.has_gaps() || std::mem::replace(&mut self.calls.plans.gaps, true) {
            return;
        }
        let legs: Vec<String> = self.legs_to_read().into_iter().map(|leg| leg.id.clone()).collect();
        if !legs.is_empty() {
            tracing::info!(
                conversation = self.id,
                "waiting up to {} for the transcript of the call, to fill its gap",
                humantime::format_duration(wait)
            );
            self.poll_timer.stop();
            self.calls.transcripts.start(Use::Gaps, legs, wait, now.mono);
        }
    }

    /// Returns the legs of customers and other external parties, each once. A call between users has none: all its legs.
    fn legs_to_read(&self) -> Vec<&CallLeg> {
        let of = |is_wanted: fn(&Participant) -> bool| {
            let legs = self.participants.all().filter(|one| is_wanted(one)).flat_map(|one| &one.call_legs);
            let mut seen = HashSet::new();
            legs.filter(|leg| seen.insert(leg.id.as_str())).collect::<Vec<_>>()
        };
        let external = of(|one| one.purpose.is_customer());
        if external.is_empty() { of(|_| true) } else { external }
    }

    fn apply_transcripts<F: Fn(Side, DateTime<Utc>, i64) -> Option<u64>>(
        &mut self,
        read: Option<ReadTranscripts>,
        now: Now,
        earlier: &EarlierCalls<F>,
    ) {
        let Some(ReadTranscripts { purpose, transcripts, refusal }) = read else { return };
        let has_transcript = !transcripts.is_empty();
        match purpose {
            Use::History => {
                let events = self.history_of_calls(&transcripts, earlier);
                self.add_call_history(events);
            }
            Use::Gaps => {
                let events = self.events_of_gaps(&transcripts);
                if !events.is_empty() {
                    self.events.push(Event::Backfill(self.id.clone(), events, BackfillReason::Outage));
                }
            }
        }
        // Another leg, such as that of a consultation, may never be transcribed.
        let is_expected = |error: &RestError| has_transcript && matches!(error, RestError::NotFound { .. });
        if let Some(error) = refusal.filter(|error| !is_expected(error)) {
            self.note_missing(purpose, error, has_transcript);
        }
        self.advance_state(now);
    }

    fn note_missing(&mut self, purpose: Use, error: RestError, has_transcript: bool) {
        let is_fatal =
            self.calls.policy.is_required && !has_transcript && (self.is_ending() || !self.calls.policy.is_followed);
        self.calls.notice = Some(match purpose {
            Use::History => CallNotice::Missing { error, is_fatal },
            Use::Gaps => CallNotice::GapsNotFilled(error),
        });
        self.calls.withholds_end = purpose == Use::History && is_fatal;
    }

    fn add_call_history(&mut self, mut events: Vec<TimedEvent>) {
        if let Some(backfill) = self.state.backfill_mut() {
            backfill.events.extend(events);
        } else {
            events.sort_by_key(|event| event.at);
            self.events.push(Event::Backfill(self.id.clone(), events, self.start_reason));
        }
    }

    /// Returns the events of all phrases that are wanted. An earlier run may have followed the call: what precedes its first
    /// utterance is history that it did not have, and the rest is new if it was not printed.
    fn history_of_calls<F: Fn(Side, DateTime<Utc>, i64) -> Option<u64>>(
        &self,
        transcripts: &[(String, CallTranscript)],
        earlier: &EarlierCalls<F>,
    ) -> Vec<TimedEvent> {
        let phrases = all_phrases(transcripts);
        let is_printed = earlier.printed_phrases(&phrases);
        let printed = phrases.iter().zip(&is_printed).filter(|(_, is_printed)| **is_printed);
        let first_printed = printed.filter_map(|(leg_phrase, _)| leg_phrase.phrase.spoken_at).min();
        let is_too_old = |leg_phrase: &LegPhrase<'_>| {
            let limit = self.calls.not_before.max(first_printed);
            limit.is_some_and(|limit| leg_phrase.phrase.spoken_at.is_some_and(|at| at < limit))
        };
        let wanted =
            phrases.iter().zip(is_printed).filter(|(leg_phrase, is_printed)| !is_printed && !is_too_old(leg_phrase));
        wanted.map(|(leg_phrase, _)| leg_phrase.to_event(self)).collect()
    }

    /// Returns the events of the phrases that were said in gaps, in order.
    fn events_of_gaps(&self, transcripts: &[(String, CallTranscript)]) -> Vec<TimedEvent> {
        let phrases = all_phrases(transcripts);
        let bare: Vec<&Phrase> = phrases.iter().map(|leg_phrase| leg_phrase.phrase).collect();
        let missing = self.calls.log.missing(&bare);
        let missing = phrases.iter().zip(missing).filter(|(_, is_missing)| *is_missing);
        missing.map(|(leg_phrase, _)| leg_phrase.to_event(self)).collect()
    }
}

/// A phrase and the transcript that holds it.
struct LegPhrase<'a> {
    phrase: &'a Phrase,
    transcript: &'a CallTranscript,
    leg: &'a str,
}

impl LegPhrase<'_> {
    fn to_event(&self, conversation: &Conversation) -> TimedEvent {
        call_speakers::stored_phrase(self.phrase, self.transcript, self.leg, &conversation.participants)
    }
}

/// Returns the phrases of all legs in order of time. Two legs may hold the same one; one without a time is no repeat.
fn all_phrases(transcripts: &[(String, CallTranscript)]) -> Vec<LegPhrase<'_>> {
    let phrases = transcripts.iter().flat_map(|(leg, transcript)| {
        transcript.phrases.iter().map(move |phrase| LegPhrase { phrase, transcript, leg })
    });
    let mut seen = HashSet::new();
    let mut phrases: Vec<_> = phrases
        .filter(|LegPhrase { phrase, .. }| {
            phrase.spoken_at.is_none_or(|at| seen.insert((at, phrase.side, phrase.text.as_str())))
        })
        .collect();
    phrases.sort_by_key(|leg_phrase| leg_phrase.phrase.spoken_at);
    phrases
}
