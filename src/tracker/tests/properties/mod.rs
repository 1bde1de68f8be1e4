//! Random sequences of inputs, against a small model of the service.

mod model;
mod service;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use self::model::Model;
use super::*;

#[derive(Debug, Clone)]
struct Setup {
    mode: Mode,
    /// Only the first conversation is named; the second one belongs to a queue.
    follows_queue: bool,
    has_channel: bool,
}

#[derive(Debug, Clone)]
enum Step {
    /// Participants send messages.
    Send {
        conversation: Index,
        count: usize,
    },
    /// All participants leave.
    End {
        conversation: Index,
    },
    /// A notification lists some messages; with `is_old`, in the state before the end.
    Notify {
        conversation: Index,
        from: Index,
        count: usize,
        is_old: bool,
    },
    /// The caller starts all requests that are due.
    StartRequests,
    /// A request in flight ends.
    Respond {
        request: Index,
        kind: ResponseKind,
    },
    /// A new connection replaces a lost one, and then this many rounds of requests fail.
    Reconnect {
        failures: usize,
    },
    OpenSocket,
    Wait {
        milliseconds: u64,
    },
}

#[derive(Debug, Clone)]
enum ResponseKind {
    /// The state of now.
    Complete,
    /// The state of the moment when the request was sent.
    Late,
    /// Some bodies are missing, and some have no text yet.
    Partial {
        missing: u8,
        empty: u8,
    },
    Unavailable,
    RateLimited,
    /// This error, unless the tracker takes it for a refusal: then the service is unavailable.
    NotFound,
    Unexpected,
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, rng_seed: RngSeed::Fixed(0), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_message_is_emitted_once_and_each_gap_is_an_outage(setup in setup(), steps in vec(step(), 0..60)) {
        let model = run(&setup, &steps);
        model.assert_each_message_was_emitted_once();
        model.assert_each_gap_is_an_outage();
        model.assert_the_end_is_the_last_event();
        let repetition = run(&setup, &steps).log;
        let difference = repetition.iter().zip(&model.log).find(|(one, other)| one != other);
        assert_eq!((difference, repetition.len()), (None, model.log.len()), "equal inputs have equal outputs");
    }
}

fn setup() -> impl Strategy<Value = Setup> {
    let full = (any::<bool>(), any::<bool>()).prop_map(|(follows_queue, has_channel)| Setup {
        mode: Mode::Full,
        follows_queue,
        has_channel,
    });
    let history = Just(Setup { mode: Mode::HistoryOnly, follows_queue: false, has_channel: false });
    prop_oneof![3 => full, 1 => history]
}

fn step() -> impl Strategy<Value = Step> {
    let conversation = any::<Index>;
    prop_oneof![
        5 => (conversation(), 1..4usize).prop_map(|(conversation, count)| Step::Send { conversation, count }),
        1 => conversation().prop_map(|conversation| Step::End { conversation }),
        4 => (conversation(), any::<Index>(), 0..4usize, any::<bool>())
            .prop_map(|(conversation, from, count, is_old)| Step::Notify { conversation, from, count, is_old }),
        8 => Just(Step::StartRequests),
        8 => (any::<Index>(), response_kind()).prop_map(|(request, kind)| Step::Respond { request, kind }),
        2 => prop_oneof![3 => Just(0), 1 => 1..8usize].prop_map(|failures| Step::Reconnect { failures }),
        1 => Just(Step::OpenSocket),
        4 => prop_oneof![0..1000_u64, 0..30_000_u64].prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

fn response_kind() -> impl Strategy<Value = ResponseKind> {
    prop_oneof![
        3 => Just(ResponseKind::Complete),
        2 => Just(ResponseKind::Late),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(missing, empty)| ResponseKind::Partial { missing, empty }),
        2 => Just(ResponseKind::Unavailable),
        1 => Just(ResponseKind::NotFound),
        1 => Just(ResponseKind::Unexpected),
        1 => Just(ResponseKind::RateLimited),
    ]
}

fn run(setup: &Setup, steps: &[Step]) -> Model {
    let mut model = Model::new(setup);
    for step in steps {
        model.step(step);
    }
    model.settle();
    model
}
