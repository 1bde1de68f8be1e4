//! What was missed while there was no connection.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_in_order_before_anything_newer() {
    let mut watch = live();
    watch.resume(&loss(5));
    assert_eq!(watch.looks.due, Some(Instant::now()));
    hears(&mut watch, &[ada(&["9a"])]);
    wait(250).await;
    fetch(&mut watch);
    assert!(told(&mut watch).is_empty(), "it may not be the first that was missed");
    looks(&mut watch, &[ada(&["1a", "7a", "6a", "9a"]), person("Sam", "agent", "connected", &["8a"])]);
    wait(250).await;
    fetch(&mut watch);
    let missed = ["<Outage", "[Sam joined]", "Ada: 6a (old)", "Ada: 7a (old)", "Sam: 8a (old)", "Ada: 9a (old)", ">"];
    assert_eq!(told(&mut watch), missed);
    watch.resume(&loss(20));
    looks(&mut watch, &[ada(&["1a", "7a", "6a", "9a"])]);
    assert!(told(&mut watch).is_empty() && watch.is_caught_up(), "nothing was missed");
}

#[tokio::test(start_paused = true)]
async fn what_was_wanted_before_a_loss_comes_before_what_was_missed() {
    for under_way in [false, true] {
        let mut watch = live();
        wait(250).await;
        hears(&mut watch, &[ada(&["2a"])]);
        let asked = under_way.then(|| watch.request().expect("a request"));
        watch.resume(&loss(5));
        looks(&mut watch, &[ada(&["1a", "2a", "6a"])]);
        if asked.is_some() {
            watch.fetched(words(&["2a"]));
            wait(250).await;
        }
        fetch(&mut watch);
        assert_eq!(told(&mut watch), ["<Outage", "Ada: 2a", "Ada: 6a (old)", ">"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_from_before_the_loss_does_not_end_the_search() {
    let mut watch = live();
    watch.begin_look(Duration::from_secs(25));
    watch.resume(&loss(5));
    watch.see(list(&[ada(&["1a"])]), true, unknown);
    assert!(watch.is_recovering());
    looks(&mut watch, &[ada(&["1a", "6a"])]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Outage", "Ada: 6a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_before_the_past_was_read_changes_nothing_about_it() {
    let mut watch = watch();
    looks(&mut watch, &[ada(&["1a"])]);
    watch.request().expect("a request");
    watch.fetch_failed();
    watch.resume(&loss(5));
    wait(250).await;
    looks(&mut watch, &[ada(&["1a", "6a"])]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Startup", "Ada: 1a (old)", "Ada: 6a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn words_that_come_are_no_patience_with_looks_that_fail() {
    let mut watch = live();
    watch.look_failed(Instant::now());
    watch.resume(&loss(5));
    for failures in 1..=6 {
        assert_eq!(watch.failures(), failures - 1);
        watch.begin_look(Duration::from_secs(25));
        watch.look_failed(Instant::now());
        hears(&mut watch, &[ada(&[&format!("{failures}b")])]);
        wait(250).await;
        fetch(&mut watch);
    }
    assert_eq!(watch.failures(), 6);
    watch.despair();
    let told = told(&mut watch);
    assert_eq!((told.len(), told[0].as_str(), told[1].as_str()), (9, "gap from 5", "<Outage"));
}

#[tokio::test(start_paused = true)]
async fn a_past_that_cannot_be_had_is_one_gap_a_loss() {
    let mut watch = watch_of(Mode::HistoryOnly);
    watch.despair();
    assert!(told(&mut watch).is_empty() && !watch.is_reading(), "none at the start");
    for second in [5, 10] {
        watch.resume(&loss(second));
        watch.despair();
        watch.despair();
        assert_eq!(told(&mut watch), [format!("gap from {second}")]);
    }
    assert_eq!(watch.looks.due, None, "told later, it would stand among newer messages");
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_hope_was_lost_comes_after_the_gap_and_the_rest_with_the_next() {
    let mut watch = watch_of(Mode::HistoryOnly);
    looks(&mut watch, &[ada(&[])]);
    watch.resume(&loss(5));
    let mut ids: Vec<String> = (6..206).map(|number| format!("{number}a")).collect();
    ids.push("300a".into());
    looks(&mut watch, &[ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())]);
    watch.request().expect("the first two hundred");
    watch.fetched(words(&ids[..200].iter().map(String::as_str).collect::<Vec<_>>()));
    watch.despair();
    let lines = told(&mut watch);
    assert_eq!((lines.len(), &lines[..3]), (203, &["gap from 5".into(), "<Outage".into(), "Ada: 6a (old)".into()][..]));
    assert!(watch.fetch_due().is_none(), "what is told later than the gap is told in disorder");
    watch.resume(&loss(400));
    looks(&mut watch, &[ada(&["300a", "401a"])]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Outage", "Ada: 300a (old)", "Ada: 401a (old)", ">"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_start_is_not_missed_in_a_later_loss() {
    let mut watch = watch_of(Mode::HistoryOnly);
    watch.despair();
    watch.resume(&loss(5));
    let mut ada = ada(&["1a", "2a"]);
    ada["messages"][1]["messageTime"] = json!(Utc::now() + chrono::TimeDelta::seconds(1));
    looks(&mut watch, &[ada]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Outage", "Ada: 2a (old)", ">"]);
}
