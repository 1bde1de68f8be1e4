use clap::ValueEnum as _;

use super::*;
use crate::config::region;
use crate::simulator::fault_names;

fn text(shell: Shell) -> String {
    String::from_utf8(crate::cli::completions(shell)).unwrap()
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
fn every_shell_offers_regions_faults_and_the_values_of_choices() {
    let faults: Vec<String> = fault_names().into_iter().collect();
    let lists: [Vec<&str>; 5] = [
        region::names().to_vec(),
        faults.iter().map(String::as_str).collect(),
        vec!["auto", "transcript", "notifications"],
        vec!["auto", "always", "never"],
        vec!["bash", "elvish", "fish", "powershell", "zsh"],
    ];
    for list in &lists {
        for (shell, separator) in
            [(Shell::Bash, " "), (Shell::Zsh, " "), (Shell::Elvish, " "), (Shell::PowerShell, "', '")]
        {
            let script = text(shell).replace("\\:", ":");
            assert!(script.contains(&list.join(separator)), "{shell}: {list:?}");
        }
        let fish = text(Shell::Fish);
        assert!(fish.contains(&list.join("\\t''\n")) || fish.contains(&list.join(" ")), "fish: {list:?}");
    }
    assert!(faults.iter().any(|fault| fault == "socket:reset") && faults.iter().any(|fault| fault == "rest:status"));
}

#[test]
fn a_script_is_a_built_in_name_or_a_file() {
    for (shell, offered) in [
        (
            Shell::Bash,
            "$'demo\\nbilling\\nflood\\ncall\\nquiet\\ncontent\\nemail\\nqueue' -- \"${cur}\"; compgen -f -- \"${cur}\"))",
        ),
        (Shell::Zsh, ":NAME|FILE:{compadd demo billing flood call quiet content email queue; _files}'"),
        (Shell::Fish, "-r -F -a \"demo\\t''\nbilling\\t''\n"),
        (Shell::Elvish, "&--script=[demo billing flood call quiet content email queue]\n"),
    ] {
        assert!(text(shell).contains(offered), "{shell}: {offered}");
    }
    let elvish = text(Shell::Elvish);
    let files = elvish.lines().find(|line| line.contains("has-value [")).unwrap();
    assert!(["--script", "--cacert", "--output-dir"].iter().all(|flag| files.contains(flag)), "{files}");
    assert!(!files.contains("--region"), "{files}");
}

#[test]
fn the_previous_word_selects_the_values_in_elvish_and_powershell() {
    let (elvish, powershell) = (text(Shell::Elvish), text(Shell::PowerShell));
    for line in ["&--output=[text json raw]", "&-o=[text json raw]", "&--queue=[]", "&completions=[bash elvish "] {
        assert!(elvish.contains(&format!("        {line}")), "{line}: {elvish}");
    }
    for line in [
        "['--output'] = @('text', 'json', 'raw')",
        "['-o'] = @('text', ",
        "['--queue'] = @()",
        "['completions'] = @('bash', ",
    ] {
        assert!(powershell.contains(&format!("    $values{line}")), "{line}: {powershell}");
    }
    assert!(
        elvish.contains("    if (not (has-key $values $previous)) {\n        $completions[$command]\n"),
        "{elvish}"
    );
    let (values, flags) = powershell.split_once("$completions = @(switch").unwrap();
    assert!(
        values.contains("$values.ContainsKey($previous.Extent.Text)") && flags.contains("'--output'"),
        "{powershell}"
    );
    assert_eq!(elvish.matches("&--source=").count(), 1, "the values of check are not repeated");
}

#[test]
fn the_bugs_of_clap_complete_are_fixed() {
    assert!(text(Shell::Bash).contains("        genesys__tail__subcmd__check)\n"));
    let zsh = text(Shell::Zsh);
    assert!(zsh.contains("case $line[1] in\n            (check)\n") && zsh.contains("(*)\n_arguments"), "{zsh}");
    let fish = text(Shell::Fish);
    assert!(fish.contains("-- $cmd[1..-2] 2>/dev/null\n"), "{fish}");
    assert!(fish.contains("completions\" -f -a \"bash elvish fish powershell zsh\"\n"), "{fish}");
    assert!(fish.contains("help\" -f -a \"settings ") && fish.contains("man\" -f -a \"settings "), "{fish}");
}
