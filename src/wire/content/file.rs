//! Files, links and stickers.

use std::borrow::Cow;

use serde_json::Value;

use super::line::{Part, Section};
use crate::event::Attachment;
use crate::wire::json::{first_text_at, text_at};

/// The kind of a file without a media type, and the label of all files other than links.
const ATTACHMENT: &str = "attachment";

/// Returns a file, read from `file`, a member of `part` or the part itself.
pub(super) fn file(part: &Value, file: &Value) -> (Attachment<'static>, Part) {
    let kind = media_type(file).unwrap_or_else(|| ATTACHMENT.to_owned());
    let name = first_text_at(file, &["filename", "name", "fileName", "title"]);
    let url = first_text_at(file, &["url", "href"]);
    let mime = mime(file);
    let shown = match kind.as_str() {
        "link" => name.iter().chain(&url).cloned().collect(),
        ATTACHMENT => name.clone().or(mime.clone()).or(url.clone()).into_iter().collect(),
        kind => name.clone().or(mime.clone()).or(url.clone()).or(Some(kind.to_owned())).into_iter().collect(),
    };
    let label = if kind == "link" { "link" } else { ATTACHMENT };
    let attachment = Attachment {
        kind: Cow::Owned(kind),
        name: name.map(Cow::Owned),
        mime: mime.map(Cow::Owned),
        url: url.map(Cow::Owned),
        size: size(file),
        content: None,
    };
    let content = (!holds(&attachment, part, file)).then(|| part.clone());
    (Attachment { content, ..attachment }, labelled(label, shown))
}

/// Returns a sticker of the legacy member.
pub(super) fn sticker(item: &Value) -> (Attachment<'static>, Part) {
    let (attachment, part) = file(item, item);
    (Attachment { kind: Cow::Borrowed("sticker"), ..attachment }, Part { label: Cow::Borrowed("sticker"), ..part })
}

/// Returns a file of which only the name or the address is known.
pub(super) fn named(name: &str) -> (Attachment<'static>, Part) {
    titled(ATTACHMENT, name)
}

/// Returns a part with this kind and a name.
pub(super) fn titled(kind: &'static str, name: &str) -> (Attachment<'static>, Part) {
    let attachment =
        Attachment { kind: Cow::Borrowed(kind), name: Some(Cow::Owned(name.to_owned())), ..Attachment::default() };
    (attachment, labelled(kind, vec![name.to_owned()]))
}

/// Returns the text that the sender put below a file.
pub(super) fn caption(file: &Value) -> Option<String> {
    text_at(file, "text")
}

fn labelled(label: &'static str, shown: Vec<String>) -> Part {
    Part { label: Cow::Borrowed(label), sections: vec![Section::of_file(shown)], ..Part::default() }
}

/// Returns the media type in lower case, such as `image`. Legacy members have a MIME type in its place.
fn media_type(file: &Value) -> Option<String> {
    text_at(file, "mediaType").filter(|media_type| !is_mime(media_type)).map(|media_type| media_type.to_lowercase())
}

fn mime(file: &Value) -> Option<String> {
    let members = ["mime", "mimeType", "mediaType", "contentType"];
    members.iter().filter_map(|member| text_at(file, member)).find(|mime| is_mime(mime))
}

fn is_mime(text: &str) -> bool {
    let has_both = text.split_once('/').is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty());
    has_both && !text.contains("://") && text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic())
}

fn size(file: &Value) -> Option<u64> {
    let members = ["contentSizeBytes", "contentLengthBytes", "contentLength", "size"];
    members.iter().find_map(|member| file.get(member).and_then(Value::as_u64))
}

/// Returns whether the attachment holds all of a part.
fn holds(attachment: &Attachment<'_>, part: &Value, file: &Value) -> bool {
    let members = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
    let has_file_alone =
        std::ptr::eq(part, file) || members(part) == usize::from(part.get("contentType").is_some()) + 1;
    let is = |value: &Value, text: Option<&str>| text.is_some() && value.as_str() == text;
    let holds_member = |(name, value): (&String, &Value)| match name.as_str() {
        "filename" | "name" | "fileName" | "title" => is(value, attachment.name.as_deref()),
        "url" | "href" => is(value, attachment.url.as_deref()),
        "mime" | "mimeType" => is(value, attachment.mime.as_deref()),
        "mediaType" => value.as_str().is_some_and(|media_type| media_type.eq_ignore_ascii_case(&attachment.kind)),
        "contentSizeBytes" | "contentLengthBytes" | "contentLength" | "size" => {
            value.is_u64() && value.as_u64() == attachment.size
        }
        name => name == "contentType" && std::ptr::eq(part, file),
    };
    has_file_alone && file.as_object().is_some_and(|members| members.iter().all(holds_member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mime_type_is_a_type_and_a_subtype() {
        for (text, expected) in [
            ("image/png", true),
            ("application/vnd.api+json", true),
            ("Image", false),
            ("image/", false),
            ("/png", false),
            ("image/\npng", false),
            ("https://x.example/a", false),
            ("", false),
        ] {
            assert_eq!(is_mime(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_keeps_its_content_unless_the_members_of_an_attachment_hold_it() {
        let part = |file: Value| json!({"contentType": "Attachment", "attachment": file});
        for (file, is_held) in [
            (
                json!({"mediaType": "Image", "url": "https://x.example/a", "mime": "image/png", "filename": "a", "contentSizeBytes": 7}),
                true,
            ),
            (json!({}), true),
            (json!({"name": "a", "size": 7, "href": "https://x.example/a"}), true),
            (json!({"filename": "a", "title": "b"}), false),
            (json!({"filename": "a", "mediaType": "image/png"}), false),
            (json!({"filename": "a", "text": "caption"}), false),
            (json!({"filename": "a", "sha256": "0f"}), false),
            (json!({"filename": "a", "mime": "png"}), false),
            (json!({"filename": "a", "contentSizeBytes": "7"}), false),
            (json!({"filename": ["a"]}), false),
        ] {
            let part = part(file);
            let (attachment, _) = super::file(&part, &part["attachment"]);
            assert_eq!(attachment.content, (!is_held).then(|| part.clone()), "{part}");
        }
    }
}
