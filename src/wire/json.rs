//! JSON of unknown shape: bounded parsing, and access by path. A missing member and a member of another type are both
//! `None`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde_json::Value;

use super::{lenient, timestamp};
use crate::event::RawFrame;

/// Shorter JSON is parsed without counting its values: the worst of it takes about 30 MiB.
const UNCHECKED_BYTES: usize = 256 * 1024;

/// The maximum number of objects and lists in a response or frame. A conversation of 10,000 messages has about 50,000.
const MAX_CONTAINERS: usize = 200_000;

/// The maximum number of values that follow another one in an object or list.
const MAX_VALUES: usize = 2_000_000;

/// Returns the text of a frame that starts like a JSON object.
///
/// # Errors
///
/// The reason why the frame cannot hold a JSON object.
pub(super) fn object_text(frame: RawFrame<'_>) -> Result<&str, &'static str> {
    let text = match frame {
        RawFrame::Text(text) => text,
        RawFrame::Binary(bytes) => std::str::from_utf8(bytes).map_err(|_| "binary frame with invalid UTF-8")?,
    };
    if text.trim_start().starts_with('{') { Ok(text) } else { Err("not a JSON object") }
}

/// Parses JSON. A lone surrogate becomes U+FFFD.
///
/// # Errors
///
/// Invalid JSON, and JSON that is not [`within_limits`].
pub(crate) fn parse(json: &str) -> Result<Value, serde_json::Error> {
    if !within_limits(json) {
        return Err(serde_json::Error::custom("too many JSON values"));
    }
    serde_json::from_str(json).or_else(|_| serde_json::from_str(&replace_lone_surrogates(json)))
}

/// Returns whether JSON may be parsed. The shortest values take two or three bytes of JSON and a hundred times as much
/// memory, so a limit on bytes alone would let a few megabytes exhaust the memory. Invalid JSON is left to the parser.
pub(super) fn within_limits(json: &str) -> bool {
    json.len() <= UNCHECKED_BYTES || has_at_most(json.as_bytes(), MAX_CONTAINERS, MAX_VALUES)
}

/// Returns the value at a path such as `message.id`.
pub(super) fn value_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    // Faster than `split`: paths are short.
    match path.bytes().position(|byte| byte == b'.') {
        Some(dot) => value_at(value.get(&path[..dot])?, &path[dot + 1..]),
        None => value.get(path),
    }
}

/// Returns the non-empty string at a path; unlike [`text_at`], nothing for other values.
pub(super) fn str_at<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value_at(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// Returns the non-empty string at a path, or the number or boolean as a string.
pub(super) fn text_at(value: &Value, path: &str) -> Option<String> {
    match value_at(value, path)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Returns the name at a path, without outer blanks.
pub(super) fn name_at(value: &Value, path: &str) -> Option<String> {
    lenient::name(Cow::Owned(text_at(value, path)?)).map(Cow::into_owned)
}

/// Returns the text at the first path that has one.
pub(super) fn first_text_at(value: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| text_at(value, path))
}

/// Returns the texts at all paths that have one.
pub(super) fn texts_at(value: &Value, paths: &[&str]) -> Vec<String> {
    paths.iter().filter_map(|path| text_at(value, path)).collect()
}

/// Returns whether the string at a path is `expected`, ignoring ASCII case.
pub(super) fn text_equals(value: &Value, path: &str, expected: &str) -> bool {
    value_at(value, path).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(expected))
}

/// Returns the timestamp at a path, in any of the formats of [`timestamp::parse`].
pub(super) fn time_at(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    timestamp::parse(&text_at(value, path)?)
}

/// Returns the items of the list at a path; none if there is no list.
pub(super) fn items_at<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value_at(value, path).and_then(Value::as_array).into_iter().flatten()
}

/// Returns whether JSON holds at most this many containers and following values, not counting the text of strings.
pub(super) fn has_at_most(json: &[u8], mut containers: usize, mut values: usize) -> bool {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let remaining = match byte {
            b'{' | b'[' => &mut containers,
            b',' => &mut values,
            b'"' => {
                at = end_of_string(json, at + 1);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        if *remaining == 0 {
            return false;
        }
        *remaining -= 1;
        at += 1;
    }
    true
}

/// Returns the position after the closing quote of the string whose text starts at `from`.
fn end_of_string(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if json[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    json.len()
}

/// Replaces every `\uD800`–`\uDFFF` escape that is not half of a pair by `\uFFFD`, the replacement character.
pub(super) fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    let mut replaced = String::new();
    let (mut copied, mut at) = (0, 0);
    let bytes = json.as_bytes();
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]).map(|offset| at + offset) {
        at = match surrogate_at(bytes, found) {
            Some(0xD800..=0xDBFF) if matches!(surrogate_at(bytes, found + 6), Some(0xDC00..=0xDFFF)) => found + 12,
            Some(_) => {
                replaced.push_str(&json[copied..found]);
                replaced.push_str("\\uFFFD");
                copied = found + 6;
                copied
            }
            None => (found + 2).min(bytes.len()),
        };
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    replaced.push_str(&json[copied..]);
    Cow::Owned(replaced)
}

/// Returns the surrogate whose escape starts at `at`, if one does.
fn surrogate_at(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_objects_only() {
        let value = json!({"a": {"b": "deep"}, "list": ["x"], "empty": "", "number": 7, "flag": false, "none": null});
        for (path, expected) in [
            ("a.b", Some("deep")),
            ("number", Some("7")),
            ("flag", Some("false")),
            ("a", None),
            ("a.b.c", None),
            ("list.0", None),
            ("empty", None),
            ("none", None),
            ("", None),
        ] {
            assert_eq!(text_at(&value, path).as_deref(), expected, "{path}");
        }
        assert_eq!(first_text_at(&value, &["empty", "none", "a.b", "number"]).as_deref(), Some("deep"));
        assert_eq!((items_at(&value, "list").count(), items_at(&value, "a").count()), (1, 0));
        assert!(text_equals(&value, "a.b", "DEEP") && !text_equals(&value, "number", "7"));
    }

    #[test]
    fn a_lone_surrogate_is_replaced_and_the_rest_is_kept() {
        let value = parse(r#"{"a":"x\ud83d","b":"y"}"#).unwrap();
        assert_eq!((text_at(&value, "a").as_deref(), text_at(&value, "b").as_deref()), (Some("x\u{fffd}"), Some("y")));
        assert!(parse("{").is_err());
    }

    #[test]
    fn containers_and_values_are_counted_outside_of_strings() {
        for (json, containers, values) in [
            ("", 0, 0),
            ("7", 0, 0),
            ("[]", 1, 0),
            (r#"{"a":[{},{}]}"#, 4, 1),
            (r#"["[{,","\"[{,","\\",7]"#, 1, 3),
            (r#"["[[[["#, 1, 0),
            (r#"["\"#, 1, 0),
        ] {
            assert!(has_at_most(json.as_bytes(), containers, values), "{json}");
            assert!(containers == 0 || !has_at_most(json.as_bytes(), containers - 1, values), "{json}");
            assert!(values == 0 || !has_at_most(json.as_bytes(), containers, values - 1), "{json}");
        }
    }

    #[test]
    fn only_long_json_with_too_many_values_exceeds_the_limits() {
        assert!(within_limits(&"{},".repeat(1000)));
        for value in ["{},", "[],", "[", "0,", "\"\","] {
            assert!(!within_limits(&value.repeat(MAX_VALUES + 1)), "{value}");
        }
        assert!(within_limits(&format!(r#"{{"text":"{}"}}"#, "[{,".repeat(MAX_VALUES))), "a long text is one value");
    }
}
