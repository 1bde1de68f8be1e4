//! The rules for comments, names and signatures.

use regex::Regex;

use super::assert_none;
use super::source_file::{SOURCE_FILES, SourceFile, bracketed_length, split_at_commas};

/// Type names that are metaphors, or that say less than the term of the domain or of the library.
const VAGUE_TYPE_NAMES: &str = "
    Above Answer Arrival Begun Blame Break Bundle Card Chunk Cloud Complaint Desk Digest Direct Distrust Doing Done Ear
    Ended Ending Fate FaultBook Fetch Gone Groups Hangup Heard Ink Journal Kept Keys Knock Known Last Ledger Life Line
    Lines Link Live Look Looks Loose Loss Manner Mark Meaning Mischief NapClock Nature Notice Object Objects Order Out
    Over Palette Past Pauses People Persistence Post Pulse Recent Recovery Said Scope Search Seat Selection Session
    Shape Shapes Sign Spelling Stage Stakes Stamp Standing Switchboard Tail Tailed Taken Tally Told Topics Trick Trying
    Twist Verdict Visit Vital Wanted Watch Watches Why Words World
";

#[test]
fn a_doc_comment_opens_with_a_noun_or_a_verb() {
    let questions = ["What", "Whether", "How", "Who", concat!("Who", "ever"), "Where"].join("|");
    let pattern = Regex::new(&format!(r"//[/!] (?:{questions})\b")).unwrap();
    assert_none(&matches(&pattern, |file| &file.text));
}

#[test]
fn sentences_name_their_subject() {
    let indefinite = [concat!("no", "body"), concat!("some", "body"), concat!("who", "ever")].join("|");
    let pattern = Regex::new(&format!(r"(?i)(?:\b|_)(?:{indefinite})(?:\b|_)")).unwrap();
    assert_none(&matches(&pattern, |file| &file.text));
}

#[test]
fn types_have_the_names_of_their_domain() {
    let names = VAGUE_TYPE_NAMES.split_whitespace().collect::<Vec<_>>().join("|");
    let pattern = Regex::new(&format!(r"\b(?:struct|enum|trait|type|union) (?:{names})\b")).unwrap();
    assert_none(&matches(&pattern, |file| &file.code));
}

#[test]
fn each_parameter_of_a_function_has_a_name() {
    let name = Regex::new(r"\bfn \w+").unwrap();
    let mut violations = Vec::new();
    for file in SOURCE_FILES.iter() {
        for function in name.find_iter(&file.code) {
            let has_tuple = parameters(&file.code[function.end()..]).iter().any(|parameter| parameter.starts_with('('));
            violations.extend(has_tuple.then(|| format!("{}: {}", file.place(function.start()), function.as_str())));
        }
    }
    assert_none(&violations);
}

/// Returns the parameters of a function from the code behind its name.
fn parameters(code: &str) -> Vec<&str> {
    let generics = if code.starts_with('<') { bracketed_length(code) } else { 0 };
    let list = &code[generics..];
    split_at_commas(&list[1..bracketed_length(list) - 1])
}

/// Returns the lines of all files that match in `text`.
fn matches(pattern: &Regex, text: impl Fn(&SourceFile) -> &str) -> Vec<String> {
    SOURCE_FILES.iter().flat_map(|file| file.matches(pattern, text(file))).collect()
}
