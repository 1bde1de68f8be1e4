//! Completion scripts for shells.

mod fixes;
mod option_values;
mod values;

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// Generates the script for `shell`.
pub(super) fn script(shell: Shell, command: Command) -> Vec<u8> {
    let mut command = prepared(command).mut_subcommands(prepared);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, env!("CARGO_PKG_NAME"), &mut script);
    let script = String::from_utf8(script).expect("a script is made of names and help texts");
    let script = match shell {
        Shell::Bash => fixes::bash(&script),
        Shell::Fish => fixes::fish(&script, &command),
        Shell::Zsh => fixes::zsh(&script),
        Shell::Elvish => option_values::add_to_elvish(&script, &command),
        Shell::PowerShell => option_values::add_to_powershell(&script, &command),
        _ => script,
    };
    script.into_bytes()
}

fn prepared(command: Command) -> Command {
    command.mut_args(values::with_suggestions).mut_args(without_file_names)
}

/// Keeps shells from offering file names as the value of an argument without a hint.
fn without_file_names(arg: Arg) -> Arg {
    let has_no_hint = arg.get_action().takes_values() && arg.get_value_hint() == ValueHint::Unknown;
    if has_no_hint { arg.value_hint(ValueHint::Other) } else { arg }
}

#[cfg(test)]
mod tests;
