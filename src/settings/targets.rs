//! Resolves the conversations, queues and users to follow, from the command line, files and the environment.

use std::fs;

use crate::cli::TargetArgs;
use crate::config::{SourceChoice, Targets};
use crate::system::io_error;

use super::env::Env;
use super::ids::{self, CONVERSATION, QUEUE, USER};
use super::problems::{MISSING_CONVERSATION, Problems};
use super::settings_file::Stdin;

const VARIABLE: &str = "GENESYS_CONVERSATION_ID";
const NAMES: &str = "--conversation, GENESYS_CONVERSATION_ID";

/// The need of a run for a conversation, a queue or a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Requirement {
    Required,
    Optional,
}

/// Resolves the ids of the conversations, each once, in the order they were given.
pub(super) fn conversations(
    args: &TargetArgs,
    requirement: Requirement,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> Vec<String> {
    let mut ids = Vec::new();
    let mut has_any = false;
    for argument in non_empty(&args.conversations).chain(non_empty(&args.positional)) {
        has_any = true;
        match argument.strip_prefix('@') {
            Some(file) => add_list(file, stdin, &mut ids, problems),
            None => ids::add("--conversation", argument, CONVERSATION, &mut ids, problems),
        }
    }
    if !has_any && !has_queue_or_user(args) {
        add_variable(requirement, env, &mut ids, problems);
    }
    ids
}

/// Resolves the queues and users.
pub(super) fn resolve(args: &TargetArgs, problems: &mut Problems) -> Targets {
    let mut targets = Targets::default();
    non_empty(&args.queues).for_each(|id| ids::add("--queue", id, QUEUE, &mut targets.queues, problems));
    non_empty(&args.users).for_each(|id| ids::add("--user", id, USER, &mut targets.users, problems));
    targets
}

/// Resolves the source of messages. Conversations of queues and users are announced by notifications only.
pub(super) fn source(args: &TargetArgs, problems: &mut Problems) -> SourceChoice {
    if !has_queue_or_user(args) {
        return args.source;
    }
    if args.source == SourceChoice::Transcript {
        problems.contradictory("--source transcript cannot be used with --queue or --user; use notifications");
    }
    SourceChoice::Notifications
}

/// Returns whether a queue or a user is given, valid or not.
fn has_queue_or_user(args: &TargetArgs) -> bool {
    non_empty(&args.queues).chain(non_empty(&args.users)).next().is_some()
}

fn non_empty(arguments: &[String]) -> impl Iterator<Item = &str> {
    arguments.iter().map(|argument| argument.trim()).filter(|argument| !argument.is_empty())
}

fn add_variable(requirement: Requirement, env: &Env, ids: &mut Vec<String>, problems: &mut Problems) {
    let Some(setting) = env.get(VARIABLE).filter(|setting| split(&setting.value).next().is_some()) else {
        if requirement == Requirement::Required {
            problems.missing(MISSING_CONVERSATION, NAMES);
        }
        return;
    };
    split(&setting.value).for_each(|id| ids::add(&setting.name, id, CONVERSATION, ids, problems));
}

fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t', '\n', '\r']).filter(|id| !id.is_empty())
}

/// Adds the ids of a file, one per line. Skips blank lines and lines that begin with `#`.
fn add_list(file: &str, stdin: &mut Stdin<'_>, ids: &mut Vec<String>, problems: &mut Problems) {
    let setting = format!("--conversation @{file}");
    let text = match file {
        "-" => stdin.read_for("--conversation @-"),
        _ => fs::read_to_string(file).map_err(|error| io_error::describe(&error)),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => return problems.unusable(setting, reason),
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    if lines.peek().is_none() {
        return problems.unusable(setting, "contains no conversation id");
    }
    lines.for_each(|line| ids::add(&setting, line, CONVERSATION, ids, problems));
}
