//! The HTTP client with its pool of kept-alive connections, which can be dropped all at once (CONN-32).

use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::{Client, Method, Request, Response};
use tokio::time::Instant;
use url::Url;

use super::client_setup::ClientSetup;
use super::connect_observer::observe_connect;
use super::http_error::is_without_response;
use super::proxy_challenge::schemes;
use super::setup_error::SetupError;

/// The client and its pool of connections. All requests of a run share it.
#[derive(Debug)]
pub(super) struct Pool {
    setup: ClientSetup,
    current: Mutex<ClientGeneration>,
}

/// A client, and its age.
#[derive(Debug)]
struct ClientGeneration {
    client: Client,
    built_at: Instant,
}

impl Pool {
    /// Builds the client.
    pub(super) fn new(setup: ClientSetup) -> Result<Self, SetupError> {
        let current = Mutex::new(ClientGeneration::new(&setup)?);
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
        match ClientGeneration::new(&self.setup) {
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

    /// Returns the authentication schemes that the proxy offers for the host of `url`; `None` if it cannot be asked. The
    /// client does not expose the headers of the response that refused a tunnel, so the proxy is asked for another one,
    /// without credentials: wrong ones, sent twice, may lock an account.
    pub(super) async fn proxy_schemes(&self, url: &Url) -> Option<Vec<String>> {
        let target = format!("http://{}:{}/", url.host_str()?, url.port_or_known_default()?);
        let request = self.setup.build_without_login()?.request(Method::CONNECT, target);
        let response = request.send().await.ok()?;
        Some(schemes(response.headers()))
    }

    fn current(&self) -> MutexGuard<'_, ClientGeneration> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientGeneration {
    fn new(setup: &ClientSetup) -> Result<Self, SetupError> {
        Ok(Self { client: setup.build()?, built_at: Instant::now() })
    }
}

#[cfg(test)]
mod tests;
