//! The strings that a person was shown of prompts, of answers to them, and of other structured parts.

use serde_json::Value;

use super::line::{Part, Repeats, Section};
use crate::wire::json::{first_text_at, items_at, text_at, texts_at, value_at};

/// The prompt of a picker, form, request for payment or app.
const RECEIVED: [&str; 3] = ["receivedMessage.header", "receivedMessage.title", "receivedMessage.subtitle"];

/// The members of a part that hold the strings to show, in their order on the screen.
const LABELS: [&str; 12] = [
    "header",
    "title",
    "subtitle",
    "name",
    "description",
    "text",
    "label",
    "body",
    "message",
    "footer",
    "value",
    "status",
];

pub(super) fn quick_reply(reply: &Value) -> Part {
    choices(first_text_at(reply, &["text", "payload"]), Repeats::OfSection)
}

pub(super) fn answer(answer: &Value) -> Part {
    choices(first_text_at(answer, &["text", "payload"]), Repeats::OfText)
}

pub(super) fn quick_replies(replies: &Value) -> Part {
    part(texts_at(replies, &["title"]), [actions(replies)])
}

pub(super) fn card(card: &Value) -> Part {
    part(Vec::new(), [card_section(card)])
}

pub(super) fn carousel(carousel: &Value) -> Part {
    part(Vec::new(), items_at(carousel, "cards").map(card_section))
}

/// The title of the only section is not shown behind a prompt.
pub(super) fn list_picker(list: &Value) -> Part {
    let heading = prompt(list);
    let mut sections: Vec<Section> = items_at(list, "sections").map(list_section).collect();
    match sections.as_mut_slice() {
        [only] if !heading.is_empty() && !only.choices.is_empty() => only.heading.clear(),
        sections if sections.iter().all(|section| section.choices.is_empty()) => {
            let titles = sections.iter().flat_map(|section| section.heading.iter().cloned()).collect();
            return part(heading, [Section::of(titles), received_button(list)]);
        }
        _ => {}
    }
    sections.push(received_button(list));
    part(heading, sections)
}

pub(super) fn date_picker(picker: &Value) -> Part {
    let times = items_at(picker, "availableTimes").filter_map(|time| first_text_at(time, &["dateTime", "text"]));
    let mut heading = prompt(picker);
    heading.extend(texts_at(picker, &["location.text", "location.address"]));
    part(heading, [Section::of(times.collect()), received_button(picker)])
}

/// Returns whether a form was filled in.
pub(super) fn is_form_response(form: &Value) -> bool {
    items_at(form, "response").next().is_some()
}

pub(super) fn form(form: &Value) -> Part {
    if is_form_response(form) {
        let answers = items_at(form, "response").filter_map(|answer| first_text_at(answer, &ANSWER_TEXTS)).collect();
        return part(Vec::new(), [Section { repeats: Repeats::OfText, ..Section::of(answers) }]);
    }
    let mut heading = texts_at(form, &["introduction.title", "introduction.subtitle"]);
    heading.extend(prompt(form));
    let buttons = Section::of(texts_at(form, &["introduction.buttonText", "receivedMessage.buttonLabel"]));
    part(heading, items_at(form, "formPages").map(form_page).chain([buttons]))
}

pub(super) fn location(location: &Value) -> Part {
    let coordinates = || Some(format!("{}, {}", text_at(location, "latitude")?, text_at(location, "longitude")?));
    let mut heading = texts_at(location, &["text", "address"]);
    if heading.is_empty() {
        heading.extend(coordinates().or_else(|| text_at(location, "url")));
    }
    part(heading, [])
}

pub(super) fn story(story: &Value) -> Part {
    part(texts_at(story, &["type", "text", "url"]), [])
}

pub(super) fn reactions(reactions: &Value) -> Part {
    let reactions = reactions.as_array().into_iter().flatten().filter_map(reaction);
    part(Vec::new(), [Section::of(reactions.collect())])
}

pub(super) fn payment_request(request: &Value) -> Part {
    let mut heading = prompt(request);
    heading.extend(join([text_at(request, "orderTotal"), text_at(request, "currencyCode")], " "));
    let items = |list| Section::of(items_at(request, list).filter_map(line_item).collect());
    part(heading, [items("lineItems"), items("shippingOptions"), received_button(request)])
}

pub(super) fn payment_response(response: &Value) -> Part {
    part(texts_at(response, &["paymentStatus", "failureReason"]), [])
}

pub(super) fn push(push: &Value) -> Part {
    part(texts_at(push, &["notificationMessage.title", "notificationMessage.body"]), [])
}

pub(super) fn application(application: &Value) -> Part {
    let mut heading = texts_at(application, &["name"]);
    heading.extend(prompt(application));
    part(heading, [received_button(application)])
}

pub(super) fn roadside_assistance(request: &Value) -> Part {
    part(texts_at(request, &["text", "phoneNumber", "location.text", "location.address"]), [])
}

pub(super) fn rich_link(link: &Value) -> Part {
    part(texts_at(link, &["header.value", "text", "title", "urlLabel", "footer", "url"]), [])
}

/// Reads a part of an unknown type: its labels, those of the objects in it, and each list in it as a section.
pub(super) fn unknown(content: &Value) -> Part {
    let members = || content.as_object().into_iter().flatten().map(|(_, member)| member);
    let mut heading = texts_at(content, &LABELS);
    heading.extend(members().filter(|member| member.is_object()).flat_map(|object| texts_at(object, &LABELS)));
    let lists = members().filter_map(Value::as_array);
    let section = |list: &Vec<Value>| Section::of(list.iter().filter_map(unknown_item).collect());
    if heading.is_empty() {
        heading.extend(text_at(content, "url"));
    }
    part(heading, lists.map(section))
}

const ANSWER_TEXTS: [&str; 6] = [
    "component.buttonResponse.text",
    "component.buttonResponse.payload",
    "component.text",
    "buttonResponse.text",
    "buttonResponse.payload",
    "text",
];

fn part(heading: Vec<String>, sections: impl IntoIterator<Item = Section>) -> Part {
    Part { heading, sections: sections.into_iter().collect(), ..Part::default() }
}

fn choices(choice: Option<String>, repeats: Repeats) -> Part {
    part(Vec::new(), [Section { repeats, ..Section::of(choice.into_iter().collect()) }])
}

/// Returns the prompt, or the title of the part itself. The reply is shown later, in the message of the answer.
fn prompt(content: &Value) -> Vec<String> {
    let prompt = texts_at(content, &RECEIVED);
    let titles = texts_at(content, &["title", "subtitle", "description"]);
    let prompt: Vec<String> = prompt.into_iter().chain(titles).collect();
    if prompt.is_empty() { texts_at(content, &["replyMessage.title", "replyMessage.subtitle"]) } else { prompt }
}

fn received_button(content: &Value) -> Section {
    Section::of(texts_at(content, &["receivedMessage.buttonLabel"]))
}

fn card_section(card: &Value) -> Section {
    let mut heading = texts_at(card, &["title", "description"]);
    let actions = actions(card);
    if heading.is_empty() && actions.choices.is_empty() {
        heading.extend(first_text_at(card, &["image", "video"]));
    }
    Section { heading, ..actions }
}

/// Returns the buttons of a card or the replies of a list, and the action of the whole card last.
fn actions(content: &Value) -> Section {
    let listed = ["actions", "components"].into_iter().flat_map(|list| items_at(content, list));
    let whole = value_at(content, "defaultAction").and_then(|action| text_at(action, "text"));
    let texts =
        listed.filter_map(|action| first_text_at(action, &["text", "title", "quickReply.text", "payload", "url"]));
    Section::of(texts.chain(whole).collect())
}

fn list_section(section: &Value) -> Section {
    let items = items_at(section, "items").filter_map(list_item);
    Section { heading: texts_at(section, &["title"]), ..Section::of(items.collect()) }
}

fn list_item(item: &Value) -> Option<String> {
    join([text_at(item, "title"), text_at(item, "subtitle")], " – ")
        .or_else(|| first_text_at(item, &["text", "value", "id"]))
}

fn form_page(page: &Value) -> Section {
    let questions = items_at(page, "pageComponents").filter_map(form_question);
    Section { heading: texts_at(page, &["title", "subtitle"]), ..Section::of(questions.collect()) }
}

/// Returns a question with its options: `Size – of the shirt (Small, Large)`.
fn form_question(component: &Value) -> Option<String> {
    let pickers =
        ["input", "datePicker", "listPicker", "wheelPicker"].into_iter().filter_map(|name| component.get(name));
    let question = pickers.filter_map(|picker| {
        let mut heading = prompt(picker);
        heading.extend(texts_at(picker, &["placeholderText", "location.text", "location.address"]));
        let options = join(options(picker).into_iter().map(Some), ", ").map(|options| format!("({options})"));
        join([join(heading.into_iter().map(Some), " – "), options], " ")
    });
    join(question.map(Some), " ").or_else(|| first_text_at(component, &["title", "text", "formComponentType"]))
}

fn options(picker: &Value) -> Vec<String> {
    let of_sections = items_at(picker, "sections").flat_map(|section| {
        texts_at(section, &["title"]).into_iter().chain(items_at(section, "items").filter_map(list_item))
    });
    let of_wheel = items_at(picker, "items").filter_map(|item| first_text_at(item, &["title", "value", "id"]));
    let times = items_at(picker, "availableTimes").filter_map(|time| text_at(time, "dateTime"));
    of_sections.chain(of_wheel).chain(times).collect()
}

fn reaction(reaction: &Value) -> Option<String> {
    let name = text_at(reaction, "reactionType")?;
    match reaction.get("count").and_then(Value::as_u64) {
        Some(count) if count != 1 => Some(format!("{name} ({count})")),
        _ => Some(name),
    }
}

fn line_item(item: &Value) -> Option<String> {
    join(["name", "description", "price"].map(|member| text_at(item, member)), " – ")
}

fn unknown_item(item: &Value) -> Option<String> {
    let bare = || item.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    join(texts_at(item, &LABELS).into_iter().map(Some), " – ").or_else(bare)
}

fn join(texts: impl IntoIterator<Item = Option<String>>, separator: &str) -> Option<String> {
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.join(separator))
}
