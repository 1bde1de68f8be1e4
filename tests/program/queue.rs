//! A queue at work: the script `queue` of the simulator, and the status lines about what is followed (TGT-13, SIM-4).

use genesys_tail::simulator::{Options, Script, Simulator, Sources};
use rustix::process::Signal;

use crate::support::program::{Finished, Running, program};

/// The conversations of the script, in the order in which they are joined or transferred.
const CUSTOMERS: [&str; 5] = ["Ada Marlow", "Casey Lind", "Ravi Menon", "Mia Sato", "Tom Weber"];

/// Starts a simulator that plays the script `queue` ten times a second.
async fn busy_queue() -> Simulator {
    let mut scripts = Script::load("queue").unwrap();
    let conversations = Options::conversation_ids(scripts.len());
    let (script, more_scripts) = (scripts.remove(0), scripts);
    let sources = Sources::NotificationsOnly;
    let options = Options { script, more_scripts, conversations, sources, rate: Some(10.0), ..Options::default() };
    Simulator::start(options).await.unwrap()
}

/// Follows the queue until the last of its conversations has ended.
async fn follow(simulator: &Simulator, args: &[&str]) -> Finished {
    let mut command = program(simulator, &[&["--queue", "billing", "--timestamps", "none"], args].concat());
    let mut running = Running::start(&mut command);
    for id in Options::conversation_ids(CUSTOMERS.len()) {
        running.wait_for_stderr(&format!("ended {id}: ")).await;
    }
    running.signal(Signal::INT);
    running.finish().await
}

#[tokio::test]
async fn a_queue_is_followed_while_conversations_begin_and_one_is_transferred_in() {
    let simulator = busy_queue().await;
    assert!(simulator.dotenv().ends_with("_ID=85c0155f-3d3a-4c1b-9f0e-5a1d7e2b4c60\n"), "{}", simulator.dotenv());
    let finished = follow(&simulator, &[]).await;
    let stderr = &finished.stderr;
    let queue = Simulator::queue_id("Billing");
    let following = format!("genesys-tail: following queue Billing ({queue}): 1 open conversation\n");
    assert!(stderr.contains(&following), "{stderr}");
    for (index, (id, customer)) in Options::conversation_ids(CUSTOMERS.len()).iter().zip(CUSTOMERS).enumerate() {
        let medium = if customer == "Ravi Menon" { "call" } else { "web messaging" };
        let described = format!("{id}: {customer}, {medium}, queue Billing\n");
        // The first one is open at the start, which only a debug line says.
        let joined = format!("genesys-tail: joined {described}");
        assert_eq!(stderr.matches(&joined).count(), usize::from(index > 0), "{joined}{stderr}");
        assert_eq!(stderr.matches(&format!("genesys-tail: ended {described}")).count(), 1, "{described}{stderr}");
        assert_eq!(finished.stdout.matches(&format!("{} [CLOSED]", &id[..8])).count(), 1, "{}", finished.stdout);
    }
    let transferred = &Options::conversation_ids(5)[4][..8];
    let history = format!("{transferred} [Customer] Tom Weber: My parcel arrived, but the bill is wrong.\n");
    assert!(finished.stdout.contains(&history), "{}", finished.stdout);
}

#[tokio::test]
async fn json_status_lines_name_the_conversation_of_a_join_and_an_end() {
    let simulator = busy_queue().await;
    let finished = follow(&simulator, &["--log-format", "json"]).await;
    let lines: Vec<serde_json::Value> =
        finished.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for verb in ["joined", "ended"] {
        let id = &Options::conversation_ids(5)[1];
        let message = format!("{verb} {id}: Casey Lind, web messaging, queue Billing");
        let line =
            lines.iter().find(|line| line["message"] == *message).unwrap_or_else(|| panic!("{message}: {lines:?}"));
        assert_eq!(line["conversation"], **id);
    }
}
