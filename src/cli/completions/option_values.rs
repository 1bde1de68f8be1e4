//! Values of options in elvish and PowerShell, for which `clap_complete` completes only flags and subcommands.
//!
//! The word before the cursor decides: a flag with a value gets its values, anything else flags and subcommands.

use clap::Command;

use super::values::{self, ArgValues};

/// Adds values and file names to a script of elvish.
///
/// The generated script fails if an argument is not a subcommand, so the last known subcommand counts.
pub(super) fn add_to_elvish(script: &str, command: &Command) -> String {
    let all = values::of_command(command);
    let entries: String = all.iter().map(elvish_entries).collect();
    let files = all.iter().filter(|arg| arg.accepts_files).flat_map(|arg| arg.preceding_words.as_slice());
    let files: Vec<&str> = files.map(String::as_str).collect();
    let fixed = ELVISH.replace("ENTRIES", &entries).replace("FILES", &files.join(" "));
    script.replace("    $completions[$command]\n", &fixed)
}

const ELVISH: &str = "    var values = [
ENTRIES    ]
    while (not (has-key $completions $command)) {
        set command = (str:join ';' [(str:split ';' $command)][..-1])
    }
    var previous = $words[-2]
    if (not (has-key $values $previous)) {
        $completions[$command]
    } else {
        all $values[$previous]
        if (has-value [FILES] $previous) {
            edit:complete-filename $words[-1]
        }
    }
";

fn elvish_entries(arg: &ArgValues) -> String {
    let values = arg.values.join(" ");
    let entries = arg.preceding_words.iter().map(|word| format!("        &{word}=[{values}]\n"));
    entries.collect::<Vec<_>>().concat()
}

/// Adds the values to a script of PowerShell, which offers file names itself if there is no value.
pub(super) fn add_to_powershell(script: &str, command: &Command) -> String {
    let entries: String = values::of_command(command).iter().map(powershell_entries).collect();
    let complete = "    $completions = @(switch ($command) {\n";
    script.replace(complete, &format!("{}{complete}", POWERSHELL.replace("ENTRIES", &entries)))
}

const POWERSHELL: &str = r#"    $values = [System.Collections.Generic.Dictionary[string, string[]]]::new()
ENTRIES
    $previous = $commandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | Select-Object -Last 1
    if ($null -ne $previous -and $values.ContainsKey($previous.Extent.Text)) {
        return $values[$previous.Extent.Text] | Where-Object { $_ -like "$wordToComplete*" } |
            ForEach-Object { [CompletionResult]::new($_, $_, [CompletionResultType]::ParameterValue, $_) }
    }

"#;

fn powershell_entries(arg: &ArgValues) -> String {
    let values = arg.values.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ");
    let entries = arg.preceding_words.iter().map(|word| format!("    $values['{word}'] = @({values})\n"));
    entries.collect::<Vec<_>>().concat()
}
