//! Names of users and queues.

use serde_json::Value;

use super::path_segment;
use crate::api::rest::{Rest, RestError};
use crate::config::Target;
use crate::wire::json;

/// Returns the display name of a user, if it has one.
pub(crate) async fn user_name(rest: &Rest, user: &str) -> Result<Option<String>, RestError> {
    get_name(rest, &format!("/api/v2/users/{}", path_segment(user))).await
}

/// Returns the name of a queue or a user, if it has one.
pub(crate) async fn target_name(rest: &Rest, target: &Target) -> Result<Option<String>, RestError> {
    match target {
        Target::Queue(queue) => get_name(rest, &format!("/api/v2/routing/queues/{}", path_segment(queue))).await,
        Target::User(user) => user_name(rest, user).await,
    }
}

async fn get_name(rest: &Rest, path: &str) -> Result<Option<String>, RestError> {
    rest.get(path).await.map(|body| name_in(&body))
}

/// A body that cannot be read counts as one without a name: names are optional everywhere.
fn name_in(body: &str) -> Option<String> {
    let body: Value = json::parse(body).unwrap_or_default();
    body["name"].as_str().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_unreadable_name_is_none() {
        for named in [r#"{"name":"Billing"}"#, r#"{"name":" Billing\n"}"#] {
            assert_eq!(name_in(named).as_deref(), Some("Billing"));
        }
        for nameless in ["", "[]", "{}", r#"{"name":7}"#, r#"{"name":""}"#, r#"{"name":" "}"#] {
            assert_eq!(name_in(nameless), None, "{nameless}");
        }
    }
}
