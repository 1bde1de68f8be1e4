//! The script `content`: every content type, status and sender, on both sources (EVT-1 to EVT-13, SRC-4, SIM-4).

use std::collections::BTreeSet;

use genesys_tail::simulator::{Options, Script, Simulator, Sources};
use serde_json::Value;
use tempfile::tempdir;

use crate::support::program::{Finished, Running, bare_program, run, simulator_with, simulator_without_history};

/// The output with --system, apart from updates.
const LINES: &str = r"[Customer] Ada Marlow: Hello, my kettle is broken
[Bot] Main menu: Welcome to Kettle Ltd
[Bot] Billing: You are number 2 in the queue
[Bot] Order service: Your order 4711 was sent
[Bot] Spring: Kettles are cheaper this week
[Bot] Repair partner: Our workshop is open until 18:00
[Bot] Phone menu: A call back was requested
[Bot] Mailbox: Your message was saved
[Bot] Quill: How can I help?
[Customer] Ada Marlow: Two lines:\nit hums,\nand it does not boil 😟
[Customer] Ada Marlow: A text as a part of the content
[Customer] Ada Marlow: my broken kettle [attachment: kettle.jpg]
[Customer] Ada Marlow: [attachment: kettle.mp4]
[Customer] Ada Marlow: [attachment: hum.ogg]
[Customer] Ada Marlow: The receipt [attachment: receipt.pdf]
[Customer] Ada Marlow: [link: https://shop.example.com/kettles/7]
[Customer] Ada Marlow: [link: Kettle 7 – Open – https://shop.example.com/kettles/7]
[Bot] Quill: What is it about? [quick replies: Billing | Delivery]
[Customer] Ada Marlow: Billing
[Bot] Quill: [quick replies: Which language?: English | Deutsch]
[Customer] Ada Marlow: [answer: English]
[Bot] Quill: [list: Size?: Kettles: Small – 1 litre | Large; Cups: Small]
[Customer] Ada Marlow: Small, Large [answers: Small | Large]
[Bot] Quill: [dates: When shall we call? – Any of these – Workshop – 1 Market Square: 2026-11-26T09:00+00:00 | 2026-11-26T10:00+00:00]
[Customer] Ada Marlow: [answer: Thursday, 10:00]
[Bot] Quill: [form: Your kettle – Two questions: Kettle – Which one?: Model (Models, K7, K9); Fault: What happens? – It hums; Begin]
[Customer] Ada Marlow: [form answer: K7 | It hums and stays cold]
[Bot] Quill: [card: Kettle 9 – Boils in a minute: Buy | Details]
[Bot] Quill: [carousel: Kettle 7 – Quiet: Buy 7; Kettle 11 – Fast: Buy 11]
[Bot] Spring: Hi Ada, your order is ready [notification: Order 4711 – Kettle Ltd: Stop]
[Bot] Spring: [notification: ns@order_update/name: Ada | 4711]
[Customer] Ada Marlow: [notification answer: Yes, keep me informed]
[Bot] Order service: [push notification: Kettle Ltd – You have a new message]
[Customer] Ada Marlow: [location: My workshop – 2 Harbour Street]
[Customer] Ada Marlow: That is a nice kettle [story: Reply – https://social.example.com/story/1]
[Customer] Ada Marlow: [story: Mention – https://social.example.com/story/2]
[Customer] Ada Marlow: [mention: Kettle Ltd]
[Customer] Ada Marlow: [reactions: Love (2) | Haha]
[Agent] Sam Okafor: [payment request: Repair – 19.00 EUR: Coil – 19.00]
[Customer] Ada Marlow: [payment answer: Approved]
[Agent] Sam Okafor: [app: Repair planner – Choose a day]
[Customer] Ada Marlow: [roadside assistance: Kettle on the road – +15555550123]
[Customer] Ada Marlow: [Hologram: A content type that is not known yet]
[Agent] Sam Okafor: This one is queued
[Agent] Sam Okafor: This one was published
[Agent] Sam Okafor: This one has arrived
[Agent] Sam Okafor: This one was read
[Agent] Sam Okafor: This one went to a wrong number [not delivered: Unknown subscriber]
[Agent] Sam Okafor: This one could not leave [not delivered: The message is too long]
[Agent] Sam Okafor: [message removed]
[Agent] Sam Okafor: This one was corrected
[Customer] Ada Marlow: Yes, please
[Customer] Ada Marlow: [unsupported message]
[SYSTEM] Ada Marlow: is typing
[SYSTEM] Ada Marlow: signed in
[SYSTEM] Ada Marlow: co-browsing: offering
[SYSTEM] Ada Marlow: video: offering
[SYSTEM] Ada Marlow: read the message
[Agent] Sam Okafor: Thank you, Ada. The new coil is on its way.
[CLOSED] Conversation terminated
";

/// A conversation in a queue, whose first messages precede the run.
const SURROUNDINGS: &str = "+0.3 customer Ada: third\n+0.1 agent Sam: fourth\n+0.1 update status=held\n+0.1 close";

async fn simulator(sources: Sources, faults: &[&str]) -> Simulator {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let script = Script::built_in("content").unwrap();
    Simulator::start(Options { script, sources, faults, rate: Some(100.0), ..Options::default() }).await.unwrap()
}

async fn printed(simulator: &Simulator, args: &[&str]) -> Finished {
    let finished = run(simulator, &[&["--timestamps", "none"], args].concat()).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

fn without_updates(lines: &str) -> String {
    lines.split_inclusive('\n').filter(|line| !line.starts_with("[UPDATE] ")).collect()
}

#[tokio::test]
async fn every_kind_of_content_is_printed_alike_by_both_sources_and_from_history() {
    let transcript = simulator(Sources::TranscriptOnly, &[]).await;
    assert_eq!(without_updates(&printed(&transcript, &["--system"]).await.stdout), LINES);
    let notifications = simulator(Sources::NotificationsOnly, &[]).await;
    for args in [&["--source", "notifications"][..], &["--source", "notifications", "--no-follow"]] {
        let finished = printed(&notifications, &[args, &["--system"]].concat()).await;
        assert_eq!(without_updates(&finished.stdout), LINES, "{}", finished.stderr);
    }
}

/// OUT-14, OUT-15 and HIST-16: on the transcript source the surroundings come from the history.
#[tokio::test]
async fn every_event_names_its_medium_in_json_on_both_sources() {
    let folder = tempdir().unwrap();
    for (sources, name) in [(Sources::Both, "transcript"), (Sources::NotificationsOnly, "notifications")] {
        let simulator = simulator_with(SURROUNDINGS, &[], Options { sources, ..Options::default() }).await;
        simulator.first_conversation().play("customer Ada: first").await.unwrap();
        simulator.first_conversation().play("agent Sam: second").await.unwrap();
        let path = folder.path().join(name);
        let finished = printed(&simulator, &["--source", name, "--json", "--record", path.to_str().unwrap()]).await;
        let objects: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let types: BTreeSet<&str> = objects.iter().filter_map(|object| object["type"].as_str()).collect();
        assert_eq!(types.into_iter().collect::<Vec<_>>(), ["closed", "message", "update"], "{name}");
        for object in &objects {
            assert_eq!(object["media"], "webmessaging", "{name}: {object}");
            assert!(object["type"] != "closed" || object.get("queue").is_none(), "{name}: {object}");
        }
        // The simulator names agents by other ids in transcript frames than by REST: their queue is not guessed.
        let of_queue = if name == "transcript" { &["second", "third"][..] } else { &["second", "third", "fourth"] };
        for text in of_queue {
            let message = objects.iter().find(|object| object["text"] == **text).expect("a message");
            assert_eq!(message["queue"]["name"], "Support", "{name}: {message}");
        }
        let replayed =
            Running::start(&mut bare_program(&["--replay", path.to_str().unwrap(), "--json"])).finish().await;
        assert_eq!(replayed.stdout, finished.stdout, "{name}");
    }
}

/// Without history nothing is known, and nothing is guessed.
#[tokio::test]
async fn a_transcript_socket_without_history_has_no_surroundings() {
    let simulator = simulator_without_history("+0.1 customer Ada: hello\n+0.1 close", &[]).await;
    let finished = printed(&simulator, &["--source", "transcript", "--json"]).await;
    assert!(
        finished.stdout.contains("\"text\":\"hello\"") && !finished.stdout.contains("\"media\""),
        "{}",
        finished.stdout
    );
}

#[tokio::test]
async fn every_kind_of_content_is_in_json_as_the_service_sent_it() {
    let simulator = simulator(Sources::NotificationsOnly, &[]).await;
    let finished = printed(&simulator, &["--json", "--system"]).await;
    let objects: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: BTreeSet<&str> = objects
        .iter()
        .flat_map(|object| object["attachments"].as_array().into_iter().flatten())
        .filter_map(|part| part["content"]["contentType"].as_str())
        .collect();
    let expected = [
        "Attachment",
        "ButtonResponse",
        "Card",
        "Carousel",
        "DatePicker",
        "Form",
        "Hologram",
        "InteractiveApplication",
        "ListPicker",
        "Location",
        "Mention",
        "Notification",
        "NotificationResponse",
        "PaymentRequest",
        "PaymentResponse",
        "Push",
        "QuickReply",
        "QuickReplyV2",
        "Reactions",
        "RichLink",
        "RoadsideAssistance",
        "Story",
    ];
    assert_eq!(types.into_iter().collect::<Vec<_>>(), expected);
    let values = |member: &str| -> BTreeSet<String> {
        objects.iter().filter_map(|object| object[member].as_str().map(str::to_owned)).collect()
    };
    let all = |expected: &[&str]| expected.iter().map(|&value| value.to_owned()).collect::<BTreeSet<_>>();
    let statuses = ["delivered", "failed", "published", "queued", "read", "received", "removed", "sent"];
    assert_eq!(values("status"), all(&statuses));
    assert_eq!(values("role"), all(&["agent", "bot", "customer", "system"]));
    assert_eq!(values("media"), all(&["webmessaging"]));
    assert_eq!(values("language"), all(&["en-GB"]));
    let with = |member: &str| objects.iter().filter(|object| object.get(member).is_some()).count();
    assert_eq!((with("edited"), with("reply_to"), with("available")), (1, 1, 0));
    let joined = |object: &&Value| object["text"] == "Sam Okafor joined";
    let update = objects.iter().find(joined).expect("an update");
    assert_eq!((&update["agent"]["name"], &update["queue"]["name"]), (&"Sam Okafor".into(), &"Billing".into()));
}
