//! The stored transcript of a call: a file that the service makes some time after the call.
//!
//! A file may have tens of megabytes, most of them lists of words. They are skipped while the JSON is read.

mod shapes;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use self::shapes::FileJson;
use super::conversation::Purpose;
use super::json::{has_at_most, replace_lone_surrogates};
use super::transcription::Side;

/// The maximum number of objects and lists in a file. The lists of words of 64 MiB have fewer.
const MAX_CONTAINERS: usize = 2_000_000;

/// The stored transcript of one leg of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CallTranscript {
    /// The phrases in order of time, each once.
    pub(crate) phrases: Vec<Phrase>,
    /// Everyone who took part in the call.
    pub(crate) parties: Vec<CallParty>,
}

/// A piece of what was said, never empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Phrase {
    pub(crate) side: Side,
    pub(crate) text: String,
    pub(crate) spoken_at: Option<DateTime<Utc>>,
    /// The confidence of the speech recognition, from 0 to 1.
    pub(crate) confidence: Option<f64>,
    /// The language tag.
    pub(crate) language: Option<String>,
}

/// A participant of a call, and when it took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallParty {
    pub(crate) purpose: Purpose,
    /// The id of the user, for agents.
    pub(crate) user: Option<String>,
    /// The id of the queue that the participant waits in or works for.
    pub(crate) queue: Option<String>,
    pub(crate) from: Option<DateTime<Utc>>,
    /// `None` if it is not known to have left.
    pub(crate) to: Option<DateTime<Utc>>,
}

impl CallTranscript {
    /// Reads a file. `None` if it is not the JSON of a transcript, or has too many values.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        if !has_at_most(json.as_bytes(), MAX_CONTAINERS, usize::MAX) {
            return None;
        }
        match FileJson::read(json) {
            Ok(file) => file.into_transcript(),
            Err(_) => FileJson::read(&replace_lone_surrogates(json)).ok()?.into_transcript(),
        }
    }

    /// Returns the party that spoke a phrase: of those of its side that took part at that time, the one that came last. A
    /// customer may be the only one, whatever the time.
    pub(crate) fn speaker(&self, phrase: &Phrase) -> Option<&CallParty> {
        let of_side = || self.parties.iter().filter(|party| party.side() == Some(phrase.side));
        let at = phrase.spoken_at;
        let present = of_side().filter(|party| at.is_some_and(|at| party.was_present(at)));
        let any_customer = || of_side().find(|_| phrase.side == Side::Customer);
        present.max_by_key(|party| party.from).or_else(any_customer)
    }
}

impl CallParty {
    fn side(&self) -> Option<Side> {
        match self.purpose {
            Purpose::Customer | Purpose::External => Some(Side::Customer),
            Purpose::Agent | Purpose::Bot | Purpose::Queue | Purpose::Automatic => Some(Side::Agent),
            Purpose::Other(_) => None,
        }
    }

    fn was_present(&self, at: DateTime<Utc>) -> bool {
        self.from.is_some_and(|from| from <= at) && self.to.is_none_or(|to| at <= to)
    }
}
