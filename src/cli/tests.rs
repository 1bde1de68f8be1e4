use super::*;
use crate::config::{Color, Format, Hidden, LineLimit, Multiline, SourceChoice, Timestamps};
use crate::event::Role;

fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
    Cli::parse_from_args(["genesys-tail"].iter().chain(args).map(OsString::from))
}

/// Returns the message of a command line that is an error of usage.
fn usage_error(args: &[&str]) -> String {
    let error = parse(args).expect_err("an error of usage");
    assert_eq!(error.exit_code(), 2, "{args:?}");
    error.to_string()
}

#[test]
fn the_parser_passes_the_checks_of_clap() {
    parser(Help::Long).debug_assert();
}

#[test]
fn conversations_and_subcommands_are_told_apart() {
    let cli = parse(&["97b9dcb3", "-c", "one", "--conversation=two"]).unwrap();
    assert!(cli.command.is_none());
    assert_eq!(cli.tail.target.positional, ["97b9dcb3"]);
    assert_eq!(cli.tail.target.conversations, ["one", "two"]);
    assert!(matches!(parse(&["simulate", "-v"]).unwrap().command, Some(Command::Simulate(_))));
    assert!(matches!(parse(&["-v", "simulate"]).unwrap().command, Some(Command::Simulate(_))));
    assert!(matches!(parse(&["check", "-c", "x"]).unwrap().command, Some(Command::Check(_))));
    assert!(matches!(parse(&["man"]).unwrap().command, Some(Command::Man { topic: None })));
    // Only the first argument can be a subcommand. The id of a conversation may be the same.
    assert_eq!(parse(&["x", "man"]).unwrap().tail.target.positional, ["x", "man"]);
    assert_eq!(parse(&["-c", "simulate"]).unwrap().tail.target.conversations, ["simulate"]);
}

#[test]
fn help_takes_a_topic_or_a_command() {
    assert!(matches!(parse(&["help"]).unwrap().command, Some(Command::Help { subject: None, .. })));
    let topic = parse(&["help", "exit-codes"]).unwrap().command;
    assert!(matches!(topic, Some(Command::Help { subject: Some(name), .. }) if name == "exit-codes"));
    for command in ["check", "simulate", "help", "man"] {
        let help = parse(&["help", command]).unwrap_err();
        assert_eq!(help.to_string(), parse(&[command, "--help"]).unwrap_err().to_string());
        assert_eq!(help.exit_code(), 0);
    }
    let topic = parse(&["man", "exit-codes"]).unwrap().command;
    assert!(matches!(topic, Some(Command::Man { topic: Some(name) }) if name == "exit-codes"));
    for unknown in [["help", "exit-cods"], ["man", "exitcods"]] {
        let message = usage_error(&unknown);
        assert!(
            message.starts_with("error: ") && message.contains("\n  tip: a similar value exists: 'exit-codes'"),
            "{message}"
        );
    }
    assert!(!usage_error(&["man", "check"]).contains("check,"));
}

#[test]
fn help_searches_a_topic() {
    for (args, expected) in [(&["help", "errors", "429"][..], "429"), (&["help", "settings", "--proxy"], "--proxy")] {
        let Some(Command::Help { subject, words }) = parse(args).unwrap().command else { panic!("{args:?}") };
        let layout = Layout::new(false, false);
        let found = String::from_utf8(help(subject.as_deref(), &words, layout)).unwrap();
        let all = String::from_utf8(help(subject.as_deref(), &[], layout)).unwrap();
        assert!(found.contains(expected) && found.len() < all.len() / 2, "{found}");
    }
    assert_eq!(
        usage_error(&["help", "errors", "none", "such"]),
        "error: no part of the topic 'errors' contains 'none such'\n\n  tip: use 'genesys-tail help errors' for all of it\n"
    );
    assert!(usage_error(&["help", "check", "token"]).contains("\n  tip: use 'genesys-tail check --help'\n"));
    assert_eq!(parse(&["help", "errors", "--help"]).unwrap_err().exit_code(), 0);
}

#[test]
fn flags_of_the_tail_are_rejected_before_a_subcommand() {
    assert!(usage_error(&["-c", "x", "check"]).contains("'--conversation' must come after 'check'"));
    assert!(usage_error(&["--proxy", "x", "check"]).contains("'--proxy' must come after 'check'"));
    assert!(usage_error(&["-n", "1", "check"]).contains("'--lines' cannot be used with 'check'"));
    assert!(usage_error(&["-F", "check"]).contains("'-F' cannot be used with 'check'"));
    assert!(usage_error(&["-c", "x", "simulate"]).contains("'--conversation' cannot be used with 'simulate'"));
    assert!(usage_error(&["--utc", "man"]).contains("'--utc' cannot be used with 'man'"));
}

#[test]
fn a_secret_on_the_command_line_is_rejected_and_never_shown() {
    let cases: [&[&str]; 7] = [
        &["check", "--client-secret", "hunter2"],
        &["check", "-c", "x", "--client-secret=hunter2"],
        &["--client-secret", "hunter2"],
        &["--client-secret=hunter2"],
        &["--client-secret"],
        &["-c", "x", "--client-secret", "hunter2", "--client-secret=hunter2"],
        &["--client-secret=hunter2", "--bogus"],
    ];
    for args in cases {
        let message = usage_error(args);
        assert!(!message.contains("hunter2"), "{message}");
        assert!(message.contains("GENESYS_CLIENT_SECRET") || args.contains(&"--bogus"), "{message}");
    }
    for flag in ["--secret", "--client-secre", "--client-secert", "--password", "--token", "--access-token", "--bogus"]
    {
        for args in [vec![format!("{flag}=hunter2")], vec![flag.to_owned(), "hunter2".to_owned()]] {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            assert!(!usage_error(&args).contains("hunter2"), "{args:?}");
            assert!(!usage_error(&[&["check"], &args[..]].concat()).contains("hunter2"), "check {args:?}");
            assert!(!usage_error(&[&["list"], &args[..]].concat()).contains("hunter2"), "list {args:?}");
        }
    }
}

#[test]
fn habits_of_other_tools_get_a_suggestion_for_lists() {
    for (args, suggestion) in [
        (&["-o", "json"][..], "'--json'"),
        (&["--output=json"], "'--json'"),
        (&["--limit", "10"], "| head -10"),
        (&["-n5"], "| head -10"),
        (&["-A"], "'--all'"),
        (&["--status", "open"], "'--all'"),
        (&["--agent", "Sam"], "'--user NAME'"),
        (&["Billing"], "'--queue NAME'"),
        (&["-q", "Billing"], "'--queue NAME'"),
        (&["--password", "x"], "GENESYS_CLIENT_SECRET"),
        (&["--no-follow"], "'genesys-tail list -h'"),
    ] {
        let message = usage_error(&[&["list"], args].concat());
        assert!(message.contains("\n  tip: ") && message.contains(suggestion), "{args:?}: {message}");
    }
    assert_eq!(similar_command("ls").as_deref(), Some("list"));
    assert!(usage_error(&["--queue", "x", "list"]).contains("'--queue' must come after 'list'"));
}

#[test]
fn flags_of_other_tools_get_a_suggestion() {
    for (flag, suggestion) in [
        ("--follow", "-F"),
        ("--follow=name", "-F"),
        ("-20", "'-n 20'"),
        ("-f", "-F"),
        ("--tail", "'-n N'"),
        ("--tail=20", "'-n N'"),
        ("--no-color", "--color never"),
        ("--colour=never", "--color"),
        ("--conversation-id=x", "'-c ID'"),
        ("--secret=x", "GENESYS_CLIENT_SECRET"),
        ("--access-token=x", "cannot be renewed"),
        ("--insecure", "--cacert"),
        ("-k", "--cacert"),
        ("--format=json", "-o text|json|raw"),
        ("--until=1h", "--no-follow"),
        ("--grep=x", "'-i REGEX'"),
        ("--debug", "'-vv'"),
        ("--verbose=2", "'-vv'"),
        ("--retry", "--max-retries"),
        ("--timeout=3", "--connect-timeout"),
        ("--no-pager", "no pager"),
        ("--filter=x", "--only"),
        ("--dry-run", "genesys-tail check"),
        ("--list", "genesys-tail list"),
        ("-pprod", "'--profile NAME'"),
        ("--environment=mypurecloud.ie", "--region"),
    ] {
        let message = usage_error(&[flag]);
        assert!(message.starts_with("error: unexpected ") && message.contains(suggestion), "{message}");
        assert!(!message.contains("VALUE") && !message.contains("Usage"), "{message}");
    }
    assert!(usage_error(&["--rate", "3"]).contains("use 'genesys-tail simulate --rate'"));
    assert!(usage_error(&["check", "-k"]).contains("--cacert"));
    for flag in ["--cursor-file", "--max-retries", "--no-follow"] {
        let message = usage_error(&["check", flag]);
        assert!(message.contains("'check' does not take it; 'genesys-tail check -h' lists its flags"), "{message}");
    }
    assert!(
        usage_error(&["check", "-p", "x"]).contains("--profile")
            && !usage_error(&["check", "--tail"]).contains("'-n N'")
    );
    assert!(usage_error(&["simulate", "-p", "80"]).contains("--listen") && !usage_error(&["man", "-f"]).contains("-F"));
    assert!(usage_error(&["simulate", "--port", "80"]).contains("--listen 127.0.0.1:PORT"));
    assert!(usage_error(&["--listen", "127.0.0.1:80"]).contains("use 'genesys-tail simulate --listen'"));
}

#[test]
fn misspelt_flags_and_commands_get_a_suggestion() {
    for (typed, meant) in [("--time-stamps", "'--timestamps'"), ("--colr", "'--color'"), ("--regoin", "'--region'")] {
        assert!(usage_error(&[typed, "x"]).contains(&format!("a similar argument exists: {meant}")), "{typed}");
    }
    for (typed, suggestion) in [("--client-secert=x", "GENESYS_CLIENT_SECRET"), ("--insecur", "--cacert")] {
        let message = usage_error(&[typed]);
        assert!(message.contains(suggestion) && !message.contains("similar"), "{message}");
    }
    assert!(!usage_error(&["--bogus"]).contains("as a value"));
    assert_eq!(parse(&["chek", "-v"]).unwrap().tail.target.positional, ["chek"]);
    assert_eq!(similar_command("chekc").as_deref(), Some("check"));
    assert_eq!(similar_command("97b9dcb3"), None);
    assert_eq!(parse(&["-c", "chek"]).unwrap().tail.target.conversations, ["chek"]);
}

#[test]
fn flags_that_exclude_each_other_are_rejected() {
    let cases: [&[&str]; 21] = [
        &["-q", "-v"],
        &["--json", "-o", "text"],
        &["--demo", "x"],
        &["--demo", "-c", "x"],
        &["--demo", "--replay", "x"],
        &["--demo", "--region", "us-east-1"],
        &["--replay", "x", "--record", "y"],
        &["--replay", "x", "-F"],
        &["--replay", "x", "--client-id", "y"],
        &["--replay", "x", "-n", "1"],
        &["--replay", "x", "--since", "1h"],
        &["--replay", "x", "--no-follow"],
        &["--replay", "x", "--queue", "y"],
        &["--replay", "x", "--source", "auto"],
        &["--replay", "x", "--proxy", "y"],
        &["--replay", "x", "--ping-interval", "9s"],
        &["--demo", "--proxy", "x"],
        &["--demo", "--queue", "x"],
        &["--demo", "--user", "x"],
        &["--no-follow", "-F"],
        &["check", "--demo"],
    ];
    for args in cases {
        usage_error(args);
    }
    let message = usage_error(&["--demo", "--profile", "x"]);
    assert!(message.contains("'--demo' cannot be used with '--profile <NAME>'"), "{message}");
    let message = usage_error(&["--replay", "x", "-F", "-cy", "--since=1h"]);
    for (flag, named) in [("-F", true), ("--since", true), ("--conversation", true), ("--region", false)] {
        assert_eq!(message.contains(flag), named, "{flag}: {message}");
    }
    assert!(parse(&["--demo", "-F", "--record", "x", "-vv", "--json"]).is_ok());
    assert!(parse(&["--demo", "--source", "notifications", "-n", "1", "--since", "1h", "--no-follow"]).is_ok());
    assert!(parse(&["--replay", "-", "--json", "--utc"]).is_ok());
    assert!(parse(&["--no-follow", "--queue", "x", "--queue", "y", "--user", "z", "-c", "a", "b"]).is_ok());
}

#[test]
fn check_accepts_flags_of_target_account_and_network_only() {
    let args = "check a -c b --queue q --user u --source auto --region r --client-id i --client-secret-file f \
                --api-url x --login-url y --env-file e --connect-timeout 1s --proxy p --cacert c -v --log-format json";
    assert!(parse(&args.split_whitespace().collect::<Vec<_>>()).is_ok());
    for tail_flag in ["-F", "--json", "--utc", "--no-follow", "--lines=1", "--idle-timeout=9s", "--record=x"] {
        usage_error(&["check", tail_flag]);
    }
}

#[test]
fn the_defaults_are_as_documented() {
    let TailArgs { target, history, output, connection, network, .. } = parse(&[]).unwrap().tail;
    assert_eq!((history.lines, history.since, history.no_follow), (LineLimit::All, None, false));
    assert_eq!(target.source, SourceChoice::Auto);
    assert_eq!((output.output, output.timestamps), (Format::Text, Timestamps::Time));
    assert_eq!((output.color, output.multiline, output.stall_buffer), (Color::Auto, Multiline::Escape, 64 << 20));
    let seconds = [network.connect_timeout, connection.idle_timeout, connection.ping_interval];
    assert_eq!(seconds.map(|duration| duration.as_secs()), [10, 45, 20]);
    assert_eq!((connection.max_frame_size, connection.max_retries, connection.follow), (16 << 20, None, false));
}

#[test]
fn invalid_values_of_flags_are_rejected() {
    let cases = [
        ["--max-retries", "many"],
        ["--idle-timeout", "0s"],
        ["--max-frame-size", "0"],
        ["--include", "("],
        ["--only", "unknown"],
        ["--color", "maybe"],
        ["--source", "both"],
        ["-n", "some"],
        ["--since", "tomorrow"],
        ["--prefix", "long"],
        ["--hide", "message"],
    ];
    for args in cases {
        usage_error(&args);
    }
    assert!(usage_error(&["-n", "-5"]).contains("must be a number such as 20, or 'all'"));
    assert!(usage_error(&["simulate", "--listen", "0.0.0.0:80"]).contains("loopback"));
}

/// (R13) CLI-55.
#[test]
fn lines_counted_from_the_start_are_refused_with_a_tip() {
    for args in
        [&["-n", "+5"][..], &["-n+5"], &["-n=+5"], &["--lines", "+5"], &["--lines=+5"], &["--no-follow", "-n", "+5"]]
    {
        assert_eq!(
            usage_error(args),
            "error: invalid value '+5' for '--lines <N|all>': lines are counted from the end\n\n  \
             tip: use '-n 5' for the last 5 lines, '-n all' for all\n\nFor more information, try '--help'.\n"
        );
    }
    for value in ["+", "+all", "+-1"] {
        assert!(usage_error(&["-n", value]).contains("lines are counted from the end"), "{value}");
    }
    for value in ["5", "0", "all"] {
        assert!(parse(&["-n", value]).is_ok(), "{value}");
    }
}

#[test]
fn help_is_short_with_h_and_ends_with_examples_with_help() {
    let help = |args: &[&str]| {
        let help = parse(args).unwrap_err();
        assert_eq!(help.exit_code(), 0);
        help.to_string()
    };
    for command in ["", "check", "simulate", "completions"] {
        let command: Vec<&str> = command.split_whitespace().collect();
        let (short, long) = (help(&[&command[..], &["-h"]].concat()), help(&[&command[..], &["--help"]].concat()));
        assert!(!short.contains("Examples:") && short.lines().count() < long.lines().count(), "{short}");
        let (flags, examples) = long.split_once("\nExamples:\n").expect("examples");
        assert!(long.ends_with('\n') && !long.ends_with("\n\n"), "{long:?}");
        assert!(flags.contains("--help") && !examples.contains("--help\n"), "{long}");
    }
    let (short, long) = (help(&["-h"]), help(&["--help"]));
    for text in [&short, &long] {
        assert!(text.starts_with("Follow Genesys Cloud conversations like tail -f\n\nUsage: genesys-tail "), "{text}");
        assert!(text.contains("genesys-tail help TOPIC"), "{text}");
    }
    for fact in
        ["35 s", "[default: 45s]", "[env: GENESYS_REGION, ", "[possible values: auto, transcript, notifications]"]
    {
        assert!(long.contains(fact), "{fact}");
    }
    for default in ["[default: auto]", "[default: us-east-1]", "[default: 45s]", "[default: 5]", "[default: 64MiB]"] {
        assert!(short.contains(default), "{default}");
    }
    for hidden in ["--client-secret ", "--follow", "--tail", "--no-color", "--insecure"] {
        assert!(!long.contains(hidden), "{hidden}");
    }
}

#[test]
fn no_recipe_of_the_help_prints_raw_text_to_a_terminal() {
    let texts = [parse(&["--help"]).unwrap_err().to_string(), usage_error(&["--template=x"])];
    assert!(texts.iter().all(|text| text.contains("| jq -a ") && !text.contains("jq -r")), "{texts:?}");
}

#[test]
fn the_groups_of_the_help_have_the_order_of_a_run() {
    let help = parse(&["-h"]).unwrap_err().to_string();
    let headings: Vec<&str> =
        help.lines().filter_map(|line| line.strip_suffix(':')).filter(|line| !line.starts_with(' ')).collect();
    let expected =
        "Commands, Options, Conversations, History, Account, Output, Connection, Recording and demo, Status lines";
    assert_eq!(headings.join(", "), expected);
}

#[test]
fn the_short_help_has_one_line_per_flag_on_80_columns() {
    let mut command = parser(Help::Short).term_width(80);
    command.build();
    for name in ["", "check", "list", "simulate"] {
        let command = if name.is_empty() { &mut command } else { command.find_subcommand_mut(name).unwrap() };
        let help = command.render_help().to_string();
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        let flags = help.lines().filter(|line| line.trim_start().starts_with('-')).count();
        let known = command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_positional()).count();
        assert!(flags >= known, "{help}");
        let is_continued = |line: &&str| {
            let is_usage = line.trim_start().starts_with("genesys-tail <COMMAND>");
            line.starts_with("       ") && !line.trim_start().starts_with('-') && !is_usage
        };
        assert_eq!(help.lines().find(is_continued), None, "{help}");
        assert!(help.lines().count() <= 85, "{help}");
    }
}

#[test]
fn the_long_help_fits_on_100_columns_and_its_examples_on_80() {
    let mut command = parser(Help::Long).term_width(100);
    let help = command.render_long_help().to_string();
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    for examples in [help::EXAMPLES, help::CHECK_EXAMPLES, help::LIST_EXAMPLES, help::SIMULATE_EXAMPLES, help::NOTES] {
        assert!(examples.lines().all(|line| line.chars().count() <= 80), "{examples}");
    }
}

#[test]
fn roles_may_be_separated_by_commas_in_any_case() {
    let cli = parse(&["--only", "Customer,AGENT", "--only", "bot"]).unwrap();
    assert_eq!(cli.tail.output.only, [Role::Customer, Role::Agent, Role::Bot]);
}

/// CLI-35.
#[test]
fn kinds_to_hide_may_be_separated_by_commas_in_any_case() {
    let cli = parse(&["--hide", "Update,CLOSED", "--hide", "gap"]).unwrap();
    assert_eq!(cli.tail.output.hide, [Hidden::Update, Hidden::Closed, Hidden::Gap]);
}
