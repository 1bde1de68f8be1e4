//! The HTTP client with its pool of kept-alive connections, which can be dropped all at once (CONN-32).

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::{Client, Request, Response};
use tokio::time::Instant;

use super::client_setup::{ClientSetup, SetupError};
use super::connect_observer::observe_connect;
use super::http_error::is_without_response;

/// The client and its pool of connections. All requests of a run share it.
#[derive(Debug)]
pub(super) struct Pool {
    setup: ClientSetup,
    current: Mutex<Generation>,
}

/// A client, and its age.
#[derive(Debug)]
struct Generation {
    client: Client,
    built_at: Instant,
}

impl Pool {
    /// Builds the client.
    pub(super) fn new(setup: ClientSetup) -> Result<Self, SetupError> {
        let current = Mutex::new(Generation::new(&setup)?);
        Ok(Self { setup, current })
    }

    /// Returns the client.
    pub(super) fn client(&self) -> Client {
        self.current().client.clone()
    }

    /// Drops all pooled connections, unless none of them is older than `dead_since`: several sockets notice the same
    /// outage. Requests in flight are not affected.
    pub(super) fn drop_connections(&self, dead_since: Instant) {
        let mut current = self.current();
        if current.built_at > dead_since {
            return;
        }
        match Generation::new(&self.setup) {
            Ok(generation) => *current = generation,
            // The trusted certificates of the system may be unreadable by now.
            Err(error) => tracing::debug!("cannot drop the pooled connections: {error}"),
        }
    }

    /// Sends a request. If it fails on a reused connection before a response, it is repeated once on a new one (CONN-7):
    /// the server has closed the connection while it was idle, and has not read the request. Each request of this program
    /// may be repeated: a token, channel or subscription too many does no harm.
    pub(super) async fn execute(&self, client: Client, request: Request) -> reqwest::Result<Response> {
        let (copy, started) = (request.try_clone(), Instant::now());
        let (result, has_connected) = observe_connect(client.execute(request)).await;
        match (result, copy) {
            (Err(error), Some(copy)) if !has_connected && is_without_response(&error) => {
                tracing::trace!("repeated on a new connection");
                self.drop_connections(started);
                self.client().execute(copy).await
            }
            (result, _) => result,
        }
    }

    fn current(&self) -> MutexGuard<'_, Generation> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generation {
    fn new(setup: &ClientSetup) -> Result<Self, SetupError> {
        Ok(Self { client: setup.build()?, built_at: Instant::now() })
    }
}

#[cfg(test)]
mod tests;
