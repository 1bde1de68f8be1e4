//! JSON values that are serialized only once.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

pub(super) fn raw_json(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("values and raw JSON are always JSON")
}
