//! The outcomes of several sources, and the summary of a run.

use std::fmt::Write as _;

use crate::api::websocket::Upgraded;
use crate::commands::error::Error;
use crate::delivery::Totals;
use crate::delivery::sink::Counts;
use crate::plural;
use crate::source::{EventStreamError, Source};
use crate::supervisor::{Failure, Outcome};

/// The outcomes of the followed conversations.
pub(super) struct Outcomes {
    outcome: Option<Outcome>,
    /// The end of the event stream.
    stream: Option<Result<Outcome, EventStreamError>>,
    failures: Vec<Failure>,
    conversations: usize,
}

impl Outcomes {
    /// Creates the outcomes of this many conversations, of which none has ended.
    pub(super) fn new(conversations: usize) -> Self {
        Self { outcome: None, stream: None, failures: Vec::new(), conversations: conversations.max(1) }
    }

    /// Returns the latest successful outcome. The end of an event stream is that of its conversations too.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self.stream {
            Some(Ok(outcome)) if self.outcome != Some(Outcome::Stopped) => Some(outcome),
            _ => self.outcome,
        }
    }

    /// Adds the end of the event stream.
    pub(super) fn add_stream(&mut self, result: Result<Outcome, EventStreamError>) {
        self.stream = Some(result);
    }

    /// Adds the end of a source: of a conversation, or of notifications. A failure is logged at once if others go on.
    pub(super) fn add(&mut self, result: Result<Outcome, Failure>, conversation: Option<&str>) {
        match result {
            Ok(outcome) => self.outcome = Some(outcome),
            Err(failure) => {
                if self.conversations > 1 {
                    tracing::error!(conversation, "{failure}; {}", failure.cause().hint());
                }
                self.failures.push(failure);
            }
        }
    }

    /// Adds the end of the notifications, and before it the refusals of single conversations, which were logged already.
    pub(super) fn add_notifications(&mut self, result: Result<Outcome, Failure>, source: &mut Source<'_, Upgraded>) {
        self.failures.extend(source.take_refused().into_iter().map(Failure::refused));
        match &result {
            Ok(Outcome::AllRefused) => {}
            Ok(_) => self.add(result, None),
            Err(failure) => {
                let others = (source.conversation_count() + source.queued_follows()).saturating_sub(1);
                self.failures.extend(std::iter::repeat_n(failure.clone(), others));
                self.add(result, None);
            }
        }
    }

    /// Returns the result of a run that followed `conversations`: the first failure decides (CONN-45).
    pub(super) fn into_result(mut self, conversations: &[String]) -> Result<(), Error> {
        if let Some(Err(error)) = self.stream {
            return Err(Error::Events(error));
        }
        let (failed, all) = (self.failures.len(), self.conversations);
        if failed == 0 {
            return Ok(());
        }
        let first = Box::new(self.failures.remove(0));
        Err(match all {
            1 => Error::Tail { conversation: conversations.first().cloned(), failure: first },
            _ => Error::Tails { failed: failed.min(all), all, first },
        })
    }
}

/// Logs the summary of a run (ERR-3).
pub(super) fn log_summary(outcome: Outcome, follow: bool, totals: Totals) {
    let Totals { lines, counts } = totals;
    let Counts { repeats, malformed, malformed_lines, unknown, gaps, reconnects, recovered, .. } = counts;
    let summary = summary(outcome, follow, totals);
    tracing::info!(lines, repeats, recovered, malformed, malformed_lines, unknown, gaps, reconnects, "{summary}");
}

fn summary(outcome: Outcome, follow: bool, Totals { lines, counts }: Totals) -> String {
    let lines = plural::count(lines, "line");
    match outcome {
        Outcome::Closed | Outcome::AllRefused if !follow => lines,
        Outcome::Closed | Outcome::AllRefused => format!("conversation ended: {lines}{}", details(&counts)),
        Outcome::ClosedByServer => format!("connection closed by the server: {lines}{}", details(&counts)),
        Outcome::InputEnded => format!("end of input: {lines}{}", details(&counts)),
        Outcome::Stopped => format!("stopped: {lines}{}", details(&counts)),
    }
}

/// Lists the counts that are not 0.
fn details(counts: &Counts) -> String {
    let mut details = String::new();
    for (number, noun, ending) in [
        (counts.recovered, "missed message", " fetched"),
        (counts.reconnects, "reconnect", ""),
        (counts.gaps, "gap", ""),
        (counts.malformed, "unreadable frame", ""),
        (counts.malformed_lines, "unreadable line", ""),
    ] {
        if number > 0 {
            let _ = write!(details, ", {}{ending}", plural::count(number, noun));
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_the_end_and_the_counts_that_are_not_0() {
        let none = Counts::default();
        let all = Counts { repeats: 11, recovered: 2, reconnects: 1, gaps: 3, malformed: 4, ..none };
        let one = Counts { recovered: 1, reconnects: 2, gaps: 1, malformed: 1, ..none };
        for (outcome, follow, lines, counts, expected) in [
            (Outcome::Closed, true, 12, none, "conversation ended: 12 lines"),
            (Outcome::Closed, true, 1, Counts { repeats: 11, ..none }, "conversation ended: 1 line"),
            (
                Outcome::Closed,
                true,
                12,
                all,
                "conversation ended: 12 lines, 2 missed messages fetched, 1 reconnect, 3 gaps, 4 unreadable frames",
            ),
            (
                Outcome::Stopped,
                true,
                0,
                one,
                "stopped: 0 lines, 1 missed message fetched, 2 reconnects, 1 gap, 1 unreadable frame",
            ),
            (
                Outcome::InputEnded,
                true,
                3,
                Counts { malformed_lines: 2, ..none },
                "end of input: 3 lines, 2 unreadable lines",
            ),
            (Outcome::ClosedByServer, true, 3, none, "connection closed by the server: 3 lines"),
            (Outcome::Closed, false, 23, all, "23 lines"),
            (Outcome::Stopped, false, 2, none, "stopped: 2 lines"),
        ] {
            assert_eq!(summary(outcome, follow, Totals { lines, counts }), expected);
        }
    }
}
