use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::wire::fixtures::mangled;

const START: i64 = 1_791_472_180_000;

/// A file with every member.
const FILE: &str = r#"{"organizationId": "o", "conversationId": "c1", "communicationId": "l1", "mediaType": "call",
    "conversationStartTime": 1791472178800, "startTime": 1791472180000, "duration": {"milliseconds": 64000},
    "transcripts": [{"transcriptId": "t", "language": "en-us", "programId": "p", "engineId": "e",
        "startTime": 1791472180000, "duration": {"milliseconds": 64000},
        "phrases": [
            {"phraseIndex": 0, "participantPurpose": "internal", "text": "welcome", "decoratedText": "Welcome.",
             "stability": 1.0, "confidence": 0.91, "startTimeMs": 1791472180900, "offset": {"milliseconds": 900},
             "duration": {"milliseconds": 1800}, "alternatives": [],
             "words": [{"word": "welcome", "confidence": 0.91, "startTimeMs": 1791472180900,
                 "offset": {"milliseconds": 900}, "duration": {"milliseconds": 450}}]},
            {"phraseIndex": 1, "participantPurpose": "external", "text": "my order has not arrived",
             "decoratedText": "My order has not arrived.", "confidence": 0.93, "startTimeMs": 1791472201540,
             "words": [], "alternatives": [{"text": "my odour"}]}],
        "analytics": {"sentiment": [{"participant": "external", "phrase": "x"}], "topics": [], "acoustic": []}}],
    "participants": [
        {"participantPurpose": "customer", "ani": "tel:+1", "startTimeMs": 1791472178800, "endTimeMs": 1791472244000},
        {"participantPurpose": "ivr", "flowId": "f", "startTimeMs": 1791472178900, "endTimeMs": 1791472199000},
        {"participantPurpose": "agent", "userId": "u1", "queueId": "q1", "startTimeMs": 1791472204800,
         "endTimeMs": 1791472244000}]}"#;

fn at(offset: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(START + offset)
}

fn parse(value: &Value) -> CallTranscript {
    CallTranscript::parse(&value.to_string()).expect("a transcript")
}

/// Returns the offsets and texts of a file with these phrases that starts at [`START`].
fn phrases(phrases: &Value) -> Vec<(Option<i64>, String)> {
    let file = json!({ "startTime": START, "transcripts": [{ "phrases": phrases }] });
    let offset = |phrase: &Phrase| phrase.spoken_at.map(|at| at.timestamp_millis() - START);
    parse(&file).phrases.iter().map(|phrase| (offset(phrase), phrase.text.clone())).collect()
}

#[test]
fn a_file_is_read() {
    let transcript = CallTranscript::parse(FILE).expect("a transcript");
    let phrase = |side, text: &str, offset, confidence| Phrase {
        side,
        text: text.to_owned(),
        spoken_at: at(offset),
        confidence: Some(confidence),
        language: Some("en-us".to_owned()),
    };
    let expected =
        [phrase(Side::Agent, "Welcome.", 900, 0.91), phrase(Side::Customer, "My order has not arrived.", 21_540, 0.93)];
    assert_eq!(transcript.phrases, expected);
    let agent = CallParty {
        purpose: Purpose::Agent,
        user: Some("u1".to_owned()),
        queue: Some("q1".to_owned()),
        from: at(24_800),
        to: at(64_000),
    };
    assert_eq!((transcript.parties.len(), &transcript.parties[2]), (3, &agent));
}

#[test]
fn the_text_is_the_decorated_one_else_the_plain_one() {
    for (phrase, expected) in [
        (json!({"text": "a", "decoratedText": "A."}), Some("A.")),
        (json!({"text": "a"}), Some("a")),
        (json!({"text": "a", "decoratedText": null}), Some("a")),
        (json!({"text": "a", "decoratedText": " "}), Some("a")),
        (json!({"text": "a", "decoratedText": {"x": 1}}), Some("a")),
        (json!({"text": 427}), Some("427")),
        (json!({"text": "a", "words": {"odd": []}, "alternatives": 7, "new": [[]]}), Some("a")),
        (json!({"text": " "}), None),
        (json!({"text": null, "words": [{"word": "a"}]}), None),
        (json!("a"), None),
        (json!(null), None),
    ] {
        let texts: Vec<String> = phrases(&json!([phrase])).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts.first().map(String::as_str), expected, "{phrase}");
    }
}

#[test]
fn a_time_is_absolute_or_an_offset_from_the_start() {
    for (members, expected) in [
        (json!({"startTimeMs": START + 5}), Some(5)),
        (json!({"startTimeMs": (START + 5).to_string()}), Some(5)),
        (json!({"startTimeMs": 4200}), Some(4200)),
        (json!({"startTimeMs": 4200.7}), Some(4200)),
        (json!({"startTimeMs": 0}), Some(0)),
        (json!({"startTimeMs": "2026-10-08T15:09:40.500Z"}), Some(500)),
        (json!({"offset": {"milliseconds": 900}}), Some(900)),
        (json!({"startTimeMs": null, "offset": {"milliseconds": "900"}}), Some(900)),
        (json!({"startTimeMs": START + 5, "offset": {"milliseconds": 900}}), Some(5)),
        (json!({"startTimeMs": 1e300}), None),
        (json!({"startTimeMs": -1e300}), None),
        (json!({"startTimeMs": "soon", "offset": 7}), None),
        (json!({}), None),
    ] {
        let mut phrase = members.clone();
        phrase["text"] = json!("a");
        assert_eq!(phrases(&json!([phrase])), [(expected, "a".to_owned())], "{members}");
    }
}

#[test]
fn the_start_is_that_of_the_file_else_of_the_transcript_else_of_the_conversation() {
    for (file_start, transcript_start, conversation_start, expected) in [
        (json!(START), json!(START + 9), json!(START + 99), at(1)),
        (json!(null), json!(START), json!(START + 99), at(1)),
        (json!("x"), json!(null), json!(START), at(1)),
        (json!("2026-10-08T15:09:40Z"), json!(null), json!(null), at(1)),
        (json!(null), json!(null), json!(null), None),
    ] {
        let transcript = json!({"startTime": transcript_start, "phrases": [{"text": "a", "startTimeMs": 1}]});
        let file = json!({"startTime": file_start, "conversationStartTime": conversation_start,
            "transcripts": [transcript]});
        assert_eq!(parse(&file).phrases[0].spoken_at, expected, "{file}");
    }
}

#[test]
fn phrases_are_in_order_of_time_then_index_and_equal_ones_come_once() {
    let phrase = |index: i64, offset: i64, text: &str, side: &str| json!({"phraseIndex": index, "startTimeMs": START + offset, "text": text, "participantPurpose": side});
    let first = json!([phrase(3, 20, "d", "internal"), phrase(2, 10, "c", "external"), phrase(1, 10, "b", "internal")]);
    let second = json!([phrase(0, 10, "b", "internal"), phrase(9, 10, "b", "external"), phrase(0, 5, "a", "external")]);
    let file = json!({"startTime": START, "transcripts": [{"language": "en-us", "phrases": first}, null, 7,
        {"language": "es", "phrases": second}, {"phrases": null}]});
    let phrases = parse(&file).phrases;
    let texts: Vec<&str> = phrases.iter().map(|phrase| phrase.text.as_str()).collect();
    assert_eq!(texts, ["a", "b", "c", "b", "d"]);
    assert_eq!((phrases[1].side, phrases[3].side), (Side::Agent, Side::Customer), "two sides may say the same");
    assert_eq!((phrases[0].language.as_deref(), phrases[4].language.as_deref()), (Some("es"), Some("en-us")));
}

#[test]
fn the_speaker_is_the_party_of_the_side_that_came_last_before_the_phrase() {
    let party = |purpose: &str, from: i64, to: i64| json!({"participantPurpose": purpose, "startTimeMs": START + from, "endTimeMs": START + to});
    let speaker_of = |parties: &Value, side: &str, offset: i64| {
        let phrase = json!({"text": "a", "participantPurpose": side, "startTimeMs": START + offset});
        let transcript = parse(&json!({"transcripts": [{"phrases": [phrase]}], "participants": parties}));
        let speaker = transcript.speaker(&transcript.phrases[0]);
        speaker.map(|party| (party.purpose.clone(), party.from.map(|from| from.timestamp_millis() - START)))
    };
    let parties = json!([
        party("customer", 0, 90),
        party("IVR", 1, 20),
        party("acd", 20, 40),
        party("agent", 30, 60),
        party("user", 50, 90),
        party("external", 50, 60),
        party("dialer", 70, 70),
        party("station", 0, 90)
    ]);
    for (side, offset, expected) in [
        ("external", 5, Some((Purpose::Customer, Some(0)))),
        ("External", 55, Some((Purpose::External, Some(50)))),
        ("external", 95, Some((Purpose::Customer, Some(0)))),
        ("internal", 5, Some((Purpose::Bot, Some(1)))),
        ("internal", 25, Some((Purpose::Queue, Some(20)))),
        ("internal", 35, Some((Purpose::Agent, Some(30)))),
        ("internal", 55, Some((Purpose::Agent, Some(50)))),
        ("INTERNAL", 95, None),
        ("both", 55, None),
    ] {
        assert_eq!(speaker_of(&parties, side, offset), expected, "{side} {offset}");
    }
    let without_end = json!([{"participantPurpose": "agent", "startTimeMs": START}, null, {"participantPurpose": 7}]);
    assert_eq!(speaker_of(&without_end, "internal", 5), Some((Purpose::Agent, Some(0))));
    assert_eq!(speaker_of(&json!([{"participantPurpose": "agent"}]), "internal", 5), None);
    assert_eq!(speaker_of(&json!(null), "internal", 5), None);
}

#[test]
fn the_confidence_is_a_number_from_0_to_1() {
    for (confidence, expected) in [
        (json!(0.5), Some(0.5)),
        (json!("0.5"), Some(0.5)),
        (json!(97), None),
        (json!("high"), None),
        (json!([]), None),
    ] {
        let file = json!({"transcripts": [{"phrases": [{"text": "a", "confidence": confidence}]}]});
        assert_eq!(parse(&file).phrases[0].confidence, expected, "{confidence}");
    }
}

#[test]
fn strings_that_each_phrase_copies_are_short() {
    let copied = |language: &str, id: &str| {
        let party = json!({"participantPurpose": "agent", "userId": id, "queueId": id, "startTimeMs": START});
        let file = json!({"startTime": START, "participants": [party],
            "transcripts": [{"language": language, "phrases": [{"text": "a", "startTimeMs": 1}]}]});
        let CallTranscript { phrases, parties } = parse(&file);
        (phrases[0].language.clone(), parties[0].user.clone(), parties[0].queue.clone())
    };
    let (language, id) = ("a".repeat(35), "b".repeat(128));
    let (longer_language, longer_id) = (format!("{language}a"), format!("{id}b"));
    assert_eq!(copied(&language, &id), (Some(language), Some(id.clone()), Some(id)));
    assert_eq!(copied(&longer_language, &longer_id), (None, None, None));
}

#[test]
fn phrases_without_a_time_are_no_repeats() {
    let texts = ["a0", "a1", "a0", "a1", "a0", "a1"];
    let phrases = texts.map(|text| json!({"text": text, "participantPurpose": "internal"}));
    let file = json!({"transcripts": [{"phrases": phrases}, {"phrases": [phrases[0]]}]});
    let found: Vec<String> = parse(&file).phrases.into_iter().map(|phrase| phrase.text).collect();
    assert_eq!(found, ["a0", "a1", "a0", "a1", "a0", "a1", "a0"]);
}

#[test]
fn a_file_without_a_list_of_transcripts_is_none() {
    for json in
        ["", "<Error><Code>AccessDenied</Code></Error>", "{", "{}", "[]", r#"{"transcripts": null}"#, "7", "null"]
    {
        assert_eq!(CallTranscript::parse(json), None, "{json}");
    }
    let empty = CallTranscript::parse(r#"{"transcripts": []}"#);
    assert_eq!(empty, Some(CallTranscript::default()), "a silent call");
    let lone = CallTranscript::parse(r#"{"transcripts": [{"phrases": [{"text": "a\ud83d"}]}]}"#).expect("a transcript");
    assert_eq!(lone.phrases[0].text, "a\u{fffd}");
}

#[test]
fn the_number_of_values_is_limited() {
    let file = |phrases: usize| format!(r#"{{"transcripts":[{{"phrases":[{}{{}}]}}]}}"#, "{},".repeat(phrases));
    assert!(CallTranscript::parse(&file(1_000)).is_some());
    assert!(CallTranscript::parse(&file(MAX_CONTAINERS)).is_none());
}

proptest! {
    #[test]
    fn any_value_in_any_place_is_read(json in mangled(FILE)) {
        let transcript = CallTranscript::parse(&json).unwrap_or_default();
        prop_assert!(transcript.phrases.iter().all(|phrase| !phrase.text.trim().is_empty()));
    }
}
