//! The outcomes of several sources, and the summary of a run.

use std::fmt::Write as _;

use crate::api::websocket::Upgraded;
use crate::commands::error::Error;
use crate::delivery::Totals;
use crate::delivery::sink::Counts;
use crate::plural;
use crate::source::Source;
use crate::supervisor::{Failure, Outcome};

/// The outcomes of the followed conversations.
pub(super) struct Outcomes {
    outcome: Option<Outcome>,
    failures: Vec<Failure>,
    conversations: usize,
}

impl Outcomes {
    /// Creates the outcomes of this many conversations, of which none has ended.
    pub(super) fn new(conversations: usize) -> Self {
        Self { outcome: None, failures: Vec::new(), conversations: conversations.max(1) }
    }

    /// Returns the latest successful outcome.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Adds the end of a source. A failure is logged at once, after `label`, if other conversations go on.
    pub(super) fn add(&mut self, result: Result<Outcome, Failure>, label: Option<&str>) {
        match result {
            Ok(outcome) => self.outcome = Some(outcome),
            Err(failure) => {
                if let Some(label) = label {
                    tracing::error!("{label}{failure}; {}", failure.cause().hint());
                }
                self.failures.push(failure);
            }
        }
    }

    /// Adds the end of the notifications, and before it the refusals of single conversations, which were logged already.
    pub(super) fn add_notifications(&mut self, result: Result<Outcome, Failure>, source: &mut Source<'_, Upgraded>) {
        self.failures.extend(source.take_refused().into_iter().map(Failure::Refused));
        match &result {
            Ok(Outcome::AllRefused) => {}
            Ok(_) => self.add(result, None),
            Err(failure) => {
                let others = (source.conversation_count() + source.queued_follows()).saturating_sub(1);
                self.failures.extend(std::iter::repeat_n(failure.clone(), others));
                self.add(result, (self.conversations > 1).then_some(""));
            }
        }
    }

    /// Returns the result of the run: the first failure decides (CONN-45).
    pub(super) fn into_result(mut self) -> Result<(), Error> {
        let (failed, all) = (self.failures.len(), self.conversations);
        match (failed, all) {
            (0, _) => Ok(()),
            (_, 1) => Err(Error::Tail(Box::new(self.failures.remove(0)))),
            (_, all) => Err(Error::Tails { failed: failed.min(all), all, first: Box::new(self.failures.remove(0)) }),
        }
    }
}

/// Logs the summary of a run (ERR-3).
pub(super) fn log_summary(outcome: Outcome, follow: bool, totals: Totals) {
    let Totals { lines, counts } = totals;
    let Counts { repeats, malformed, unknown, gaps, reconnects, recovered, .. } = counts;
    let closing = closing_message(outcome, follow);
    let (printed, details) = (plural::count(lines, "line"), details(&counts));
    tracing::info!(lines, repeats, recovered, malformed, unknown, gaps, reconnects, "{closing}: {printed}{details}");
}

fn closing_message(outcome: Outcome, follow: bool) -> &'static str {
    match outcome {
        Outcome::Closed | Outcome::AllRefused if !follow => "that is all so far",
        Outcome::Closed | Outcome::AllRefused => "conversation ended",
        Outcome::ClosedByServer => "the server has ended the connection",
        Outcome::Stopped => "stopped",
    }
}

/// Lists the counts that are not zero.
fn details(counts: &Counts) -> String {
    let mut details = String::new();
    for (number, noun, ending) in [
        (counts.repeats, "repeat", " hidden"),
        (counts.recovered, "missed message", " fetched"),
        (counts.reconnects, "reconnect", ""),
        (counts.gaps, "gap", ""),
        (counts.malformed, "frame", " that could not be read"),
    ] {
        if number > 0 {
            let _ = write!(details, ", {}{ending}", plural::count(number, noun));
        }
    }
    details
}
