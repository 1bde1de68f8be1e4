//! The listener and the routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::authentication::header_text;
use super::{error_response, notifications, oauth, rest, stored_transcripts, transcript};
use crate::simulator::options::Sources;
use crate::simulator::request_log::UnroutedRequest;
use crate::simulator::state::SimulatorState;
use crate::simulator::ws::faulty_stream::{FaultyStream, Network};

/// Accepts connections until the simulator stops. Returns after the last connection has ended.
pub(crate) async fn accept(listener: TcpListener, state: Arc<SimulatorState>) {
    let router = router(Arc::clone(&state));
    let mut connections = JoinSet::new();
    let network = Network::default();
    loop {
        tokio::select! {
            () = state.stop.cancelled() => break,
            accepted = listener.accept() => {
                // An error concerns a connection that ended before it was accepted.
                if let Ok((tcp, _)) = accepted {
                    connections.spawn(serve(FaultyStream::new(tcp, network.clone()), router.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

fn router(state: Arc<SimulatorState>) -> Router {
    let mut router = Router::new().route("/oauth/token", post(oauth::token));
    if state.sources != Sources::NotificationsOnly {
        router = router.route("/api/v2/messaging/conversations/{id}/transcript", get(transcript::handshake));
    }
    if state.sources != Sources::TranscriptOnly {
        router = router.merge(rest::router(&state)).route("/channels/{id}", get(notifications::handshake));
        router = router.route("/stored-transcripts/{id}", get(stored_transcripts::file));
    }
    router.fallback(unrouted).with_state(state)
}

async fn serve(stream: FaultyStream, router: Router) {
    let control = stream.control();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(control.clone());
        router.call(request.map(Body::new))
    });
    // Connections end as the client or a fault decides. The request log has the ends that matter.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn unrouted(State(state): State<Arc<SimulatorState>>, request: Request) -> Response {
    state.recorder.unrouted_request(UnroutedRequest {
        path: request.uri().path().to_owned(),
        authorization: header_text(request.headers(), &header::AUTHORIZATION),
    });
    error_response::rest(StatusCode::NOT_FOUND, "not.found", "The simulator has no resource at this path.")
}
