//! One line for people per event.

use std::collections::HashSet;

use regex::Regex;

use super::color::{Ink, Palette};
use super::escape::push_escaped;
use super::highlight::push_highlighted;
use super::prefix::Prefixes;
use super::spelling::Spelling;
use super::timestamp::Stamp;
use crate::config::{Style, Timestamps};
use crate::event::{EventBody, Gap, Message, TranscriptEvent};

/// Conversations whose ids are told apart. With more of them the oldest are long over.
const MOST_MET: usize = 10_000;

/// Writes events as `TIME [LABEL] SENDER: TEXT`, with the prefix of the conversation between the first two.
pub(super) struct TextLines {
    stamp: Option<Stamp>,
    prefixes: Prefixes,
    /// Everybody who has joined, where others may.
    met: HashSet<String>,
    palette: Palette,
    spelling: Spelling,
    highlight: Option<Regex>,
}

impl TextLines {
    pub(super) fn new(style: &Style, prefixes: Prefixes) -> Self {
        let stamp = (style.timestamps != Timestamps::None).then(|| Stamp::new(style.timestamps, style.utc));
        let palette = Palette::new(style.color);
        let highlight = style.highlight.clone().filter(|_| style.color);
        Self { stamp, prefixes, met: HashSet::new(), palette, spelling: Spelling::of(style), highlight }
    }

    /// Appends one record and its line end.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, event: &TranscriptEvent<'_>) {
        self.push_head(out, event);
        match &event.body {
            EventBody::Message(message) => self.push_message(out, message),
            EventBody::Update { description } => self.push_update(out, description.as_deref()),
            EventBody::Closed => push_notice(out, &self.palette.closed, "[CLOSED] Conversation terminated"),
            EventBody::Gap(gap) => push_gap(out, &self.palette.gap, gap),
        }
        out.push(b'\n');
    }

    fn push_head(&mut self, out: &mut Vec<u8>, event: &TranscriptEvent<'_>) {
        if let Some(stamp) = &mut self.stamp {
            self.palette.time.paint(out, |out| stamp.push(out, event.time()));
            out.push(b' ');
        }
        self.meet(event.conversation);
        if let Some(prefix) = self.prefixes.of(event.conversation) {
            push_escaped(out, prefix);
            out.push(b' ');
        }
    }

    /// Whoever joins may make it necessary to show more of every id.
    fn meet(&mut self, conversation: &str) {
        if self.prefixes.grows() && !self.met.contains(conversation) {
            if self.met.len() == MOST_MET {
                self.met.clear();
            }
            self.met.insert(conversation.to_owned());
            self.prefixes = Prefixes::growing(self.met.iter().map(String::as_str));
        }
    }

    fn push_update(&self, out: &mut Vec<u8>, what: Option<&str>) {
        self.palette.update.paint(out, |out| {
            out.extend_from_slice(b"[UPDATE] ");
            self.spelling.push_name(out, what.unwrap_or("Conversation status changed"));
        });
    }

    fn push_message(&self, out: &mut Vec<u8>, message: &Message<'_>) {
        self.palette.role(message.role).paint(out, |out| {
            out.push(b'[');
            out.extend_from_slice(message.role.label().as_bytes());
            out.extend_from_slice(b"] ");
            self.spelling.push_name(out, message.sender_label());
            out.push(b':');
        });
        out.push(b' ');
        let words = message.display_text();
        match &self.highlight {
            Some(regex) => push_highlighted(out, &words, regex, &self.palette.highlight, self.spelling),
            None => self.spelling.push_words(out, &words),
        }
    }
}

fn push_notice(out: &mut Vec<u8>, ink: &Ink, notice: &str) {
    ink.paint(out, |out| out.extend_from_slice(notice.as_bytes()));
}

fn push_gap(out: &mut Vec<u8>, ink: &Ink, gap: &Gap) {
    let seconds = gap.seconds();
    push_notice(out, ink, &format!("[GAP] {seconds} s without a connection; messages in it may be missing"));
}

#[cfg(test)]
mod tests {
    use std::slice;

    use proptest::prelude::*;

    use super::super::fixtures::{ID, event, gap, hostile_text, said};
    use super::*;
    use crate::config::Multiline;
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

    fn each_kind() -> [TranscriptEvent<'static>; 7] {
        [
            said(Role::Customer, "Ada", "Hello"),
            said(Role::Agent, "Sam", "Hi Ada, how can I help?"),
            said(Role::System, "Sam", "joined"),
            event(EventBody::Update { description: None }),
            event(EventBody::Update { description: Some("Sam\njoined".into()) }),
            event(EventBody::Closed),
            gap(),
        ]
    }

    #[test]
    fn each_line_is_as_documented() {
        let expected = "\
            03:04:05 [Customer] Ada: Hello\n\
            03:04:05 [Agent] Sam: Hi Ada, how can I help?\n\
            03:04:05 [SYSTEM] Sam: joined\n\
            03:04:05 [UPDATE] Conversation status changed\n\
            03:04:05 [UPDATE] Sam\\njoined\n\
            03:04:05 [CLOSED] Conversation terminated\n\
            03:04:05 [GAP] 42 s without a connection; messages in it may be missing\n";
        assert_eq!(lines(&utc(), Prefixes::default(), &each_kind()), expected);
    }

    #[test]
    fn the_prefix_stands_between_time_and_label() {
        let several = Prefixes::new([ID, "a1b2c3d4-0000-4000-8000-000000000002"]);
        let hello = [said(Role::Customer, "Ada", "Hello")];
        assert_eq!(lines(&utc(), several, &hello), "03:04:05 97b9dcb3 [Customer] Ada: Hello\n");
        let timeless = Style { timestamps: Timestamps::None, ..Style::default() };
        assert_eq!(lines(&timeless, several, &hello), "97b9dcb3 [Customer] Ada: Hello\n");
        assert_eq!(line(&timeless, &hello[0]), "[Customer] Ada: Hello\n");
    }

    #[test]
    fn colour_is_all_that_colour_adds() {
        let color = Style { color: true, highlight: Some(Regex::new("help").unwrap()), ..utc() };
        let coloured = lines(&color, Prefixes::default(), &each_kind());
        let expected = "\
            \x1b[2m03:04:05\x1b[0m \x1b[32m[Customer] Ada:\x1b[0m Hello\n\
            \x1b[2m03:04:05\x1b[0m \x1b[36m[Agent] Sam:\x1b[0m Hi Ada, how can I \x1b[1m\x1b[7mhelp\x1b[0m?\n\
            \x1b[2m03:04:05\x1b[0m \x1b[2m[SYSTEM] Sam:\x1b[0m joined\n\
            \x1b[2m03:04:05\x1b[0m \x1b[2m[UPDATE] Conversation status changed\x1b[0m\n\
            \x1b[2m03:04:05\x1b[0m \x1b[2m[UPDATE] Sam\\njoined\x1b[0m\n\
            \x1b[2m03:04:05\x1b[0m \x1b[1m[CLOSED] Conversation terminated\x1b[0m\n\
            \x1b[2m03:04:05\x1b[0m \x1b[1m\x1b[31m[GAP] 42 s without a connection; messages in it may be missing\x1b[0m\n";
        assert_eq!(coloured, expected);
        let bare = Regex::new("\x1b\\[[0-9]+m").unwrap().replace_all(&coloured, "").into_owned();
        assert_eq!(bare, lines(&utc(), Prefixes::default(), &each_kind()));
    }

    #[test]
    fn line_breaks_as_the_user_wants_them() {
        let hostile = said(Role::Customer, "A\nda", "one\ntwo\x1b");
        assert_eq!(line(&utc(), &hostile), "03:04:05 [Customer] A\\nda: one\\ntwo\\x1b\n");
        let indent = Style { multiline: Multiline::Indent, ..utc() };
        assert_eq!(line(&indent, &hostile), "03:04:05 [Customer] A\\nda: one\n    | two\\x1b\n");
        let raw = Style { raw_control: true, ..utc() };
        assert_eq!(line(&raw, &hostile), "03:04:05 [Customer] A\nda: one\ntwo\x1b\n");
    }

    proptest! {
        #[test]
        fn a_record_is_one_harmless_line(name in hostile_text(), text in hostile_text()) {
            let written = line(&utc(), &said(Role::Unknown, &name, &text));
            prop_assert_eq!(written.find('\n'), Some(written.len() - 1));
            prop_assert!(!written.trim_end().contains(super::super::fixtures::is_dangerous));
        }
    }
}
