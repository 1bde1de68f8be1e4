//! The notifications of systemd: state, status text and watchdog of the service, sent to `NOTIFY_SOCKET` (SVC-1, SVC-2).
//!
//! A notification never blocks and never fails the run: what the service manager does not take is dropped.

use std::ffi::{OsStr, OsString};
use std::future::pending;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::system::io_error;

/// The shortest time limit of the watchdog. Timers are no finer than 1 ms.
const MIN_WATCHDOG_TIMEOUT: Duration = Duration::from_millis(2);

/// The service manager that started this process, if there is one. Clones share its state.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceManager(Option<Arc<Service>>);

#[derive(Debug)]
struct Service {
    address: OsString,
    /// The connected socket; `None` if the service manager cannot be reached.
    socket: OnceLock<Option<UnixDatagram>>,
    is_ready: AtomicBool,
    is_stopping: AtomicBool,
    /// The time within which the service manager expects a report of progress.
    watchdog_timeout: Option<Duration>,
}

/// Tells the service manager in regular intervals that this process makes progress.
#[derive(Debug)]
pub(crate) struct Watchdog {
    interval: Option<Interval>,
    manager: ServiceManager,
}

impl ServiceManager {
    /// Returns the service manager that these variables of the process name.
    pub(crate) fn from_variables(variables: &[(OsString, OsString)]) -> Self {
        let value = |name| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str());
        let address = value("NOTIFY_SOCKET").filter(|address| !address.is_empty());
        Self(address.map(|address| {
            Arc::new(Service {
                address: address.to_owned(),
                socket: OnceLock::new(),
                is_ready: AtomicBool::new(false),
                is_stopping: AtomicBool::new(false),
                watchdog_timeout: watchdog_timeout(value("WATCHDOG_USEC"), value("WATCHDOG_PID")),
            })
        }))
    }

    /// Reports that the service is up. Only the first call has an effect.
    pub(crate) fn report_ready(&self) {
        if let Some(service) = &self.0
            && !service.is_ready.swap(true, Ordering::Relaxed)
        {
            service.send("READY=1");
        }
    }

    /// Reports the state of the service in one line, until it begins to end.
    pub(crate) fn report_status(&self, text: &str) {
        if let Some(service) = &self.0
            && !service.is_stopping.load(Ordering::Relaxed)
        {
            service.send(&format!("STATUS={text}"));
        }
    }

    /// Reports that the service begins to end. Only the first call has an effect.
    pub(crate) fn report_stopping(&self) {
        if let Some(service) = &self.0
            && !service.is_stopping.swap(true, Ordering::Relaxed)
        {
            service.send("STOPPING=1\nSTATUS=stopping");
        }
    }

    /// Starts the watchdog, which does nothing if the service manager wants none.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub(crate) fn start_watchdog(&self) -> Watchdog {
        let timeout = self.0.as_ref().and_then(|service| service.watchdog_timeout);
        let interval = timeout.map(|timeout| {
            let mut interval = interval(timeout / 2);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Watchdog { interval, manager: self.clone() }
    }
}

impl Watchdog {
    /// Waits for the next half of the interval and reports progress. The loop that makes the progress has to poll this
    /// itself: a loop that is blocked then reports none. Cancel safe.
    pub(crate) async fn tick(&mut self) {
        let Some(interval) = &mut self.interval else { return pending().await };
        interval.tick().await;
        if let Some(service) = &self.manager.0 {
            service.send("WATCHDOG=1");
        }
    }
}

impl Service {
    fn send(&self, message: &str) {
        if let Some(socket) = self.socket.get_or_init(|| self.connect())
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::debug!("the service manager did not take a notification: {}", io_error::describe(&error));
        }
    }

    fn connect(&self) -> Option<UnixDatagram> {
        let socket = connect(&self.address);
        if let Err(error) = &socket {
            let (address, reason) = (self.address.display(), io_error::describe(error));
            tracing::debug!("cannot notify the service manager at {address}: {reason}");
        }
        socket.ok()
    }
}

/// Connects to a path, or to an abstract address that starts with `@`.
fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes() {
        [b'@', name @ ..] => abstract_address(name)?,
        [b'/', ..] => SocketAddr::from_pathname(address)?,
        _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "not a path and not an abstract address")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;

    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns the time limit of the watchdog, if it is meant for this process.
fn watchdog_timeout(microseconds: Option<&OsStr>, process: Option<&OsStr>) -> Option<Duration> {
    let number = |value: &OsStr| value.to_str()?.trim().parse::<u64>().ok();
    if process.is_some_and(|process| number(process) != Some(process::id().into())) {
        return None;
    }
    let timeout = Duration::from_micros(number(microseconds?)?);
    (timeout >= MIN_WATCHDOG_TIMEOUT).then_some(timeout)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::time::{Instant, advance};

    use super::*;

    /// A stand-in for the service manager.
    struct Receiver {
        socket: UnixDatagram,
        _folder: TempDir,
        variables: Vec<(OsString, OsString)>,
    }

    impl Receiver {
        fn new(more: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            let more = more.iter().map(|(name, value)| (name.into(), value.into()));
            let variables = [("NOTIFY_SOCKET".into(), path.into_os_string())].into_iter().chain(more).collect();
            Self { socket, _folder: folder, variables }
        }

        fn manager(&self) -> ServiceManager {
            ServiceManager::from_variables(&self.variables)
        }

        /// Returns the messages that have arrived.
        fn messages(&self) -> Vec<String> {
            let mut buffer = [0; 4096];
            let receive =
                || self.socket.recv(&mut buffer).map(|length| String::from_utf8_lossy(&buffer[..length]).into());
            std::iter::repeat_with(receive).map_while(Result::ok).collect()
        }
    }

    #[test]
    fn ready_and_stopping_are_reported_once() {
        let receiver = Receiver::new(&[]);
        let manager = receiver.manager();
        for manager in [&manager, &manager.clone()] {
            manager.report_ready();
            manager.report_status("connected to a.example (transcript)");
            manager.report_stopping();
        }
        let expected = ["READY=1", "STATUS=connected to a.example (transcript)", "STOPPING=1\nSTATUS=stopping"];
        assert_eq!(receiver.messages(), expected);
    }

    // Only Linux has abstract addresses.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_address_starts_with_an_at_sign() {
        use std::os::linux::net::SocketAddrExt as _;

        let name = format!("genesys-tail-test-{}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let variables = [("NOTIFY_SOCKET".into(), format!("@{name}").into())];
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        ServiceManager::from_variables(&variables).report_ready();
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[test]
    fn a_service_manager_that_is_gone_or_unknown_is_ignored() {
        for address in ["", "/nowhere/notify", "@genesys-tail-no-such-name", "vsock:2:1234", "/dev/null"] {
            let manager = ServiceManager::from_variables(&[("NOTIFY_SOCKET".into(), address.into())]);
            manager.report_ready();
            manager.report_stopping();
        }
    }

    #[test]
    fn a_receiver_that_does_not_read_never_blocks() {
        let receiver = Receiver::new(&[]);
        let manager = receiver.manager();
        (0..10_000).for_each(|_| manager.report_status("connected"));
        assert!(receiver.messages().len() < 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_reported_every_half_interval_to_the_process_that_is_watched() {
        let own = process::id().to_string();
        for (more, expected) in [
            (&[("WATCHDOG_USEC", "4000000")][..], 4),
            (&[("WATCHDOG_USEC", "4000000"), ("WATCHDOG_PID", own.as_str())], 4),
            (&[("WATCHDOG_USEC", "4000000"), ("WATCHDOG_PID", "1")], 0),
            (&[("WATCHDOG_USEC", "1999")], 0),
            (&[("WATCHDOG_USEC", "soon")], 0),
            (&[], 0),
        ] {
            let receiver = Receiver::new(more);
            let mut watchdog = receiver.manager().start_watchdog();
            let end = Instant::now() + Duration::from_secs(7);
            while tokio::time::timeout_at(end, watchdog.tick()).await.is_ok() {}
            assert_eq!(receiver.messages(), vec!["WATCHDOG=1"; expected], "{more:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_is_blocked_reports_no_progress_and_catches_up_with_one_message() {
        let receiver = Receiver::new(&[("WATCHDOG_USEC", "4000000")]);
        let mut watchdog = receiver.manager().start_watchdog();
        watchdog.tick().await;
        assert_eq!(receiver.messages().len(), 1);
        advance(Duration::from_secs(60)).await;
        assert_eq!(receiver.messages().len(), 0, "time alone sends nothing");
        let end = Instant::now() + Duration::from_secs(1);
        while tokio::time::timeout_at(end, watchdog.tick()).await.is_ok() {}
        assert_eq!(receiver.messages().len(), 1);
    }
}
