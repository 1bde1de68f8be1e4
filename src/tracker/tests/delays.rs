//! The delay of messages and the number of requests, by rate of messages and duration of a request (NTF-14).

use super::*;

/// Messages of one conversation at a steady rate.
#[derive(Debug, Clone, Copy)]
struct Load {
    messages: u32,
    /// The time between two messages.
    interval: Duration,
    /// The duration of a request.
    latency: Duration,
}

/// A load that is being applied.
struct Run {
    load: Load,
    scenario: Scenario,
    start: Instant,
    announced: u32,
    in_flight: VecDeque<(Instant, Request)>,
    requests: usize,
    delays: Vec<Duration>,
}

impl Load {
    /// Returns the median delay in milliseconds, and the number of requests.
    fn run(self) -> (u128, usize) {
        let mut scenario = Scenario::of(Mode::Full, &["c1"]);
        scenario.requests();
        scenario.snapshot("c1", &[customer(&[])]);
        let start = scenario.now.mono;
        let in_flight = VecDeque::new();
        let mut run = Run { load: self, scenario, start, announced: 0, in_flight, requests: 0, delays: Vec::new() };
        while run.delays.len() < self.messages as usize {
            run.step();
        }
        run.delays.sort_unstable();
        (run.delays[run.delays.len() / 2].as_millis(), run.requests)
    }
}

impl Run {
    /// Advances to the next event.
    fn step(&mut self) {
        let announcement = (self.announced < self.load.messages).then(|| self.sent_at(self.announced));
        let response = self.in_flight.front().map(|(at, _)| *at);
        let request = self.scenario.tracker.poll_timeout(self.scenario.now.mono, Lane::All);
        let next = [announcement, response, request].into_iter().flatten().min().expect("an event");
        self.advance_to(next);
        if announcement.is_some_and(|at| at <= next) {
            self.scenario.notify(notification("c1", &[customer(&[&self.announced.to_string()])]));
            self.announced += 1;
        }
        if response.is_some_and(|at| at <= next) {
            self.respond();
        }
        let requests = self.scenario.requests();
        self.requests += requests.len();
        let arrival = self.scenario.now.mono + self.load.latency;
        self.in_flight.extend(requests.into_iter().map(|request| (arrival, request)));
        for event in self.scenario.events() {
            let number = event.trim_start_matches("c1: ").parse().expect("a number");
            self.delays.push(self.scenario.now.mono - self.sent_at(number));
        }
    }

    fn sent_at(&self, number: u32) -> Instant {
        self.start + self.load.interval * number
    }

    fn advance_to(&mut self, next: Instant) {
        let now = self.scenario.now;
        let elapsed = next.saturating_duration_since(now.mono);
        self.scenario.now = Now { mono: now.mono + elapsed, wall: now.wall + elapsed };
    }

    fn respond(&mut self) {
        match self.in_flight.pop_front() {
            Some((_, Request::Messages { ids, .. })) => {
                self.scenario.bodies("c1", &ids.iter().map(String::as_str).collect::<Vec<_>>());
            }
            _ => self.scenario.snapshot("c1", &[customer(&[])]),
        }
    }
}

#[test]
fn delays_are_one_request_when_quiet_and_requests_are_few_under_load() {
    // Messages, their distance, the duration of a request → the median delay, requests. Times are in milliseconds.
    let table = [
        ((20, 2000, 50), (50, 22)),
        ((60, 333, 50), (50, 61)),
        ((60, 200, 50), (50, 60)),
        ((200, 50, 20), (110, 56)),
        ((200, 50, 50), (140, 56)),
        ((200, 50, 100), (190, 56)),
        ((200, 50, 300), (450, 35)),
        ((1000, 10, 50), (140, 56)),
        ((1000, 1, 50), (139, 8)),
    ];
    let outcome = table.map(|((messages, interval, latency), _)| {
        let [interval, latency] = [interval, latency].map(Duration::from_millis);
        Load { messages, interval, latency }.run()
    });
    assert_eq!(outcome, table.map(|(_, expected)| expected));
}
