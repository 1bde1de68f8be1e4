//! Colors and the status line.

use super::*;

#[test]
fn color_is_decided_by_flag_then_variables_then_terminal() {
    type Case<'a> = (&'a [(&'a str, &'a str)], bool, &'a str, bool);
    let (no, force, dumb) = (("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "dumb"));
    let cases: [Case<'_>; 9] = [
        (&[], true, "auto", true),
        (&[], false, "auto", false),
        (&[no, force], true, "always", true),
        (&[force], true, "never", false),
        (&[no, force], true, "auto", false),
        (&[force, dumb], false, "auto", true),
        (&[("CLICOLOR_FORCE", "0")], false, "auto", false),
        (&[dumb], true, "auto", false),
        (&[("NO_COLOR", "")], true, "auto", true),
    ];
    for (env, terminal, flag, expected) in cases {
        let given = Given { terminal, ..complete(env) };
        assert_eq!(given.tail(&["--color", flag]).output.style.color, expected, "{env:?} {terminal} {flag}");
    }
}

#[test]
fn the_status_line_needs_a_capable_terminal_and_text_logs() {
    let xterm = ("TERM", "xterm");
    for (variables, args, expected) in [
        (&[xterm][..], &[][..], true),
        (&[xterm], &["--demo"], true),
        (&[xterm], &["--log-format", "json"], false),
        (&[("TERM", "dumb")], &[], false),
        (&[], &[], false),
    ] {
        let (cli, env) = cli_and_env(args, variables);
        assert_eq!(allows_status_line(&cli, &env), expected, "{variables:?} {args:?}");
    }
}

#[test]
fn the_color_of_stderr_follows_the_flag_then_the_variables_then_the_terminal() {
    let (no, force, dumb) = (("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "dumb"));
    for (variables, args, is_terminal, expected) in [
        (&[][..], &[][..], true, true),
        (&[], &[], false, false),
        (&[no, force], &["--color", "always"], false, true),
        (&[force], &["--color", "never"], true, false),
        (&[no, force], &[], true, false),
        (&[no], &["--demo"], true, false),
        (&[force, dumb], &["check"], false, true),
        (&[dumb], &[], true, false),
    ] {
        let (cli, env) = cli_and_env(args, variables);
        assert_eq!(is_stderr_colored(&cli, &env, is_terminal), expected, "{variables:?} {args:?} {is_terminal}");
    }
}
