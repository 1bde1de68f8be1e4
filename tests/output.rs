//! Standard output of the built binary: contract section 3.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

use support::program::{run, simulator};

#[tokio::test]
async fn a_conversation_is_printed_line_by_line() {
    let simulator =
        simulator("+0 customer Ada: Hello\n+0 agent Sam: Hi Ada\n+0 system Sam: joined\n+0 update\n+0 close", &[])
            .await;
    let run = run(&simulator, &["--timestamps", "none"]).await;
    let expected = "\
        [Customer] Ada: Hello\n\
        [Agent] Sam: Hi Ada\n\
        [UPDATE] Conversation status changed\n\
        [CLOSED] Conversation terminated\n";
    assert_eq!((run.stdout.as_str(), run.code), (expected, Some(0)), "{}", run.stderr);
}
