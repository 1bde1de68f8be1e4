//! The links between pages.

use std::path::Path;

use super::{PAGES, captures};

#[test]
fn every_link_to_a_file_leads_to_one() {
    for page in PAGES.iter() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&page.path);
        for link in captures(r"\]\(([^)#\s]+)", &page.prose()).iter().filter(|link| !link.contains("://")) {
            assert!(path.with_file_name(link).is_file(), "{}: {link}", page.path);
        }
    }
}

#[test]
fn every_link_to_a_heading_leads_to_one() {
    for page in PAGES.iter() {
        let headings = captures(r"(?m)^#+ (.+)$", &page.prose());
        let anchors: Vec<String> = headings.iter().map(|heading| anchor(heading)).collect();
        for link in captures(r"\]\(#([^)]+)\)", &page.prose()) {
            assert!(anchors.contains(&link), "{}: #{link}", page.path);
        }
    }
}

/// Returns the anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}
