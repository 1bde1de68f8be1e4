//! Agreement of the source text with the architecture and with the rules for comments and names.

mod imports;
mod module_tree;
mod platform;
mod source_file;
mod wording;

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}
