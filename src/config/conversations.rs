//! Which conversations: those on the command line, in files, in the environment.

use std::fs;

use crate::cli::TargetArgs;
use crate::system::io_error;

use super::env::Env;
use super::error::Problems;
use super::groups;
use super::id::{CONVERSATION, add};
use super::stdin::Stdin;

const VARIABLE: &str = "GENESYS_CONVERSATION_ID";
const NAMES: &str = "--conversation, GENESYS_CONVERSATION_ID";

/// How much a conversation is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Without one, and without a queue or a user, there is nothing to do.
    Required,
    /// There may be none.
    Optional,
}

/// The ids, each once, in the order they were named. Where one is required, there is none only with a queue or a user,
/// and where a problem says why.
pub(super) fn resolve(
    args: &TargetArgs,
    need: Need,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> Vec<String> {
    let mut ids = Vec::new();
    let mut named = false;
    for word in args.conversations.iter().chain(&args.positional).map(|word| word.trim()) {
        named |= !word.is_empty();
        match word.strip_prefix('@') {
            Some(file) => add_list(file, stdin, &mut ids, problems),
            None if word.is_empty() => {}
            None => add("--conversation", word, CONVERSATION, &mut ids, problems),
        }
    }
    if !named && !groups::are_named(args) {
        add_variable(need, env, &mut ids, problems);
    }
    ids
}

fn add_variable(need: Need, env: &Env, ids: &mut Vec<String>, problems: &mut Problems) {
    let Some(setting) = env.get(VARIABLE).filter(|setting| words(&setting.value).next().is_some()) else {
        if need == Need::Required {
            problems.missing("conversation", NAMES);
        }
        return;
    };
    words(&setting.value).for_each(|word| add(&setting.name, word, CONVERSATION, ids, problems));
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty())
}

/// One id a line; blank lines and those that begin with `#` are skipped.
fn add_list(file: &str, stdin: &mut Stdin<'_>, ids: &mut Vec<String>, problems: &mut Problems) {
    let setting = format!("--conversation @{file}");
    let text = match file {
        "-" => stdin.take("--conversation @-"),
        _ => fs::read_to_string(file).map_err(|error| io_error::describe(&error)),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => return problems.unusable(setting, reason),
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    if lines.peek().is_none() {
        return problems.unusable(setting, "it names no conversation");
    }
    lines.for_each(|line| add(&setting, line, CONVERSATION, ids, problems));
}
