//! The effect of responses about stored transcripts of calls.

use chrono::{DateTime, Utc};

use super::conversation::{CallNotice, EarlierCalls};
use super::responses::after_read;
use super::{Now, Refusal, RefusedPart, Tracker, Warning};
use crate::api::rest::RestError;
use crate::decision::{Action, Before};
use crate::dedup::Dedup;
use crate::wire::call_transcript::CallTranscript;
use crate::wire::transcription::Side;

/// The message about a transcript that the service does not have (CALL-10).
pub(crate) const NOT_AVAILABLE: &str = "the transcript of this call is not available yet; it appears some minutes after the call where transcription is enabled";

impl Tracker {
    /// Applies the answer to the request for a transcript. Returns the error of a request that will be repeated after a pause.
    pub(super) fn on_call_transcript(
        &mut self,
        id: &str,
        leg: &str,
        result: Result<CallTranscript, RestError>,
        now: Now,
        dedup: &Dedup,
    ) -> Option<RestError> {
        let printed =
            |side: Side, at: DateTime<Utc>, steps| dedup.delivered_utterance(id, side == Side::Customer, at, steps);
        let earlier = EarlierCalls { printed };
        let error = match result {
            Ok(transcript) => {
                self.update(id, |conversation| conversation.on_transcript(leg, transcript, now, &earlier));
                return None;
            }
            Err(error) => error,
        };
        let fills_gaps = self.conversations.get(id).is_some_and(|conversation| conversation.fills_gaps());
        let is_refusal = matches!(after_read(&error, Before::new(false)), Action::Refuse(_));
        let limit = self.options.retries;
        let is_sign_in = matches!(error, RestError::Auth(_));
        let conversation = self.conversations.get_mut(id).filter(|_| !is_refusal && !fills_gaps && !is_sign_in);
        let is_exhausted = conversation.is_some_and(|one| one.transcript_failed_too_often(limit, now.mono));
        // The host of the file is not that of the API: its outage ends no other conversation.
        if is_refusal || fills_gaps || is_exhausted {
            self.update(id, |conversation| conversation.on_transcript_refused(leg, error, now, &earlier));
            return None;
        }
        self.update(id, |conversation| conversation.transcript_failed(leg));
        Some(error)
    }

    pub(super) fn on_call_notice(&mut self, id: &str, notice: CallNotice) {
        let conversation = id.to_owned();
        let warning = match notice {
            CallNotice::InProgress => Warning::CallInProgress { conversation },
            CallNotice::Missing { error, is_fatal: true } => {
                self.stop_following(id);
                self.refusals.push_back(Refusal { conversation, error, part: RefusedPart::CallTranscript });
                return;
            }
            CallNotice::Missing { error, is_fatal: false } => {
                Warning::CallTranscriptMissing { conversation, reason: reason(&error) }
            }
            CallNotice::GapsNotFilled(error) => Warning::CallGapNotFilled { conversation, reason: reason(&error) },
        };
        self.warnings.push_back(warning);
    }
}

/// Returns the reason why there is no transcript.
fn reason(error: &RestError) -> String {
    match error {
        RestError::NotFound { .. } => NOT_AVAILABLE.to_owned(),
        error => error.to_string(),
    }
}
