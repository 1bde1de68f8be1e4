//! The utterances of a followed call and its gaps, and what of a stored transcript was in the gaps (CALL-13).
//!
//! A stored phrase has no utterance id. It is a printed utterance if side and time are the same, or nearly so and the texts
//! are alike: the service may have improved the text since.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::wire::call_transcript::Phrase;
use crate::wire::transcription::{Side, Utterance};

/// The maximum number of utterances that are remembered: a day of talk.
const MAX_UTTERANCES: usize = 50_000;

/// The maximum difference of the times of an utterance and its stored phrase, if the texts are alike.
const MAX_DIFFERENCE: TimeDelta = TimeDelta::seconds(3);

/// The maximum difference of the times, whatever the texts: a person says one thing at a time.
const SAME_TIME: TimeDelta = TimeDelta::milliseconds(400);

/// The maximum delay of an utterance, measured at 21 s. What was said that long before a loss may be in the gap.
const MAX_DELAY: TimeDelta = TimeDelta::seconds(30);

/// The utterances of a followed call and its gaps.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    printed: Vec<Spoken>,
    gaps: Vec<GapMark>,
}

/// A printed utterance.
#[derive(Debug)]
struct Spoken {
    side: Side,
    at: DateTime<Utc>,
    words: String,
}

/// A gap, by its place among the utterances: their times are by the clock of the service.
#[derive(Debug)]
struct GapMark {
    /// The number of utterances that were printed before it.
    printed: usize,
    /// The local time of its start.
    from: DateTime<Utc>,
}

impl CallLog {
    /// Records an utterance that is printed.
    pub(super) fn record(&mut self, utterance: &Utterance) {
        if let Some(at) = utterance.spoken_at.filter(|_| self.printed.len() < MAX_UTTERANCES) {
            self.printed.push(Spoken { side: utterance.side, at, words: words_of(&utterance.text) });
        }
    }

    /// Records a gap that started at this local time.
    pub(super) fn record_gap(&mut self, from: DateTime<Utc>) {
        self.gaps.push(GapMark { printed: self.printed.len(), from });
    }

    /// Returns whether there was a gap.
    pub(super) fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Returns which of these phrases were said in a gap and not printed.
    pub(super) fn missing(&self, phrases: &[&Phrase]) -> Vec<bool> {
        let gaps: Vec<_> = self.gaps.iter().map(|gap| self.time_of(gap)).collect();
        let is_in_gap = |phrase: &&Phrase| {
            let is_within = |at| gaps.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at <= to));
            phrase.spoken_at.is_some_and(is_within)
        };
        let is_printed = self.printed_phrases(phrases);
        phrases.iter().zip(is_printed).map(|(phrase, is_printed)| !is_printed && is_in_gap(phrase)).collect()
    }

    /// Returns the time of a gap by the clock of the service, with a margin: from the latest utterance before it to the
    /// earliest after it. What precedes the first utterance of all was not followed.
    fn time_of(&self, gap: &GapMark) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        let (before, after) = self.printed.split_at(gap.printed);
        let times = || before.iter().map(|utterance| utterance.at);
        let latest = times().max().unwrap_or(gap.from);
        let from = times().min().map_or(latest - MAX_DELAY, |first| first.max(latest - MAX_DELAY));
        let to = after.iter().map(|utterance| utterance.at).min();
        (from, to.map(|to| to.max(latest) + MAX_DELAY))
    }

    /// Returns which phrases were printed. Each utterance is one phrase, the one that is nearest.
    fn printed_phrases(&self, phrases: &[&Phrase]) -> Vec<bool> {
        let mut pairs = Vec::new();
        let mut by_time: Vec<usize> = (0..self.printed.len()).collect();
        by_time.sort_by_key(|index| self.printed[*index].at);
        for (phrase_index, phrase) in phrases.iter().enumerate() {
            let Some(at) = phrase.spoken_at else { continue };
            let first = by_time.partition_point(|index| self.printed[*index].at < at - MAX_DIFFERENCE);
            let near = by_time[first..].iter().take_while(|index| self.printed[**index].at <= at + MAX_DIFFERENCE);
            let words = words_of(&phrase.text);
            for printed_index in near {
                let utterance = &self.printed[*printed_index];
                let distance = (utterance.at - at).abs();
                if are_same_side(utterance.side, phrase.side)
                    && (distance <= SAME_TIME || are_alike(&utterance.words, &words))
                {
                    pairs.push((utterance.words != words, distance, phrase_index, *printed_index));
                }
            }
        }
        pairs.sort_unstable();
        let mut is_printed = vec![false; phrases.len()];
        let mut is_taken = vec![false; self.printed.len()];
        for (_, _, phrase, printed) in pairs {
            if !is_printed[phrase] && !is_taken[printed] {
                (is_printed[phrase], is_taken[printed]) = (true, true);
            }
        }
        is_printed
    }
}

fn are_same_side(one: Side, other: Side) -> bool {
    one == other || one == Side::Unknown || other == Side::Unknown
}

/// Returns the words of a text in lower case, without punctuation.
fn words_of(text: &str) -> String {
    let words = text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Returns whether two texts have at least half of their words in common, counted in the shorter one.
fn are_alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other): (HashSet<&str>, HashSet<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    2 * one.intersection(&other).count() >= one.len().min(other.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_791_472_180_000 + milliseconds).expect("in range")
    }

    fn phrase(side: Side, milliseconds: i64, text: &str) -> Phrase {
        Phrase { side, text: text.into(), spoken_at: Some(at(milliseconds)), confidence: None, language: None }
    }

    fn utterance(side: Side, milliseconds: i64, text: &str) -> Utterance {
        Utterance {
            id: Some("u".into()),
            is_final: true,
            side,
            text: text.into(),
            spoken_at: Some(at(milliseconds)),
            leg: None,
            confidence: None,
            language: None,
        }
    }

    use Side::{Agent, Customer, Unknown};

    /// A call with a gap between the utterances before and after.
    fn log(before: &[(Side, i64, &str)], after: &[(Side, i64, &str)]) -> CallLog {
        let mut log = CallLog::default();
        for (side, at, text) in before {
            log.record(&utterance(*side, *at, text));
        }
        log.record_gap(at(20_000));
        for (side, at, text) in after {
            log.record(&utterance(*side, *at, text));
        }
        log
    }

    fn missing(log: &CallLog, phrases: &[(Side, i64, &str)]) -> Vec<String> {
        let phrases: Vec<Phrase> = phrases.iter().map(|(side, at, text)| phrase(*side, *at, text)).collect();
        let refs: Vec<&Phrase> = phrases.iter().collect();
        let missing = log.missing(&refs).into_iter().zip(&phrases).filter(|(is_missing, _)| *is_missing);
        missing.map(|(_, phrase)| phrase.text.clone()).collect()
    }

    #[test]
    fn a_printed_utterance_is_recognised_by_side_and_time_even_if_its_text_was_improved() {
        let log = log(&[(Customer, 10_000, "my order is four two seven")], &[(Agent, 40_000, "Thank you.")]);
        for (side, milliseconds, text, is_printed) in [
            (Customer, 10_000, "my order is four two seven", true),
            (Customer, 10_050, "My order is 427.", true),
            (Customer, 9_650, "something else", true),
            (Customer, 11_500, "My order is 427.", true),
            (Customer, 7_100, "My order is 427.", true),
            (Customer, 11_500, "something else", false),
            (Customer, 13_500, "My order is four two seven.", false),
            (Agent, 10_000, "My order is four two seven.", false),
            (Unknown, 10_000, "My order is four two seven.", true),
            (Agent, 39_000, "thank you", true),
        ] {
            let missing = missing(&log, &[(side, milliseconds, text)]);
            assert_eq!(missing.is_empty(), is_printed, "{side:?} {milliseconds} {text}");
        }
    }

    #[test]
    fn each_utterance_is_one_phrase_and_the_nearest_of_equal_ones() {
        let log = log(&[(Customer, 10_000, "Yes.")], &[(Customer, 14_000, "Yes.")]);
        let phrases = [(Customer, 9_950, "yes"), (Customer, 11_800, "yes"), (Customer, 14_100, "Yes")];
        assert_eq!(missing(&log, &phrases), ["yes"]);
        let log = self::log(&[(Agent, 5_000, "Welcome."), (Customer, 10_000, "Good morning.")], &[]);
        let phrases = [(Customer, 9_700, "Hello?"), (Customer, 10_380, "Good morning.")];
        assert_eq!(missing(&log, &phrases), ["Hello?"], "the same text is worth more than the time");
    }

    #[test]
    fn only_what_was_said_near_a_gap_is_missing() {
        let log = log(
            &[(Agent, 50_000, "first"), (Customer, 100_000, "a"), (Agent, 98_000, "b")],
            &[(Agent, 160_000, "d"), (Customer, 150_000, "c")],
        );
        let texts =
            [(60_000, "long before"), (80_000, "late"), (120_000, "in it"), (170_000, "late too"), (190_000, "after")];
        let phrases: Vec<_> = texts.into_iter().map(|(at, text)| (Agent, at, text)).collect();
        assert_eq!(missing(&log, &phrases), ["late", "in it", "late too"]);
    }

    #[test]
    fn what_precedes_the_first_utterance_was_not_followed() {
        let log = log(&[(Customer, 10_000, "a")], &[(Customer, 60_000, "c")]);
        assert_eq!(missing(&log, &[(Agent, 5_000, "before"), (Agent, 15_000, "b")]), ["b"]);
    }

    #[test]
    fn a_gap_at_the_start_or_the_end_is_open() {
        let at_end = log(&[(Customer, 10_000, "a")], &[]);
        assert_eq!(missing(&at_end, &[(Customer, 10_000, "a"), (Agent, 900_000, "b")]), ["b"]);
        let at_start = log(&[], &[(Customer, 60_000, "a")]);
        assert_eq!(
            missing(&at_start, &[(Agent, -30_000, "before"), (Agent, 20_000, "b"), (Customer, 60_000, "a")]),
            ["b"]
        );
        assert!(at_start.has_gaps() && !CallLog::default().has_gaps());
        assert_eq!(missing(&CallLog::default(), &[(Agent, 0, "a")]), [""; 0]);
    }

    #[test]
    fn an_utterance_without_a_time_is_not_joined_and_a_bounded_number_is_remembered() {
        let mut log = CallLog::default();
        log.record(&Utterance { spoken_at: None, ..utterance(Customer, 0, "a") });
        assert!(log.printed.is_empty());
        for number in 0..MAX_UTTERANCES + 5 {
            log.record(&utterance(Customer, i64::try_from(number).expect("small"), "a"));
        }
        assert_eq!(log.printed.len(), MAX_UTTERANCES);
    }
}
