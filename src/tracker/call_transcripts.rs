//! The requests for the stored transcripts of a call: one for each leg of a customer, repeated while they are not available
//! (CALL-8, CALL-10, CALL-13).

use std::time::Duration;

use tokio::time::Instant;

use crate::api::rest::RestError;
use crate::wire::call_transcript::CallTranscript;

/// The delay before transcripts that were not available are requested again.
const POLL_PERIOD: Duration = Duration::from_secs(30);

/// The maximum number of legs whose transcripts are read. A call has one customer, and each consultation adds one.
const MAX_LEGS: usize = 20;

/// The use of stored transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The whole call is printed: it was over at the start.
    History,
    /// The utterances of gaps are printed: the call was followed to its end.
    Gaps,
}

/// The reading of the stored transcripts of a call.
#[derive(Debug, Default)]
pub(super) struct CallTranscripts {
    reading: Option<Reading>,
}

/// The transcripts that were read.
#[derive(Debug)]
pub(super) struct ReadTranscripts {
    pub(super) purpose: Use,
    /// The transcripts with the ids of their legs.
    pub(super) transcripts: Vec<(String, CallTranscript)>,
    /// The most severe refusal. Without transcripts it tells why there are none.
    pub(super) refusal: Option<RestError>,
}

#[derive(Debug)]
struct Reading {
    purpose: Use,
    legs: Vec<Leg>,
    /// The start of this round of requests.
    round_at: Instant,
    /// The time of the last round.
    deadline: Instant,
    /// An earlier round has read a transcript. The others get one more chance: a consultation may never be transcribed.
    has_read_before: bool,
}

#[derive(Debug)]
struct Leg {
    id: String,
    state: LegState,
}

#[derive(Debug)]
enum LegState {
    Due,
    InFlight,
    Read(CallTranscript),
    Refused(RestError),
}

impl CallTranscripts {
    /// Starts to read the transcripts of these legs, for at most `wait`.
    pub(super) fn start(&mut self, purpose: Use, legs: Vec<String>, wait: Duration, now: Instant) {
        let legs = legs.into_iter().take(MAX_LEGS).map(|id| Leg { id, state: LegState::Due }).collect();
        let reading = Reading { purpose, legs, round_at: now, deadline: now + wait, has_read_before: false };
        self.reading = Some(reading);
    }

    /// Returns whether transcripts are being read.
    pub(super) fn is_pending(&self) -> bool {
        self.reading.is_some()
    }

    /// Returns whether the transcripts that are being read fill gaps. Failures of their requests disturb nothing else.
    pub(super) fn fills_gaps(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.purpose == Use::Gaps)
    }

    /// Returns when a request is due.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let reading = self.reading.as_ref()?;
        let is_due = reading.legs.iter().any(|leg| matches!(leg.state, LegState::Due));
        is_due.then_some(reading.round_at)
    }

    /// Starts the request for a leg if one is due. [`CallTranscripts::on_read`], [`CallTranscripts::on_refused`] or
    /// [`CallTranscripts::on_failed`] ends it.
    pub(super) fn start_request(&mut self, now: Instant) -> Option<String> {
        let reading = self.reading.as_mut().filter(|reading| reading.round_at <= now)?;
        let leg = reading.legs.iter_mut().find(|leg| matches!(leg.state, LegState::Due))?;
        leg.state = LegState::InFlight;
        Some(leg.id.clone())
    }

    /// Records the transcript of a leg. Returns everything if nothing is missing any more.
    pub(super) fn on_read(&mut self, leg: &str, transcript: CallTranscript, now: Instant) -> Option<ReadTranscripts> {
        self.answer(leg, LegState::Read(transcript), now)
    }

    /// Records that there is no transcript of a leg, or not yet.
    pub(super) fn on_refused(&mut self, leg: &str, error: RestError, now: Instant) -> Option<ReadTranscripts> {
        self.answer(leg, LegState::Refused(error), now)
    }

    /// Records that a request has failed and is to be repeated.
    pub(super) fn on_failed(&mut self, leg: &str) {
        if let Some(leg) = self.leg(leg) {
            leg.state = LegState::Due;
        }
    }

    fn answer(&mut self, leg: &str, state: LegState, now: Instant) -> Option<ReadTranscripts> {
        self.leg(leg)?.state = state;
        let is_over = self.reading.as_mut()?.end_round(now);
        let reading = self.reading.take_if(|_| is_over)?;
        Some(reading.into_read())
    }

    fn leg(&mut self, id: &str) -> Option<&mut Leg> {
        let legs = &mut self.reading.as_mut()?.legs;
        legs.iter_mut().find(|leg| leg.id == id && matches!(leg.state, LegState::InFlight))
    }
}

impl Reading {
    /// Starts the next round if all requests of this one were answered. Returns whether there is none.
    fn end_round(&mut self, now: Instant) -> bool {
        if self.legs.iter().any(|leg| matches!(leg.state, LegState::Due | LegState::InFlight)) {
            return false;
        }
        let is_complete = !self.legs.iter().any(Leg::may_come);
        if is_complete || self.has_read_before || now >= self.deadline {
            return true;
        }
        self.has_read_before = self.legs.iter().any(|leg| matches!(leg.state, LegState::Read(_)));
        self.round_at = (now + POLL_PERIOD).min(self.deadline);
        self.legs.iter_mut().filter(|leg| leg.may_come()).for_each(|leg| leg.state = LegState::Due);
        false
    }

    fn into_read(self) -> ReadTranscripts {
        let mut read = ReadTranscripts { purpose: self.purpose, transcripts: Vec::new(), refusal: None };
        for Leg { id, state } in self.legs {
            match state {
                LegState::Read(transcript) => read.transcripts.push((id, transcript)),
                LegState::Refused(error) => {
                    let is_more_severe = |other: &RestError| severity(&error) > severity(other);
                    if read.refusal.as_ref().is_none_or(is_more_severe) {
                        read.refusal = Some(error);
                    }
                }
                LegState::Due | LegState::InFlight => {}
            }
        }
        read
    }
}

impl Leg {
    /// Returns whether the transcript may be available later.
    fn may_come(&self) -> bool {
        let LegState::Refused(error) = &self.state else { return false };
        matches!(
            error,
            RestError::NotFound { .. } | RestError::Unavailable { .. } | RestError::Http(_) | RestError::Auth(_)
        )
    }
}

/// A transcript that is missing may come; everything else is a fault.
fn severity(error: &RestError) -> u8 {
    match error {
        RestError::NotFound { .. } => 0,
        RestError::Forbidden { .. } => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::status::redact::Secrets;

    fn error(status: StatusCode) -> RestError {
        let (host, body) = ("h".to_owned(), ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default()));
        match status {
            StatusCode::NOT_FOUND => RestError::NotFound { host, body },
            StatusCode::FORBIDDEN => RestError::Forbidden { host, body },
            _ => RestError::UnexpectedResponse { host, reason: "odd".to_owned() },
        }
    }

    /// The legs that were read, and the refusal.
    type Outcome = (Vec<String>, Option<RestError>);

    struct Call {
        transcripts: CallTranscripts,
        now: Instant,
    }

    impl Call {
        fn new(legs: &[&str], wait: u64) -> Self {
            let (mut transcripts, now) = (CallTranscripts::default(), Instant::now());
            let legs = legs.iter().map(|leg| (*leg).to_owned()).collect();
            transcripts.start(Use::History, legs, Duration::from_secs(wait), now);
            Self { transcripts, now }
        }

        /// Waits for the next round, and answers its requests. Returns the delay and the legs of the result.
        fn round(&mut self, answers: &[(&str, Option<StatusCode>)]) -> (u64, Option<Outcome>) {
            let due = self.transcripts.next_at().expect("a request");
            let delay = (due - self.now).as_secs();
            self.now = due;
            let mut result = None;
            for (expected, status) in answers {
                assert!(result.is_none() && self.transcripts.is_pending());
                assert_eq!(self.transcripts.start_request(self.now).as_deref(), Some(*expected));
                result = match status {
                    None => self.transcripts.on_read(expected, CallTranscript::default(), self.now),
                    Some(status) => self.transcripts.on_refused(expected, error(*status), self.now),
                };
            }
            assert_eq!(self.transcripts.start_request(self.now), None);
            let legs =
                |read: ReadTranscripts| (read.transcripts.into_iter().map(|(leg, _)| leg).collect(), read.refusal);
            (delay, result.map(legs))
        }
    }

    const MISSING: Option<StatusCode> = Some(StatusCode::NOT_FOUND);

    #[test]
    fn without_a_wait_each_leg_is_requested_once() {
        let mut call = Call::new(&["a", "b"], 0);
        let (delay, read) = call.round(&[("a", MISSING), ("b", None)]);
        assert_eq!((delay, read), (0, Some((vec!["b".to_owned()], Some(error(StatusCode::NOT_FOUND))))));
        assert!(!call.transcripts.is_pending() && call.transcripts.next_at().is_none());
    }

    #[test]
    fn missing_transcripts_are_polled_every_30_s_and_at_the_end_of_the_wait() {
        let mut call = Call::new(&["a"], 70);
        let mut delays = Vec::new();
        let read = loop {
            let (delay, read) = call.round(&[("a", MISSING)]);
            delays.push(delay);
            if let Some(read) = read {
                break read;
            }
        };
        assert_eq!(delays, [0, 30, 30, 10]);
        assert_eq!(read, (vec![], Some(error(StatusCode::NOT_FOUND))));
    }

    #[test]
    fn a_leg_that_is_missing_when_another_was_read_has_one_more_round() {
        let mut call = Call::new(&["a", "b"], 900);
        assert_eq!(call.round(&[("a", MISSING), ("b", MISSING)]), (0, None));
        assert_eq!(call.round(&[("a", None), ("b", MISSING)]), (30, None));
        let (_, read) = call.round(&[("b", MISSING)]);
        assert_eq!(read.expect("an end").0, ["a"]);
    }

    #[test]
    fn a_refusal_that_no_wait_changes_ends_the_reading_and_the_most_severe_one_is_told() {
        let mut call = Call::new(&["a", "b", "c"], 900);
        let answers = [("a", Some(StatusCode::OK)), ("b", Some(StatusCode::FORBIDDEN)), ("c", Some(StatusCode::OK))];
        let (_, read) = call.round(&answers);
        assert_eq!(read, Some((vec![], Some(error(StatusCode::FORBIDDEN)))));
    }

    #[test]
    fn a_failed_request_is_repeated_and_a_foreign_answer_is_none() {
        let mut call = Call::new(&["a"], 0);
        assert_eq!(call.transcripts.start_request(call.now).as_deref(), Some("a"));
        assert_eq!(call.transcripts.next_at(), None);
        call.transcripts.on_failed("a");
        assert!(call.transcripts.on_read("a", CallTranscript::default(), call.now).is_none(), "not requested");
        assert!(call.round(&[("a", None)]).1.is_some());
        assert!(call.transcripts.on_read("a", CallTranscript::default(), call.now).is_none());
    }

    #[test]
    fn the_number_of_legs_is_limited() {
        let legs: Vec<String> = (0..MAX_LEGS + 5).map(|leg| leg.to_string()).collect();
        let mut call = Call::new(&legs.iter().map(String::as_str).collect::<Vec<_>>(), 0);
        let started = std::iter::from_fn(|| call.transcripts.start_request(call.now)).count();
        assert_eq!(started, MAX_LEGS);
    }
}
