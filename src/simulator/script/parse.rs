//! From text to script.

use std::str::FromStr;
use std::time::Duration;

use super::{Action, Attachment, Line, Repeat, Script, ScriptError, Speaker, Step};

const WORDS: &str = "customer, agent, bot, system, update, join, leave, alert, transfer, park, resume, call, keep-alive, repeat and close";

const USUAL_PAUSE: Duration = Duration::from_secs(1);

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self { steps: Vec::new(), repeat: None };
        for (number, line) in text.lines().enumerate() {
            script.add(line).map_err(|what| ScriptError::Syntax { line: number + 1, what })?;
        }
        Ok(script)
    }
}

impl Script {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return Ok(());
        }
        if line.starts_with([' ', '\t']) {
            return self.add_to_last(content);
        }
        if matches!(self.steps.last(), Some(Step { act: Action::Close, .. })) {
            return Err("nothing can happen after 'close'".to_owned());
        }
        if let Some(lines) = content.strip_prefix("repeat") {
            return self.add_repeat(lines.trim());
        }
        let step = step(content)?;
        if step.act == Action::Call && !self.steps.is_empty() {
            return Err("'call' stands first".to_owned());
        }
        self.steps.push(step);
        Ok(())
    }

    /// A line that begins with a space says more about the message above it.
    fn add_to_last(&mut self, content: &str) -> Result<(), String> {
        let Some(Step { act: Action::Say(line), .. }) = self.steps.last_mut() else {
            return Err("an indented line belongs to a message above it".to_owned());
        };
        let rest = content.get(1..).unwrap_or_default().trim();
        match content.as_bytes()[0] {
            b'|' => {
                line.text.push('\n');
                line.text.push_str(&unescape(rest)?);
            }
            b'?' => line.replies = rest.split('|').map(|reply| reply.trim().to_owned()).collect(),
            b'@' => line.files.push(file(rest)?),
            b'~' => line.partials.push(unescape(rest)?),
            _ => {
                let marks = "'|' (text), '?' (quick replies), '@' (a file) or '~' (half understood)";
                return Err(format!("an indented line begins with {marks}"));
            }
        }
        Ok(())
    }

    fn add_repeat(&mut self, lines: &str) -> Result<(), String> {
        if self.repeat.is_some() || self.steps.is_empty() {
            return Err("'repeat' stands once, below what it repeats".to_owned());
        }
        let lines = match lines {
            "" => None,
            lines => Some(lines.parse().map_err(|_| "'repeat' takes a number of lines or nothing".to_owned())?),
        };
        self.repeat = Some(Repeat { steps: self.steps.len(), lines });
        Ok(())
    }
}

/// One line without what follows it, such as `+0.5 customer Ada: Hello`.
pub(crate) fn step(content: &str) -> Result<Step, String> {
    let (pause, content) = match content.strip_prefix('+') {
        None => (USUAL_PAUSE, content),
        Some(rest) => {
            let (seconds, rest) = rest.split_once(' ').ok_or("nothing happens after the pause")?;
            (pause(seconds)?, rest.trim_start())
        }
    };
    let (word, rest) = content.split_once([' ', ':']).unwrap_or((content, ""));
    let act = match word {
        "close" if rest.is_empty() => Action::Close,
        "park" if rest.is_empty() => Action::Park,
        "resume" if rest.is_empty() => Action::Resume,
        "call" if rest.is_empty() => Action::Call,
        "keep-alive" if rest.is_empty() => Action::KeepAlive,
        "join" => person(rest).map(|(who, name)| Action::Join(who, name))?,
        "leave" => person(rest).map(|(who, name)| Action::Leave(who, name))?,
        "alert" => Action::Alert(agent(rest)?),
        "transfer" => Action::Transfer(agent(rest)?),
        "update" => Action::Update(rest.split_whitespace().map(change).collect::<Result<_, _>>()?),
        word => Action::Say(message(who(word)?, &content[word.len()..])?),
    };
    Ok(Step { pause, act })
}

fn pause(seconds: &str) -> Result<Duration, String> {
    let number = seconds.parse().map_err(|_| format!("'+{seconds}' is no number of seconds"))?;
    Duration::try_from_secs_f64(number).map_err(|_| format!("'+{seconds}' is no time to wait"))
}

fn who(word: &str) -> Result<Speaker, String> {
    Ok(match word {
        "customer" => Speaker::Customer,
        "agent" => Speaker::Agent,
        "bot" => Speaker::Bot,
        "system" => Speaker::System,
        _ => return Err(format!("'{word}' is none of {WORDS}")),
    })
}

/// `agent Sam Okafor`
fn person(words: &str) -> Result<(Speaker, String), String> {
    let (word, name) = words.split_once(' ').unwrap_or((words, ""));
    match (who(word)?, name.trim()) {
        (Speaker::System, _) => Err("the system is nobody".to_owned()),
        (Speaker::Agent | Speaker::Bot, "") => Err(format!("'{word}' is followed by a name here")),
        (who, name) => Ok((who, name.to_owned())),
    }
}

fn agent(words: &str) -> Result<String, String> {
    match person(words)? {
        (Speaker::Agent, name) => Ok(name),
        _ => Err("only an agent can be alerted or transferred to".to_owned()),
    }
}

fn message(who: Speaker, rest: &str) -> Result<Line, String> {
    let (name, text) = rest.split_once(':').ok_or("a message has a colon before its text")?;
    let text = unescape(text.trim())?;
    Ok(Line { who, name: name.trim().to_owned(), text, replies: Vec::new(), files: Vec::new(), partials: Vec::new() })
}

fn change(word: &str) -> Result<(String, String), String> {
    let (key, value) = word.split_once('=').ok_or_else(|| format!("'{word}' is no key=value"))?;
    Ok((key.to_owned(), value.to_owned()))
}

fn file(words: &str) -> Result<Attachment, String> {
    let mut parts = words.split_whitespace();
    match (parts.next(), parts.next(), parts.next().map(str::parse), parts.next()) {
        (Some(name), Some(mime), Some(Ok(size)), None) => {
            Ok(Attachment { name: name.to_owned(), mime: mime.to_owned(), size })
        }
        _ => Err("a file is NAME TYPE SIZE, such as invoice.png image/png 48213".to_owned()),
    }
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
                let (character, behind) = character(letters.as_str())?;
                letters = behind.chars();
                character
            }
            other => return Err(format!("'\\{}' is no escape", other.map(String::from).unwrap_or_default())),
        });
        rest = letters.as_str();
    }
    plain.push_str(rest);
    Ok(plain)
}

/// The character in `{202e}`, and the text behind it.
fn character(text: &str) -> Result<(char, &str), String> {
    text.strip_prefix('{')
        .and_then(|text| text.split_once('}'))
        .and_then(|(digits, rest)| Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, rest)))
        .ok_or_else(|| "'\\u' is followed by a character's number, as in \\u{202e}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Script>().expect_err(text).to_string()
    }

    #[test]
    fn the_built_in_scripts_are_scripts() {
        for name in Script::built_in_names() {
            assert!(Script::built_in(name).is_some(), "{name}");
        }
        assert_eq!(Script::built_in("flood:7").expect("built in").play().count(), 8);
        assert_eq!(Script::built_in("flood:x"), None);
        assert_eq!(Script::built_in("nonesuch"), None);
    }

    #[test]
    fn the_demo_is_over_in_seven_seconds() {
        let length: Duration = Script::default().play().map(|step| step.pause).sum();
        assert!(length <= Duration::from_secs(7), "{length:?}");
    }

    #[test]
    fn a_message_has_text_replies_and_files() {
        let script: Script = "\
            # who says what\n\n\
            +0.5 customer Ada Marlow: a\\tb \\u{202e}: c\n  | second\n  ? Yes | No\n  @ a.png image/png 12\n  ~ half\n\
            customer: nameless\n"
            .parse()
            .expect("a script");
        let line = Line {
            who: Speaker::Customer,
            name: "Ada Marlow".to_owned(),
            text: "a\tb \u{202e}: c\nsecond".to_owned(),
            replies: vec!["Yes".to_owned(), "No".to_owned()],
            files: vec![Attachment { name: "a.png".to_owned(), mime: "image/png".to_owned(), size: 12 }],
            partials: vec!["half".to_owned()],
        };
        assert_eq!(script.steps[0], Step { pause: Duration::from_millis(500), act: Action::Say(line) });
        assert_eq!(script.steps[1].pause, USUAL_PAUSE);
        assert!(matches!(&script.steps[1].act, Action::Say(Line { name, .. }) if name.is_empty()));
    }

    #[test]
    fn repeat_counts_lines() {
        let script: Script = "customer: 1\nagent: 2\nrepeat 5\nupdate a=b\nclose".parse().expect("a script");
        assert_eq!(script.play().count(), 7);
        assert_eq!(script.play().last().map(|step| &step.act), Some(&Action::Close));
    }

    #[test]
    fn people_come_and_go() {
        let script: Script =
            "customer Ada: hi\nbot Quill: hello\nalert agent Sam O\njoin agent Sam O\ntransfer agent Noor\n\
            park\nresume\nleave agent Noor\nleave customer\nclose"
                .parse()
                .expect("a script");
        assert_eq!(script.steps[3].act, Action::Join(Speaker::Agent, "Sam O".to_owned()));
        assert_eq!(script.steps[8].act, Action::Leave(Speaker::Customer, String::new()));
        assert_eq!(script.agents(), ["Sam O", "Sam O", "Noor"]);
        assert!(script.begins_with_a_bot() && !script.is_call());
        assert!(Script::built_in("call").expect("built in").is_call());
    }

    #[test]
    fn errors_say_the_line_and_what_is_wrong() {
        for (text, wanted) in [
            ("customer Ada: hi\nperson Bo: hi", "line 2: 'person' is none of"),
            ("\n\ncustomer Ada hi", "line 3: a message has a colon"),
            ("  | hi", "line 1: an indented line belongs"),
            ("customer: hi\n  hi", "line 2: an indented line begins with"),
            ("customer: hi\n  @ a.png", "line 2: a file is"),
            ("close\ncustomer: hi", "line 2: nothing can happen"),
            ("+x customer: hi", "line 1: '+x' is no number"),
            ("+-1 customer: hi", "line 1: '+-1' is no time"),
            ("+1", "line 1: nothing happens"),
            ("repeat", "line 1: 'repeat' stands once"),
            ("customer: \\q", "line 1: '\\q' is no escape"),
            ("customer: \\u{110000}", "line 1: '\\u' is followed"),
            ("customer: hi\ncall", "line 2: 'call' stands first"),
            ("join Sam", "line 1: 'Sam' is none of"),
            ("join agent", "line 1: 'agent' is followed by a name"),
            ("transfer bot Q", "line 1: only an agent"),
            ("update a", "line 1: 'a' is no key=value"),
        ] {
            assert!(error(text).starts_with(wanted), "{}", error(text));
        }
    }
}
