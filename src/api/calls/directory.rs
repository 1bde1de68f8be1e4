//! Names of users and queues, and the search for them.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::path_segment;
use crate::api::rest::{Rest, RestError};
use crate::config::Target;
use crate::wire::json;

/// Returns the display name of a user, if it has one.
pub(crate) async fn user_name(rest: &Rest, user: &str) -> Result<Option<String>, RestError> {
    get_name(rest, &format!("/api/v2/users/{}", path_segment(user))).await
}

/// Returns the display names of these users, at most [`USERS_PER_REQUEST`], as far as they have one.
pub(crate) async fn user_names(rest: &Rest, ids: &[String]) -> Result<HashMap<String, String>, RestError> {
    if let [id] = ids {
        let name = user_name(rest, id).await?;
        return Ok(name.map(|name| (id.clone(), name)).into_iter().collect());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let named = users(rest, &ids).await?.into_iter().filter(|user| !user.name.is_empty());
    Ok(named.map(|user| (user.id, user.name)).collect())
}

/// Returns the name of a queue or a user, if it has one.
pub(crate) async fn target_name(rest: &Rest, target: &Target) -> Result<Option<String>, RestError> {
    match target {
        Target::Queue(queue) => get_name(rest, &format!("/api/v2/routing/queues/{}", path_segment(queue))).await,
        Target::User(user) => user_name(rest, user).await,
    }
}

/// The maximum number of users of one request.
pub(crate) const USERS_PER_REQUEST: usize = 100;

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirectoryEntry {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The e-mail address of a user.
    pub(crate) email: Option<String>,
}

/// A page of a search.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DirectoryPage {
    pub(crate) entries: Vec<DirectoryEntry>,
    pub(crate) is_last: bool,
}

/// A page to request. Pages are counted from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageRequest {
    pub(crate) number: usize,
    pub(crate) size: usize,
}

/// The way in which a search compares the fields of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserMatch {
    /// The e-mail address as a whole.
    Email,
    /// The name as a whole.
    Name,
    /// A part of the name or the e-mail address.
    Part,
}

/// Returns a page of the queues whose names match a pattern, or of all queues. A pattern may have an asterisk at either end.
/// A service that finds none may respond with 404.
pub(crate) async fn queues(rest: &Rest, pattern: Option<&str>, page: PageRequest) -> Result<DirectoryPage, RestError> {
    let name = pattern.map_or_else(String::new, |pattern| format!("&name={}", path_segment(pattern)));
    let PageRequest { number, size } = page;
    let path = format!("/api/v2/routing/queues?pageSize={size}&pageNumber={number}{name}");
    page_of(rest, rest.get(&path).await, page)
}

/// Returns a page of the users that match `value`.
pub(crate) async fn search_users(
    rest: &Rest,
    by: UserMatch,
    value: &str,
    page: PageRequest,
) -> Result<DirectoryPage, RestError> {
    let (kind, fields): (_, &[&str]) = match by {
        UserMatch::Email => ("EXACT", &["email"]),
        UserMatch::Name => ("EXACT", &["name"]),
        UserMatch::Part => ("CONTAINS", &["name", "email"]),
    };
    let query = json!({
        "pageSize": page.size,
        "pageNumber": page.number,
        "query": [{ "type": kind, "fields": fields, "value": value }],
    });
    page_of(rest, rest.send(Method::POST, "/api/v2/users/search", Some(&query)).await, page)
}

/// Returns the users with these ids, at most 100. Unknown ones are left out.
pub(crate) async fn users(rest: &Rest, ids: &[&str]) -> Result<Vec<DirectoryEntry>, RestError> {
    let ids: Vec<String> = ids.iter().map(|id| format!("id={}", path_segment(id))).collect();
    let path = format!("/api/v2/users?pageSize=100&state=any&{}", ids.join("&"));
    let page = PageRequest { number: 1, size: 100 };
    Ok(page_of(rest, rest.get(&path).await, page)?.entries)
}

fn page_of(rest: &Rest, response: Result<String, RestError>, page: PageRequest) -> Result<DirectoryPage, RestError> {
    match response {
        Ok(body) => parse_page(&body, page).ok_or_else(|| rest.unexpected("not a list")),
        Err(RestError::NotFound { .. }) => Ok(DirectoryPage { entries: Vec::new(), is_last: true }),
        Err(error) => Err(error),
    }
}

/// Reads a page. A search names the list `results`, a listing `entities`; either omits it if it is empty.
fn parse_page(body: &str, page: PageRequest) -> Option<DirectoryPage> {
    let body: Value = json::parse(body).ok().filter(Value::is_object)?;
    let list = [&body["results"], &body["entities"]].into_iter().find_map(Value::as_array);
    let listed = list.map(Vec::as_slice).unwrap_or_default();
    let number = |key: &str| body[key].as_u64().and_then(|number| usize::try_from(number).ok());
    let size = number("pageSize").filter(|size| *size > 0).unwrap_or(page.size);
    let is_last = match (number("pageCount"), number("total")) {
        (Some(pages), _) => page.number >= pages,
        (None, Some(total)) => page.number.saturating_mul(size) >= total,
        (None, None) => listed.len() < size,
    };
    Some(DirectoryPage { entries: listed.iter().filter_map(entry).collect(), is_last: is_last || listed.is_empty() })
}

fn entry(entry: &Value) -> Option<DirectoryEntry> {
    let text = |key: &str| entry[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Some(DirectoryEntry { id: text("id")?, name: text("name").unwrap_or_default(), email: text("email") })
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
    fn a_page_is_read_from_either_list_and_knows_whether_it_is_the_last() {
        let entry = r#"[{"id":"q1","name":"Billing"},{"name":"no id"},7]"#;
        let page = PageRequest { number: 2, size: 3 };
        for (body, is_last) in [
            (format!(r#"{{"entities":{entry},"pageCount":3,"total":9}}"#), false),
            (format!(r#"{{"results":{entry},"pageCount":2}}"#), true),
            (format!(r#"{{"entities":{entry},"total":7}}"#), false),
            (format!(r#"{{"entities":{entry},"total":4,"pageSize":2}}"#), true),
            (format!(r#"{{"entities":{entry}}}"#), false),
            (format!(r#"{{"entities":{entry},"pageSize":5}}"#), true),
        ] {
            let found = parse_page(&body, page).unwrap();
            assert_eq!((found.entries.len(), found.is_last), (1, is_last), "{body}");
        }
        assert_eq!(parse_page("{}", page), Some(DirectoryPage { entries: Vec::new(), is_last: true }));
        assert_eq!(parse_page(r#"{"entities":[],"total":9,"pageCount":9}"#, page).map(|page| page.is_last), Some(true));
        assert_eq!(parse_page("[]", page), None);
    }

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
