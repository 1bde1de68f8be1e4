//! A queue in which conversations begin, into which they are transferred, and the status lines about them (TGT-13, SIM-5).

use genesys_tail::simulator::{Options, Simulator, Sources};

use crate::support::program::{Finished, Running, program};

/// A conversation that begins when the test plays the line.
const MESSAGES: &str = "+3600 begin\ncustomer Casey Lind: never";
const CALL: &str = "+3600 begin\ncall\ncustomer Ravi Menon: never";

/// The conversations, what is said to begin them, and their descriptions.
const CONVERSATIONS: [(&[&str], &str); 4] = [
    (&["update queue=Billing", "customer Ada Marlow: hello"], "Ada Marlow, web messaging, queue Billing"),
    (&["begin", "update queue=Billing", "customer Casey Lind: hello"], "Casey Lind, web messaging, queue Billing"),
    (&["begin", "call", "update queue=Billing", "join agent Lee Chen"], "Ravi Menon, call, queue Billing"),
    (
        &["begin", "update queue=Delivery", "customer Casey Lind: before", "update queue=Billing", "agent Sam: hi"],
        "Casey Lind, web messaging, queue Billing",
    ),
];

async fn play(simulator: &Simulator, index: usize, lines: &[&str]) -> String {
    let id = Options::conversation_ids(CONVERSATIONS.len()).remove(index);
    for line in lines {
        simulator.conversation(&id).unwrap().play(line).await.unwrap();
    }
    id
}

/// Follows a queue in which one conversation is open and the others begin, until all have ended.
async fn follow(args: &[&str]) -> Finished {
    let script = "+3600 customer Ada Marlow: never".parse().unwrap();
    let more_scripts = [MESSAGES, CALL, MESSAGES].map(|script| script.parse().unwrap()).to_vec();
    let conversations = Options::conversation_ids(CONVERSATIONS.len());
    let sources = Sources::NotificationsOnly;
    let options = Options { script, more_scripts, conversations, sources, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let id = play(&simulator, 0, CONVERSATIONS[0].0).await;
    assert!(simulator.dotenv().ends_with(&format!("_CONVERSATION_ID={id}\n")), "{}", simulator.dotenv());
    let arguments = [&["--queue", "billing", "--timestamps", "none"], args].concat();
    let mut running = Running::start(&mut program(&simulator, &arguments));
    running.wait_for_stderr("following queue Billing").await;
    for (index, (lines, _)) in CONVERSATIONS.iter().enumerate().skip(1) {
        let id = play(&simulator, index, lines).await;
        running.wait_for_stderr(&format!("joined {id}: ")).await;
    }
    for index in 0..CONVERSATIONS.len() {
        let id = play(&simulator, index, &["close"]).await;
        running.wait_for_stderr(&format!("ended {id}: ")).await;
    }
    running.stop().await
}

#[tokio::test]
async fn a_queue_is_followed_while_conversations_begin_and_one_is_transferred_in() {
    let finished = follow(&[]).await;
    let stderr = &finished.stderr;
    let queue = Simulator::queue_id("Billing");
    let following = format!("genesys-tail: following queue Billing ({queue}): 1 open conversation\n");
    assert!(stderr.contains(&following), "{stderr}");
    let ids = Options::conversation_ids(CONVERSATIONS.len());
    for (index, (id, (_, description))) in ids.iter().zip(CONVERSATIONS).enumerate() {
        // The first one is open at the start, which only a debug line says.
        let joined = format!("genesys-tail: joined {id}: {description}\n");
        assert_eq!(stderr.matches(&joined).count(), usize::from(index > 0), "{joined}{stderr}");
        assert!(stderr.contains(&format!("genesys-tail: ended {id}: {description}\n")), "{description}{stderr}");
        assert_eq!(finished.stdout.matches(&format!("{} [CLOSED]", &id[..8])).count(), 1, "{}", finished.stdout);
    }
    let history = format!("{} [Customer] Casey Lind: before\n", &ids[3][..8]);
    assert!(finished.stdout.contains(&history), "{}", finished.stdout);
}

#[tokio::test]
async fn json_status_lines_name_the_conversation_of_a_join_and_an_end() {
    let finished = follow(&["--log-format", "json"]).await;
    let lines: Vec<serde_json::Value> =
        finished.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (id, description) = (&Options::conversation_ids(2)[1], CONVERSATIONS[1].1);
    for verb in ["joined", "ended"] {
        let message = format!("{verb} {id}: {description}");
        let line = lines.iter().find(|line| line["message"] == *message);
        assert_eq!(line.map(|line| &line["conversation"]), Some(&id.as_str().into()), "{message}: {lines:?}");
    }
}
