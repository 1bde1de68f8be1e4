//! The search for a queue or user by name.
//!
//! The service compares names in its own way, which is not documented in full. So its filters only reduce the number of
//! pages; this program compares the names itself.

use std::collections::HashSet;

use super::super::SourceError;
use super::super::name_error::NameError;
use super::name_match::{matches, similar};
use crate::api::calls::{self, DirectoryEntry, DirectoryPage, PageRequest, UserMatch};
use crate::api::rest::{Rest, RestError};
use crate::caseless::composed;
use crate::config::{NamedTarget, TargetKind};

/// The number of queues on a page.
const QUEUES_PER_PAGE: usize = 500;

/// The number of users on a page.
const USERS_PER_PAGE: usize = 100;

/// The maximum number of pages of one search.
const MAX_PAGES: usize = 20;

/// The number of words of a name, and of characters of each, that lead to similar users.
const MAX_WORDS: usize = 3;
const WORD_START: usize = 3;

/// A step of a search. Each finds more than the one before.
enum Step {
    Queues { pattern: Option<String> },
    Users { by: UserMatch, value: String },
}

/// Finds the only queue or user with this name or e-mail address.
pub(super) async fn search(rest: &Rest, kind: TargetKind, name: &str) -> Result<NamedTarget, SourceError> {
    let mut seen = Vec::new();
    for step in steps(kind, name) {
        let found = all_pages(rest, &step).await.map_err(|error| search_error(error, kind, name))?;
        match &matches(name, &found)[..] {
            [] => seen.extend(found),
            [entry] => {
                let target = kind.with_id(entry.id.clone());
                return Ok(NamedTarget { target, name: Some(entry.name.clone()).filter(|name| !name.is_empty()) });
            }
            several => return Err(NameError::ambiguous(kind, name, several).into()),
        }
    }
    Err(NameError::unknown(kind, name, &rest.host(), &similar(name, &unique(seen))).into())
}

/// Returns the steps for a name. The service holds names in the composed form, unless they were entered in another one.
fn steps(kind: TargetKind, typed: &str) -> Vec<Step> {
    let name = &composed(typed);
    let as_typed = Some(typed).filter(|typed| typed != name);
    let exact = [&**name].into_iter().chain(as_typed).map(|name| exact(kind, name));
    exact.chain(similar_steps(kind, name)).collect()
}

fn exact(kind: TargetKind, name: &str) -> Step {
    match kind {
        TargetKind::Queue => Step::Queues { pattern: Some(name.to_owned()) },
        TargetKind::User => {
            let by = if name.contains('@') { UserMatch::Email } else { UserMatch::Name };
            Step::Users { by, value: name.to_owned() }
        }
    }
}

/// Returns the steps that also find names that only resemble this one.
fn similar_steps(kind: TargetKind, name: &str) -> Vec<Step> {
    match kind {
        TargetKind::Queue => [Some(format!("*{name}*")), None].map(|pattern| Step::Queues { pattern }).into(),
        TargetKind::User => {
            let part = |value: String| Step::Users { by: UserMatch::Part, value };
            let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= WORD_START);
            let starts = words.take(MAX_WORDS).map(|word| part(word.chars().take(WORD_START).collect()));
            [part(name.to_owned())].into_iter().chain(starts).collect()
        }
    }
}

/// Requests the pages of a step. An entry that moves to another page meanwhile counts once.
async fn all_pages(rest: &Rest, step: &Step) -> Result<Vec<DirectoryEntry>, RestError> {
    let mut found = Vec::new();
    for number in 1..=MAX_PAGES {
        rest.wait_for_rate_limit().await;
        let DirectoryPage { entries, is_last } = match step {
            Step::Queues { pattern } => {
                calls::queues(rest, pattern.as_deref(), PageRequest { number, size: QUEUES_PER_PAGE }).await?
            }
            Step::Users { by, value } => {
                calls::search_users(rest, *by, value, PageRequest { number, size: USERS_PER_PAGE }).await?
            }
        };
        found.extend(entries);
        if is_last {
            break;
        }
    }
    Ok(unique(found))
}

fn unique(mut entries: Vec<DirectoryEntry>) -> Vec<DirectoryEntry> {
    let mut ids = HashSet::new();
    entries.retain(|entry| ids.insert(entry.id.clone()));
    entries
}

fn search_error(error: RestError, kind: TargetKind, name: &str) -> SourceError {
    match error {
        RestError::Forbidden { host, body } => NameError::forbidden(kind, name, &host, &body).into(),
        error => SourceError::from_rest(error, ""),
    }
}
