//! The place of code that differs between operating systems.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::assert_none;
use super::source_file::{SOURCE_FILES, SourceFile};

/// The files and folders of each system, and the paths of the standard library and of tokio that only they name. The crates
/// of the system, by `Cargo.toml`, are added.
const SYSTEMS: [(&str, &str, &str); 2] = [
    ("unix", "src/system/unix", r"std::os::(?:fd|linux|macos|unix)|tokio::(?:io|net|signal)::unix"),
    ("windows", "src/system/windows", r"std::os::windows|tokio::(?:net|signal)::windows"),
];

/// The files and folders that may choose code by the system.
const CHOOSERS: [&str; 4] = ["src/main.rs", "src/system/mod.rs", "src/system/unix", "src/system/windows"];

/// The starts of attributes that compile an item for one system.
const SYSTEM_ATTRIBUTES: [&str; 4] = ["#[cfg(unix", "#[cfg(windows", "#[cfg(target_os", "#[cfg(not(target_os"];

#[test]
fn only_the_system_modules_name_the_interface_of_a_system() {
    let mut violations = Vec::new();
    for (system, place, paths) in SYSTEMS {
        let crates = crates_of(system).join("|").replace('-', "_");
        let pattern = Regex::new(&format!(r"\b(?:{paths}|(?:{crates})::)")).unwrap();
        let others = SOURCE_FILES.iter().filter(|file| !file.path.starts_with(place));
        violations.extend(others.flat_map(|file| file.matches(&pattern, &file.production)));
    }
    assert_none(&violations);
}

#[test]
fn only_the_system_modules_are_compiled_for_one_system() {
    let pattern = Regex::new(r"\bcfg(?:_attr)?!?\([^\]{};]*\b(?:unix|windows|target_\w+)\b").unwrap();
    let others = SOURCE_FILES.iter().filter(|file| !CHOOSERS.iter().any(|place| file.path.starts_with(place)));
    assert_none(&others.flat_map(|file| file.matches(&pattern, &file.production)).collect::<Vec<_>>());
}

#[test]
fn both_systems_have_the_same_modules() {
    let [unix, windows] = SYSTEMS.map(|(_, place, _)| modules_in(&format!("{place}.rs")));
    assert!(!unix.is_empty());
    assert_eq!(unix, windows);
}

#[test]
fn a_test_that_is_compiled_for_one_system_has_a_reason() {
    let others = SOURCE_FILES.iter().filter(|file| file.path != "src/system/mod.rs");
    assert_none(&others.flat_map(tests_without_reason).collect::<Vec<_>>());
}

/// Returns the places of tests and modules that only one system has and whose attribute does not follow a comment.
fn tests_without_reason(file: &SourceFile) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let is_attribute = |line: &usize| lines[*line].starts_with("#[");
    let choices = (1..lines.len()).filter(|&line| SYSTEM_ATTRIBUTES.iter().any(|start| lines[line].starts_with(start)));
    let without_reason = choices.filter(|&line| {
        let first = (0..=line).rev().take_while(is_attribute).last().unwrap_or(line);
        let item = (line..lines.len()).find(|line| !is_attribute(line)).unwrap_or(line);
        let is_test =
            (first..item).any(|attribute| lines[attribute].ends_with("test]")) || lines[item].starts_with("mod ");
        let has_reason = [first, line].iter().any(|&line| line > 0 && lines[line - 1].starts_with("// "));
        is_test && !has_reason
    });
    without_reason.map(|line| format!("{}:{}", file.path, line + 1)).collect()
}

fn modules_in(path: &str) -> Vec<&'static str> {
    let file = SOURCE_FILES.iter().find(|file| file.path == path).unwrap();
    file.text.lines().filter(|line| line.contains("mod ")).collect()
}

/// Returns the crates that only one system has.
fn crates_of(system: &str) -> Vec<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let (_, section) = manifest.split_once(&format!("[target.'cfg({system})'.dependencies]\n")).unwrap();
    let lines = section.lines().take_while(|line| !line.is_empty() && !line.starts_with('['));
    lines.map(|line| line.split_once(" = ").unwrap().0.to_owned()).collect()
}
