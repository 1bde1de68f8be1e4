//! Which conversations: ids, addresses pasted from a browser, lists in files.

use std::fs;
use std::sync::LazyLock;

use regex::Regex;

use crate::cli::TargetArgs;
use crate::plain;

use super::env::Env;
use super::error::Problems;
use super::stdin::Stdin;

const VARIABLE: &str = "GENESYS_CONVERSATION_ID";
const NAMES: &str = "--conversation, GENESYS_CONVERSATION_ID";
const LONGEST_ID: usize = 128;

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b")
        .expect("the pattern is constant")
});

/// The ids, each once, in the order they were named. Empty only where a problem says why.
pub(super) fn resolve(args: &TargetArgs, env: &Env, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Vec<String> {
    let mut ids = Vec::new();
    let mut named = false;
    for word in args.conversations.iter().chain(&args.positional).map(|word| word.trim()) {
        named |= !word.is_empty();
        match word.strip_prefix('@') {
            Some(file) => add_list(file, stdin, &mut ids, problems),
            None if word.is_empty() => {}
            None => add("--conversation", word, &mut ids, problems),
        }
    }
    if !named {
        add_variable(env, &mut ids, problems);
    }
    ids
}

fn add_variable(env: &Env, ids: &mut Vec<String>, problems: &mut Problems) {
    let Some(setting) = env.get(VARIABLE) else { return problems.missing("conversation", NAMES) };
    let mut words = setting.value.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        problems.missing("conversation", NAMES);
    }
    words.for_each(|word| add(&setting.name, word, ids, problems));
}

/// One id a line; blank lines and those that begin with `#` are skipped.
fn add_list(file: &str, stdin: &mut Stdin<'_>, ids: &mut Vec<String>, problems: &mut Problems) {
    let setting = format!("--conversation @{file}");
    let text = match file {
        "-" => stdin.take("--conversation @-"),
        _ => fs::read_to_string(file).map_err(|error| plain::words(&error)),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => return problems.unusable(setting, reason),
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    if lines.peek().is_none() {
        return problems.unusable(setting, "it names no conversation");
    }
    lines.for_each(|line| add(&setting, line, ids, problems));
}

fn add(setting: &str, word: &str, ids: &mut Vec<String>, problems: &mut Problems) {
    match id_of(word) {
        Ok(id) if ids.contains(&id) => {}
        Ok(id) => ids.push(id),
        Err(reason) => problems.unusable(setting, reason),
    }
}

/// An id is taken as it is, of an address the UUID in it.
fn id_of(word: &str) -> Result<String, String> {
    if word.contains('/') {
        return uuid_in(word).map(str::to_owned);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=LONGEST_ID).contains(&word.len()) && !word.starts_with('.') && word.bytes().all(allowed);
    if fits { Ok(word.to_owned()) } else { Err(format!("{word:?} is no conversation id (letters, digits, . _ -)")) }
}

/// The only UUID of an address. Of several, the one that follows `interactions/` or `conversations/`.
fn uuid_in(address: &str) -> Result<&str, String> {
    let mut found: Vec<_> = UUID.find_iter(address).collect();
    if found.iter().any(|other| other.as_str() != found[0].as_str()) {
        found.retain(|uuid| follows_its_name(&address[..uuid.start()]));
        found.dedup_by_key(|uuid| uuid.as_str());
    }
    match found.as_slice() {
        [] => Err(format!("{address:?} holds no conversation id")),
        [first, others @ ..] if others.iter().any(|other| other.as_str() != first.as_str()) => {
            Err(format!("{address:?} holds several ids; give the one of the conversation"))
        }
        [first, ..] => Ok(first.as_str()),
    }
}

fn follows_its_name(before: &str) -> bool {
    let before = before.to_ascii_lowercase();
    ["interactions/", "interaction/", "conversations/", "conversation/", "conversations/messages/"]
        .iter()
        .any(|name| before.ends_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
    const B: &str = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";

    #[test]
    fn ids_are_checked_and_addresses_searched() {
        let longest = "x".repeat(LONGEST_ID);
        let url = format!("https://apps.usw2.pure.cloud/directory/#/analytics/interactions/{A}/admin/details");
        let two = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{A}");
        let api = format!("api.mypurecloud.ie/api/v2/conversations/messages/{A}/x/{B}");
        for (word, id) in [(A, A), ("a.b_c-1", "a.b_c-1"), (&longest, &longest), (&url, A), (&two, A), (&api, A)] {
            assert_eq!(id_of(word).as_deref(), Ok(id));
        }
        let (long, ambiguous) = (format!("{longest}x"), format!("https://x/{A}/{B}"));
        for word in [".", "..", ".hidden", "a b", "a?b", "ä", "a\nb", "../x", "https://x/y", &long, &ambiguous] {
            assert!(id_of(word).is_err(), "{word}");
        }
    }
}
