//! Numbers that deserialize from any JSON value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An integer, also one in a string. A fraction is cut off, and everything else counts as missing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) struct LenientInteger(pub(in crate::wire) Option<i64>);

/// A number that is not in a string. Everything else counts as missing.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(in crate::wire) struct LenientFloat(pub(in crate::wire) Option<f64>);

impl<'de> Deserialize<'de> for LenientInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(NumberVisitor)?;
        Ok(Self(match number {
            Number::Integer(number) => Some(number),
            #[expect(clippy::cast_possible_truncation, reason = "a cast saturates; the fraction is not wanted")]
            Number::Float(number) => Some(number as i64),
            Number::Text(number) => number,
            Number::None => None,
        }))
    }
}

impl<'de> Deserialize<'de> for LenientFloat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(NumberVisitor)?;
        Ok(Self(match number {
            #[expect(clippy::cast_precision_loss, reason = "no number of the API is that large")]
            Number::Integer(number) => Some(number as f64),
            Number::Float(number) => Some(number),
            Number::Text(_) | Number::None => None,
        }))
    }
}

/// A value as a number.
enum Number {
    Integer(i64),
    Float(f64),
    /// The integer in a string.
    Text(Option<i64>),
    None,
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number::Integer(value.try_into().unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        Ok(Number::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Number, E> {
        Ok(Number::Text(text.trim().parse().ok()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
        Ok(Number::None)
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Number, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number::None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Number, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_is_read_as_a_number_or_none() {
        for (json, integer, float) in [
            ("7", Some(7), Some(7.0)),
            ("-7", Some(-7), Some(-7.0)),
            ("2.9", Some(2), Some(2.9)),
            ("1e300", Some(i64::MAX), Some(1e300)),
            ("18446744073709551615", Some(i64::MAX), Some(9_223_372_036_854_775_807.0)),
            (r#"" 7 ""#, Some(7), None),
            (r#""x""#, None, None),
            ("true", None, None),
            ("null", None, None),
            ("[7]", None, None),
            (r#"{"a":7}"#, None, None),
        ] {
            let LenientInteger(read_integer) = serde_json::from_str(json).expect("any JSON deserializes");
            let LenientFloat(read_float) = serde_json::from_str(json).expect("any JSON deserializes");
            assert_eq!((read_integer, read_float), (integer, float), "{json}");
        }
    }
}
