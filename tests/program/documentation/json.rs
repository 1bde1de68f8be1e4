//! The JSON of the documentation.

use serde_json::{Deserializer, Value};

use super::PAGES;

#[test]
fn every_example_is_valid_under_the_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../../src/output/schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut types = Vec::new();
    for page in PAGES.iter() {
        for (_, code) in page.code_blocks().into_iter().filter(|(language, _)| *language == "json") {
            for example in Deserializer::from_str(&code).into_iter::<Value>() {
                let example = example.unwrap();
                assert!(validator.is_valid(&example), "{}: {example}", page.path);
                types.push(example["type"].as_str().unwrap().to_owned());
            }
        }
    }
    for wanted in ["message", "update", "gap", "closed"] {
        assert!(types.iter().any(|found| found == wanted), "no example of {wanted}");
    }
}
