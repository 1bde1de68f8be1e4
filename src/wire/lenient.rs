//! The shapes of the wire, read with every tolerance the contract asks for: a field may be missing, null or of another
//! type, unknown fields never matter, and a plain string is borrowed from the frame.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A frame of the transcript socket.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Frame<'a> {
    #[serde(borrow, default)]
    pub(crate) event: EventName<'a>,
    #[serde(borrow, default)]
    pub(crate) timestamp: Loose<'a>,
    #[serde(borrow, default)]
    pub(crate) payload: Object<Payload<'a>>,
}

/// What a frame says happened.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum EventName<'a> {
    /// `messageAdded`
    MessageAdded,
    /// `conversationUpdated`
    ConversationUpdated,
    /// `conversationClosed`
    ConversationClosed,
    /// A name this program does not know.
    Other(Cow<'a, str>),
    /// No name at all.
    #[default]
    Missing,
}

/// The `payload` of a frame.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Payload<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Loose<'a>,
    #[serde(borrow, default, rename = "type")]
    pub(crate) kind: Loose<'a>,
    #[serde(borrow, default)]
    pub(crate) from: Object<WireParty<'a>>,
    #[serde(borrow, default)]
    pub(crate) to: Object<WireParty<'a>>,
    #[serde(borrow, default)]
    pub(crate) timestamp: Loose<'a>,
    #[serde(borrow, default)]
    pub(crate) text: Loose<'a>,
    #[serde(borrow, default)]
    pub(crate) title: Loose<'a>,
    #[serde(borrow, default, rename = "originatingEntity")]
    pub(crate) originating_entity: Loose<'a>,
    #[serde(borrow, default)]
    pub(crate) attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) attachments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) content: Option<&'a RawValue>,
}

/// `from` and `to` of a payload.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct WireParty<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Loose<'a>,
    #[serde(borrow, default)]
    pub(crate) name: Loose<'a>,
}

/// A string that has something in it; numbers and booleans are read as one, everything else counts as missing.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Loose<'a>(pub(crate) Option<Cow<'a, str>>);

/// An object; anything else counts as an empty one.
#[derive(Debug, Default)]
pub(crate) struct Object<T>(pub(crate) T);

/// Reads a point in time: RFC 3339 (an offset without its colon and no offset at all, meant as UTC, pass too), or
/// seconds or milliseconds since 1970, as a number or in a string.
pub(crate) fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Some(time) = usual_time(text) {
        return Some(time);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(number) = text.parse::<f64>() {
        return epoch(number);
    }
    let offset_without_colon = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").map(|time| time.to_utc());
    let no_offset = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc());
    offset_without_colon.or_else(|_| no_offset()).ok()
}

/// Reads `2026-01-02T03:04:05.678Z`, the spelling of the service, ten times as fast as it takes to read any.
fn usual_time(text: &str) -> Option<DateTime<Utc>> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.', f1, f2, f3, b'Z'] =
        text.as_bytes()
    else {
        return None;
    };
    let year = number([y1, y2, y3, y4])?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number([m1, m2])?, number([d1, d2])?)?;
    let (hour, minute, second) = (number([h1, h2])?, number([n1, n2])?, number([s1, s2])?);
    Some(date.and_hms_milli_opt(hour, minute, second, number([f1, f2, f3])?)?.and_utc())
}

fn number<const N: usize>(digits: [u8; N]) -> Option<u32> {
    digits
        .into_iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

/// A number from 10^11 on is read as milliseconds: as seconds it would lie beyond the year 5000, and as milliseconds a
/// smaller one before 1974.
fn epoch(number: f64) -> Option<DateTime<Utc>> {
    const FIRST_MILLISECONDS: f64 = 1e11;
    let millis = if number.abs() >= FIRST_MILLISECONDS { number } else { number * 1000.0 };
    if !millis.is_finite() || millis.abs() > 9e15 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within 9e15, which an i64 holds; the fraction is not wanted")]
    DateTime::from_timestamp_millis(millis.round() as i64)
}

impl Loose<'_> {
    /// What it says; nothing where it says nothing.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The point in time it is, if it is one.
    pub(crate) fn time(&self) -> Option<DateTime<Utc>> {
        self.0.as_deref().and_then(time)
    }

    /// The same, borrowing nothing.
    pub(crate) fn into_string(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }
}

impl<'a> From<Loose<'a>> for EventName<'a> {
    fn from(name: Loose<'a>) -> Self {
        match name.0 {
            None => Self::Missing,
            Some(name) => match name.as_ref() {
                "messageAdded" => Self::MessageAdded,
                "conversationUpdated" => Self::ConversationUpdated,
                "conversationClosed" => Self::ConversationClosed,
                _ => Self::Other(name),
            },
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for EventName<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Loose::deserialize(deserializer).map(Self::from)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor).map(|text| Loose(text.filter(|text| !text.is_empty())))
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_frame_is_read_without_copying() {
        let json =
            r#"{"event":"messageAdded","timestamp":"t","payload":{"id":"m1","from":{"id":"external","name":"Ada"}}}"#;
        let frame: Frame<'_> = serde_json::from_str(json).expect("a frame");
        assert_eq!(frame.event, EventName::MessageAdded);
        assert!(matches!(frame.payload.0.id.0, Some(Cow::Borrowed("m1"))));
        assert!(matches!(frame.payload.0.from.0.name.0, Some(Cow::Borrowed("Ada"))));
    }

    #[test]
    fn every_field_may_be_of_another_type() {
        for odd in ["null", "true", "7", "-7", "0.5", "\"\"", "\"x\"", "[]", "[1,{}]", "{}", r#"{"deep":[{}]}"#] {
            let json = format!(
                r#"{{"event":{odd},"timestamp":{odd},"payload":{{"id":{odd},"type":{odd},"from":{odd},"to":{odd},
                "timestamp":{odd},"text":{odd},"title":{odd},"attachments":{odd},"content":{odd},"new":{odd}}}}}"#
            );
            serde_json::from_str::<Frame<'_>>(&json).unwrap_or_else(|error| panic!("{odd}: {error}"));
            let json = format!(r#"{{"event":"messageAdded","payload":{odd}}}"#);
            serde_json::from_str::<Frame<'_>>(&json).unwrap_or_else(|error| panic!("{odd}: {error}"));
        }
    }

    #[test]
    fn times_come_in_many_spellings() {
        let expected = DateTime::from_timestamp_millis(1_767_323_045_678);
        for spelling in [
            "2026-01-02T03:04:05.678Z",
            "2026-01-02T04:04:05.678+01:00",
            "2026-01-02T04:04:05.678+0100",
            "2026-01-02T03:04:05.678",
            "1767323045678",
            "1767323045.678",
        ] {
            assert_eq!(time(spelling), expected, "{spelling}");
        }
        for odd in [
            "2026-01-02T03:04:60.678Z",
            "2026-02-28T23:59:59.000Z",
            "2026-02-29T00:00:00.000Z",
            "0000-01-01T00:00:00.999Z",
        ] {
            let slow = DateTime::parse_from_rfc3339(odd).ok().map(|time| time.to_utc());
            assert_eq!(time(odd), slow, "{odd}");
        }
        for nonsense in ["", "soon", "NaN", "inf", "1e300", "2026-13-01T00:00:00Z"] {
            assert_eq!(time(nonsense), None, "{nonsense}");
        }
    }
}
