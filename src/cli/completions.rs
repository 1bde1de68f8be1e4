//! Completion scripts for shells, with workarounds for bugs of `clap_complete`.

use clap::builder::PossibleValue;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

/// Generates the script for `shell`.
pub(super) fn script(shell: Shell, command: Command) -> Vec<u8> {
    let mut command = without_file_names(command).mut_subcommands(without_file_names);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, env!("CARGO_PKG_NAME"), &mut script);
    let script = String::from_utf8(script).expect("a script is made of names and help texts");
    match shell {
        Shell::Bash => fix_bash_subcommands(&script).into_bytes(),
        Shell::Fish => fix_fish_values(&script, &command).into_bytes(),
        Shell::Zsh => fix_zsh_commands(&script).into_bytes(),
        _ => script.into_bytes(),
    }
}

/// Keeps shells from offering file names as the value of an argument without a hint.
fn without_file_names(command: Command) -> Command {
    command.mut_args(|arg: Arg| {
        let has_no_hint = arg.get_action().takes_values() && arg.get_value_hint() == ValueHint::Unknown;
        if has_no_hint { arg.value_hint(ValueHint::Other) } else { arg }
    })
}

/// Completes flags of subcommands in bash. The generated script spells the name of a program with a hyphen in two ways,
/// and so finds none of its subcommands: <https://github.com/clap-rs/clap/issues/6421>.
fn fix_bash_subcommands(script: &str) -> String {
    script.replace("genesys__subcmd__tail", "genesys__tail")
}

/// Completes values in fish. The generated script cannot parse a line that ends in a flag without its value, and offers no
/// values for positional arguments: <https://github.com/clap-rs/clap/issues/6295>.
fn fix_fish_values(script: &str, command: &Command) -> String {
    let parse =
        |args: &str| format!("argparse -s (__fish_genesys_tail_global_optspecs) -- {args} 2>/dev/null\n    or ");
    let strict = format!("{}return\n", parse("$cmd"));
    let lenient = format!("{}{}return\n", parse("$cmd"), parse("$cmd[1..-2]"));
    let positional_values = command.get_subcommands().filter_map(fish_values_of_positional);
    script.replace(&strict, &lenient) + &positional_values.collect::<String>()
}

/// Returns the line that completes the positional argument of a subcommand, if its values are known.
fn fish_values_of_positional(subcommand: &Command) -> Option<String> {
    let values = subcommand.get_positionals().next()?.get_possible_values();
    let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    let condition = format!("__fish_genesys_tail_using_subcommand {}", subcommand.get_name());
    let line = format!("complete -c genesys-tail -n \"{condition}\" -f -a \"{}\"\n", values.join(" "));
    (!values.is_empty()).then_some(line)
}

/// Completes subcommands in zsh. The generated script takes the first argument for a conversation and expects the
/// subcommand second. The fixed script expects the subcommand first, and otherwise completes flags.
fn fix_zsh_commands(script: &str) -> String {
    let fixed = || -> Option<String> {
        let (flags, rest) = script.split_once("'::positional -- ")?;
        let (_, specs) = flags.split_once("_arguments \"${_arguments_options[@]}\" : \\\n")?;
        let (_, rest) = rest.split_once('\n')?;
        let (commands, end) = rest.rsplit_once("        esac\n    ;;\nesac\n")?;
        let commands = commands.replace("$line[2]", "$line[1]");
        let other =
            format!("(*)\n_arguments \"${{_arguments_options[@]}}\" : \\\n{specs}'*:CONVERSATION:' \\\n&& ret=0\n;;\n");
        Some(format!("{flags}{commands}{other}        esac\n    ;;\nesac\n{end}"))
    };
    fixed().unwrap_or_else(|| script.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    fn text(shell: Shell) -> String {
        String::from_utf8(super::super::completions(shell)).unwrap()
    }

    #[test]
    fn flags_values_and_files_are_offered_but_no_flags_of_other_tools() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = text(shell);
            for offered in ["stall-buffer", "notifications", "schema", "profile"] {
                assert!(script.contains(offered), "{shell}: {offered}");
            }
        }
        for shell in Shell::value_variants() {
            let script = text(*shell);
            for hidden in ["no-color", "client-secret ", "insecure", "no-pager"] {
                assert!(!script.contains(hidden), "{shell}: {hidden}");
            }
        }
        let zsh = text(Shell::Zsh);
        assert!(zsh.contains(":PATH:_files'") && zsh.contains(":SIZE:'") && !zsh.contains("_default'"));
    }

    #[test]
    fn the_bugs_of_clap_complete_are_fixed() {
        assert!(text(Shell::Bash).contains("        genesys__tail__subcmd__check)\n"));
        let zsh = text(Shell::Zsh);
        assert!(zsh.contains("case $line[1] in\n            (check)\n") && zsh.contains("(*)\n_arguments"), "{zsh}");
        let fish = text(Shell::Fish);
        assert!(fish.contains("-- $cmd[1..-2] 2>/dev/null\n"), "{fish}");
        assert!(fish.contains("completions\" -f -a \"bash elvish fish powershell zsh\"\n"));
        assert!(fish.contains("help\" -f -a \"settings ") && fish.contains("man\" -f -a \"settings "), "{fish}");
    }
}
