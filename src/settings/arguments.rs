//! The conversations, queues and users as they were given, before their ids are checked.

use std::fs;

use crate::cli::TargetArgs;
use crate::system::io_error;

use super::env::Env;
use super::problems::{MISSING_CONVERSATION, Problems};
use super::settings_file::{self, Stdin, unquoted};

const VARIABLE: &str = "GENESYS_CONVERSATION_ID";
const NAMES: &str = "--conversation, GENESYS_CONVERSATION_ID";

/// The need of a run for a conversation, a queue or a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Requirement {
    Required,
    Optional,
    /// An event stream is followed instead. The variable does not count.
    Replaced,
}

/// The kind of object that an id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Conversation,
    Queue,
    User,
}

/// The place of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArgumentOrigin {
    /// The first argument that is no flag, where a command could be meant.
    FirstPositional,
    /// The command line, or a file that it names.
    CommandLine,
    Variable,
}

/// An id, or a URL that holds one.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// The flag, or the variable and the file that it is in.
    pub(super) setting: String,
    pub(super) value: String,
    pub(super) kind: Kind,
    pub(super) place: ArgumentOrigin,
}

/// Collects the arguments in the order they were given. The variable counts only if the command line names no target.
pub(super) fn read(
    args: &TargetArgs,
    requirement: Requirement,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut has_any = has_queue_or_user(args);
    let positional = non_empty(&args.positional).enumerate().map(|(index, value)| {
        (value, if index == 0 { ArgumentOrigin::FirstPositional } else { ArgumentOrigin::CommandLine })
    });
    for (value, place) in
        non_empty(&args.conversations).map(|value| (value, ArgumentOrigin::CommandLine)).chain(positional)
    {
        has_any = true;
        match value.strip_prefix('@') {
            Some(file) => read_list(file, stdin, &mut arguments, problems),
            None => arguments.push(argument("--conversation", value, Kind::Conversation, place)),
        }
    }
    arguments.extend(of_queues_and_users(&args.queues, &args.users));
    if !has_any && requirement != Requirement::Replaced {
        arguments = of_variable(env);
        if arguments.is_empty() && requirement == Requirement::Required {
            problems.missing(MISSING_CONVERSATION, NAMES);
        }
    }
    arguments
}

/// Returns the values of `--queue`, then those of `--user`.
pub(super) fn of_queues_and_users(queues: &[String], users: &[String]) -> Vec<Argument> {
    let of_flag = |flag, values, kind| {
        non_empty(values).map(move |value| argument(flag, value, kind, ArgumentOrigin::CommandLine)).collect::<Vec<_>>()
    };
    [of_flag("--queue", queues, Kind::Queue), of_flag("--user", users, Kind::User)].concat()
}

/// Returns whether the command line names a conversation, a queue or a user, valid or not.
pub(super) fn has_target(args: &TargetArgs) -> bool {
    has_queue_or_user(args) || non_empty(&args.conversations).chain(non_empty(&args.positional)).next().is_some()
}

/// Returns whether a queue or a user is given, valid or not.
pub(super) fn has_queue_or_user(args: &TargetArgs) -> bool {
    non_empty(&args.queues).chain(non_empty(&args.users)).next().is_some()
}

fn argument(setting: &str, value: &str, kind: Kind, place: ArgumentOrigin) -> Argument {
    Argument { setting: setting.to_owned(), value: value.to_owned(), kind, place }
}

fn non_empty(arguments: &[String]) -> impl Iterator<Item = &str> {
    arguments.iter().map(|argument| argument.trim()).filter(|argument| !argument.is_empty())
}

fn of_variable(env: &Env) -> Vec<Argument> {
    let Some(setting) = env.variable(VARIABLE) else { return Vec::new() };
    let values = setting.value.split([',', ' ', '\t', '\n', '\r', '\u{feff}']).map(unquoted);
    let values = values.filter(|value| !value.is_empty());
    values.map(|value| argument(&setting.name, value, Kind::Conversation, ArgumentOrigin::Variable)).collect()
}

/// Adds the lines of a file. Skips blank lines and lines that begin with `#` (TGT-5).
fn read_list(file: &str, stdin: &mut Stdin<'_>, arguments: &mut Vec<Argument>, problems: &mut Problems) {
    let setting = format!("--conversation @{file}");
    let text = match file {
        "-" => stdin.read_for("--conversation @-"),
        _ => fs::read(file).map_err(|error| io_error::describe(&error)).and_then(settings_file::decode),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => return problems.unusable(setting, reason),
    };
    let lines =
        settings_file::without_mark(&text).lines().map(str::trim).filter(|line| !line.starts_with('#')).map(unquoted);
    let mut lines = lines.filter(|line| !line.is_empty()).peekable();
    if lines.peek().is_none() {
        return problems.unusable(setting, "contains no conversation id");
    }
    arguments.extend(lines.map(|line| argument(&setting, line, Kind::Conversation, ArgumentOrigin::CommandLine)));
}
