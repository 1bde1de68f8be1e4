//! Workarounds for bugs and gaps of `clap_complete` in bash, fish and zsh.

use clap::Command;

use super::values::{self, ArgValues};

/// Completes flags of subcommands, files after built-in scripts, and faults behind their colon.
///
/// The generated script spells the name of a program with a hyphen in two ways, and so finds none of its subcommands:
/// <https://github.com/clap-rs/clap/issues/6421>.
pub(super) fn bash(script: &str) -> String {
    let script = script.replace("genesys__subcmd__tail", "genesys__tail");
    let names = values::script_names();
    let offer_names = format!("COMPREPLY=($(compgen -W \"{}\" -- \"${{cur}}\"))", names.join(" "));
    // The script separates the lines of both with a line break.
    let offer_files =
        format!("COMPREPLY=($(compgen -W $'{}' -- \"${{cur}}\"; compgen -f -- \"${{cur}}\"))", names.join("\\n"));
    let faults = BASH_FAULTS.replace("FAULTS", &values::faults().join(" "));
    let previous = "    prev=\"$3\"\n";
    script.replace(&offer_names, &offer_files).replacen(previous, &format!("{previous}{faults}"), 1)
}

/// Completes a fault whose first part and colon are typed: bash splits a word at colons.
const BASH_FAULTS: &str = r#"    local first=$((COMP_CWORD - 2))
    if [[ "${COMP_WORDS[COMP_CWORD]}" == ":" ]]; then
        first=$((COMP_CWORD - 1))
        cur=""
    fi
    if [[ ${first} -gt 1 && "${COMP_WORDS[first - 1]}${COMP_WORDS[first + 1]}" == "--fault:" ]]; then
        COMPREPLY=($(compgen -W "FAULTS" -- "${COMP_WORDS[first]}:${cur}"))
        COMPREPLY=("${COMPREPLY[@]#*:}")
        if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
            compopt -o nospace
        fi
        return 0
    fi
"#;

/// Completes values, files after built-in scripts, and positional arguments.
///
/// The generated script cannot parse a line that ends in a flag without its value, and offers no values for positional
/// arguments: <https://github.com/clap-rs/clap/issues/6295>.
pub(super) fn fish(script: &str, command: &Command) -> String {
    let parse =
        |args: &str| format!("argparse -s (__fish_genesys_tail_global_optspecs) -- {args} 2>/dev/null\n    or ");
    let strict = format!("{}return\n", parse("$cmd"));
    let lenient = format!("{}{}return\n", parse("$cmd"), parse("$cmd[1..-2]"));
    let first_script = values::script_names()[0];
    let names_only = format!("-r -f -a \"{first_script}\\t");
    let script = script.replace(&strict, &lenient).replace(&names_only, &names_only.replace("-f", "-F"));
    let positional = values::of_command(command).into_iter().filter_map(|values| fish_positional(&values));
    script + &positional.collect::<String>()
}

/// Returns the line that completes the positional argument of a subcommand.
fn fish_positional(ArgValues { preceding_words, values, .. }: &ArgValues) -> Option<String> {
    let subcommand = preceding_words.first().filter(|word| !word.starts_with('-'))?;
    let condition = format!("complete -c genesys-tail -n \"__fish_genesys_tail_using_subcommand {subcommand}\"");
    Some(format!("{condition} -f -a \"{}\"\n", values.join(" ")))
}

/// Completes subcommands, and files after built-in scripts.
///
/// The generated script takes the first argument for a conversation and expects the subcommand second. The fixed script
/// expects the subcommand first, and otherwise completes flags.
pub(super) fn zsh(script: &str) -> String {
    let names = values::script_names().join(" ");
    let script = script.replace(&format!(":({names})'"), &format!(":{{compadd {names}; _files}}'"));
    zsh_commands(&script).unwrap_or(script)
}

fn zsh_commands(script: &str) -> Option<String> {
    let (flags, rest) = script.split_once("'::positional -- ")?;
    let (_, specs) = flags.split_once("_arguments \"${_arguments_options[@]}\" : \\\n")?;
    let (_, rest) = rest.split_once('\n')?;
    let (commands, end) = rest.rsplit_once("        esac\n    ;;\nesac\n")?;
    let commands = commands.replace("$line[2]", "$line[1]");
    let other =
        format!("(*)\n_arguments \"${{_arguments_options[@]}}\" : \\\n{specs}'*:CONVERSATION:' \\\n&& ret=0\n;;\n");
    Some(format!("{flags}{commands}{other}        esac\n    ;;\nesac\n{end}"))
}
