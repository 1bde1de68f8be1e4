//! The text format: one line per event (OUT-1).

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

use regex::Regex;

use super::color::{RenderedStyle, Theme};
use super::escape::{EscapeMode, push_escaped};
use super::highlight::push_highlighted;
use super::prefix::Prefixes;
use super::timestamp::TimestampFormatter;
use crate::config::{Multiline, Style, Timestamps};
use crate::event::{EventBody, Gap, Message, TranscriptEvent};

/// The maximum number of ids that prefixes tell apart. Beyond it, the oldest conversations are long closed.
const MAX_DISTINCT_IDS: usize = 10_000;

/// Formats events as `TIME PREFIX [LABEL] SENDER: TEXT`.
pub(super) struct TextLines {
    timestamps: Option<TimestampFormatter>,
    prefixes: Prefixes,
    /// The ids seen so far; empty unless the prefixes grow.
    seen_ids: BTreeSet<String>,
    theme: Theme,
    escape_mode: EscapeMode,
    highlight: Option<Regex>,
}

impl TextLines {
    pub(super) fn new(style: &Style, prefixes: Prefixes) -> Self {
        let has_time = style.timestamps != Timestamps::None;
        Self {
            timestamps: has_time.then(|| TimestampFormatter::new(style.timestamps, style.utc)),
            prefixes: prefixes.in_form(style.prefix),
            seen_ids: BTreeSet::new(),
            theme: Theme::new(style.color),
            escape_mode: escape_mode(style),
            highlight: style.highlight.clone().filter(|_| style.color),
        }
    }

    /// Appends the line of one event with its line break.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, event: &TranscriptEvent<'_>) {
        self.push_time_and_prefix(out, event);
        match &event.body {
            EventBody::Message(message) => self.push_message(out, message),
            EventBody::Update { description } => self.push_update(out, description.as_deref()),
            EventBody::Closed => push_notice(out, &self.theme.closed, "[CLOSED] Conversation terminated"),
            EventBody::Gap(gap) => push_gap(out, &self.theme.gap, gap),
        }
        out.push(b'\n');
    }

    fn push_time_and_prefix(&mut self, out: &mut Vec<u8>, event: &TranscriptEvent<'_>) {
        if let Some(timestamps) = &mut self.timestamps {
            self.theme.time.paint(out, |out| timestamps.push(out, event.time(), event.received));
            out.push(b' ');
        }
        self.extend_prefixes(event.conversation);
        if let Some(prefix) = self.prefixes.of(event.conversation) {
            self.theme.conversation(event.conversation).paint(out, |out| push_escaped(out, prefix));
            out.push(b' ');
        }
    }

    /// Lengthens growing prefixes if this id is new and would be ambiguous.
    fn extend_prefixes(&mut self, conversation: &str) {
        if self.prefixes.grows() && !self.seen_ids.contains(conversation) {
            if self.seen_ids.len() == MAX_DISTINCT_IDS {
                self.seen_ids.clear();
            }
            // In sorted order, an id has its longest common beginning with a neighbor.
            let before = self.seen_ids.range::<str, _>((Unbounded, Excluded(conversation))).next_back();
            let after = self.seen_ids.range::<str, _>((Excluded(conversation), Unbounded)).next();
            for neighbor in before.into_iter().chain(after) {
                self.prefixes.distinguish(conversation, neighbor);
            }
            self.seen_ids.insert(conversation.to_owned());
        }
    }

    fn push_update(&self, out: &mut Vec<u8>, description: Option<&str>) {
        self.theme.update.paint(out, |out| {
            out.extend_from_slice(b"[UPDATE] ");
            self.escape_mode.push_name(out, description.unwrap_or("Conversation status changed"));
        });
    }

    fn push_message(&self, out: &mut Vec<u8>, message: &Message<'_>) {
        self.theme.role(message.role).paint(out, |out| {
            out.push(b'[');
            out.extend_from_slice(message.role.label().as_bytes());
            out.extend_from_slice(b"] ");
            self.escape_mode.push_name(out, message.sender_label());
            out.push(b':');
        });
        out.push(b' ');
        let text = message.display_text();
        match &self.highlight {
            Some(pattern) => push_highlighted(out, &text, pattern, &self.theme.highlight, self.escape_mode),
            None => self.escape_mode.push_text(out, &text),
        }
    }
}

fn escape_mode(style: &Style) -> EscapeMode {
    match (style.raw_control, style.multiline) {
        (true, _) => EscapeMode::Raw,
        (false, Multiline::Indent) => EscapeMode::Indent,
        (false, Multiline::Escape) => EscapeMode::Escape,
    }
}

fn push_notice(out: &mut Vec<u8>, style: &RenderedStyle, notice: &str) {
    style.paint(out, |out| out.extend_from_slice(notice.as_bytes()));
}

fn push_gap(out: &mut Vec<u8>, style: &RenderedStyle, gap: &Gap) {
    let seconds = gap.seconds();
    push_notice(out, style, &format!("[GAP] {seconds} s without a connection; messages in it may be missing"));
}

#[cfg(test)]
mod tests {
    use std::slice;

    use proptest::prelude::*;

    use super::super::fixtures::{ID, event, gap, hostile_text, message_event};
    use super::*;
    use crate::config::PrefixForm;
    use crate::event::Role;

    fn utc() -> Style {
        Style { utc: true, ..Style::default() }
    }

    fn line(style: &Style, event: &TranscriptEvent<'_>) -> String {
        lines(style, Prefixes::default(), slice::from_ref(event))
    }

    fn lines(style: &Style, prefixes: Prefixes, events: &[TranscriptEvent<'_>]) -> String {
        let mut text = TextLines::new(style, prefixes);
        let mut out = Vec::new();
        for event in events {
            text.push(&mut out, event);
        }
        String::from_utf8(out).unwrap()
    }

    fn one_event_of_each_kind() -> [TranscriptEvent<'static>; 7] {
        [
            message_event(Role::Customer, "Ada", "Hello"),
            message_event(Role::Agent, "Sam", "Hi Ada, how can I help?"),
            message_event(Role::System, "Sam", "joined"),
            event(EventBody::Update { description: None }),
            event(EventBody::Update { description: Some("Sam\njoined".into()) }),
            event(EventBody::Closed),
            gap(),
        ]
    }

    #[test]
    fn each_kind_of_event_has_its_documented_line() {
        let expected = "\
            03:04:05 [Customer] Ada: Hello\n\
            03:04:05 [Agent] Sam: Hi Ada, how can I help?\n\
            03:04:05 [SYSTEM] Sam: joined\n\
            03:04:05 [UPDATE] Conversation status changed\n\
            03:04:05 [UPDATE] Sam\\njoined\n\
            03:04:05 [CLOSED] Conversation terminated\n\
            03:04:05 [GAP] 42 s without a connection; messages in it may be missing\n";
        assert_eq!(lines(&utc(), Prefixes::default(), &one_event_of_each_kind()), expected);
    }

    #[test]
    fn the_prefix_is_between_time_and_label() {
        let several = Prefixes::new([ID, "a1b2c3d4-0000-4000-8000-000000000002"]);
        let hello = [message_event(Role::Customer, "Ada", "Hello")];
        assert_eq!(lines(&utc(), several, &hello), "03:04:05 97b9dcb3 [Customer] Ada: Hello\n");
        let without_time = Style { timestamps: Timestamps::None, ..Style::default() };
        assert_eq!(lines(&without_time, several, &hello), "97b9dcb3 [Customer] Ada: Hello\n");
        assert_eq!(line(&without_time, &hello[0]), "[Customer] Ada: Hello\n");
    }

    #[test]
    fn growing_prefixes_keep_the_form_of_the_flag() {
        let other = TranscriptEvent { conversation: "97b9dcb3-9", ..message_event(Role::Bot, "Quill", "Hi") };
        let events = [message_event(Role::Customer, "Ada", "Hello"), other];
        let style = |prefix| Style { timestamps: Timestamps::None, prefix: Some(prefix), ..Style::default() };
        let of = |prefix| lines(&style(prefix), Prefixes::growing([]), &events);
        assert_eq!(of(PrefixForm::Full), format!("{ID} [Customer] Ada: Hello\n97b9dcb3-9 [Bot] Quill: Hi\n"));
        assert_eq!(of(PrefixForm::None), "[Customer] Ada: Hello\n[Bot] Quill: Hi\n");
        assert_eq!(of(PrefixForm::Short), "97b9dcb3 [Customer] Ada: Hello\n97b9dcb3-9 [Bot] Quill: Hi\n");
    }

    #[test]
    fn a_new_conversation_lengthens_the_prefix_in_any_order() {
        let style = Style { timestamps: Timestamps::None, ..Style::default() };
        let event = |conversation| TranscriptEvent { conversation, ..message_event(Role::Bot, "Quill", "Hi") };
        for ids in [["97b9dcb3-1", "b", "97b9dcb3-2"], ["97b9dcb3-2", "a", "97b9dcb3-1"]] {
            let lines = lines(&style, Prefixes::growing([]), &ids.map(event));
            let prefixes: Vec<_> = lines.lines().map(|line| line.split(' ').next().unwrap()).collect();
            assert_eq!(prefixes, ["97b9dcb3", ids[1], ids[2]]);
        }
    }

    #[test]
    fn a_conversation_keeps_the_color_of_its_prefix() {
        let style = Style { color: true, timestamps: Timestamps::None, ..Style::default() };
        let color_of = |form, conversation: &str| {
            let event = TranscriptEvent { conversation, ..message_event(Role::Unknown, "Ada", "Hello") };
            let style = Style { prefix: Some(form), ..style.clone() };
            let line = lines(&style, Prefixes::growing([]), &[event]);
            line.split_once('m').map(|(color, _)| color.to_owned()).unwrap()
        };
        assert_eq!(color_of(PrefixForm::Short, ID), color_of(PrefixForm::Full, ID));
        // The colors are those of other runs and machines.
        assert_eq!(
            [ID, "a1b2c3d4-2", "b"].map(|id| color_of(PrefixForm::Short, id)),
            ["\x1b[32", "\x1b[33", "\x1b[32"]
        );
    }

    #[test]
    fn color_adds_nothing_but_escape_sequences() {
        let color = Style { color: true, highlight: Some(Regex::new("help").unwrap()), ..utc() };
        let colored = lines(&color, Prefixes::default(), &one_event_of_each_kind());
        let expected = "\
            \x1b[2m03:04:05\x1b[0m \x1b[32m[Customer] Ada:\x1b[0m Hello\n\
            \x1b[2m03:04:05\x1b[0m \x1b[36m[Agent] Sam:\x1b[0m Hi Ada, how can I \x1b[1m\x1b[7mhelp\x1b[0m?\n\
            \x1b[2m03:04:05\x1b[0m \x1b[2m[SYSTEM] Sam:\x1b[0m joined\n\
            \x1b[2m03:04:05\x1b[0m \x1b[2m[UPDATE] Conversation status changed\x1b[0m\n\
            \x1b[2m03:04:05\x1b[0m \x1b[2m[UPDATE] Sam\\njoined\x1b[0m\n\
            \x1b[2m03:04:05\x1b[0m \x1b[1m[CLOSED] Conversation terminated\x1b[0m\n\
            \x1b[2m03:04:05\x1b[0m \x1b[1m\x1b[31m[GAP] 42 s without a connection; messages in it may be missing\x1b[0m\n";
        assert_eq!(colored, expected);
        let without_color = Regex::new("\x1b\\[[0-9]+m").unwrap().replace_all(&colored, "").into_owned();
        assert_eq!(without_color, lines(&utc(), Prefixes::default(), &one_event_of_each_kind()));
    }

    #[test]
    fn line_breaks_are_escaped_indented_or_copied() {
        let hostile = message_event(Role::Customer, "A\nda", "one\ntwo\x1b");
        assert_eq!(line(&utc(), &hostile), "03:04:05 [Customer] A\\nda: one\\ntwo\\x1b\n");
        let indent = Style { multiline: Multiline::Indent, ..utc() };
        assert_eq!(line(&indent, &hostile), "03:04:05 [Customer] A\\nda: one\n    | two\\x1b\n");
        let raw = Style { raw_control: true, ..utc() };
        assert_eq!(line(&raw, &hostile), "03:04:05 [Customer] A\nda: one\ntwo\x1b\n");
    }

    proptest! {
        #[test]
        fn an_event_is_one_line_without_dangerous_characters(name in hostile_text(), text in hostile_text()) {
            let written = line(&utc(), &message_event(Role::Unknown, &name, &text));
            prop_assert_eq!(written.find('\n'), Some(written.len() - 1));
            prop_assert!(!written.trim_end().contains(super::super::fixtures::is_dangerous));
        }
    }
}
