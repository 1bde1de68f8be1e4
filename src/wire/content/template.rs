//! Notification templates, and the answers to them.

use serde_json::Value;

use super::line::{Part, Repeats, Section};
use crate::wire::json::{first_text_at, items_at, text_at, texts_at};

/// Reads a template: header, body and footer, the values that were inserted into them, and the buttons. A template may
/// have the values alone, since its wording is stored elsewhere; its id then stands in for the wording.
pub(super) fn notification(template: &Value) -> Part {
    const WORDING: [&str; 6] =
        ["header.text", "header.media.text", "header.media.filename", "body.text", "text", "footer.text"];
    let wording = texts_at(template, &WORDING);
    let id = text_at(template, "id");
    let values = ["header.parameters", "body.parameters"].into_iter().flat_map(|path| parameters(template, path));
    let values = Section { repeats: Repeats::Inserted, ..Section::of(values.collect()) };
    let cards = items_at(template, "carousel.cards").map(card);
    let sections = [values, buttons(template)].into_iter().chain(cards).collect();
    Part { heading: wording, last_resort: id, sections, ..Part::default() }
}

/// Reads the answer to a notification.
pub(super) fn response(response: &Value) -> Part {
    let heading = first_text_at(response, &["notificationText", "notificationStatus"]).into_iter().collect();
    Part { heading, ..Part::default() }
}

fn card(card: &Value) -> Section {
    let mut heading = texts_at(card, &["header.text", "header.media.text", "header.media.filename", "body.text"]);
    heading.extend(parameters(card, "header.parameters").chain(parameters(card, "body.parameters")));
    Section { heading, ..buttons(card) }
}

fn buttons(template: &Value) -> Section {
    Section::of(items_at(template, "buttons").flat_map(button).collect())
}

/// Returns the text of a button and the values that were inserted into it, else its target.
fn button(button: &Value) -> Vec<String> {
    let mut texts = texts_at(button, &["text"]);
    texts.extend(parameters(button, "parameters"));
    if texts.is_empty() {
        texts.extend(first_text_at(button, &["phoneNumber", "url", "payload", "type"]));
    }
    texts
}

fn parameters(value: &Value, path: &str) -> impl Iterator<Item = String> {
    items_at(value, path).filter_map(|parameter| text_at(parameter, "text"))
}
