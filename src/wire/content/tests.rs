//! The table of content types: type, text line, JSON. And the properties that hold for all of them.

use serde_json::{Value, json};

use super::*;

/// Reads a list of parts behind a text.
fn content<'a>(text: &'a str, parts: &Value) -> ShownContent<'a> {
    let mut content = Content::default();
    content.read_parts(&parts.to_string());
    content.behind((!text.is_empty()).then_some(Cow::Borrowed(text)))
}

/// Returns the text of a line.
fn line(text: &str, parts: &Value) -> String {
    let shown = content(text, parts);
    format!("{} {}", shown.text.unwrap_or_default(), shown.brackets).trim().to_owned()
}

/// A part of a type whose content is in this member.
fn part(content_type: &str, member: &str, content: &Value) -> Value {
    json!({"contentType": content_type, member: content})
}

fn attachment(file: &Value) -> Value {
    part("Attachment", "attachment", file)
}

fn answers(texts: &[&str]) -> Value {
    texts.iter().map(|text| part("ButtonResponse", "buttonResponse", &json!({"text": text, "payload": "p"}))).collect()
}

fn received(title: &str) -> Value {
    json!({"title": title, "subtitle": format!("{title} below"), "header": format!("{title} above")})
}

/// Checks one row: the part, the line that shows it, and `kind` and `name` in JSON.
fn check(part: &Value, expected_line: &str, kind: &str, name: Option<&str>) {
    assert_eq!(line("", &json!([part])), expected_line, "{part}");
    let attachments = content("", &json!([part])).attachments;
    let [attachment] = attachments.as_slice() else { panic!("{part}: {attachments:?}") };
    assert_eq!((attachment.kind.as_ref(), attachment.name.as_deref()), (kind, name), "{part}");
    let is_structured = part["contentType"] != "Attachment";
    assert!(!is_structured || attachment.content.as_ref() == Some(part), "{part}: {attachment:?}");
}

#[test]
fn a_file_is_an_attachment_and_a_link_is_a_link() {
    for (file, line, kind, name, mime) in [
        (
            json!({"filename": "a.png", "mime": "image/png", "mediaType": "Image"}),
            "[attachment: a.png]",
            "image",
            Some("a.png"),
            Some("image/png"),
        ),
        (json!({"filename": "a.mp4", "mediaType": "Video"}), "[attachment: a.mp4]", "video", Some("a.mp4"), None),
        (json!({"filename": "a.ogg", "mediaType": "Audio"}), "[attachment: a.ogg]", "audio", Some("a.ogg"), None),
        (json!({"filename": "a.pdf", "mediaType": "File"}), "[attachment: a.pdf]", "file", Some("a.pdf"), None),
        (json!({"filename": "a.glb", "mediaType": "Hologram"}), "[attachment: a.glb]", "hologram", Some("a.glb"), None),
        (json!({"url": "https://x.example/a", "mediaType": "Link"}), "[link: https://x.example/a]", "link", None, None),
        (
            json!({"filename": "Shop", "url": "https://x.example/a", "mediaType": "Link"}),
            "[link: Shop – https://x.example/a]",
            "link",
            Some("Shop"),
            None,
        ),
        (json!({"mediaType": "Image"}), "[attachment: image]", "image", None, None),
        (
            json!({"mime": "image/png", "url": "https://x.example/a"}),
            "[attachment: image/png]",
            "attachment",
            None,
            Some("image/png"),
        ),
        (
            json!({"url": "https://x.example/a", "mime": "png"}),
            "[attachment: https://x.example/a]",
            "attachment",
            None,
            None,
        ),
        (
            json!({"mediaType": "image/png", "name": "old.png"}),
            "[attachment: old.png]",
            "attachment",
            Some("old.png"),
            Some("image/png"),
        ),
        (json!({}), "[attachment]", "attachment", None, None),
    ] {
        let part = attachment(&file);
        check(&part, line, kind, name);
        assert_eq!(content("", &json!([part])).attachments[0].mime.as_deref(), mime, "{part}");
    }
    assert_eq!(line("", &json!([{"contentType": "Attachment", "filename": "flat.pdf"}])), "[attachment: flat.pdf]");
    assert_eq!(
        line("", &json!([{"filename": "plain.txt"}, {"contentType": "image/png"}])),
        "[attachment: plain.txt] [attachment: image/png]"
    );
}

#[test]
fn a_caption_is_text_and_is_kept() {
    let file = attachment(&json!({"mediaType": "Image", "filename": "a.jpg", "text": "my broken kettle"}));
    assert_eq!(line("", &json!([file])), "my broken kettle [attachment: a.jpg]");
    assert_eq!(line("my broken kettle ", &json!([file])), "my broken kettle  [attachment: a.jpg]");
    let shown = content("Look", &json!([file]));
    assert_eq!(
        (shown.text.as_deref(), shown.attachments[0].content.as_ref()),
        (Some("Look\nmy broken kettle"), Some(&file))
    );
}

#[test]
fn text_parts_follow_the_text() {
    let parts =
        json!([part("Text", "text", &json!({"type": "Title", "body": "one"})), {"contentType": "Text", "text": "two"}]);
    for (text, expected) in
        [("", "one\ntwo"), ("zero", "zero\none\ntwo"), (" one", "one\ntwo"), ("one\ntwo", "one\ntwo")]
    {
        let shown = content(text, &parts);
        assert_eq!((shown.text.as_deref().map(str::trim), shown.attachments.len()), (Some(expected), 0));
    }
}

#[test]
fn choices_of_one_kind_share_a_bracket() {
    let reply =
        |text: &str| part("QuickReply", "quickReply", &json!({"text": text, "payload": "p", "action": "Message"}));
    let file = attachment(&json!({"filename": "a"}));
    for (text, parts, expected) in [
        ("", json!([reply("Billing")]), "[quick reply: Billing]"),
        ("", json!([reply("Billing"), reply("Delivery")]), "[quick replies: Billing | Delivery]"),
        ("", json!([reply("Billing"), file, reply("Delivery")]), "[quick replies: Billing | Delivery] [attachment: a]"),
        ("Billing", json!([reply("Billing"), reply("Delivery")]), "Billing [quick reply: Delivery]"),
        ("", json!([reply(""), {"contentType": "QuickReply"}]), "[quick reply: p]"),
        ("", json!([{"contentType": "QuickReply"}]), "[quick reply]"),
        ("", answers(&["Small"]), "[answer: Small]"),
        ("Thanks", answers(&["Small", "Large"]), "Thanks [answers: Small | Large]"),
        ("Yes", answers(&["Yes"]), "Yes"),
        ("", answers(&["Other", "Other"]), "[answers: Other | Other]"),
    ] {
        assert_eq!(line(text, &parts), expected, "{parts}");
    }
    let two = content("", &json!([reply("Billing"), reply("Delivery")])).attachments;
    assert_eq!(two.iter().map(|reply| reply.name.as_deref()).collect::<Vec<_>>(), [Some("Billing"), Some("Delivery")]);
    check(&reply("Billing"), "[quick reply: Billing]", "quick reply", Some("Billing"));
    check(&answers(&["Yes"])[0], "[answer: Yes]", "answer", Some("Yes"));
    assert_eq!(content("Yes", &answers(&["Yes"])).attachments.len(), 1, "JSON has the payload of a pressed button");
}

#[test]
fn quick_replies_cards_and_carousels_show_titles_and_buttons() {
    let actions = json!([{"type": "Link", "text": "Details", "url": "https://x.example"}, {"type": "Postback", "text": "Buy", "payload": "b"}]);
    let card = |title: &str| json!({"title": title, "description": "in stock", "image": "https://x.example/i", "actions": actions});
    let replies = json!({"title": "Topic?", "actions": [{"text": "A"}, {"text": "B"}]});
    check(
        &part("QuickReplyV2", "quickReplyV2", &replies),
        "[quick replies: Topic?: A | B]",
        "quick replies",
        Some("Topic?: A | B"),
    );
    let shown = "Kettle – in stock: Details | Buy";
    check(&part("Card", "card", &card("Kettle")), &format!("[card: {shown}]"), "card", Some(shown));
    check(&part("GenericTemplate", "generic", &card("Kettle")), &format!("[card: {shown}]"), "card", Some(shown));
    let with_default =
        json!({"title": "Kettle", "defaultAction": {"type": "Link", "text": "Open", "url": "https://x.example"}});
    check(&part("Card", "card", &with_default), "[card: Kettle: Open]", "card", Some("Kettle: Open"));
    check(
        &part("Card", "card", &json!({"image": "https://x.example/i"})),
        "[card: https://x.example/i]",
        "card",
        Some("https://x.example/i"),
    );
    let cards = json!({"cards": [card("Kettle"), card("Pot")]});
    let shown = "Kettle – in stock: Details | Buy; Pot – in stock: Details | Buy";
    check(&part("Carousel", "carousel", &cards), &format!("[carousel: {shown}]"), "carousel", Some(shown));
    check(&part("Carousel", "carousel", &json!({})), "[carousel]", "carousel", None);
}

#[test]
fn a_list_picker_shows_its_sections_and_items() {
    let items = |titles: &[&str]| titles.iter().map(|title| json!({"id": "i", "title": title})).collect::<Value>();
    let section = |title: &str, titles: &[&str]| json!({"title": title, "items": items(titles)});
    let list = |title: &str, sections: Value| {
        part("ListPicker", "listPicker", &json!({"receivedMessage": {"title": title}, "sections": sections}))
    };
    let clothes = section("Clothes", &["Small", "Large"]);
    for (part, shown) in [
        (list("Size?", json!([clothes])), "Size?: Small | Large"),
        (list("", json!([clothes])), "Clothes: Small | Large"),
        (
            list("Size?", json!([clothes, section("Shoes", &["Boots", "Large"])])),
            "Size?: Clothes: Small | Large; Shoes: Boots | Large",
        ),
        (list("Size?", json!([{"title": "Small"}, {"title": "Large"}])), "Size?: Small | Large"),
        // Neither the prompt nor a choice of the same section is shown twice.
        (list("Size?", json!([section("Clothes", &["Small", "Size?", " Small "])])), "Size?: Small"),
        (
            list("Size?", json!([{"title": "Clothes", "items": [{"title": "Small", "subtitle": "kids"}]}])),
            "Size?: Small – kids",
        ),
        (
            part(
                "ListPicker",
                "listPicker",
                &json!({"receivedMessage": received("Size?"), "sections": [clothes], "replyMessage": {"title": "Chosen"}}),
            ),
            "Size? above – Size? – Size? below: Small | Large",
        ),
        (part("ListPicker", "listPicker", &json!({"replyMessage": {"title": "Chosen"}})), "Chosen"),
    ] {
        check(&part, &format!("[list: {shown}]"), "list", Some(shown));
    }
    assert_eq!(line("Small", &json!([list("Size?", json!([clothes]))])), "Small [list: Size?: Large]");
}

#[test]
fn dates_show_their_options() {
    let picker = json!({"title": "When?", "subtitle": "in May", "location": {"text": "Shop", "address": "1 Main St"},
        "availableTimes": [{"dateTime": "2026-05-04T10:00:00Z", "duration": 1800}, {"dateTime": "2026-05-05T10:00:00Z"}]});
    let shown = "When? – in May – Shop – 1 Main St: 2026-05-04T10:00:00Z | 2026-05-05T10:00:00Z";
    check(&part("DatePicker", "datePicker", &picker), &format!("[dates: {shown}]"), "dates", Some(shown));
    assert_eq!(line("", &answers(&["5/4/2026, 10:00 AM"])), "[answer: 5/4/2026, 10:00 AM]");
}

#[test]
fn a_form_shows_its_questions_and_its_answers() {
    let input = json!({"formComponentType": "Input", "input": {"id": "n", "title": "Name", "subtitle": "in full", "placeholderText": "Ada"}});
    let list = json!({"formComponentType": "ListPicker", "listPicker": {"receivedMessage": {"title": "Size"},
        "sections": [{"title": "Shirts", "items": [{"title": "Small"}, {"title": "Large"}]}]}});
    let wheel = json!({"formComponentType": "WheelPicker", "wheelPicker": {"items": [{"id": "1", "title": "One", "value": "1"}, {"id": "2", "value": "2"}]}});
    let date = json!({"formComponentType": "DatePicker", "datePicker": {"title": "Birthday"}});
    let form = json!({"introduction": {"title": "About you", "subtitle": "two pages", "buttonText": "Start"},
        "receivedMessage": {"title": "A form"},
        "formPages": [{"title": "Person", "subtitle": "you", "pageComponents": [input, date]}, {"title": "Order", "pageComponents": [list, wheel, {"formComponentType": "Hologram"}]}]});
    let shown = "About you – two pages – A form: Person – you: Name – in full – Ada | Birthday; \
        Order: Size (Shirts, Small, Large) | (One, 2) | Hologram; Start";
    check(&part("Form", "form", &form), &format!("[form: {shown}]"), "form", Some(shown));

    let answer = |text: &str, payload: &str| json!({"id": "n", "component": {"contentType": "ButtonResponse", "buttonResponse": {"type": "Form", "text": text, "payload": payload}}});
    let response = json!({"originatingMessageId": "m1", "response": [answer("Ada", "x"), answer("", ""), answer("Yes", "y"), answer("Yes", "y"), answer("", "z")]});
    let shown = "Ada | Yes | Yes | z";
    check(&part("Form", "form", &response), &format!("[form answer: {shown}]"), "form answer", Some(shown));
    assert_eq!(
        line("Done", &json!([part("Form", "form", &json!({"response": [answer("", "")]}))])),
        "Done [form answer]"
    );
}

#[test]
fn a_notification_shows_every_text_once() {
    let notification = |template: Value| part("Notification", "template", &template);
    let full = notification(
        json!({"header": {"type": "Text", "text": "Order"}, "body": {"text": "Hi Casey", "parameters": []},
        "footer": {"text": "Kettle Ltd"}, "buttons": [{"type": "QuickReply", "index": 0, "text": "Stop"}]}),
    );
    let bare = notification(json!({"id": "ns@order_update/name", "language": "en_US",
        "body": {"parameters": [{"name": "1", "text": "Casey"}, {"name": "2", "text": "4711"}]}}));
    let inserted = notification(
        json!({"id": "t", "body": {"text": "Hi Casey", "parameters": [{"name": "1", "text": "Casey"}, {"name": "2", "text": "4711"}]}}),
    );
    let buttons = notification(
        json!({"body": {"text": "Hi"}, "buttons": [{"type": "Url", "text": "Track", "url": "https://x.example", "parameters": [{"text": "4711"}]},
        {"type": "PhoneNumber", "phoneNumber": "+1555"}]}),
    );
    let media = notification(
        json!({"header": {"type": "Media", "media": {"filename": "a.png", "text": "a map"}}, "body": {"text": "Hi"}}),
    );
    let carousel = notification(json!({"body": {"text": "Pick"}, "carousel": {"cards": [
        {"body": {"text": "Kettle"}, "buttons": [{"text": "Buy"}]}, {"body": {"parameters": [{"text": "Pot"}]}, "buttons": [{"text": "Buy"}]}]}}));
    for (text, part, expected) in [
        ("Hi Casey", &full, "Hi Casey [notification: Order – Kettle Ltd: Stop]"),
        (" Hi Casey\n", &full, "Hi Casey\n [notification: Order – Kettle Ltd: Stop]"),
        ("", &full, "[notification: Order – Hi Casey – Kettle Ltd: Stop]"),
        ("Order\nHi Casey\nKettle Ltd\nStop", &full, "Order\nHi Casey\nKettle Ltd\nStop"),
        ("", &bare, "[notification: ns@order_update/name: Casey | 4711]"),
        ("Hi Casey, 4711 is on its way", &bare, "Hi Casey, 4711 is on its way"),
        ("", &inserted, "[notification: Hi Casey: 4711]"),
        ("", &buttons, "[notification: Hi: Track | 4711 | +1555]"),
        ("", &media, "[notification: a map – a.png – Hi]"),
        ("", &carousel, "[notification: Pick: Kettle: Buy; Pot: Buy]"),
        ("", &notification(json!({})), "[notification]"),
        ("", &notification(json!({"id": "t"})), "[notification: t]"),
    ] {
        assert_eq!(line(text, &json!([part])), expected, "{part}");
    }
    check(
        &bare,
        "[notification: ns@order_update/name: Casey | 4711]",
        "notification",
        Some("ns@order_update/name: Casey | 4711"),
    );
    let response = |content: Value| part("NotificationResponse", "notificationResponse", &content);
    check(
        &response(json!({"notificationStatus": "Accepted"})),
        "[notification answer: Accepted]",
        "notification answer",
        Some("Accepted"),
    );
    check(
        &response(json!({"notificationStatus": "Declined", "notificationText": "No"})),
        "[notification answer: No]",
        "notification answer",
        Some("No"),
    );
}

#[test]
fn all_other_types_show_their_strings() {
    for (content_type, member, content, kind, shown) in [
        (
            "Location",
            "location",
            json!({"text": "Shop", "address": "1 Main St", "latitude": 48.1, "longitude": 11.5, "url": "https://m.example"}),
            "location",
            "Shop – 1 Main St",
        ),
        ("Location", "location", json!({"latitude": 48.1, "longitude": 11.5}), "location", "48.1, 11.5"),
        ("Location", "location", json!({"url": "https://m.example"}), "location", "https://m.example"),
        (
            "Story",
            "story",
            json!({"type": "Reply", "url": "https://s.example", "replyToId": "r"}),
            "story",
            "Reply – https://s.example",
        ),
        ("Story", "story", json!({"type": "Mention"}), "story", "Mention"),
        ("Mention", "mention", json!({"text": "@casey"}), "mention", "@casey"),
        (
            "Reactions",
            "reactions",
            json!([{"reactionType": "Like", "count": 3}, {"reactionType": "Love", "count": 1}]),
            "reactions",
            "Like (3) | Love",
        ),
        (
            "PaymentRequest",
            "paymentRequest",
            json!({"receivedMessage": received("Order 7"), "orderTotal": 12.5, "currencyCode": "EUR",
            "lineItems": [{"name": "Kettle", "description": "red", "price": 9.5}], "shippingOptions": [{"name": "Post", "price": 3}]}),
            "payment request",
            "Order 7 above – Order 7 – Order 7 below – 12.5 EUR: Kettle – red – 9.5; Post – 3",
        ),
        (
            "PaymentResponse",
            "paymentResponse",
            json!({"paymentStatus": "Failed", "failureReason": "no funds"}),
            "payment answer",
            "Failed – no funds",
        ),
        (
            "Push",
            "push",
            json!({"notificationMessage": {"title": "News", "body": "One message"}, "deviceToken": "x"}),
            "push notification",
            "News – One message",
        ),
        (
            "InteractiveApplication",
            "interactiveApplication",
            json!({"name": "Seats", "url": "data:x", "receivedMessage": {"title": "Choose", "buttonLabel": "Open"}}),
            "app",
            "Seats – Choose: Open",
        ),
        (
            "RoadsideAssistance",
            "roadsideAssistance",
            json!({"text": "Flat tyre", "phoneNumber": "+1555", "location": {"address": "1 Main St"}}),
            "roadside assistance",
            "Flat tyre – +1555 – 1 Main St",
        ),
        (
            "RichLink",
            "richLink",
            json!({"header": {"type": "Text", "value": "Shop"}, "text": "Sale", "urlLabel": "Open", "footer": "today", "url": "https://l.example"}),
            "link",
            "Shop – Sale – Open – today – https://l.example",
        ),
        ("Unknown", "unknown", json!({"text": "x"}), "unknown content", "x"),
        (
            "Hologram",
            "hologram",
            json!({"title": "Ship", "hull": {"label": "steel"}, "decks": [{"name": "A"}, "B", 7]}),
            "Hologram",
            "Ship – steel: A | B",
        ),
        ("Hologram", "projection", json!({"title": "Ship"}), "Hologram", "Ship"),
        ("Éclair", "éclair", json!({"url": "https://e.example"}), "Éclair", "https://e.example"),
    ] {
        check(&part(content_type, member, &content), &format!("[{kind}: {shown}]"), kind, Some(shown));
    }
    for (content_type, kind) in [
        ("RoadsideAssistance", "roadside assistance"),
        ("Unknown", "unknown content"),
        ("Hologram", "Hologram"),
        ("Form", "form"),
    ] {
        for content in [Value::Null, json!(7), json!([]), json!({}), json!("")] {
            check(&part(content_type, "content", &content), &format!("[{kind}]"), kind, None);
        }
    }
}

#[test]
fn the_letter_case_of_a_type_and_the_object_around_its_content_do_not_matter() {
    assert_eq!(line("", &json!([{"contentType": "quickreply", "quickReply": {"text": "A"}}])), "[quick reply: A]");
    assert_eq!(line("", &json!([{"contentType": "QuickReply", "text": "A"}])), "[quick reply: A]");
    assert_eq!(line("", &json!([7, null, "x", {"contentType": 7}])), "[7]");
    assert_eq!(line("hi", &json!(7)), "hi");
}

#[test]
fn two_parts_with_equal_names_both_stay() {
    let file = attachment(&json!({"filename": "image.jpg"}));
    assert_eq!(line("", &json!([file, file])), "[attachment: image.jpg] [attachment: image.jpg]");
    assert_eq!(line("image.jpg", &json!([file])), "image.jpg [attachment: image.jpg]", "a file keeps its name");
    let card = part("Card", "card", &json!({"title": "Kettle", "actions": [{"text": "Buy"}]}));
    assert_eq!(line("", &json!([card, card])), "[card: Kettle: Buy] [card: Kettle: Buy]");
    let location = part("Location", "location", &json!({"address": "1 Main St"}));
    assert_eq!(line("", &json!([location, location])), "[location: 1 Main St] [location]");
}

#[test]
fn attachments_are_an_object_or_a_list_of_objects_and_names() {
    for (json, expected) in [
        (r#"{"name":"a.pdf","size":7}"#, 1),
        (r#"[{"url":"https://files.example.invalid/b"},"c.txt",""]"#, 2),
        ("null", 0),
        ("[]", 0),
    ] {
        let mut content = Content::default();
        content.read_attachments(json);
        assert_eq!(content.behind(None).attachments.len(), expected, "{json}");
    }
}
