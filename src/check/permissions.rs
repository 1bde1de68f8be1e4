//! The permissions of the published API, by name: each is tried with a request that takes it and changes nothing.

use std::io;

use reqwest::Method;

use super::report::Report;
use super::stakes::Stakes;
use super::step::{Step, Verdict};
use super::{MADE_UP, Visit, words};
use crate::config::Groups;
use crate::genesys::analytics;
use crate::genesys::conversation::Snapshot;
use crate::genesys::rest::{Rest, RestError};

/// To read a conversation: who takes part, and the ids of its messages.
pub(super) const CONVERSATION: &str = "conversation:communication:view";

/// To read the text of messages; either will do.
const TEXT: &str = "conversation:message:view or conversation:webmessaging:view";

/// To find the conversations of queues and users.
const SEARCH: &str = "analytics:conversationDetail:view";

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
    let looks = look(&visit.rest, &visit.check.conversations).await;
    let conversation = match looks.first() {
        Some(look) => probe(CONVERSATION, stakes, look.found.as_ref().map(|_| ())),
        None => probe(CONVERSATION, stakes, snapshot(&visit.rest, MADE_UP).await.as_ref().map(|_| ())),
    };
    report.say(&conversation)?;
    let text = text(&visit.rest, &looks).await;
    let stakes = if are_calls(&looks) { Stakes::Extra } else { stakes };
    report.say(&probe(TEXT, stakes, text.as_ref().map(|_| ())))?;
    report.say(&search(visit).await)?;
    Ok(looks)
}

async fn look(rest: &Rest, conversations: &[String]) -> Vec<Look> {
    let mut looks = Vec::new();
    for id in conversations {
        tokio::time::sleep_until(rest.earliest()).await;
        looks.push(Look { id: id.clone(), found: snapshot(rest, id).await });
    }
    looks
}

async fn snapshot(rest: &Rest, conversation: &str) -> Result<Snapshot, RestError> {
    let body = rest.get(&format!("/api/v2/conversations/{conversation}")).await?;
    Snapshot::parse(&body)
        .ok_or_else(|| RestError::NotSpoken { host: rest.host(), reason: "its answer is no conversation".to_owned() })
}

/// Asks for the bodies of some messages, or of one that does not exist.
async fn text(rest: &Rest, looks: &[Look]) -> Result<String, RestError> {
    let (conversation, mut ids) =
        looks.iter().find_map(messages).unwrap_or_else(|| (looks.first().map_or(MADE_UP, |look| &look.id), Vec::new()));
    if ids.is_empty() {
        ids.push(MADE_UP);
    }
    let path = format!("/api/v2/conversations/messages/{conversation}/messages/bulk");
    rest.send(Method::POST, &path, Some(&ids)).await
}

fn messages(look: &Look) -> Option<(&str, Vec<&str>)> {
    let snapshot = look.found.as_ref().ok().filter(|snapshot| snapshot.has_messages)?;
    let entries = snapshot.participants.iter().flat_map(|participant| &participant.messages);
    Some((look.id.as_str(), entries.take(BODIES).map(|entry| entry.id.as_str()).collect()))
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
    let groups = &visit.check.groups;
    let made_up = Groups { queues: vec![MADE_UP.to_owned()], users: Vec::new() };
    let asked = if *groups == Groups::default() { &made_up } else { groups };
    match analytics::open_conversations(&visit.rest, asked).await {
        Ok(open) if asked == groups => {
            let open = words::count(open.len(), "open conversation");
            Step::ok(format!("permission {SEARCH}: {open} in these queues and users"))
        }
        Ok(_) => Step::ok(format!("permission {SEARCH} (for --queue and --user)")),
        Err(error) => optional(Stakes::Extra.step(&format!("permission {SEARCH}"), &error)),
    }
}

fn optional(mut step: Step) -> Step {
    if step.verdict == Verdict::Warn {
        step.what.push_str("; without it --queue and --user begin with the next message of a conversation");
    }
    step
}
