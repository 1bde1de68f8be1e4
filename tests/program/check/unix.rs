//! Ends of `check` by a signal, by its reader and by a full device.

use rustix::process::Signal;

use super::SCRIPT;
use crate::support::program::{Running, program, simulator, within_timeout};

#[tokio::test]
async fn a_signal_ends_check_at_once_and_a_closed_pipe_ends_it_with_0() {
    let simulator = simulator(SCRIPT, &["handshake:hang"]).await;
    let running = Running::start(&mut program(&simulator, &["check", "--connect-timeout", "1h"]));
    within_timeout(simulator.wait_for(|log| log.transcript_handshakes.len() == 1)).await;
    running.signal(Signal::TERM);
    let finished = running.finish().await;
    assert_eq!((finished.code, finished.signal), (None, Some(15)), "{}", finished.stdout);
    assert!(finished.stdout.contains("ok    sign-in at "), "finished steps are printed: {}", finished.stdout);

    let mut closed = Running::start(&mut program(&simulator, &["check", "-c", "nonesuch"]));
    drop(closed.stdout.take());
    let finished = closed.finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_74() {
    let simulator = simulator(SCRIPT, &[]).await;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let finished = Running::start(program(&simulator, &["check"]).stdout(full)).finish().await;
    assert_eq!(finished.code, Some(74), "{}", finished.stderr);
    assert!(finished.stderr.contains("cannot write standard output"), "{}", finished.stderr);
}
