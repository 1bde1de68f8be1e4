//! The text of a message and all of its other parts, for a line and for JSON (EVT-5 to EVT-7).

mod file;
mod line;
mod prompts;
mod structured;
mod template;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use self::line::Part;
use super::json::{self, first_text_at, text_at};
use crate::event::Attachment;

/// The parts of a message, while they are read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Content {
    /// The text parts and captions.
    texts: Vec<String>,
    attachments: Vec<Attachment<'static>>,
    /// The same parts as a line shows them.
    parts: Vec<Part>,
    has_files: bool,
}

/// The parts of a message, as an event has them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ShownContent<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) attachments: Vec<Attachment<'static>>,
    /// The brackets behind the text of a line.
    pub(super) brackets: String,
}

impl ShownContent<'_> {
    /// Returns whether the message has neither text nor parts.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.attachments.is_empty()
    }
}

impl Content {
    /// Reads an `attachment` or `attachments` member: an object, a list of them, or a bare name or URL.
    pub(super) fn read_attachments(&mut self, json: &str) {
        for item in list_of(json) {
            self.read_attachment(&item);
        }
    }

    /// Reads a `content` member: a list of parts, each with its `contentType`.
    pub(super) fn read_parts(&mut self, json: &str) {
        for item in list_of(json) {
            self.read_part(&item);
        }
    }

    /// Reads one attachment: an object, or a bare name or URL.
    pub(super) fn read_attachment(&mut self, item: &Value) {
        match item {
            Value::Object(_) => self.read_file(item, item),
            Value::String(name) if !name.is_empty() => self.add(file::named(name)),
            _ => {}
        }
    }

    /// Reads one sticker.
    pub(super) fn read_sticker(&mut self, item: &Value) {
        if item.is_object() {
            self.add(file::sticker(item));
        }
    }

    /// Reads one part of a `content` member.
    pub(super) fn read_part(&mut self, part: &Value) {
        let kind = text_at(part, "contentType").unwrap_or_default();
        match kind.to_ascii_lowercase().as_str() {
            "text" => self.texts.extend(first_text_at(part, &["text.body", "text.text", "text"])),
            "attachment" => self.read_file(part, part.get("attachment").unwrap_or(part)),
            // A part without a type, or with a MIME type.
            kind if (kind.is_empty() && part.is_object()) || kind.contains('/') => self.read_file(part, part),
            "" => {}
            _ => self.add(structured::read(&kind, part)),
        }
    }

    /// Adds the title of a message that has nothing else.
    pub(super) fn add_title(&mut self, title: &str) {
        self.add(file::titled("title", title));
    }

    /// Returns whether a file or link was read.
    pub(super) fn has_files(&self) -> bool {
        self.has_files
    }

    /// Returns whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.texts.is_empty()
    }

    /// Returns whether a text part or a caption was read.
    pub(super) fn has_text(&self) -> bool {
        !self.texts.is_empty()
    }

    /// Returns the message with this text. A plain one costs nothing.
    pub(super) fn behind(self, text: Option<Cow<'_, str>>) -> ShownContent<'_> {
        if self.is_empty() {
            return ShownContent { text, ..ShownContent::default() };
        }
        let mut pieces: Vec<&str> = text.as_deref().into_iter().collect();
        let mut shown: HashSet<&str> =
            pieces.iter().flat_map(|text| text.lines().chain([*text])).map(str::trim).collect();
        pieces.extend(self.texts.iter().map(String::as_str).filter(|text| shown.insert(text.trim())));
        let brackets = line::brackets(&pieces, &self.parts);
        let text = if pieces.len() > 1 || text.is_none() { joined(&pieces) } else { text };
        ShownContent { text, attachments: self.attachments, brackets }
    }

    fn read_file(&mut self, part: &Value, file: &Value) {
        self.has_files = true;
        self.texts.extend(file::caption(file));
        self.add(file::file(part, file));
    }

    fn add(&mut self, part: (Attachment<'static>, Part)) {
        self.attachments.push(part.0);
        self.parts.push(part.1);
    }
}

fn list_of(json: &str) -> Vec<Value> {
    match json::parse(json) {
        Ok(Value::Array(items)) => items,
        Ok(Value::Null) | Err(_) => Vec::new(),
        Ok(item) => vec![item],
    }
}

fn joined(pieces: &[&str]) -> Option<Cow<'static, str>> {
    (!pieces.is_empty()).then(|| Cow::Owned(pieces.join("\n")))
}
