//! The end, and what is none.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_end_is_told_after_one_more_look_some_seconds_later() {
    let mut watch = live();
    let gone = |messages: &[&str]| [person("Ada", "customer", "disconnected", messages)];
    hears(&mut watch, &gone(&["1a"]));
    assert!(watch.is_ending() && !watch.is_caught_up());
    let due = watch.looks.due.expect("a look") - Instant::now();
    assert_eq!(due, Duration::from_secs(3));
    looks(&mut watch, &gone(&["1a"]));
    assert_eq!(told(&mut watch), ["[Ada left]"], "too early a look does not count");
    wait(3000).await;
    looks(&mut watch, &gone(&["1a", "2a"]));
    assert!(told(&mut watch).is_empty());
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 2a", "closed"]);
    looks(&mut watch, &gone(&["1a", "2a"]));
    assert!(told(&mut watch).is_empty(), "once");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_none_is_taken_back() {
    let mut watch = live();
    hears(&mut watch, &[person("Ada", "customer", "disconnected", &[])]);
    wait(3000).await;
    looks(&mut watch, &[person("Ada", "customer", "disconnected", &[]), person("Sam", "agent", "parked", &[])]);
    assert!(!watch.is_ending(), "who is parked may come back");
    assert_eq!(told(&mut watch), ["[Ada left]", "[Sam joined]"]);
}

#[tokio::test(start_paused = true)]
async fn a_customer_who_leaves_only_makes_us_look() {
    let mut watch = live();
    let sam = || person("Sam", "agent", "connected", &[]);
    looks(&mut watch, &[ada(&[]), sam()]);
    for round in 0..2 {
        wait(5000).await;
        hears(&mut watch, &[person("Ada", "customer", "disconnected", &[]), sam()]);
        assert_eq!(watch.looks.due, Some(Instant::now()), "round {round}");
        looks(&mut watch, &[person("Ada", "customer", "disconnected", &[]), sam()]);
        assert!(!watch.is_ending());
        assert_eq!(watch.looks.due, Some(Instant::now() + Duration::from_secs(25)), "once is enough");
        hears(&mut watch, &[person("Ada", "customer", "disconnected", &[]), sam()]);
        assert_eq!(watch.looks.due, Some(Instant::now() + Duration::from_secs(25)));
        hears(&mut watch, &[person("Ada", "customer", "connected", &[]), sam()]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_over_long_ago_is_told_and_done_with() {
    let mut watch = watch();
    let mut over = list(&[person("Ada", "customer", "disconnected", &["1a"])]);
    over.ended_at = Some(at(9));
    watch.see(over, true, unknown);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Startup", "Ada: 1a (old)", ">", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn a_hint_asks_for_a_look_and_a_flood_of_them_for_few() {
    let mut watch = live();
    watch.look_soon();
    assert_eq!(watch.looks.due.expect("a look") - Instant::now(), Duration::from_secs(1));
    wait(1500).await;
    watch.look_soon();
    assert_eq!(watch.looks.due, Some(Instant::now() - Duration::from_millis(500)), "it is due already");
}
