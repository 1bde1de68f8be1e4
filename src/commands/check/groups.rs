//! The queues and users that were named.

use std::io;

use serde_json::Value;

use super::Visit;
use super::report::Report;
use super::step::{Blame, Step};
use super::words;
use crate::api::calls::segment;
use crate::api::rest::RestError;

/// Looks each of them up, and says a line about it.
pub(super) async fn check(visit: &Visit<'_>, report: &mut Report<'_>) -> io::Result<()> {
    let groups = &visit.check.groups;
    let queues = groups.queues.iter().map(|id| ("queue", "/api/v2/routing/queues", id));
    let users = groups.users.iter().map(|id| ("user", "/api/v2/users", id));
    for (kind, path, id) in queues.chain(users) {
        visit.pace().await;
        let found = visit.rest.get(&format!("{path}/{}", segment(id))).await;
        report.say(&judge(kind, id, found.as_deref()))?;
    }
    Ok(())
}

/// A tail does without the names, but not without the group.
fn judge(kind: &str, id: &str, found: Result<&str, &RestError>) -> Step {
    match found {
        Ok(body) => Step::ok(format!("{kind} {id}{}", name(body))),
        Err(error @ RestError::NotFound { .. }) => Step::fail(
            Blame::from(error),
            format!("{kind} {id}: {error}"),
            "check the id and the region: nothing is ever said where nobody is",
        ),
        Err(error) => Step::warn(format!("{kind} {id} cannot be looked up: {error}"), words::mend(error)),
    }
}

fn name(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body["name"].as_str().map_or_else(String::new, |name| format!(": {name}"))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::step::Verdict;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::status::redact::Secrets;

    #[test]
    fn a_group_has_to_exist_but_need_not_be_known_by_name() {
        assert_eq!(judge("queue", "q1", Ok(r#"{"name":"Billing"}"#)).to_string(), "ok    queue q1: Billing");
        for nameless in ["", "[]", r#"{"name":7}"#] {
            assert_eq!(judge("user", "u1", Ok(nameless)).to_string(), "ok    user u1", "{nameless}");
        }
        let answer = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let host = "api.test".to_owned();
        let absent = RestError::NotFound { host: host.clone(), answer: answer(StatusCode::NOT_FOUND) };
        assert_eq!(judge("queue", "q1", Err(&absent)).verdict, Verdict::Fail(Blame::NoInput));
        let forbidden = RestError::Forbidden { host, answer: answer(StatusCode::FORBIDDEN) };
        assert_eq!(judge("queue", "q1", Err(&forbidden)).verdict, Verdict::Warn);
    }
}
