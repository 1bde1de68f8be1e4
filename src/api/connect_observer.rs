//! Tells a request on a new connection from one on a reused connection. The client does not expose this.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// A connection was opened for the request of this task.
    static HAS_CONNECTED: Cell<bool>;
}

/// Returns the output of a request, and whether a connection was opened for it by a client with a [`ConnectObserver`].
pub(super) async fn observe_connect<T>(request: impl Future<Output = T>) -> (T, bool) {
    let observed = async { (request.await, HAS_CONNECTED.with(Cell::get)) };
    HAS_CONNECTED.scope(Cell::new(false), observed).await
}

/// Records the connections that are opened.
#[derive(Debug, Clone)]
pub(super) struct ConnectObserver;

/// A connector whose connections are recorded.
#[derive(Debug, Clone)]
pub(super) struct ObservedConnector<S>(S);

impl<S> Layer<S> for ConnectObserver {
    type Service = ObservedConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        ObservedConnector(connector)
    }
}

impl<S, R> Service<R> for ObservedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            let result = connecting.await;
            // A connection that comes too late is completed in another task, for later requests.
            let _ = HAS_CONNECTED.try_with(|has_connected| has_connected.set(true));
            result
        })
    }
}
