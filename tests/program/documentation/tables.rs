//! Tables that list everything of a kind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Page, captures, exit_codes, first_cells};

/// Names of variables. Those without an underscore, `TERM` and `HOME`, belong to the operating system.
const VARIABLE: &str = r"\b([A-Z]+(?:_[A-Z]+)+)\b";

#[test]
fn the_table_of_variables_has_exactly_those_that_the_program_reads() {
    let code = production_code().replace("env!(\"", "");
    let literals = captures(r#""([A-Z]+(?:_[A-Z]+)+)""#, &code);
    // The names of a proxy are also composed of their parts.
    let is_part = |name: &String| literals.iter().any(|other| other.ends_with(&format!("_{name}")));
    let read: BTreeSet<String> = literals.iter().filter(|name| !is_part(name)).cloned().collect();
    assert_eq!(captures(VARIABLE, &first_cells(Page::topic("settings").section("Variables"))), read);
}

/// Variables of the table that belong in no `.env`: those that are not used, and one that systemd sets.
const NOT_FOR_THE_FILE: [&str; 3] = ["GENESYSCLOUD_ACCESS_TOKEN", "GENESYSCLOUD_GATEWAY_HOST", "JOURNAL_STREAM"];

#[test]
fn the_example_file_assigns_every_variable_of_the_table_and_no_value() {
    let example = include_str!("../../../.env.example");
    let assigned = captures(r"(?m)^([A-Z_]+)=$", example);
    assert_eq!(captures(r"(?m)^([A-Z_]+)=", example), assigned, "an assignment has a value");
    let mut table = captures(VARIABLE, &first_cells(Page::topic("settings").section("Variables")));
    table.retain(|name| !NOT_FOR_THE_FILE.contains(&name.as_str()));
    assert_eq!(assigned, table);
}

#[test]
fn the_table_of_exit_codes_has_exactly_those_of_the_program() {
    assert_eq!(captures(r"(\d+)", &first_cells(Page::topic("exit-codes").section("Codes"))), exit_codes());
}

#[test]
fn the_table_of_json_members_has_exactly_those_of_the_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../../src/output/schema.json")).unwrap();
    let members = |object: &Value| object["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let kinds = ["message", "update", "closed", "gap"].map(|kind| members(&schema["$defs"][kind]));
    let expected: BTreeSet<String> = kinds.into_iter().flatten().chain(members(&schema)).collect();
    assert_eq!(captures("`([a-z_]+)`", &first_cells(Page::topic("json").section("Members"))), expected);
    let attachment = members(&schema["$defs"]["attachment"]);
    let text = Page::topic("json").section("Members");
    assert!(attachment.iter().all(|member| text.contains(&format!("`{member}`"))), "{attachment:?}");
}

/// Returns the code that reads settings, without its tests.
fn production_code() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let settings = fs::read_dir(root.join("settings")).unwrap().map(|file| file.unwrap().path());
    let is_source = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs");
    let files = settings.filter(is_source).chain([root.join("lib.rs")]);
    let code = |path: PathBuf| fs::read_to_string(path).unwrap().split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
    files.map(code).collect()
}
