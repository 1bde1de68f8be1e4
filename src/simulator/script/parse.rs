//! The parser of scripts.

use std::time::Duration;

use serde_json::{Map, Value};

use super::steps::{AUTOMATIC_PURPOSES, Action, Attachment, MessageLine, Repeat, Speaker, Step};

pub(super) const KEYWORDS: &str = "customer, agent, bot, system, acd, api, botflow, campaign, external, ivr, voicemail, update, join, leave, alert, transfer, park, resume, begin, call, email, keep-alive, repeat, close";

const ESCAPES: &str = "\\n, \\r, \\t, \\e, \\\\, \\u{202e}";

pub(super) const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// A conversation.
pub(super) struct ParsedScript {
    pub(super) steps: Vec<Step>,
    pub(super) repeat: Option<Repeat>,
}

pub(super) struct SyntaxError {
    /// The line number, counted from 1.
    pub(super) line: usize,
    pub(super) reason: String,
}

/// The line between two conversations of a script.
const SEPARATOR: &str = "---";

/// Parses the conversations of a script; there is at least one.
pub(super) fn parse_scripts(text: &str) -> Result<Vec<ParsedScript>, SyntaxError> {
    let (mut finished, mut parser) = (Vec::new(), Parser::default());
    for (index, line) in text.lines().enumerate() {
        if line.trim_end() == SEPARATOR {
            finished.push(std::mem::take(&mut parser).finish());
        } else {
            parser.add_line(line).map_err(|reason| SyntaxError { line: index + 1, reason })?;
        }
    }
    finished.push(parser.finish());
    Ok(finished)
}

/// Parses a single line without its indented lines, such as `+0.5 customer Ada: Hello`.
pub(crate) fn parse_step(line: &str) -> Result<Step, String> {
    let (pause, content) = match line.strip_prefix('+') {
        None => (DEFAULT_PAUSE, line),
        Some(rest) => {
            let (seconds, rest) = rest.split_once(' ').ok_or("the pause must be followed by an action")?;
            (parse_pause(seconds)?, rest.trim_start())
        }
    };
    let (keyword, rest) = content.split_once([' ', ':']).unwrap_or((content, ""));
    let action = match keyword {
        "close" if rest.is_empty() => Action::Close,
        "park" if rest.is_empty() => Action::Park,
        "resume" if rest.is_empty() => Action::Resume,
        "begin" if rest.is_empty() => Action::Begin,
        "call" if rest.is_empty() => Action::Call,
        "email" if rest.is_empty() => Action::Email,
        "keep-alive" if rest.is_empty() => Action::KeepAlive,
        "join" => parse_person(rest).map(|(speaker, name)| Action::Join { speaker, name })?,
        "leave" => parse_person(rest).map(|(speaker, name)| Action::Leave { speaker, name })?,
        "alert" => Action::Alert(parse_agent(rest)?),
        "transfer" => Action::Transfer(parse_agent(rest)?),
        "update" => Action::Update(rest.split_whitespace().map(parse_change).collect::<Result<_, _>>()?),
        keyword => Action::Message(parse_message(parse_speaker(keyword)?, &content[keyword.len()..])?),
    };
    Ok(Step { pause, action })
}

#[derive(Default)]
struct Parser {
    steps: Vec<Step>,
    repeat: Option<Repeat>,
}

impl Parser {
    fn finish(self) -> ParsedScript {
        ParsedScript { steps: self.steps, repeat: self.repeat }
    }

    fn add_line(&mut self, line: &str) -> Result<(), String> {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return Ok(());
        }
        if line.starts_with([' ', '\t']) {
            return self.extend_last_message(content);
        }
        if matches!(self.steps.last(), Some(Step { action: Action::Close, .. })) {
            return Err("'close' must be the last action".to_owned());
        }
        if let Some(lines) = content.strip_prefix("repeat") {
            return self.add_repeat(lines.trim());
        }
        let step = parse_step(content)?;
        let is_only_begun = self.steps.iter().all(|step| step.action == Action::Begin);
        let is_first = match step.action {
            Action::Call | Action::Email => is_only_begun,
            Action::Begin => self.steps.is_empty(),
            _ => true,
        };
        if !is_first {
            return Err(format!("'{content}' must be the first action"));
        }
        self.steps.push(step);
        Ok(())
    }

    /// Adds an indented line to the message above it.
    fn extend_last_message(&mut self, content: &str) -> Result<(), String> {
        let Some(Step { action: Action::Message(message), .. }) = self.steps.last_mut() else {
            return Err("an indented line must follow a message".to_owned());
        };
        let rest = content.get(1..).unwrap_or_default().trim();
        match content.as_bytes()[0] {
            b'|' => {
                message.text.push('\n');
                message.text.push_str(&unescape(rest)?);
            }
            b'?' => message.quick_replies = rest.split('|').map(|reply| reply.trim().to_owned()).collect(),
            b'@' => message.attachments.push(parse_attachment(rest)?),
            b'~' => message.partial_transcripts.push(unescape(rest)?),
            b'&' => message.parts.push(parse_object(rest)?.into()),
            b'=' => message.members.extend(parse_object(rest)?),
            _ => {
                let marks = "'|' (text), '?' (quick replies), '@' (attachment), '~' (partial transcript), '&' (content) or \
                             '=' (members)";
                return Err(format!("an indented line must begin with {marks}"));
            }
        }
        Ok(())
    }

    fn add_repeat(&mut self, lines: &str) -> Result<(), String> {
        if self.repeat.is_some() || self.steps.is_empty() {
            return Err("'repeat' must follow the actions to repeat, and can be used once".to_owned());
        }
        let lines = match lines {
            "" => None,
            lines => Some(lines.parse().map_err(|_| "the value of 'repeat' must be a whole number".to_owned())?),
        };
        self.repeat = Some(Repeat { steps: self.steps.len(), lines });
        Ok(())
    }
}

fn parse_pause(seconds: &str) -> Result<Duration, String> {
    let number = seconds.parse().map_err(|_| format!("the pause '+{seconds}' must be a number of seconds"))?;
    Duration::try_from_secs_f64(number).map_err(|_| format!("the pause '+{seconds}' must be 0 or greater"))
}

fn parse_speaker(keyword: &str) -> Result<Speaker, String> {
    Ok(match keyword {
        "customer" => Speaker::Customer,
        "agent" => Speaker::Agent,
        "bot" => Speaker::Bot,
        "system" => Speaker::System,
        _ => match AUTOMATIC_PURPOSES.iter().find(|purpose| **purpose == keyword) {
            Some(purpose) => Speaker::Automatic(purpose),
            None => return Err(format!("unknown keyword '{keyword}' [possible values: {KEYWORDS}]")),
        },
    })
}

/// Parses a role and a name, such as `agent Sam Okafor`.
fn parse_person(text: &str) -> Result<(Speaker, String), String> {
    let (role, name) = text.split_once(' ').unwrap_or((text, ""));
    match (parse_speaker(role)?, name.trim()) {
        (Speaker::System, _) => Err("'system' is not a participant".to_owned()),
        (Speaker::Agent | Speaker::Bot | Speaker::Automatic(_), "") => {
            Err(format!("'{role}' must be followed by a name"))
        }
        (speaker, name) => Ok((speaker, name.to_owned())),
    }
}

fn parse_agent(text: &str) -> Result<String, String> {
    match parse_person(text)? {
        (Speaker::Agent, name) => Ok(name),
        _ => Err("'alert' and 'transfer' require an agent, such as 'agent Sam'".to_owned()),
    }
}

fn parse_message(speaker: Speaker, rest: &str) -> Result<MessageLine, String> {
    let (name, text) = rest.split_once(':').ok_or("a message must have a colon before its text")?;
    Ok(MessageLine {
        speaker,
        name: name.trim().to_owned(),
        text: unescape(text.trim())?,
        quick_replies: Vec::new(),
        attachments: Vec::new(),
        partial_transcripts: Vec::new(),
        parts: Vec::new(),
        members: Map::new(),
    })
}

fn parse_change(word: &str) -> Result<(String, String), String> {
    let (key, value) = word.split_once('=').ok_or_else(|| format!("'{word}' is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

fn parse_attachment(text: &str) -> Result<Attachment, String> {
    let mut parts = text.split_whitespace();
    match (parts.next(), parts.next(), parts.next().map(str::parse), parts.next()) {
        (Some(name), Some(mime), Some(Ok(size)), None) => {
            Ok(Attachment { name: name.to_owned(), mime: mime.to_owned(), size })
        }
        _ => Err("an attachment must be NAME TYPE SIZE, such as invoice.png image/png 48213".to_owned()),
    }
}

/// Parses the JSON object of an indented line.
fn parse_object(json: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(json).map_err(|error| format!("'&' and '=' must be followed by a JSON object: {error}"))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut letters = after.chars();
        plain.push(match letters.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('e') => '\u{1b}',
            Some('\\') => '\\',
            Some('u') => {
                let (character, after_escape) = parse_code_point(letters.as_str())?;
                letters = after_escape.chars();
                character
            }
            other => {
                return Err(format!(
                    "unknown escape '\\{}' [possible values: {ESCAPES}]",
                    other.map(String::from).unwrap_or_default()
                ));
            }
        });
        rest = letters.as_str();
    }
    plain.push_str(rest);
    Ok(plain)
}

/// Returns the character in `{202e}`, and the text after it.
fn parse_code_point(text: &str) -> Result<(char, &str), String> {
    text.strip_prefix('{')
        .and_then(|text| text.split_once('}'))
        .and_then(|(digits, rest)| Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, rest)))
        .ok_or_else(|| "'\\u' must be followed by a hexadecimal code point, such as \\u{202e}".to_owned())
}
