//! Queues and users, their search, and the analytics of conversations (SIM-5).

use genesys_tail::simulator::{Options, Script, Simulator};
use serde_json::{Value, json};

use super::client::{RestResponse, access_token, play, rest_request, start_with};

fn options() -> Options {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Options {
        queues: names(&["Billing", "Billing EMEA", "Billing", "Sales"]),
        users: names(&["Sam Okafor", "Ann Lee"]),
        ..Options::default()
    }
}

async fn get(simulator: &Simulator, path: &str) -> RestResponse {
    let token = access_token(simulator).await;
    rest_request(simulator, &token, &format!("GET {path}"), "").await
}

async fn post(simulator: &Simulator, path: &str, body: &Value) -> RestResponse {
    let token = access_token(simulator).await;
    rest_request(simulator, &token, &format!("POST {path}"), &body.to_string()).await
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entity| entity["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn queues_are_found_by_name_with_asterisks_page_by_page() {
    let simulator = start_with("", &[], options()).await;
    for (query, expected) in [
        ("", &["Billing", "Billing", "Billing EMEA", "Sales", "Support"][..]),
        ("?name=billing", &["Billing", "Billing"]),
        ("?name=*emea*", &["Billing EMEA"]),
        ("?name=Bill*", &["Billing", "Billing", "Billing EMEA"]),
        ("?name=*x", &[]),
        ("?pageSize=2&pageNumber=2", &["Billing EMEA", "Sales"]),
        ("?pageSize=2&pageNumber=4", &[]),
    ] {
        let page = get(&simulator, &format!("/api/v2/routing/queues{query}")).await;
        assert_eq!((page.status, names(&page.json["entities"])), (200, expected.to_vec()), "{query}");
    }
    let page = get(&simulator, "/api/v2/routing/queues?pageSize=2").await.json;
    assert_eq!((&page["total"], &page["pageCount"], &page["pageNumber"]), (&json!(5), &json!(3), &json!(1)));
    let ids: std::collections::BTreeSet<_> =
        page["entities"].as_array().unwrap().iter().map(|queue| queue["id"].as_str()).collect();
    assert_eq!(ids.len(), 2, "queues of the same name have different ids");
    assert_eq!(get(&simulator, "/api/v2/routing/queues?pageSize=501").await.status, 400);
    assert_eq!(get(&simulator, "/api/v2/routing/queues?pageNumber=0").await.status, 400);
}

#[tokio::test]
async fn users_are_searched_by_name_and_address_and_named_in_bulk() {
    let simulator = start_with("", &[], options()).await;
    let search = async |kind: &str, field: &str, value: &str| {
        let query =
            json!({ "pageSize": 10, "pageNumber": 1, "query": [{ "type": kind, "fields": [field], "value": value }] });
        post(&simulator, "/api/v2/users/search", &query).await.json
    };
    for (kind, field, value) in [
        ("EXACT", "email", "SAM.okafor@northwind.example"),
        ("EXACT", "name", "Sam Okafor"),
        ("CONTAINS", "name", "oka"),
        ("STARTS_WITH", "email", "sam."),
    ] {
        assert_eq!(names(&search(kind, field, value).await["results"]), ["Sam Okafor"], "{kind} {value}");
    }
    let none = search("EXACT", "name", "Sam").await;
    assert!(none.get("results").is_none() && none["total"] == 0, "{none}");
    let (sam, ann) = (Simulator::user_id("Sam Okafor"), Simulator::user_id("Ann Lee"));
    let bulk = get(&simulator, &format!("/api/v2/users?id={sam}&id={ann}&id=x")).await.json;
    assert_eq!(names(&bulk["entities"]), ["Ann Lee", "Sam Okafor"]);
    let denied = start_with("", &["rest:deny=directory:user:view"], options()).await;
    assert_eq!(post(&denied, "/api/v2/users/search", &json!({ "query": [] })).await.status, 403);
}

#[tokio::test]
async fn analytics_have_filters_pages_and_a_longest_interval() {
    let conversations = Options::conversation_ids(3);
    let more_scripts = vec!["call\nupdate queue=Sales".parse::<Script>().unwrap()];
    let simulator =
        start_with("", &[], Options { conversations: conversations.clone(), more_scripts, ..options() }).await;
    play(&simulator, "agent Sam Okafor: hi").await;
    let path = "/api/v2/analytics/conversations/details/query";
    let query = async |interval: &str, filters: Value, paging: Value| {
        let body = json!({ "interval": interval, "order": "desc", "segmentFilters": filters, "paging": paging });
        post(&simulator, path, &body).await
    };
    let ids = |response: &RestResponse| {
        let rows = response.json["conversations"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["conversationId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let day = |days: i64| {
        (chrono::Utc::now() + chrono::TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    };
    let today = format!("{}/{}", day(0), day(1));
    let page = |size: usize, number: usize| json!({ "pageSize": size, "pageNumber": number });
    let by = |dimension: &str, value: &str| json!([{ "type": "and", "predicates": [{ "dimension": dimension, "value": value }] }]);
    assert_eq!(ids(&query(&today, json!([]), page(100, 1)).await).len(), 3);
    let first = query(&today, json!([]), page(2, 1)).await;
    assert_eq!((ids(&first).len(), &first.json["totalHits"]), (2, &json!(3)));
    assert_eq!(ids(&query(&today, json!([]), page(2, 2)).await).len(), 1);
    assert_eq!(ids(&query(&today, by("mediaType", "voice"), page(100, 1)).await), [conversations[1].clone()]);
    let sam = by("userId", &Simulator::user_id("Sam Okafor"));
    assert_eq!(ids(&query(&today, sam, page(100, 1)).await), [conversations[0].clone()]);
    let last_year = format!("{}/{}", day(-365), day(-364));
    assert_eq!(ids(&query(&last_year, json!([]), page(100, 1)).await).len(), 0);
    for (days, filters, status) in [
        (7, json!([]), 200),
        (8, json!([]), 400),
        (31, by("mediaType", "voice"), 200),
        (32, by("mediaType", "voice"), 400),
    ] {
        assert_eq!(
            query(&format!("{}/{}", day(1 - days), day(1)), filters, page(100, 1)).await.status,
            status,
            "{days}"
        );
    }
    let some = get(&simulator, &format!("/api/v2/analytics/conversations/details?id={},x", conversations[1])).await;
    assert_eq!(ids(&some), [conversations[1].clone()]);
}

#[tokio::test]
async fn observations_name_the_open_conversations_of_a_queue() {
    let simulator = start_with("", &[], options()).await;
    let observed = async |queue: &str| {
        let queue = Simulator::queue_id(queue);
        let filter = json!({ "type": "or", "predicates": [{ "dimension": "queueId", "value": queue }] });
        let response =
            post(&simulator, "/api/v2/analytics/queues/observations/query", &json!({ "filter": filter })).await;
        response.json["results"].as_array().unwrap().len()
    };
    play(&simulator, "update queue=Sales").await;
    assert_eq!((observed("Sales").await, observed("Billing EMEA").await), (1, 0));
    play(&simulator, "close").await;
    assert_eq!(observed("Sales").await, 0);
}

#[tokio::test]
async fn conversations_play_the_scripts_in_turn() {
    let more_scripts = vec!["+0 customer Bob: hi".parse::<Script>().unwrap()];
    let conversations = Options::conversation_ids(3);
    let options = Options { conversations: conversations.clone(), more_scripts, ..options() };
    let simulator = start_with("+0 customer Ada: hello", &[], options).await;
    assert!(simulator.dotenv().contains(&format!("GENESYS_CONVERSATION_ID={}\n", conversations.join(","))));
    let mut customers = Vec::new();
    for id in &conversations {
        let conversation = get(&simulator, &format!("/api/v2/conversations/{id}")).await.json;
        customers.push(conversation["participants"][0]["name"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(customers, ["Ada", "Bob", "Ada"]);
}

#[tokio::test]
async fn a_conversation_is_unknown_until_it_begins() {
    let simulator = start_with("+3600 begin\ncustomer Ada: never\nupdate queue=Sales", &[], options()).await;
    let id = simulator.first_conversation().id().to_owned();
    let filter =
        json!({ "type": "or", "predicates": [{ "dimension": "queueId", "value": Simulator::queue_id("Sales") }] });
    let known = async || {
        let conversation = get(&simulator, &format!("/api/v2/conversations/{id}")).await;
        let details = get(&simulator, &format!("/api/v2/analytics/conversations/details?id={id}")).await.json;
        let observations = "/api/v2/analytics/queues/observations/query";
        let observed = post(&simulator, observations, &json!({ "filter": filter })).await.json;
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        (conversation.status, count(&details["conversations"]), count(&observed["results"]))
    };
    assert_eq!(known().await, (404, 0, 0));
    assert!(simulator.dotenv().ends_with("_CONVERSATION_ID=\n"), "{}", simulator.dotenv());
    let before = chrono::Utc::now() - chrono::TimeDelta::milliseconds(1);
    play(&simulator, "begin").await;
    assert_eq!(known().await, (200, 1, 1));
    let conversation = get(&simulator, &format!("/api/v2/conversations/{id}")).await.json;
    let started: chrono::DateTime<chrono::Utc> = conversation["startTime"].as_str().unwrap().parse().unwrap();
    assert!(started >= before, "{conversation}");
}
