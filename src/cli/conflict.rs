//! Flags that do not go together: of a whole group of them, those that were typed.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The same error without the flags nobody typed, all of which the parser names when it was told of their group.
pub(super) fn narrowed(mut error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    if let (ErrorKind::ArgumentConflict, Some(ContextValue::Strings(all))) =
        (error.kind(), error.get(ContextKind::PriorArg))
    {
        let typed: Vec<String> = all.iter().filter(|named| is_typed(named, command, args)).cloned().collect();
        match typed.as_slice() {
            [] => {}
            [one] => drop(error.insert(ContextKind::PriorArg, ContextValue::String(one.clone()))),
            _ => drop(error.insert(ContextKind::PriorArg, ContextValue::Strings(typed))),
        }
    }
    error
}

/// Whether the flag that is named like `--region <REGION>` is among the arguments, long or short.
fn is_typed(named: &str, command: &Command, args: &[OsString]) -> bool {
    let flag = named.split(' ').next().unwrap_or_default();
    let long = flag.strip_prefix("--");
    let short = command.get_arguments().find(|arg| long.is_some() && arg.get_long() == long);
    let short = short.and_then(clap::Arg::get_short).map(|short| format!("-{short}"));
    args.iter().filter_map(|arg| arg.to_str()).any(|arg| {
        let (name, _) = arg.split_once('=').unwrap_or((arg, ""));
        name == flag || short.as_deref().is_some_and(|short| arg.starts_with(short))
    })
}
