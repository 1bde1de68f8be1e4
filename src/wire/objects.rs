//! Lists of objects, read with the tolerance of [`super::lenient`].

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::lenient::Object;

/// No list of the service is that long; and the shortest object takes two bytes of a frame and hundreds in memory.
const LONGEST: usize = 100_000;

/// The objects in a list, without whatever else is in it; `None` where there is no list. What comes after the first
/// hundred thousand is not kept.
#[derive(Debug)]
pub(crate) struct Objects<T>(Option<Vec<T>>);

impl<T> Objects<T> {
    /// Whether there is a list, empty or not.
    pub(crate) fn is_list(&self) -> bool {
        self.0.is_some()
    }

    /// What is in it.
    pub(crate) fn as_slice(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }

    /// What is in it.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0.unwrap_or_default()
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData)).map(Self)
    }
}

/// What an [`Object`] needs to tell an empty object from none at all.
struct Kept<T>(Option<T>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|item| Self(Some(item)))
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
        while list.len() < LONGEST {
            match items.next_element::<Object<Kept<T>>>()? {
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

    fn read(json: &str) -> Objects<IgnoredAny> {
        serde_json::from_str(json).expect("anything can be read")
    }

    #[test]
    fn only_objects_are_kept() {
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
            let objects = read(json);
            assert_eq!(objects.is_list().then_some(objects.as_slice().len()), expected, "{json}");
            let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
            let from_value = Objects::<IgnoredAny>::deserialize(&value).expect("anything can be read");
            assert_eq!(from_value.into_vec().len(), expected.unwrap_or_default(), "{json}");
        }
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let json = format!("[{}{{}}]", "{},".repeat(LONGEST + 5));
        assert_eq!(read(&json).as_slice().len(), LONGEST);
    }
}
