//! What fingers type out of habit, answered with what to type here.
//!
//! These arguments are known to the parser only: neither the help nor the completions show them.

use std::ffi::OsString;

use clap::builder::{StyledStr, UnknownArgumentValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use Value::{Alone, Taken};

/// Whether a value may follow the flag. It is never shown: it may be a secret.
enum Value {
    Alone,
    Taken,
}

type Habit = (&'static str, Value, &'static str);

const SECRET: &str = "a secret on the command line ends up in the history and in the process list: \
     set GENESYS_CLIENT_SECRET in the environment or in .env, or use --client-secret-file";
const TOKEN: &str = "a token cannot be renewed, so an OAuth client signs in: \
     use --client-id, and GENESYS_CLIENT_SECRET or --client-secret-file";
const INSECURE: &str = "certificates are always verified: use '--cacert FILE' for one the system does not know";
const TIMEOUT: &str = "use '--connect-timeout 10s' to connect, '--idle-timeout 45s' for a silence";
const RETRY: &str = "use '--max-retries N', or '-F' to retry for ever";
const REGION: &str = "use '--region'";
const SETTINGS: &str = "use '--env-file FILE', or '--profile NAME' for a profile of gc";
const MORE: &str = "use '-v', or '-vv' for everything";
const BOUNDARY: &str = "use '--since' for the beginning; there is no end but now: '--no-follow'";
const COLOR: &str = "use '--color never'";
const COLORS: &str = "use '--color always|never|auto'";
const FORMAT: &str = "use '-o text|json|raw'";
const TEMPLATE: &str = "use '--json' and a program behind it: | jq -r .text";
const GREP: &str = "use '-i REGEX' to show what matches, '-e REGEX' to hide it";
const LAST: &str = "use '-n N' to begin with the last N lines; | head -N ends after N";
const LIST: &str = "nothing is listed: '--queue ID' and '--user ID' follow all of one, '-c ID' a conversation";
const CONVERSATION: &str = "use '-c ID', or the id alone";

/// What means the same wherever somebody signs in: a check answers it too.
const EVERYWHERE: [Habit; 33] = [
    ("--client-secret", Taken, SECRET),
    ("--clientsecret", Taken, SECRET),
    ("--secret", Taken, SECRET),
    ("--password", Taken, SECRET),
    ("--token", Taken, TOKEN),
    ("--access-token", Taken, TOKEN),
    ("--accesstoken", Taken, TOKEN),
    ("--api-key", Taken, TOKEN),
    ("--clientid", Taken, "use '--client-id'"),
    ("--environment", Taken, REGION),
    ("--env", Taken, REGION),
    ("--config", Taken, SETTINGS),
    ("-p", Taken, "use '--profile NAME'"),
    ("--host", Taken, "use '--api-url URL', or '--region'"),
    ("--url", Taken, "use '--api-url URL', or '--region'"),
    ("--insecure", Alone, INSECURE),
    ("-k", Alone, INSECURE),
    ("--no-verify", Alone, INSECURE),
    ("-x", Taken, "use '--proxy URL'"),
    ("--timeout", Taken, TIMEOUT),
    ("--max-time", Taken, TIMEOUT),
    ("--debug", Alone, MORE),
    ("--trace", Alone, MORE),
    ("--log-level", Taken, "use '-q', '-v' or '-vv'; GENESYS_TAIL_LOG takes a filter"),
    ("--silent", Alone, "use '-q'"),
    ("-s", Alone, "use '-q'"),
    ("--log-file", Taken, "status lines go to standard error: 2> FILE"),
    ("--conversation-id", Taken, CONVERSATION),
    ("--conversations", Taken, CONVERSATION),
    ("--id", Taken, CONVERSATION),
    ("--list", Alone, LIST),
    ("--no-pager", Alone, "there is no pager; leave it away"),
    ("--dry-run", Alone, "use 'genesys-tail check'"),
];

/// What has to do with following and its lines.
const TAILING: [Habit; 32] = [
    ("--follow", Alone, "following is what it does; -F goes on after a normal close too"),
    ("-f", Alone, "following is what it does; -F goes on after a normal close too"),
    ("--tail", Taken, "use '-n' for the number of lines to begin with"),
    ("--head", Taken, LAST),
    ("--limit", Taken, LAST),
    ("--all", Alone, "use '-n all', which is what it does anyway"),
    ("--since-time", Taken, "use '--since', which takes a time too"),
    ("-S", Taken, "use '--since'"),
    ("--until", Taken, BOUNDARY),
    ("-U", Taken, BOUNDARY),
    ("--from", Taken, BOUNDARY),
    ("--to", Taken, BOUNDARY),
    ("--once", Alone, "use '--no-follow'"),
    ("--retry", Taken, RETRY),
    ("--retries", Taken, RETRY),
    ("--format", Taken, FORMAT),
    ("--outputformat", Taken, FORMAT),
    ("--raw", Alone, "use '-o raw'"),
    ("--pretty", Alone, "use '--json' and | jq"),
    ("--template", Taken, TEMPLATE),
    ("--transform", Taken, TEMPLATE),
    ("--fields", Taken, TEMPLATE),
    ("--out", Taken, "lines go to standard output: > FILE"),
    ("--output-file", Taken, "lines go to standard output: > FILE"),
    ("--no-color", Alone, COLOR),
    ("--no-colour", Alone, COLOR),
    ("--colour", Taken, COLORS),
    ("--grep", Taken, GREP),
    ("-g", Taken, GREP),
    ("--filter", Taken, "use '-i REGEX' for the text, '--only ROLE' for who speaks"),
    ("--reverse", Alone, "lines come as they are said; | tac turns them round"),
    ("--agent", Taken, "use '--user ID' for an agent's conversations, '--only agent' for what agents say"),
];

/// What has to do with listening.
const SIMULATING: [Habit; 3] = [
    ("--port", Taken, "use '--listen 127.0.0.1:PORT'"),
    ("-p", Taken, "use '--listen 127.0.0.1:PORT'"),
    ("--host", Taken, "use '--listen 127.0.0.1:PORT'; it listens on this machine only"),
];

/// The habits that are answered behind a subcommand, or without one.
pub(super) fn of(subcommand: Option<&str>) -> impl Iterator<Item = Arg> + use<> {
    table(subcommand).map(arg)
}

fn table(subcommand: Option<&str>) -> impl Iterator<Item = &'static Habit> + use<> {
    let (some, more): (&[Habit], &[Habit]) = match subcommand {
        None => (&EVERYWHERE, &TAILING),
        Some("check") => (&EVERYWHERE, &[]),
        Some("simulate") => (&SIMULATING, &[]),
        Some(_) => (&[], &[]),
    };
    some.iter().chain(more)
}

/// The same error, with what to type instead where that is known: for a habit, for what is almost one, and for a flag
/// of a subcommand. Without the parser's advice to pass a flag as the id of a conversation. `args` is all that was
/// typed.
pub(super) fn advised(mut error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    let typed = text_of(&error, ContextKind::InvalidArg);
    let flag = typed.split(' ').next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            error.insert(ContextKind::InvalidArg, ContextValue::String(flag.to_owned()));
            let subcommand = args.iter().skip(1).find_map(|arg| command.find_subcommand(arg)).map(Command::get_name);
            let suggested = text_of(&error, ContextKind::SuggestedArg);
            let almost = table(subcommand).find(|(habit, ..)| *habit == suggested);
            let almost = || almost.map(|(.., advice)| (*advice).to_owned());
            // An exact name elsewhere is more than almost one here.
            let exact = elsewhere(flag, command).filter(|_| subcommand.is_none());
            advise(&mut error, exact.or_else(almost));
        }
        ErrorKind::TooManyValues if flag.starts_with("--verbose") => advise(&mut error, Some(MORE.to_owned())),
        _ => {}
    }
    error
}

/// Puts the advice in the place of the parser's. That of a habit is there already. The usage would stand between the
/// advice and who is to read it.
fn advise(error: &mut clap::Error, advice: Option<String>) {
    let tips = match (advice, error.remove(ContextKind::Suggested)) {
        (Some(advice), _) => {
            error.remove(ContextKind::SuggestedArg);
            vec![StyledStr::from(advice)]
        }
        (None, Some(ContextValue::StyledStrs(tips))) => tips,
        (None, _) => Vec::new(),
    };
    // A flag is hardly ever meant for the id of a conversation.
    let tips: Vec<StyledStr> = tips.into_iter().filter(|tip| !tip.to_string().starts_with("to pass ")).collect();
    if !tips.is_empty() {
        error.remove(ContextKind::Usage);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
}

/// Which subcommand has this flag.
fn elsewhere(flag: &str, command: &Command) -> Option<String> {
    let long = flag.strip_prefix("--")?;
    let has =
        |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(long) && !arg.is_hide_set());
    let name = command.get_subcommands().find(has)?.get_name();
    Some(format!("'genesys-tail {name} {flag}' exists"))
}

fn text_of(error: &clap::Error, kind: ContextKind) -> String {
    error.get(kind).map(ToString::to_string).unwrap_or_default()
}

/// With a value or without one, it is the flag that is answered. The dashes stay in the id, which keeps it apart from
/// those of real arguments.
fn arg((flag, value, advice): &Habit) -> Arg {
    let arg = Arg::new(*flag).hide(true).value_parser(UnknownArgumentValueParser::suggest(*advice));
    let arg = match flag.strip_prefix("--") {
        Some(long) => arg.long(long),
        None => arg.short(flag.chars().nth(1)),
    };
    match value {
        Alone => arg.action(ArgAction::SetTrue),
        Taken => arg.action(ArgAction::Append).num_args(0..=1).value_name("VALUE").default_missing_value(""),
    }
}
