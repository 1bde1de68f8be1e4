//! The conversations that were named: whether they exist, what they are, and whether they go on.

use std::io;

use super::permissions::Look;
use super::report::Report;
use super::stakes::Stakes;
use super::step::{Step, Verdict};
use super::words;
use crate::api::rest::RestError;
use crate::exit_code::ErrorClass;
use crate::wire::conversation::Snapshot;

/// Says a line about each. That the first must not be read was said with the permission for it.
pub(super) fn check(looks: &[Look], stakes: Stakes, report: &mut Report<'_>) -> io::Result<()> {
    for (index, Look { id, found }) in looks.iter().enumerate() {
        match found {
            Ok(snapshot) => report.say(&describe(id, snapshot))?,
            Err(RestError::NotFound { host, answer }) => report.say(&absent(stakes, id, host, &answer.to_string()))?,
            Err(_) if index == 0 => {}
            Err(error) => report.say(&stakes.step(&format!("conversation {id}"), error))?,
        }
    }
    Ok(())
}

fn absent(stakes: Stakes, id: &str, host: &str, answer: &str) -> Step {
    let what = format!("conversation {id}: {host} has none: {answer}");
    let mend = "check the id and the region: a conversation exists only in its own";
    let verdict = match stakes {
        Stakes::Needed => Verdict::Fail(ErrorClass::NoInput),
        Stakes::Backing | Stakes::Extra => Verdict::Warn,
    };
    Step { verdict, what, mend: Some(mend.to_owned()) }
}

fn describe(id: &str, snapshot: &Snapshot) -> Step {
    let messages: usize = snapshot.participants.iter().map(|participant| participant.messages.len()).sum();
    let kind = match (snapshot.has_messages, snapshot.has_calls) {
        (true, false) => "messages",
        (false, true) => "a call",
        (true, true) => "messages and a call",
        (false, false) => "neither messages nor a call",
    };
    let state = if snapshot.has_ended() { "over" } else { "open" };
    let people = words::count(snapshot.participants.len(), "participant");
    let what = format!("conversation {id}: {kind}, {state}, {people}, {}", words::count(messages, "message"));
    match (snapshot.has_messages, snapshot.has_calls) {
        (true, _) => Step::ok(what),
        (false, true) if snapshot.has_ended() => {
            Step::warn(what, "what was said in a call can only be had while it goes on")
        }
        (false, true) => Step::ok(format!("{what}; its words come where transcription is switched on")),
        (false, false) => {
            Step::warn(what, "a tail prints messages and transcribed calls: there may be nothing to print")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &str) -> String {
        describe("c1", &Snapshot::parse(json).expect("a conversation")).to_string()
    }

    #[test]
    fn a_conversation_is_said_in_a_line() {
        let messages = r#"{"participants":[{"purpose":"customer","messages":[{"state":"connected",
            "messages":[{"messageId":"m1"},{"messageId":"m2"}]}]}]}"#;
        assert_eq!(line(messages), "ok    conversation c1: messages, open, 1 participant, 2 messages");
        let call = r#"{"participants":[{"calls":[{"state":"connected"}]},{"calls":[{"state":"connected"}]}]}"#;
        assert_eq!(
            line(call),
            "ok    conversation c1: a call, open, 2 participants, 0 messages; its words come where transcription is switched on"
        );
    }

    #[test]
    fn what_leaves_nothing_to_print_is_a_warning() {
        let over = r#"{"endTime":"2026-01-02T03:04:05Z","participants":[{"calls":[{"state":"disconnected"}]}]}"#;
        assert!(line(over).starts_with("warn  conversation c1: a call, over, "), "{}", line(over));
        for nothing in ["{}", r#"{"participants":[{"emails":[{}]}]}"#] {
            assert!(line(nothing).starts_with("warn  conversation c1: neither messages nor a call"), "{nothing}");
        }
    }

    #[test]
    fn one_that_does_not_exist_is_a_failure_where_nothing_else_brings_it() {
        let verdict = |stakes| absent(stakes, "c1", "api.test", "404").verdict;
        assert_eq!(verdict(Stakes::Needed), Verdict::Fail(ErrorClass::NoInput));
        assert_eq!([Stakes::Backing, Stakes::Extra].map(verdict), [Verdict::Warn; 2]);
    }
}
