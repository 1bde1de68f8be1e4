//! Completion scripts: flags, words, and files where a file is meant.

use clap::{Arg, Command, ValueEnum as _, ValueHint};
use clap_complete::Shell;

/// The script for `shell`.
pub(super) fn script(shell: Shell, command: Command) -> Vec<u8> {
    let mut command = hinted(command).mut_subcommands(hinted);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, env!("CARGO_PKG_NAME"), &mut script);
    let script = String::from_utf8(script).expect("a script is made of names and help texts");
    match shell {
        Shell::Bash => with_subcommands(&script).into_bytes(),
        Shell::Fish => with_values(&script).into_bytes(),
        Shell::Zsh => with_commands(&script).into_bytes(),
        _ => script.into_bytes(),
    }
}

/// Where nothing else is said, a value is no file, which is what shells offer otherwise.
fn hinted(command: Command) -> Command {
    command.mut_args(|arg: Arg| {
        let plain = arg.get_action().takes_values() && arg.get_value_hint() == ValueHint::Unknown;
        if plain { arg.value_hint(ValueHint::Other) } else { arg }
    })
}

/// The script for bash spells the name of a program with a hyphen in two ways, and so finds none of its subcommands:
/// <https://github.com/clap-rs/clap/issues/6421>.
fn with_subcommands(script: &str) -> String {
    script.replace("genesys__subcmd__tail", "genesys__tail")
}

/// The script for fish offers no words to a flag that still waits for one, because it cannot parse such a line, and
/// none to a word without a flag: <https://github.com/clap-rs/clap/issues/6295>.
fn with_values(script: &str) -> String {
    let parse =
        |words: &str| format!("argparse -s (__fish_genesys_tail_global_optspecs) -- {words} 2>/dev/null\n    or ");
    let strict = format!("{}return\n", parse("$cmd"));
    let lenient = format!("{}{}return\n", parse("$cmd"), parse("$cmd[1..-2]"));
    let shells: Vec<String> = Shell::value_variants().iter().map(ToString::to_string).collect();
    let here = "complete -c genesys-tail -n \"__fish_genesys_tail_using_subcommand completions\"";
    format!("{}{here} -f -a \"{}\"\n", script.replace(&strict, &lenient), shells.join(" "))
}

/// The script for zsh takes the first word for a conversation and looks for the command in the second. Here the first
/// is a command, and where it is none, flags go on.
fn with_commands(script: &str) -> String {
    let whole = || -> Option<String> {
        let (flags, rest) = script.split_once("'::positional -- ")?;
        let (_, specs) = flags.split_once("_arguments \"${_arguments_options[@]}\" : \\\n")?;
        let (_, rest) = rest.split_once('\n')?;
        let (commands, end) = rest.rsplit_once("        esac\n    ;;\nesac\n")?;
        let commands = commands.replace("$line[2]", "$line[1]");
        let other =
            format!("(*)\n_arguments \"${{_arguments_options[@]}}\" : \\\n{specs}'*:CONVERSATION:' \\\n&& ret=0\n;;\n");
        Some(format!("{flags}{commands}{other}        esac\n    ;;\nesac\n{end}"))
    };
    whole().unwrap_or_else(|| script.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shell: Shell) -> String {
        String::from_utf8(super::super::completions(shell)).unwrap()
    }

    #[test]
    fn flags_values_and_files_are_offered_but_no_habits() {
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
    fn what_is_mended_is_still_broken_and_then_whole() {
        assert!(text(Shell::Bash).contains("        genesys__tail__subcmd__check)\n"));
        let zsh = text(Shell::Zsh);
        assert!(zsh.contains("case $line[1] in\n            (check)\n") && zsh.contains("(*)\n_arguments"), "{zsh}");
        let fish = text(Shell::Fish);
        assert!(fish.contains("-- $cmd[1..-2] 2>/dev/null\n"), "{fish}");
        assert!(fish.ends_with("completions\" -f -a \"bash elvish fish powershell zsh\"\n"));
    }
}
