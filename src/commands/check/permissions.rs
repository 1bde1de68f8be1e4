//! The permissions of the published API, by name: each is tried with a request that takes it and changes nothing.

use std::io;

use super::report::Report;
use super::stakes::Stakes;
use super::step::Step;
use super::{MADE_UP, Visit, words};
use crate::api::calls;
use crate::api::rest::{Rest, RestError};
use crate::config::Targets;
use crate::wire::conversation::Snapshot;

/// To read a conversation: who takes part, and the ids of its messages.
pub(super) const CONVERSATION: &str = "conversation:communication:view";

/// To read the text of messages; either will do.
const TEXT: &str = "conversation:message:view or conversation:webmessaging:view";

/// To find the conversations of queues and users.
const SEARCH: &str = "analytics:conversationDetail:view";

/// What a tail is without it.
const WITHOUT_SEARCH: &str = "without it --queue and --user begin with the next message of a conversation";

/// Bodies to ask for: enough to see that they can be had.
const BODIES: usize = 3;

/// A conversation, and what came of looking at it.
pub(super) struct Look {
    /// Its id.
    pub(super) id: String,
    /// What is known of it.
    pub(super) found: Result<Snapshot, RestError>,
}

/// Tries each permission, and returns what was seen of the conversations on the way.
pub(super) async fn check(visit: &Visit<'_>, stakes: Stakes, report: &mut Report<'_>) -> io::Result<Vec<Look>> {
    let looks = look(visit).await;
    let conversation = match looks.first() {
        Some(look) => probe(CONVERSATION, stakes, look.found.as_ref().map(|_| ())),
        None => probe(CONVERSATION, stakes, calls::snapshot(&visit.rest, MADE_UP).await.as_ref().map(|_| ())),
    };
    report.say(&conversation)?;
    let text = text(&visit.rest, &looks).await;
    let stakes = if are_calls(&looks) { Stakes::Extra } else { stakes };
    report.say(&probe(TEXT, stakes, text.as_ref().copied()))?;
    report.say(&search(visit).await)?;
    Ok(looks)
}

async fn look(visit: &Visit<'_>) -> Vec<Look> {
    let mut looks = Vec::new();
    for id in &visit.check.conversations {
        visit.pace().await;
        looks.push(Look { id: id.clone(), found: calls::snapshot(&visit.rest, id).await });
    }
    looks
}

/// Asks for the bodies of some messages, or of one that does not exist.
async fn text(rest: &Rest, looks: &[Look]) -> Result<(), RestError> {
    let (conversation, mut ids) =
        looks.iter().find_map(messages).unwrap_or_else(|| (looks.first().map_or(MADE_UP, |look| &look.id), Vec::new()));
    if ids.is_empty() {
        ids.push(MADE_UP.to_owned());
    }
    calls::message_bodies(rest, conversation, &ids).await.map(|_| ())
}

fn messages(look: &Look) -> Option<(&str, Vec<String>)> {
    let snapshot = look.found.as_ref().ok().filter(|snapshot| snapshot.has_messages)?;
    let entries = snapshot.participants.iter().flat_map(|participant| &participant.messages);
    Some((look.id.as_str(), entries.take(BODIES).map(|entry| entry.id.clone()).collect()))
}

/// Whether there is nothing but calls, of which no message is read.
fn are_calls(looks: &[Look]) -> bool {
    let is_call = |look: &Look| look.found.as_ref().is_ok_and(|found| found.has_calls && !found.has_messages);
    !looks.is_empty() && looks.iter().all(is_call)
}

/// Whoever is told that something does not exist was permitted to ask for it.
fn probe(permission: &str, stakes: Stakes, tried: Result<(), &RestError>) -> Step {
    match tried {
        Ok(()) | Err(RestError::NotFound { .. }) => Step::ok(format!("permission {permission}")),
        Err(error) => stakes.step(&format!("permission {permission}"), error),
    }
}

/// Nothing depends on it but the conversations of a group that were open before.
async fn search(visit: &Visit<'_>) -> Step {
    let groups = &visit.check.targets;
    let made_up = Targets { queues: vec![MADE_UP.to_owned()], users: Vec::new() };
    let asked = if *groups == Targets::default() { &made_up } else { groups };
    match calls::open_conversations(&visit.rest, asked).await {
        Ok(open) if asked == groups => {
            let open = words::count(open.len(), "open conversation");
            Step::ok(format!("permission {SEARCH}: {open} in these queues and users"))
        }
        Ok(_) => Step::ok(format!("permission {SEARCH} (for --queue and --user)")),
        Err(error) => Step::warn(format!("permission {SEARCH}: {error}; {WITHOUT_SEARCH}"), words::mend(&error)),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::step::Verdict;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::exit_code::ErrorClass;
    use crate::status::redact::Secrets;

    fn look(json: &str) -> Look {
        Look { id: "c1".to_owned(), found: Ok(Snapshot::parse(json).expect("a conversation")) }
    }

    #[test]
    fn what_does_not_exist_was_permitted_to_ask_for() {
        let answer = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let absent = RestError::NotFound { host: "h".to_owned(), answer: answer(StatusCode::NOT_FOUND) };
        let forbidden = RestError::Forbidden { host: "h".to_owned(), answer: answer(StatusCode::FORBIDDEN) };
        let verdict = |tried| probe("a:b:view", Stakes::Needed, tried).verdict;
        assert_eq!([verdict(Ok(())), verdict(Err(&absent))], [Verdict::Ok; 2]);
        assert_eq!(verdict(Err(&forbidden)), Verdict::Fail(ErrorClass::NoPermission));
    }

    #[test]
    fn a_few_bodies_are_asked_for_where_there_are_messages() {
        let listed = r#"{"participants":[{"messages":[{"state":"connected","messages":[{"messageId":"m1"},
            {"messageId":"m2"},{"messageId":"m3"},{"messageId":"m4"}]}]}]}"#;
        assert_eq!(messages(&look(listed)), Some(("c1", ["m1", "m2", "m3"].map(str::to_owned).to_vec())));
        let call = r#"{"participants":[{"calls":[{"state":"connected"}]}]}"#;
        assert_eq!(messages(&look(call)), None);
        assert!(are_calls(&[look(call)]) && !are_calls(&[look(call), look(listed)]) && !are_calls(&[]));
    }
}
