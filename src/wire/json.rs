//! Reading JSON that may hold anything anywhere: what is missing and what is of another type are the same `None`.

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde_json::Value;

use super::lenient;
use super::transcript::mend_surrogates;
use super::weight::is_bearable;
use crate::event::RawFrame;

/// The text of a frame that may be a JSON object.
///
/// # Errors
///
/// When it cannot be one; the reason.
pub(super) fn object_text(frame: RawFrame<'_>) -> Result<&str, &'static str> {
    let text = match frame {
        RawFrame::Text(text) => text,
        RawFrame::Binary(bytes) => std::str::from_utf8(bytes).map_err(|_| "a binary frame that is not UTF-8")?,
    };
    if text.trim_start().starts_with('{') { Ok(text) } else { Err("no JSON object") }
}

/// Parses JSON. A lone surrogate becomes U+FFFD.
///
/// # Errors
///
/// When it is no JSON even then, or holds so many values that reading them would take all the memory there is.
pub(crate) fn parse(json: &str) -> Result<Value, serde_json::Error> {
    if !is_bearable(json) {
        return Err(serde_json::Error::custom("it holds more values than are read"));
    }
    serde_json::from_str(json).or_else(|_| serde_json::from_str(&mend_surrogates(json)))
}

/// The value at a path such as `message.id`.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, member| value.get(member))
}

/// A string that has something in it; a number or a boolean is read as one.
pub(super) fn text(value: &Value, path: &str) -> Option<String> {
    match at(value, path)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The first of these paths that leads to a text.
pub(super) fn first(value: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| text(value, path))
}

/// Whether there is this word, in any case.
pub(super) fn says(value: &Value, path: &str, word: &str) -> bool {
    at(value, path).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(word))
}

/// A point in time, in any of the spellings of [`lenient::time`].
pub(super) fn time(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    lenient::time(&text(value, path)?)
}

/// The items of a list; none where there is no list.
pub(super) fn items<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
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
            assert_eq!(text(&value, path).as_deref(), expected, "{path}");
        }
        assert_eq!(first(&value, &["empty", "none", "a.b", "number"]).as_deref(), Some("deep"));
        assert_eq!((items(&value, "list").count(), items(&value, "a").count()), (1, 0));
        assert!(says(&value, "a.b", "DEEP") && !says(&value, "number", "7"));
    }

    #[test]
    fn a_lone_surrogate_loses_nothing_else() {
        let value = parse(r#"{"a":"x\ud83d","b":"y"}"#).unwrap();
        assert_eq!((text(&value, "a").as_deref(), text(&value, "b").as_deref()), (Some("x\u{fffd}"), Some("y")));
        assert!(parse("{").is_err());
    }
}
