//! The status text of the service: the state of the connections, sent to the service manager at every change (SVC-1).

use std::cell::RefCell;

use super::connection_status::ConnectionStatus;
use super::logging::Log;
use super::work::Work;
use crate::output::escape::escape;
use crate::status::redact::Secrets;
use crate::system::service_manager::ServiceManager;

/// The event after which the service is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// The first connection is open.
    Connected,
    /// The service has answered a request. For a run that opens no connection.
    Answered,
}

/// Tells the service manager about the connections of a run.
#[derive(Debug)]
pub(crate) struct ServiceStatus {
    manager: ServiceManager,
    secrets: Secrets,
    readiness: Readiness,
    /// The text that was sent last.
    sent: RefCell<String>,
}

impl ServiceStatus {
    pub(crate) fn new(log: &Log, readiness: Readiness) -> Self {
        Self { manager: log.service.clone(), secrets: log.secrets.clone(), readiness, sent: RefCell::default() }
    }

    /// Sends the state of these connections and tasks, unless its text is that of the last call.
    pub(super) fn update(&self, connections: &[ConnectionStatus], work: &[Work]) {
        if self.is_ready(connections, work) {
            self.manager.report_ready();
        }
        let Some(text) = describe(connections, work) else { return };
        if *self.sent.borrow() != text {
            self.manager.report_status(&escape(&self.secrets.redact(&text)));
            self.sent.replace(text);
        }
    }

    fn is_ready(&self, connections: &[ConnectionStatus], work: &[Work]) -> bool {
        match self.readiness {
            Readiness::Connected => connections.iter().any(|connection| peer(connection).is_some()),
            Readiness::Answered => work.iter().any(|work| matches!(work, Work::ReadingHistory { listed: 1.., .. })),
        }
    }
}

/// Returns the text about these connections and tasks; `None` if nothing is active.
fn describe(connections: &[ConnectionStatus], work: &[Work]) -> Option<String> {
    let active: Vec<&ConnectionStatus> =
        connections.iter().filter(|status| **status != ConnectionStatus::Idle).collect();
    match active[..] {
        [] => work.iter().any(|work| *work != Work::None).then(|| "reading history".to_owned()),
        [connection] => describe_one(connection),
        _ => Some(summarize(&active)),
    }
}

/// A connection that the server has not accepted yet is still connecting, or reconnecting.
fn describe_one(connection: &ConnectionStatus) -> Option<String> {
    match connection {
        ConnectionStatus::Idle | ConnectionStatus::Connected { peer: None, .. } => None,
        ConnectionStatus::Connecting(attempt) | ConnectionStatus::Retrying { attempt, .. } => Some(attempt.to_string()),
        ConnectionStatus::Connected { peer: Some(peer), .. } => Some(format!("connected to {peer}")),
    }
}

/// Returns the number of connections in each state.
fn summarize(connections: &[&ConnectionStatus]) -> String {
    let all = connections.len();
    let connected = connections.iter().filter(|connection| peer(connection).is_some()).count();
    let reconnecting = connections.iter().filter(|connection| is_reconnecting(connection)).count();
    let states = [(reconnecting, "reconnecting"), (all - connected - reconnecting, "connecting")];
    let states = states.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!(", {count} {state}"));
    let others: String = states.collect();
    if others.is_empty() { format!("{all} connected") } else { format!("{connected} of {all} connected{others}") }
}

fn peer(connection: &ConnectionStatus) -> Option<&str> {
    match connection {
        ConnectionStatus::Connected { peer, .. } => peer.as_deref(),
        _ => None,
    }
}

fn is_reconnecting(connection: &ConnectionStatus) -> bool {
    match connection {
        ConnectionStatus::Connecting(attempt) | ConnectionStatus::Retrying { attempt, .. } => attempt.is_reconnect,
        ConnectionStatus::Idle | ConnectionStatus::Connected { .. } => false,
    }
}

#[cfg(test)]
// Windows has no systemd.
#[cfg(unix)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use secrecy::SecretString;
    use tokio::time::Instant;

    use super::*;
    use crate::config::{LogFormat, Retries};
    use crate::status::connection_status::{Attempt, RetryCount};
    use crate::status::log_line::LineStyle;
    use crate::system::last_activity::LastActivity;

    fn open() -> ConnectionStatus {
        ConnectionStatus::connected(Some(LastActivity::new(Instant::now())))
    }

    fn connected() -> ConnectionStatus {
        open().accepted_by(&"api.example (transcript)")
    }

    fn reconnecting(number: u32) -> ConnectionStatus {
        let retry = Some(RetryCount { number, limit: Retries::Limited(5) });
        let attempt = Attempt { is_reconnect: true, retry };
        ConnectionStatus::Retrying { attempt, at: Instant::now() }
    }

    #[test]
    fn connections_are_described_without_times() {
        let connecting = ConnectionStatus::Connecting(Attempt::default());
        let reading = Work::ReadingHistory { read: 1, listed: 2 };
        for (connections, work, expected) in [
            (vec![], vec![], None),
            (vec![ConnectionStatus::Idle], vec![Work::None], None),
            (vec![ConnectionStatus::Idle], vec![reading], Some("reading history")),
            (vec![connecting.clone()], vec![], Some("connecting")),
            (vec![open()], vec![], None),
            (vec![connected()], vec![reading], Some("connected to api.example (transcript)")),
            (vec![ConnectionStatus::Idle, reconnecting(2)], vec![], Some("reconnecting, retry 2 of 5")),
            (vec![connected(), connected()], vec![], Some("2 connected")),
            (
                vec![connected(), reconnecting(1), connecting, open()],
                vec![],
                Some("1 of 4 connected, 1 reconnecting, 2 connecting"),
            ),
        ] {
            assert_eq!(describe(&connections, &work).as_deref(), expected, "{connections:?}");
        }
    }

    /// Returns a status with a stand-in for the service manager.
    fn service(readiness: Readiness) -> (ServiceStatus, impl Fn() -> Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut log = Log::new(LogFormat::Text, LineStyle::default());
        log.service = ServiceManager::from_variables(&[("NOTIFY_SOCKET".into(), path.into())]);
        log.secrets.add_token(&SecretString::from("hunter2"));
        let messages = move || {
            let _folder = &folder;
            let mut buffer = [0; 4096];
            let receive = || socket.recv(&mut buffer).map(|length| String::from_utf8_lossy(&buffer[..length]).into());
            std::iter::repeat_with(receive).map_while(Result::ok).collect()
        };
        (ServiceStatus::new(&log, readiness), messages)
    }

    #[test]
    fn each_change_is_sent_once_and_the_first_open_connection_is_the_start() {
        let (service, messages) = service(Readiness::Connected);
        for connection in [
            ConnectionStatus::Idle,
            open(),
            connected(),
            connected(),
            reconnecting(1),
            ConnectionStatus::Idle,
            connected(),
        ] {
            service.update(&[connection], &[]);
        }
        let up = "STATUS=connected to api.example (transcript)";
        assert_eq!(messages(), ["READY=1", up, "STATUS=reconnecting, retry 1 of 5", up]);
    }

    #[test]
    fn without_a_connection_the_first_answer_is_the_start() {
        let (service, messages) = service(Readiness::Answered);
        service.update(&[ConnectionStatus::Idle], &[Work::ReadingHistory { read: 0, listed: 0 }]);
        assert_eq!(messages(), ["STATUS=reading history"]);
        service.update(&[ConnectionStatus::Idle], &[Work::ReadingHistory { read: 0, listed: 1 }]);
        assert_eq!(messages(), ["READY=1"]);
    }

    #[test]
    fn a_text_holds_no_secret_and_no_line_break() {
        let (service, messages) = service(Readiness::Connected);
        service.update(&[open().accepted_by(&"hunter2\nWATCHDOG=1")], &[]);
        assert_eq!(messages(), ["READY=1", "STATUS=connected to [redacted]\\nWATCHDOG=1"]);
    }
}
