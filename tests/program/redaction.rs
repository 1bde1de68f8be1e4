//! `--redact` (SVC-12 to SVC-15, CLI-38, CLI-56).

use std::fs;

use genesys_tail::simulator::{Options, Sources};
use tempfile::tempdir;

use crate::support::program::{Finished, Running, bare_program, run, simulator_with};

/// Personal data of each kind in texts, names and an attachment.
const SCRIPT: &str = "\
    +0 customer Ada sam@example.com: pay with 4111 1111 1111 1111\n\
    +0 agent Sam: call +442079460958 or send to DE89 3704 0044 0532 0130 00\n    @ ada@example.org.pdf application/pdf 48213\n\
    +0 customer Ada sam@example.com: order A-4711 of 2026-11-28, call +1 (555) 555-0140\n\
    +0 close\n";

const PERSONAL: [&str; 6] =
    ["1111 1111", "DE89 3704", "sam@example.com", "ada@example.org", "442079460958", "555-0140"];

const FORMATS: [&[&str]; 3] = [&["--system"], &["--json"], &["-o", "raw", "--system"]];

fn assert_redacted(text: &str, context: &str) {
    for personal in PERSONAL {
        assert!(!text.contains(personal), "{personal} is in {context}: {text}");
    }
}

async fn replay(path: &str, args: &[&str]) -> Finished {
    let finished = Running::start(&mut bare_program(&[&["--replay", path], args].concat())).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

#[tokio::test]
async fn every_output_and_recording_is_redacted_on_both_sources() {
    for sources in [Sources::TranscriptOnly, Sources::Both] {
        for format in FORMATS {
            let folder = tempdir().unwrap();
            let path = folder.path().join("a.rec");
            let path = path.to_str().unwrap();
            let simulator = simulator_with(SCRIPT, &[], Options { sources, ..Options::default() }).await;
            let args = [&["--redact", "all", "--record", path, "-vv"], format].concat();
            let finished = run(&simulator, &args).await;
            assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            let recording = fs::read_to_string(path).unwrap();
            for (text, context) in
                [(&finished.stdout, "stdout"), (&finished.stderr, "stderr"), (&recording, "recording")]
            {
                assert_redacted(text, context);
            }
            for marker in ["[card]", "[iban]", "[email]", "[phone]", "A-4711 of 2026-11-28"] {
                assert!(finished.stdout.contains(marker), "{marker} is missing in {}", finished.stdout);
            }
            // The recording needs no second redaction, and another one changes nothing.
            assert_eq!(replay(path, format).await.stdout, finished.stdout);
            assert_eq!(replay(path, &[&["--redact", "all"], format].concat()).await.stdout, finished.stdout);
        }
    }
}

#[tokio::test]
async fn patterns_see_the_redacted_text() {
    let simulator = simulator_with(SCRIPT, &[], Options::default()).await;
    let args = ["--redact", "card,iban", "--redact", r"regex:A-\d+", "--timestamps", "none", "--hide", "closed"];
    let shown = |finished: Finished| finished.stdout.lines().count();
    assert_eq!(shown(run(&simulator, &[&args[..], &["-i", r"\[card\]|\[iban\]|\[redacted\]"]].concat()).await), 3);
    assert_eq!(shown(run(&simulator, &[&args[..], &["-i", "4111|DE89|4711"]].concat()).await), 0);
}

#[tokio::test]
async fn equal_texts_after_redaction_are_different_messages() {
    let script = "+0 customer Ada: a@example.com\n+0 customer Ada: b@example.com\n+0 close\n";
    let simulator = simulator_with(script, &[], Options::default()).await;
    let finished = run(&simulator, &["--redact", "email"]).await;
    assert_eq!(finished.stdout.matches("[email]").count(), 2, "{}", finished.stdout);
}

#[tokio::test]
async fn an_unknown_kind_or_an_invalid_pattern_is_2() {
    for (value, reason) in [
        ("passport", "'passport' is not card, email, phone, iban, all or regex:PATTERN"),
        ("card,", "'' is not card"),
        ("regex:(", "unclosed group"),
    ] {
        let finished = Running::start(&mut bare_program(&["--demo", "--redact", value])).finish().await;
        assert_eq!(finished.code, Some(2));
        assert!(finished.stderr.contains(reason), "{}", finished.stderr);
    }
}
