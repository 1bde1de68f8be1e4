//! What was said before, and in what order the rest comes.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_was_there_is_told_at_once_and_in_order_and_what_comes_later_after_it() {
    let mut watch = watch();
    assert!(!watch.is_seen() && watch.is_reading());
    looks(&mut watch, &[ada(&["3a", "1a"]), person("Sam", "agent", "connected", &["2a"])]);
    assert!(watch.is_seen() && watch.is_reading());
    let asked = watch.request().expect("words to ask for");
    assert_eq!(asked, ["1a", "2a", "3a"]);
    // It was heard of after everything was listed: it holds back nothing, and is no history.
    hears(&mut watch, &[ada(&["3a", "1a", "0z"]), person("Noor", "agent", "connected", &["9a"])]);
    watch.fetched(words(&["2a", "3a", "1a"]));
    assert_eq!(told(&mut watch), ["<Startup", "Ada: 1a (old)", "Sam: 2a (old)", "Ada: 3a (old)", ">", "[Noor joined]"]);
    wait(250).await;
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["Ada: 0z", "Noor: 9a"]);
    assert!(watch.is_caught_up());
}

#[tokio::test(start_paused = true)]
async fn a_long_past_is_read_in_pieces_and_told_in_one() {
    let mut watch = watch();
    let ids: Vec<String> = (0..450).map(|number| format!("{number}a")).collect();
    looks(&mut watch, &[ada(&ids.iter().map(String::as_str).collect::<Vec<_>>())]);
    for size in [200, 200, 50] {
        assert!(told(&mut watch).is_empty());
        // A flood of new messages does not put off the end of the old ones.
        hears(&mut watch, &[ada(&[&format!("{}n", 500 + size)])]);
        let sizes: Vec<usize> = fetch(&mut watch).iter().map(Vec::len).collect();
        assert_eq!(sizes, [size]);
        wait(250).await;
    }
    let lines = told(&mut watch);
    assert_eq!((lines.len(), lines[1].as_str(), lines[450].as_str()), (452, "Ada: 0a (old)", "Ada: 449a (old)"));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_new_enough_is_wanted_of_the_past() {
    let none = Some(DateTime::<Utc>::MAX_UTC);
    for (since, wanted) in [(Some(at(2)), &["Ada: 2a (old)", "Ada: 3a (old)"][..]), (none, &[])] {
        let mut watch = Conversation::new("c1".into(), Mode::Full, since, BackfillReason::Startup);
        looks(&mut watch, &[ada(&["1a", "2a", "3a"])]);
        fetch(&mut watch);
        let lines = told(&mut watch);
        assert_eq!(lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default(), wanted);
        // Later on, age is no reason.
        wait(250).await;
        hears(&mut watch, &[ada(&["1a", "1b"])]);
        fetch(&mut watch);
        assert_eq!(told(&mut watch), ["Ada: 1b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_conversation_that_has_just_begun_gets_all_of_it_as_it_happens() {
    let mut watch = Conversation::new("c1".into(), Mode::Full, None, BackfillReason::Joined);
    looks(&mut watch, &[ada(&["1a", "2a"])]);
    fetch(&mut watch);
    assert_eq!(told(&mut watch), ["<Joined", "Ada: 1a", "Ada: 2a", ">"]);
}
