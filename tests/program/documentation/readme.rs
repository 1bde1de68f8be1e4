//! The form of the README (DOC-2).

use super::{PAGES, Page, captures, exit_codes, first_cells};

const MAX_LINES: usize = 260;
const MAX_LINE_LENGTH: usize = 120;

fn readme() -> &'static Page {
    PAGES.iter().find(|page| page.path == "README.md").unwrap()
}

#[test]
fn the_readme_is_short() {
    let lines: Vec<&str> = readme().text.lines().collect();
    assert!(lines.len() <= MAX_LINES, "{} lines", lines.len());
    assert_eq!(lines.into_iter().find(|line| line.chars().count() > MAX_LINE_LENGTH), None);
}

#[test]
fn the_readme_links_to_the_topics_that_it_names() {
    let named = captures(r"`genesys-tail help ([a-z-]+)`", &readme().text);
    let linked = captures(r"\]\(src/help/([a-z-]+)\.md\)", &readme().text);
    assert!(named.len() >= 5 && named.is_subset(&linked), "{named:?} {linked:?}");
}

#[test]
fn the_readme_lists_exactly_the_exit_codes_of_the_program() {
    let (_, table) = readme().text.split_once("| exit code |").unwrap();
    let table = table.split("\n\n").next().unwrap();
    assert_eq!(captures(r"(\d+)", &first_cells(table)), exit_codes());
}
