//! Suggestions in errors of usage: for flags of other tools, misspelt commands, and flags that exclude each other.
//!
//! The flags of other tools are known to the parser only. Neither the help nor the completions show them.

use std::ffi::OsString;

use clap::builder::{StyledStr, UnknownArgumentValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

/// A flag that other tools have, and the suggestion for the flag to use here.
struct ForeignFlag {
    name: &'static str,
    /// Accepts a value. It is never shown: it may be a secret.
    takes_value: bool,
    suggestion: &'static str,
}

const fn option(name: &'static str, suggestion: &'static str) -> ForeignFlag {
    ForeignFlag { name, takes_value: true, suggestion }
}

const fn switch(name: &'static str, suggestion: &'static str) -> ForeignFlag {
    ForeignFlag { name, takes_value: false, suggestion }
}

const SECRET: &str = "set GENESYS_CLIENT_SECRET in the environment or in .env, or use '--client-secret-file FILE'; \
     a command line is visible to other users";
const TOKEN: &str = "use an OAuth client: '--client-id ID' with GENESYS_CLIENT_SECRET or '--client-secret-file FILE'; \
     a token cannot be renewed";
const INSECURE: &str = "use '--cacert FILE' to trust another certificate; certificates are always verified";
const TIMEOUT: &str = "use '--connect-timeout 10s' or '--idle-timeout 45s'";
const RETRY: &str = "use '--max-retries N', or '-F' for unlimited retries";
const REGION: &str = "use '--region REGION'";
const ENV: &str = "use '--env-file PATH'; '--region REGION' selects the environment";
const API_URL: &str = "use '--region REGION', or '--api-url URL'";
const SETTINGS: &str = "use '--env-file FILE', or '--profile NAME' for a gc profile";
const MORE: &str = "use '-v', or '-vv' for all details";
const BOUNDARY: &str = "use '--since TIME' for the start, '--no-follow' to stop at the present";
const FOLLOW: &str = "omit it: following is the default; '-F' also continues after a normal close";
const COLOR: &str = "use '--color never'";
const COLORS: &str = "use '--color always|never|auto'";
const FORMAT: &str = "use '-o text|json|raw'";
const TEMPLATE: &str = "use '--json' with jq: --json | jq -a 'select(.type == \"message\") | .text'";
const STDOUT: &str = "redirect standard output: > FILE";
const GREP: &str = "use '-i REGEX' to show matching messages, '-e REGEX' to hide them";
const LAST: &str = "use '-n N' to start with the last N lines, or | head -N to stop after N lines";
const LIST: &str = "use 'genesys-tail list', or '--queue NAME' to follow all conversations of a queue";
const CONVERSATION: &str = "use '-c ID', or the id alone";
const LIST_FORMAT: &str = "use '--json'; a table is for terminals, and a pipe gets columns separated by tabs";
const LIST_HEAD: &str = "the newest come first: | head -10";
const LIST_ALL: &str = "use '--all' to list ended conversations too";
const LIST_FILTER: &str = "use '--queue NAME', '--user NAME', '--customer TEXT' or '--media MEDIUM'";
const LISTEN: &str = "use '--listen 127.0.0.1:PORT'; only loopback addresses are supported";

/// Flags that concern the account and the network, for tailing and `check`.
const ACCOUNT_FLAGS: [ForeignFlag; 33] = [
    option("--client-secret", SECRET),
    option("--clientsecret", SECRET),
    option("--secret", SECRET),
    option("--password", SECRET),
    option("--token", TOKEN),
    option("--access-token", TOKEN),
    option("--accesstoken", TOKEN),
    option("--api-key", TOKEN),
    option("--clientid", "use '--client-id ID'"),
    option("--environment", REGION),
    option("--env", ENV),
    option("--config", SETTINGS),
    option("-p", "use '--profile NAME'"),
    option("--host", API_URL),
    option("--url", API_URL),
    switch("--insecure", INSECURE),
    switch("-k", INSECURE),
    switch("--no-verify", INSECURE),
    option("-x", "use '--proxy URL'"),
    option("--timeout", TIMEOUT),
    option("--max-time", TIMEOUT),
    switch("--debug", MORE),
    switch("--trace", MORE),
    option("--log-level", "use '-q', '-v' or '-vv', or set GENESYS_TAIL_LOG to a filter"),
    switch("--silent", "use '-q'"),
    switch("-s", "use '-q'"),
    option("--log-file", "redirect standard error: 2> FILE"),
    option("--conversation-id", CONVERSATION),
    option("--conversations", CONVERSATION),
    option("--id", CONVERSATION),
    switch("--list", LIST),
    switch("--no-pager", "omit it: there is no pager"),
    switch("--dry-run", "use 'genesys-tail check'"),
];

/// Flags that concern following and output.
const TAIL_FLAGS: [ForeignFlag; 32] = [
    option("--follow", FOLLOW),
    switch("-f", FOLLOW),
    option("--tail", "use '-n N' to start with the last N lines"),
    option("--head", LAST),
    option("--limit", LAST),
    switch("--all", "use '-n all', the default"),
    option("--since-time", "use '--since TIME'"),
    option("-S", "use '--since TIME'"),
    option("--until", BOUNDARY),
    option("-U", BOUNDARY),
    option("--from", BOUNDARY),
    option("--to", BOUNDARY),
    switch("--once", "use '--no-follow'"),
    option("--retry", RETRY),
    option("--retries", RETRY),
    option("--format", FORMAT),
    option("--outputformat", FORMAT),
    switch("--raw", "use '-o raw'"),
    switch("--pretty", "use '--json' with jq: --json | jq -a"),
    option("--template", TEMPLATE),
    option("--transform", TEMPLATE),
    option("--fields", TEMPLATE),
    option("--out", STDOUT),
    option("--output-file", STDOUT),
    switch("--no-color", COLOR),
    switch("--no-colour", COLOR),
    option("--colour", COLORS),
    option("--grep", GREP),
    option("-g", GREP),
    option("--filter", "use '-i REGEX' to filter by text, '--only ROLE' to filter by role"),
    switch("--reverse", "pipe the history into tac: --no-follow | tac"),
    option("--agent", "use '--user ID' for an agent's conversations, '--only agent' for agents' messages"),
];

/// Flags that concern lists.
const LIST_FLAGS: [ForeignFlag; 14] = [
    option("-o", LIST_FORMAT),
    option("--output", LIST_FORMAT),
    option("--format", LIST_FORMAT),
    option("-n", LIST_HEAD),
    option("--lines", LIST_HEAD),
    option("--limit", LIST_HEAD),
    option("--head", LIST_HEAD),
    switch("-a", LIST_ALL),
    switch("-A", LIST_ALL),
    option("--state", LIST_ALL),
    option("--status", LIST_ALL),
    option("--agent", "use '--user NAME'"),
    option("--search", LIST_FILTER),
    option("--filter", LIST_FILTER),
];

const SIMULATE_FLAGS: [ForeignFlag; 3] = [option("--port", LISTEN), option("-p", LISTEN), option("--host", LISTEN)];

/// Returns the hidden arguments that answer flags of other tools, for tailing or a subcommand.
pub(super) fn foreign_args(subcommand: Option<&str>) -> impl Iterator<Item = Arg> + use<> {
    foreign_flags(subcommand).map(foreign_arg)
}

/// Adds suggestions to an error of usage. `args` is the command line.
pub(super) fn improve(error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    let error = with_suggestion(error, command, args);
    with_typed_conflicts(error, command, args)
}

/// Returns the name of the subcommand that an argument resembles.
pub(super) fn similar_command(command: &Command, argument: &str) -> Option<String> {
    let argument = if argument == "ls" { "list" } else { argument };
    command.get_subcommands().map(Command::get_name).find(|name| is_similar(argument, name)).map(str::to_owned)
}

fn foreign_flags(subcommand: Option<&str>) -> impl Iterator<Item = &'static ForeignFlag> + use<> {
    let (flags, more_flags): (&[ForeignFlag], &[ForeignFlag]) = match subcommand {
        None => (&ACCOUNT_FLAGS, &TAIL_FLAGS),
        Some("check") => (&ACCOUNT_FLAGS, &[]),
        Some("list") => (&ACCOUNT_FLAGS, &LIST_FLAGS),
        Some("simulate") => (&SIMULATE_FLAGS, &[]),
        Some(_) => (&[], &[]),
    };
    flags.iter().chain(more_flags)
}

/// Returns the argument that answers a flag, with a value or without one. Its id keeps the dashes, so that it differs from
/// the ids of real arguments.
fn foreign_arg(flag: &ForeignFlag) -> Arg {
    let arg = Arg::new(flag.name).hide(true).value_parser(UnknownArgumentValueParser::suggest(flag.suggestion));
    let arg = match flag.name.strip_prefix("--") {
        Some(long) => arg.long(long),
        None => arg.short(flag.name.chars().nth(1)),
    };
    if flag.takes_value {
        arg.action(ArgAction::Append).num_args(0..=1).value_name("VALUE").default_missing_value("")
    } else {
        arg.action(ArgAction::SetTrue)
    }
}

/// Suggests what to type instead of an unknown flag: the answer to a misspelt flag of another tool, or the subcommand that
/// has the flag.
fn with_suggestion(mut error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    let argument = text_of(&error, ContextKind::InvalidArg);
    let flag = argument.split(' ').next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            error.insert(ContextKind::InvalidArg, ContextValue::String(flag.to_owned()));
            let subcommand = args.iter().skip(1).find_map(|arg| command.find_subcommand(arg)).map(Command::get_name);
            let similar = text_of(&error, ContextKind::SuggestedArg);
            let similar = foreign_flags(subcommand).find(|flag| flag.name == similar);
            let similar = || similar.map(|flag| flag.suggestion.to_owned());
            // The exact flag of another command is a better guess than a similar flag of another tool.
            let exact = match subcommand {
                None => flag_of_subcommand(flag, command).or_else(|| number_of_lines(args)),
                Some("list") if !flag.starts_with('-') => Some(LIST_FILTER.to_owned()),
                Some(name) if foreign_flags(Some(name)).any(|known| known.name == flag) => None,
                Some(name) => flag_of_tail(flag, name, command),
            };
            replace_tips(&mut error, exact.or_else(similar));
        }
        ErrorKind::ValueValidation if flag == "--lines" => {
            if let Some(lines) = text_of(&error, ContextKind::InvalidValue).strip_prefix('+').and_then(whole_number) {
                replace_tips(
                    &mut error,
                    Some(format!("use '-n {lines}' for the last {lines} lines, '-n all' for all")),
                );
            }
        }
        ErrorKind::TooManyValues if flag.starts_with("--verbose") => replace_tips(&mut error, Some(MORE.to_owned())),
        _ => {}
    }
    error
}

/// Replaces the tips of the parser by `suggestion`, or keeps them if there is none: they hold the answer to a flag of
/// another tool. Removes the usage, which would separate the error from its tips.
fn replace_tips(error: &mut clap::Error, suggestion: Option<String>) {
    let tips = match (suggestion, error.remove(ContextKind::Suggested)) {
        (Some(suggestion), _) => {
            error.remove(ContextKind::SuggestedArg);
            vec![StyledStr::from(suggestion)]
        }
        (None, Some(ContextValue::StyledStrs(tips))) => tips,
        (None, _) => Vec::new(),
    };
    // The parser suggests `-- --flag`, but a flag is hardly ever meant as the id of a conversation.
    let tips: Vec<StyledStr> = tips.into_iter().filter(|tip| !tip.to_string().starts_with("to pass ")).collect();
    if !tips.is_empty() {
        error.remove(ContextKind::Usage);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
}

fn flag_of_subcommand(flag: &str, command: &Command) -> Option<String> {
    let long = flag.strip_prefix("--")?;
    let has_flag =
        |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(long) && !arg.is_hide_set());
    let name = command.get_subcommands().find(has_flag)?.get_name();
    Some(format!("use 'genesys-tail {name} {flag}'"))
}

/// Returns the tip for a flag of the tail after a subcommand that does not have it.
fn flag_of_tail(flag: &str, subcommand: &str, command: &Command) -> Option<String> {
    let is_flag =
        |arg: &&Arg| !arg.is_hide_set() && arg.get_long().is_some() && arg.get_long() == flag.strip_prefix("--");
    command.get_arguments().find(is_flag)?;
    Some(format!("'{subcommand}' does not take it; 'genesys-tail {subcommand} -h' lists its flags"))
}

/// Returns the tip for the habit of `tail -20`.
fn number_of_lines(args: &[OsString]) -> Option<String> {
    let lines = args.iter().find_map(|arg| arg.to_str()?.strip_prefix('-').and_then(whole_number))?;
    Some(format!("use '-n {lines}' for the last {lines} lines"))
}

/// Reduces the conflicting flags of an error to those that were typed: for a group, the parser names all its flags.
fn with_typed_conflicts(mut error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    if let (ErrorKind::ArgumentConflict, Some(ContextValue::Strings(all))) =
        (error.kind(), error.get(ContextKind::PriorArg))
    {
        let typed: Vec<String> = all.iter().filter(|flag| is_typed(flag, command, args)).cloned().collect();
        match typed.as_slice() {
            [] => {}
            [flag] => drop(error.insert(ContextKind::PriorArg, ContextValue::String(flag.clone()))),
            _ => drop(error.insert(ContextKind::PriorArg, ContextValue::Strings(typed))),
        }
    }
    error
}

/// Returns whether `args` contain a flag, in its long or its short form. `usage` is like `--region <REGION>`.
fn is_typed(usage: &str, command: &Command, args: &[OsString]) -> bool {
    let flag = usage.split(' ').next().unwrap_or_default();
    let long = flag.strip_prefix("--");
    let short = command.get_arguments().find(|arg| long.is_some() && arg.get_long() == long);
    let short = short.and_then(Arg::get_short).map(|short| format!("-{short}"));
    args.iter().filter_map(|arg| arg.to_str()).any(|arg| {
        let (name, _) = arg.split_once('=').unwrap_or((arg, ""));
        name == flag || short.as_deref().is_some_and(|short| arg.starts_with(short))
    })
}

/// Returns whether at most two letters, and at most a third of all, differ. Two swapped letters count as one.
fn is_similar(argument: &str, name: &str) -> bool {
    strsim::osa_distance(&argument.to_ascii_lowercase(), name) <= (name.len() / 3).min(2)
}

fn whole_number(text: &str) -> Option<usize> {
    text.parse().ok()
}

fn text_of(error: &clap::Error, kind: ContextKind) -> String {
    error.get(kind).map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_two_wrong_letters_in_a_command_are_recognised() {
        for (argument, name) in [
            ("chek", "check"),
            ("chekc", "check"),
            ("Check", "check"),
            ("checks", "check"),
            ("simulat", "simulate"),
            ("simulator", "simulate"),
            ("completion", "completions"),
            ("shcema", "schema"),
        ] {
            assert!(is_similar(argument, name), "{argument}");
        }
        for argument in ["x", "one", "97b9dcb3", "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77", "", "many"] {
            let commands = ["check", "simulate", "completions", "schema"];
            assert!(!commands.iter().any(|name| is_similar(argument, name)), "{argument}");
        }
        assert!(is_similar("mann", "man") && !is_similar("one", "man"));
    }
}
