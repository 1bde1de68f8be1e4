//! The REST API: middleware for every request, and a handler for each path.

mod analytics;
mod call_transcripts;
mod channels;
mod conversations;
mod directory;
mod handler;
mod middleware;
mod subscriptions;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, head, post};

use crate::simulator::state::SimulatorState;

pub(super) fn router(state: &Arc<SimulatorState>) -> Router<Arc<SimulatorState>> {
    const MESSAGES: &str = "/api/v2/conversations/messages/{id}";
    const CHANNELS: &str = "/api/v2/notifications/channels";
    const SUBSCRIPTIONS: &str = "/api/v2/notifications/channels/{id}/subscriptions";
    let subscriptions =
        get(subscriptions::list).post(subscriptions::change).put(subscriptions::change).delete(subscriptions::clear);
    Router::new()
        .route("/api/v2/conversations/{id}", get(conversations::conversation))
        .route(MESSAGES, get(conversations::message_conversation))
        .route(&format!("{MESSAGES}/messages/{{message}}"), get(conversations::message))
        .route(&format!("{MESSAGES}/messages/bulk"), post(conversations::bulk))
        .route(&format!("{MESSAGES}/details"), get(conversations::details))
        .route("/api/v2/analytics/conversations/details/query", post(analytics::query))
        .route("/api/v2/analytics/conversations/details", get(analytics::details))
        .route("/api/v2/analytics/queues/observations/query", post(analytics::observations))
        .route(
            "/api/v2/speechandtextanalytics/conversations/{id}/communications/{leg}/transcripturl",
            get(call_transcripts::link),
        )
        .route("/api/v2/users", get(directory::users))
        .route("/api/v2/users/{id}", get(directory::user))
        .route("/api/v2/users/search", post(directory::search_users))
        .route("/api/v2/routing/queues", get(directory::queues))
        .route("/api/v2/routing/queues/{id}", get(directory::queue))
        .route("/api/v2/notifications/availabletopics", get(channels::available_topics))
        .route(CHANNELS, post(channels::create).get(channels::list))
        .route(&format!("{CHANNELS}/{{id}}"), head(channels::exists))
        .route(SUBSCRIPTIONS, subscriptions)
        .route_layer(from_fn_with_state(Arc::clone(state), middleware::handle_request))
}
