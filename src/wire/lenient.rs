//! Types that deserialize from any JSON value: a field may be missing, null or of another type. Unknown fields are
//! ignored, and a string without escapes is borrowed from the frame.

mod number;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(super) use self::number::{LenientFloat, LenientInteger};
use super::timestamp;

/// The maximum number of items kept of a list. No list of the API is longer, and the shortest object takes two bytes of
/// a frame and hundreds of bytes of memory.
const MAX_ITEMS: usize = 100_000;

/// A non-empty string. Numbers and booleans count as strings, everything else as missing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct LenientString<'a>(pub(super) Option<Cow<'a, str>>);

/// An object. Anything else counts as an empty one.
#[derive(Debug, Default)]
pub(super) struct LenientObject<T>(pub(super) T);

/// The objects of a list, at most [`MAX_ITEMS`]. Other items are dropped, and anything but a list counts as missing.
#[derive(Debug)]
pub(super) struct LenientList<T>(Option<Vec<T>>);

impl LenientString<'_> {
    /// Returns the text, empty if missing.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Returns the text as a timestamp, if it is one.
    pub(super) fn time(&self) -> Option<DateTime<Utc>> {
        self.0.as_deref().and_then(timestamp::parse)
    }

    /// Returns the text as an owned string.
    pub(super) fn into_string(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }

    /// Returns the text as the name of a person, queue or flow: without outer blanks.
    pub(super) fn into_name(self) -> Option<String> {
        self.0.and_then(name).map(Cow::into_owned)
    }
}

/// Returns a name without outer blanks; `None` if nothing else is left.
pub(super) fn name(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    // Trimming takes as long as reading the string, and few names have outer blanks.
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => Some(text),
        _ => trimmed(text),
    }
}

#[cold]
fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let name = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    Some(name).filter(|name| !name.is_empty())
}

impl<T> LenientList<T> {
    /// Returns whether there is a list, empty or not.
    pub(super) fn is_list(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn as_slice(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        self.0.unwrap_or_default()
    }
}

impl<T> Default for LenientList<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for LenientString<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StringVisitor).map(|text| LenientString(text.filter(|text| !text.is_empty())))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for LenientObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for LenientList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData)).map(Self)
    }
}

/// An item of a list, `None` if it is no object: a [`LenientObject`] alone cannot tell that from an empty one.
struct LenientItem<T>(Option<T>);

impl<T> Default for LenientItem<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for LenientItem<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|item| Self(Some(item)))
    }
}

struct StringVisitor;

impl<'de> Visitor<'de> for StringVisitor {
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

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX_ITEMS {
            match items.next_element::<LenientObject<LenientItem<T>>>()? {
                Some(item) => list.extend(item.0.0),
                None => return Ok(Some(list)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(json: &str) -> LenientList<IgnoredAny> {
        serde_json::from_str(json).expect("any JSON deserializes")
    }

    #[test]
    fn only_the_objects_of_a_list_are_kept() {
        for (json, expected) in [
            (r#"[{},7,null,"x",[{}],{"a":[{}]},true,-7,0.5]"#, Some(2)),
            ("[]", Some(0)),
            (r#"{"a":{}}"#, None),
            ("null", None),
            ("true", None),
            ("7", None),
            ("-7", None),
            ("0.5", None),
            (r#""x""#, None),
        ] {
            let objects = list(json);
            assert_eq!(objects.is_list().then_some(objects.as_slice().len()), expected, "{json}");
            let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
            let from_value = LenientList::<IgnoredAny>::deserialize(&value).expect("any JSON deserializes");
            assert_eq!(from_value.into_vec().len(), expected.unwrap_or_default(), "{json}");
        }
    }

    #[test]
    fn a_list_is_cut_at_its_maximum() {
        let json = format!("[{}{{}}]", "{},".repeat(MAX_ITEMS + 5));
        assert_eq!(list(&json).as_slice().len(), MAX_ITEMS);
    }
}
