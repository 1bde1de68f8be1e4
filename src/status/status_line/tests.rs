//! When something is shown, and what, on a paused clock.

use tokio::time::{advance, timeout};

use super::*;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn pulse() -> Pulse {
    Pulse::new(seconds(20))
}

/// When a line came last, and one on standard error.
type Said = Cell<(Option<Instant>, Option<Instant>)>;

/// What is shown within this time, and how many seconds after its beginning; empty for nothing.
async fn shown(pulse: &Pulse, said: &Said, time: u64) -> Vec<(u64, String)> {
    let (start, shown) = (Instant::now(), RefCell::new(Vec::new()));
    let show = |line: Option<String>| shown.borrow_mut().push((start.elapsed().as_secs(), line.unwrap_or_default()));
    let _ = timeout(seconds(time), pulse.watch(|| pulse.silence(said.get().0, said.get().1), show)).await;
    shown.into_inner()
}

fn owned<const N: usize>(shown: [(u64, &str); N]) -> Vec<(u64, String)> {
    shown.map(|(at, line)| (at, line.to_owned())).to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_shown_after_ten_seconds_and_then_every_five() {
    let pulse = pulse();
    let life = LastActivity::new(Instant::now().into());
    pulse.vital().listens(Some(life));
    let expected = [
        (5, ""),
        (10, "alive, quiet for 10 s; last sign of life 10 s ago"),
        (15, "alive, quiet for 15 s; last sign of life 15 s ago"),
    ];
    assert_eq!(shown(&pulse, &Said::default(), 16).await, owned(expected));
}

#[tokio::test(start_paused = true)]
async fn a_line_ends_the_quiet_and_a_status_line_only_hides_it() {
    let (pulse, said) = (pulse(), Said::default());
    let life = LastActivity::new(Instant::now().into());
    pulse.vital().listens(Some(LastActivity::clone(&life)));
    let talk = async {
        for (after, line) in [(61, false), (22, true)] {
            sleep(seconds(after)).await;
            said.set((line.then(Instant::now), Some(Instant::now())));
            life.set(Instant::now());
        }
        pending::<()>().await;
    };
    let shown = tokio::select! { shown = shown(&pulse, &said, 97) => shown, () = talk => Vec::new() };
    let shown: Vec<_> = shown.into_iter().skip(10).collect();
    let expected = [
        (55, "quiet for 55 s; no sign of life for 55 s"),
        (60, "quiet for 1 min; no sign of life for 1 min"),
        (65, ""),
        (70, ""),
        (71, "alive, quiet for 1 min; last sign of life 10 s ago"),
        (76, "alive, quiet for 1 min; last sign of life 15 s ago"),
        (81, "alive, quiet for 1 min; last sign of life 20 s ago"),
        (86, ""),
        (91, ""),
        (93, "alive, quiet for 10 s; last sign of life 10 s ago"),
    ];
    assert_eq!(shown, owned(expected));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_as_what_it_is() {
    let (pulse, said) = (pulse(), Said::default());
    let vital = pulse.vital();
    advance(QUIET).await;
    let line = || pulse.line(pulse.silence(None, None)).unwrap_or_default();
    assert_eq!(line(), "", "nothing is done yet");
    vital.connects();
    assert_eq!(line(), "connecting");
    vital.waits(false, Some((1, Retries::Limited(5))), seconds(2));
    assert_eq!(line(), "connecting, retry 1 of 5 in 2 s");
    vital.connects();
    assert_eq!(line(), "connecting, retry 1 of 5");
    vital.listens(Some(LastActivity::new(Instant::now().into())));
    assert_eq!(line(), "alive, quiet for 10 s; last sign of life 0 s ago");
    vital.waits(true, Some((2, Retries::Unlimited)), seconds(3));
    let then = shown(&pulse, &said, 11).await;
    assert_eq!(then[1..], owned([(10, "reconnecting, retry 2 in 0 s")]));
    vital.connects();
    assert_eq!(line(), "reconnecting, retry 2");
    vital.leaves();
    assert_eq!(line(), "");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_socket_or_has_left_does_not_count() {
    let pulse = pulse();
    let vitals: Vec<Vital> = (0..4).map(|_| pulse.vital()).collect();
    let (now, earlier) = (Instant::now() + seconds(15), Instant::now());
    advance(seconds(20)).await;
    vitals[0].listens(Some(LastActivity::new(now.into())));
    vitals[1].listens(Some(LastActivity::new(earlier.into())));
    vitals[2].listens(None);
    let line = || pulse.line(pulse.silence(None, None)).unwrap_or_default();
    assert_eq!(line(), "2 connections alive, quiet for 20 s; last signs of life within 20 s");
    vitals[1].leaves();
    assert_eq!(line(), "alive, quiet for 20 s; last sign of life 5 s ago");
}

#[tokio::test(start_paused = true)]
async fn where_no_foot_is_allowed_the_work_is_all_there_is() {
    let (_reader, out) = std::io::pipe().unwrap();
    let writer = crate::output::Writer::spawn(out, 1024).unwrap();
    let work = async {
        sleep(seconds(60)).await;
        7
    };
    let (pulse, stop) = (pulse(), CancellationToken::new());
    assert_eq!(pulse.show(work, (&Stderr::default(), &writer.handle()), &stop).await, 7);
}
