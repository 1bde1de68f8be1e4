//! The names of the agents of a list, which the rows do not hold.

use std::collections::{HashMap, HashSet};

use crate::api::calls::{self, USERS_PER_REQUEST};
use crate::api::rest::Rest;
use crate::wire::conversation_row::ConversationRow;

/// Adds the names of agents. Without them the list shows ids, so a failure is only logged.
pub(super) async fn add_names(rest: &Rest, rows: &mut [ConversationRow]) {
    let unnamed = rows.iter().filter_map(|row| row.agent.as_ref()).filter(|agent| agent.name.is_none());
    let ids: HashSet<String> = unnamed.map(|agent| agent.id.clone()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut names = HashMap::new();
    for ids in ids.chunks(USERS_PER_REQUEST) {
        rest.wait_for_rate_limit().await;
        match calls::users(rest, ids).await {
            Ok(users) => names.extend(users.into_iter().map(|user| (user.id, user.name))),
            Err(error) => {
                tracing::debug!("the names of agents are not available: {error}");
                break;
            }
        }
    }
    for agent in rows.iter_mut().filter_map(|row| row.agent.as_mut()).filter(|agent| agent.name.is_none()) {
        agent.name = names.get(&agent.id).cloned().filter(|name| !name.is_empty());
    }
}
