//! Unusual events, late message bodies and bursts (NTF-8, NTF-11, NTF-12, NTF-14, EVT-4, EVT-11).

use std::time::Duration;

use futures_util::future::join_all;

use super::{SCRIPT, api_simulator, flood_simulator, numbers, run_long_to_end, run_to_end, scripted_simulator, texts};

#[tokio::test]
async fn each_message_is_printed_once_despite_unusual_events_and_bodies() {
    let fault_sets: &[&[&str]] = &[
        &["rest:newest-first"],
        &["rest:omit=1,times=3"],
        &["rest:late-body=700ms"],
        &["rest:textbody"],
        &["rest:empty,path=/bulk"],
        &["rest:not-json,path=/bulk"],
        &["notify:duplicate"],
        &["notify:reorder,after=1"],
        &["notify:lose=3,after=2"],
        &["notify:truncate=1"],
        &["notify:status-updates"],
        &["notify:unknown,after=2"],
        &["notify:malformed,after=2"],
        &["notify:binary-junk,after=2"],
        &["notify:duplicate", "rest:late-body=300ms", "rest:newest-first", "notify:status-updates", "rest:textbody"],
    ];
    join_all(fault_sets.iter().map(async |faults| {
        let simulator = api_simulator(SCRIPT, faults).await;
        let (finished, log) = run_to_end(&simulator, &[]).await;
        assert_eq!(finished.code, Some(0), "{faults:?}: {}", finished.stderr);
        let mut printed = texts(&finished);
        if faults.iter().any(|fault| fault.contains("late") || fault.contains("omit")) {
            // A late body does not delay later messages.
            printed.sort_by_key(|text| ["one", "two", "three"].iter().position(|expected| expected == text));
        }
        assert_eq!(printed, ["one", "two", "three"], "{faults:?}: {}", finished.stdout);
        assert_eq!(
            (log.notification_sockets.len(), finished.stdout.matches("Sam joined").count()),
            (1, 1),
            "{faults:?}"
        );
        let unreadable = faults[0].contains("malformed") || faults[0].contains("junk") || faults[0].contains("unknown");
        assert_eq!(finished.stderr.contains("malformed"), unreadable, "{faults:?}: {}", finished.stderr);
    }))
    .await;
}

#[tokio::test]
async fn a_thousand_messages_in_ten_seconds_cost_at_most_sixty_requests_and_each_is_printed_once() {
    // A debug build cannot produce and parse events that repeat a thousand messages at this pace.
    let simulator = flood_simulator(1000, 100.0, &["notify:truncate=20"]).await;
    let (finished, log) = run_long_to_end(&simulator, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let mut printed = numbers(&finished);
    // Two messages of the same millisecond have no order.
    printed.sort_unstable();
    assert_eq!(printed, (1..=1000).collect::<Vec<_>>());
    let start = log.notification_sockets[0].opened_at;
    let request_times: Vec<_> = log.requests.iter().map(|request| request.at).filter(|at| *at > start).collect();
    let took = request_times.last().map_or(Duration::ZERO, |last| last.duration_since(start));
    // A busy machine takes longer than ten seconds, so the limit is applied per second.
    let allowed = (took.as_millis() * 60 / 10_000).max(60);
    assert!(request_times.len() as u128 <= allowed, "{} requests in {took:?}", request_times.len());
    assert_eq!(log.notification_sockets.len(), 1);
}

#[tokio::test]
async fn hostile_text_is_escaped() {
    let script = r"+0 customer Ada: title \e]0;pwned\u{7} \e[2J\e[1;31mred\e[0m \e]52;c;aGFybWxlc3M=\u{7}
        +0 customer Ada: ok\r\n09:00:00 [Agent] Noor: your password, please
        +0 customer Ada: \u{202e}gpj.exe\u{202c} and\u{2028}a line break \u{9b}31m
        +0 agent Noor: C:\\billing\\june\tref 7731
        +0.2 close"
        .replace("\n        ", "\n");
    let simulator = api_simulator(&script, &[]).await;
    let (finished, _) = run_to_end(&simulator, &[]).await;
    let expected = r"[Customer] Ada: title \x1b]0;pwned\x07 \x1b[2J\x1b[1;31mred\x1b[0m \x1b]52;c;aGFybWxlc3M=\x07
        [Customer] Ada: ok\n09:00:00 [Agent] Noor: your password, please
        [Customer] Ada: \u{202e}gpj.exe\u{202c} and\u{2028}a line break \u{9b}31m
        [Agent] Noor: C:\billing\june	ref 7731
        [CLOSED] Conversation terminated
        "
    .replace("\n        ", "\n");
    let messages = |lines: &str| -> Vec<String> {
        let is_no_update = |line: &&str| !line.starts_with("[UPDATE] ");
        lines.lines().filter(is_no_update).map(str::to_owned).collect()
    };
    assert_eq!(messages(&finished.stdout), messages(&expected), "{}", finished.stderr);
}

#[tokio::test]
async fn the_billing_script_is_printed_line_by_line() {
    let simulator = scripted_simulator("billing", 10.0, &[]).await;
    let (finished, _) = run_to_end(&simulator, &["--system"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert_eq!(lines, BILLING_LINES, "{}", finished.stdout);
}

const BILLING_LINES: [&str; 37] = [
    "[SYSTEM] Ada Marlow: joined",
    "[Customer] Ada Marlow: Good afternoon",
    "[Bot] Quill: Hello! I am Quill, the billing assistant. What can I do for you? \
     [quick replies: Explain my invoice | Report a double charge | Talk to a person]",
    "[UPDATE] Quill joined",
    "[Customer] Ada Marlow: Report a double charge",
    "[Bot] Quill: I am sorry to hear that. Which month is it about? [quick replies: May | June | July]",
    "[Customer] Ada Marlow: June. Can I talk to a person? 🙏🏽",
    "[Bot] Quill: Of course. You are number 1 in the queue.",
    "[UPDATE] Quill left",
    "[UPDATE] waiting in the queue Billing",
    "[UPDATE] Sam Okafor joined",
    "[SYSTEM] Sam Okafor: is typing",
    "[Agent] Sam Okafor: Hi Ada, this is Sam. I am looking at your account now.",
    "[SYSTEM] Ada Marlow: received the message",
    "[Customer] Ada Marlow: This is what my bank shows:\\n02 June  NORTHWIND MOBILE  49.00 EUR\\n02 June  NORTHWIND MOBILE  \
     49.00 EUR\\n30 June  NORTHWIND MOBILE   4.90 EUR",
    "[Customer] Ada Marlow: [attachment: statement-june.png]",
    "[Agent] Sam Okafor: Thanks, that helps. The third one is your insurance; the second is our mistake.",
    "[Customer] Ada Marlow: Thank you! My husband يوسف and my mother רות were worried 👩‍👩‍👧",
    "[Agent] Sam Okafor: No need to worry: I have asked for the refund. You'll find the receipt here. \
     [attachment: refund-7731.pdf]",
    "[SYSTEM] Sam Okafor: is typing",
    "[Agent] Sam Okafor: For the insurance itself I'll bring in my colleague Noor. One moment.",
    "[UPDATE] waiting in the queue Insurance",
    "[UPDATE] Sam Okafor left",
    "[UPDATE] Noor Haddad joined",
    "[Agent] Noor Haddad: Hello Ada, Noor from insurance. Shall I cancel it at the end of the month?",
    "[Customer] Ada Marlow: What happens if I cancel now?",
    "[Customer] Ada Marlow: I have paid until the end of June.",
    "[Customer] Ada Marlow: And do I get a confirmation?",
    "[Agent] Noor Haddad: You stay insured until 30 June, and you get an e-mail today. Shall I cancel it? 🙂 \
     [quick replies: Yes | No]",
    "[Customer] Ada Marlow: Yes 👍",
    "[Agent] Noor Haddad: Done. Your reference is 7731.",
    "[Customer] Ada Marlow: Thank you both, have a nice day",
    "[Agent] Noor Haddad: You too, Ada!",
    "[SYSTEM] Ada Marlow: left",
    "[UPDATE] Ada Marlow left",
    "[UPDATE] Noor Haddad left",
    "[CLOSED] Conversation terminated",
];
