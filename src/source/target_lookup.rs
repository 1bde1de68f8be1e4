//! The look-up of queues and users before they are followed (TGT-7 to TGT-9).

mod name_match;
mod name_search;

use std::collections::VecDeque;

use self::name_search::search;
use super::SourceError;
use crate::api::calls;
use crate::api::rest::Rest;
use crate::config::{NamedTarget, TargetKey, TargetQuery};

/// The queues and users of a run. One that was found is not looked up again after an outage.
#[derive(Debug)]
pub(crate) struct TargetLookup {
    pending: VecDeque<TargetQuery>,
    found: Vec<NamedTarget>,
    has_warned: bool,
}

impl TargetLookup {
    /// Creates the look-up of these queues and users.
    pub(crate) fn new(targets: &[TargetQuery]) -> Self {
        Self { pending: targets.iter().cloned().collect(), found: Vec::new(), has_warned: false }
    }

    /// Looks up the queues and users that were not found yet, and returns all of them. Cancel safe.
    ///
    /// # Errors
    ///
    /// A queue or user that does not exist, a name that is not unique, or the failure of a request.
    pub(crate) async fn complete(&mut self, rest: &Rest) -> Result<Vec<NamedTarget>, SourceError> {
        while let Some(query) = self.pending.front() {
            let found = match (find_target(rest, query).await, &query.key) {
                (Err(SourceError::Forbidden { body, .. }), TargetKey::Id(id)) => {
                    warn_without_name(std::mem::replace(&mut self.has_warned, true), query, &body.to_string());
                    NamedTarget { target: query.kind.with_id(id.clone()), name: None }
                }
                (found, _) => found?,
            };
            tracing::debug!("found {} ({})", found.target, found.name.as_deref().unwrap_or("no name"));
            self.pending.pop_front();
            self.found.push(found);
        }
        Ok(self.found.clone())
    }
}

/// Looks up a queue or user by id, by name, or by e-mail address. Cancel safe.
///
/// # Errors
///
/// See [`TargetLookup::complete`]. [`SourceError::Forbidden`] only concerns an id, which can be followed without its name.
pub(crate) async fn find_target(rest: &Rest, query: &TargetQuery) -> Result<NamedTarget, SourceError> {
    match &query.key {
        TargetKey::Name(name) => search(rest, query.kind, name).await,
        TargetKey::Id(id) => {
            let target = query.kind.with_id(id.clone());
            rest.wait_for_rate_limit().await;
            match calls::target_name(rest, &target).await {
                Ok(name) => Ok(NamedTarget { target, name }),
                Err(error) => Err(SourceError::from_target_lookup(error, &target)),
            }
        }
    }
}

/// Logs that the name of a queue or user is not available. Further ones follow at debug level.
fn warn_without_name(has_warned: bool, target: &TargetQuery, reason: &str) {
    let message = format!("the name of {target} is not available ({reason}); using its id");
    if has_warned {
        tracing::debug!("{message}");
    } else {
        tracing::warn!("{message}");
    }
}
