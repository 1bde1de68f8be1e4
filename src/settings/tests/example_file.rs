//! Tests of `.env.example` (DOC-3).

use std::collections::BTreeSet;

use super::{Given, Resolved, complete, nothing};

const EXAMPLE: &str = include_str!("../../../.env.example");

/// Variables of the topic that a user does not set: read only to report that they are not used, or set by the terminal and
/// by systemd.
const NOT_FOR_USERS: [&str; 4] = ["GENESYSCLOUD_ACCESS_TOKEN", "GENESYSCLOUD_GATEWAY_HOST", "JOURNAL_STREAM", "TERM"];

#[test]
fn every_variable_has_an_empty_value_below_a_comment_of_one_line() {
    for group in EXAMPLE.trim().split("\n\n").skip(1) {
        let lines: Vec<&str> = group.lines().collect();
        let is_comment = |line: &str| line.starts_with("# ") && line.len() <= 100;
        match lines.as_slice() {
            [heading] => assert!(is_comment(heading), "{heading}"),
            [comment, variable] => assert!(is_comment(comment) && variable.ends_with('='), "{group}"),
            _ => panic!("{group}"),
        }
    }
}

#[test]
fn the_unfilled_file_has_no_effect() {
    let with_example = |given: Given<'static>| Given { file: EXAMPLE, ..given };
    let error = with_example(nothing()).resolve(&[]).unwrap_err();
    assert_eq!(error.to_string(), nothing().resolve(&[]).unwrap_err().to_string());
    assert!(error.to_string().starts_with("settings missing: "), "{error}");
    for args in [&[][..], &["check"]] {
        let [plain, with_file] = [complete(&[]), with_example(complete(&[]))].map(|given| {
            let Resolved { task, filter, messages, .. } = given.resolve(args).unwrap();
            format!("{task:?} {filter:?} {messages:?}")
        });
        assert_eq!(with_file, plain);
    }
}

#[test]
fn the_file_lists_the_variables_of_the_topic_settings() {
    let names = |lines: &mut dyn Iterator<Item = &'static str>| -> BTreeSet<&str> { lines.collect() };
    let in_example = names(&mut EXAMPLE.lines().filter_map(|line| line.strip_suffix('=')));
    let rows = include_str!("../../help/settings.md").lines().filter_map(|line| line.strip_prefix("| `"));
    let variables = rows.filter_map(|row| row.split('`').next()).filter(|name| name.chars().all(is_of_variable));
    let in_topic = names(&mut variables.filter(|name| !NOT_FOR_USERS.contains(name)));
    assert_eq!(in_example, in_topic);
}

fn is_of_variable(character: char) -> bool {
    character.is_ascii_uppercase() || character == '_'
}
