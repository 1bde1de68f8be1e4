//! One story for each outage: each event is told once, and the counts of the summary are true (R17; ERR-1 to ERR-3, NTF-13).

use futures_util::future::join_all;
use genesys_tail::simulator::{Options, Simulator, Sources};
use regex::Regex;

use crate::support::program::{Running, program, simulator_with, within_timeout};

const ID: &str = "85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60";

const UNAVAILABLE: &str = r"HOST is temporarily unavailable: 503 \(.*\)";

/// An outage, and the lines that tell it between the first connection and the missed message.
struct Story {
    source: &'static str,
    /// Faults from the start.
    faults: &'static [&'static str],
    /// The fault that begins the outage.
    outage: &'static str,
    /// The retries and the reconnect.
    lines: &'static [&'static str],
}

const SUMMARY: &str = "conversation ended: [34] lines, 1 missed message fetched, 1 reconnect";

const STORIES: [Story; 8] = [
    Story {
        source: "notifications",
        faults: &[],
        outage: "notify:silence-all",
        lines: &["warning: connection lost: no data for 2s; retry 1 of 5 in SECONDS s", "RECONNECTED"],
    },
    Story {
        source: "transcript",
        faults: &[],
        outage: "socket:silence-all",
        lines: &["warning: connection lost: no data for 2s; retry 1 of 5 in SECONDS s", "RECONNECTED"],
    },
    Story {
        source: "notifications",
        faults: &["notify-handshake:status=503,after=1"],
        outage: "notify:close=1001",
        lines: &[
            "warning: connection lost: closed by the server with 1001; retry 1 of 5 in SECONDS s",
            "warning: UNAVAILABLE; retry 2 of 5 in SECONDS s",
            "RECONNECTED",
        ],
    },
    Story {
        source: "transcript",
        faults: &["handshake:status=503,after=1"],
        outage: "socket:reset",
        lines: &[
            r"warning: connection lost: connection reset \(1006\); retry 1 of 5 in SECONDS s",
            "warning: UNAVAILABLE; retry 2 of 5 in SECONDS s",
            "RECONNECTED",
        ],
    },
    Story {
        source: "notifications",
        faults: &[],
        outage: "channel:expire",
        lines: &["warning: notification channel lost: Channel not found; retry 1 of 5 in SECONDS s", "RECONNECTED"],
    },
    // Other requests succeed meanwhile: each refusal is a row of its own.
    Story {
        source: "notifications",
        faults: &["rest:status=503,times=3,after=2,path=GET /api/v2/conversations/"],
        outage: "notify:reset",
        lines: &[
            r"warning: connection lost: connection reset \(1006\); retry 1 of 5 in SECONDS s",
            "RECONNECTED",
            "warning: UNAVAILABLE; retrying in SECONDS s",
        ],
    },
    Story {
        source: "transcript",
        faults: &["rest:status=503,times=2,path=/bulk,after=1"],
        outage: "socket:reset",
        lines: &[
            r"warning: connection lost: connection reset \(1006\); retry 1 of 5 in SECONDS s",
            "RECONNECTED",
            "warning: UNAVAILABLE; retrying in SECONDS s",
        ],
    },
    Story {
        source: "transcript",
        faults: &["rest:status=404,after=1,path=GET /api/v2/conversations/"],
        outage: "socket:reset",
        lines: &[
            r"warning: connection lost: connection reset \(1006\); retry 1 of 5 in SECONDS s",
            "RECONNECTED",
            r"warning: cannot read conversation ID: not found at HOST: 404 \(.*\); retrying in SECONDS s",
        ],
    },
];

/// Plays an outage between two messages. Returns what the program has said.
async fn play(story: &Story) -> String {
    let simulator = simulator_with("", story.faults, Options::default()).await;
    let conversation = simulator.first_conversation();
    conversation.play("customer Ada: before").await.unwrap();
    let limits = ["--idle-timeout", "2s", "--ping-interval", "1s", "--connect-timeout", "2s"];
    let args = [&["--source", story.source], &limits[..]].concat();
    let mut running = Running::start(&mut program(&simulator, &args));
    running.next_line().await;
    running.wait_for_stderr("connected to ").await;
    match story.outage.strip_prefix("socket:") {
        Some(fault) => conversation.apply_fault(fault).await.unwrap(),
        None => simulator.apply_fault(story.outage).await.unwrap(),
    }
    conversation.play("customer Ada: during").await.unwrap();
    running.next_line().await;
    running.wait_for_stderr("reconnected to ").await;
    conversation.play("close").await.unwrap();
    let finished = running.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stderr
}

/// Asserts that the lines match these patterns, in which names stand for what varies.
fn assert_story(case: &str, stderr: &str, patterns: &[String]) {
    let lines: Vec<&str> = stderr.lines().map(|line| line.trim_start_matches("genesys-tail: ")).collect();
    assert_eq!(lines.len(), patterns.len(), "{case}:\n{stderr}");
    for (line, pattern) in lines.iter().zip(patterns) {
        let pattern = [
            ("RECONNECTED", r"reconnected to HOST \([a-z]+\) after \d+ s"),
            ("UNAVAILABLE", UNAVAILABLE),
            ("HOST", r"127\.0\.0\.1:\d+"),
            ("SECONDS", r"\d+\.\d"),
            ("ID", ID),
        ]
        .iter()
        .fold(pattern.clone(), |pattern, (name, text)| pattern.replace(name, text));
        assert!(Regex::new(&format!("^{pattern}$")).unwrap().is_match(line), "{case}: {line}\nin {stderr}");
    }
}

#[tokio::test]
async fn each_outage_is_told_once_with_its_retries_its_end_and_true_counts() {
    join_all(STORIES.iter().map(async |story| {
        let stderr = play(story).await;
        let case = format!("{} {} {:?}", story.source, story.outage, story.faults);
        let connected = format!(r"connected to HOST \({}\)", story.source);
        let lines = story.lines.iter().copied().map(str::to_owned);
        let ending = ["1 missed message fetched", SUMMARY].map(str::to_owned);
        assert_story(&case, &stderr, &[connected].into_iter().chain(lines).chain(ending).collect::<Vec<_>>());
    }))
    .await;
}

/// The server is killed after the last participant has left, before the end was confirmed, and while history is read.
#[tokio::test]
async fn a_server_that_does_not_return_is_told_as_one_series_of_retries() {
    let after_the_end = async {
        let simulator = notifications("").await;
        let mut running = Running::start(&mut program(&simulator, &["--max-retries", "2"]));
        simulator.first_conversation().play("customer Ada: Bye").await.unwrap();
        running.next_line().await;
        simulator.first_conversation().play("close").await.unwrap();
        while !running.next_line().await.ends_with("Ada left") {}
        simulator.shutdown().await;
        running.finish().await
    };
    let during_history = async {
        let simulator = notifications("rest:hang,path=/bulk").await;
        simulator.first_conversation().play("customer Ada: Hello").await.unwrap();
        let running = Running::start(&mut program(&simulator, &["--no-follow", "--max-retries", "2"]));
        within_timeout(simulator.wait_for(|log| log.count_requests("POST /api/v2/conversations/messages/") > 0)).await;
        simulator.shutdown().await;
        running.finish().await
    };
    let (after_the_end, during_history) = tokio::join!(after_the_end, during_history);
    for (finished, connected) in [(after_the_end, true), (during_history, false)] {
        assert_eq!(finished.code, Some(69), "{}", finished.stderr);
        let lines = [
            r"connected to HOST \(notifications\)",
            "warning: .*; retry 1 of 2 in SECONDS s(; .*)?",
            "warning: cannot reach HOST: .*; retry 2 of 2 in SECONDS s",
            "error: gave up after 3 attempts in a row: cannot reach HOST: .*",
            "  tip: .*",
        ];
        let lines: Vec<String> = lines[usize::from(!connected)..].iter().copied().map(str::to_owned).collect();
        assert_story("a killed server", &finished.stderr, &lines);
    }
}

async fn notifications(fault: &str) -> Simulator {
    let faults = [fault];
    let faults: &[&str] = if fault.is_empty() { &[] } else { &faults };
    simulator_with("", faults, Options { sources: Sources::NotificationsOnly, ..Options::default() }).await
}
