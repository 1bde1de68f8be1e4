//! The pages as the program prints them.

use std::collections::BTreeSet;

use super::{PAGES, captures};
use crate::support::program::{Finished, Running, bare_program};

async fn run(args: &[&str]) -> Finished {
    let finished = Running::start(&mut bare_program(args)).finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{args:?}");
    finished
}

fn topics() -> Vec<&'static str> {
    let names = PAGES.iter().filter_map(|page| page.path.strip_prefix("src/help/")?.strip_suffix(".md"));
    names.collect()
}

#[test]
fn sentences_name_their_subject() {
    let indefinite = [concat!("no", "body"), concat!("some", "body"), concat!("who", "ever")].join("|");
    for page in PAGES.iter() {
        assert_eq!(captures(&format!(r"(?i)\b({indefinite})\b"), &page.text), BTreeSet::new(), "{}", page.path);
    }
}

#[tokio::test]
async fn help_lists_every_topic_and_prints_each() {
    let list = run(&["help"]).await.stdout;
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    for topic in topics() {
        assert!(list.contains(&format!("\n  {topic} ")), "{topic}: {list}");
        let page = run(&["help", topic]).await.stdout;
        assert!(page.len() > 200 && !page.contains('\x1b') && !page.contains("\n\n\n"), "{topic}: {page}");
    }
}

#[tokio::test]
async fn man_prints_the_manual_and_each_topic() {
    let manual = run(&["man"]).await.stdout;
    for topic in topics() {
        assert!(manual.contains(&format!("genesys\\-tail\\-{}(7)", topic.replace('-', "\\-"))), "{topic}");
        let page = run(&["man", topic]).await.stdout;
        assert!(page.contains(&format!(".TH GENESYS-TAIL-{} 7", topic.to_uppercase())) && page.is_ascii(), "{topic}");
    }
    for text in ["GENESYSCLOUD_OAUTHCLIENT_SECRET", "config.toml", "\\fB143\\fR"] {
        assert!(manual.contains(text), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_topic_is_2_with_a_suggestion() {
    for args in [["help", "setings"], ["man", "setings"]] {
        let finished = Running::start(&mut bare_program(&args)).finish().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(
            finished.stderr.starts_with("error: ") && finished.stderr.contains("'settings'"),
            "{}",
            finished.stderr
        );
    }
}
