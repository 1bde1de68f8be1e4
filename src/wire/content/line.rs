//! The brackets behind the text of a message, which show each of its other parts once (EVT-6, EVT-7).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// A part of a message as a line shows it: `[label: heading – heading: choice | choice; heading: choice]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    pub(super) label: Cow<'static, str>,
    pub(super) bracket: Bracket,
    pub(super) heading: Vec<String>,
    /// The heading of a part without any other string, behind no text: the id of a template whose wording is not known.
    pub(super) last_resort: Option<String>,
    pub(super) sections: Vec<Section>,
}

/// The rules for the bracket of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Bracket {
    /// The part keeps its bracket, even if the line shows all of its strings elsewhere.
    #[default]
    Own,
    /// The part is text alone: without a new string, it has no bracket.
    TextOnly,
    /// The choices of all parts with this label are in one bracket; the label of several.
    Shared(&'static str),
}

/// A section of a list, a page of a form, a card of a carousel.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub(super) heading: Vec<String>,
    pub(super) choices: Vec<String>,
    pub(super) repeats: Repeats,
}

/// The strings of a section that the line shows already, and which are not shown again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Those of the text, the heading of the part, and this section.
    #[default]
    OfSection,
    /// Those of the text: two questions may have the same answer.
    OfText,
    /// Those that are a part of the text or the heading: values that were inserted into a wording.
    Inserted,
    /// None: the name of a file is shown even if the text names it.
    None,
}

impl Section {
    /// Returns the name of a file.
    pub(super) fn of_file(heading: Vec<String>) -> Self {
        Self { heading, repeats: Repeats::None, ..Self::default() }
    }

    /// Returns a section without a heading.
    pub(super) fn of(choices: Vec<String>) -> Self {
        Self { choices, ..Self::default() }
    }
}

impl Part {
    /// Returns the strings of the part as `name` of an attachment.
    pub(super) fn name(&self) -> Option<String> {
        ShownStrings::default().detail(self)
    }

    fn is_blank(&self) -> bool {
        let in_sections = self.sections.iter().flat_map(|section| section.heading.iter().chain(&section.choices));
        self.heading.iter().chain(&self.last_resort).chain(in_sections).all(|string| string.trim().is_empty())
    }
}

/// Returns the brackets of the parts, separated by spaces, behind a text that consists of these pieces.
pub(super) fn brackets(text: &[&str], parts: &[Part]) -> String {
    let mut shown = ShownStrings::behind(text);
    let brackets = merge_shared(parts).into_iter().filter_map(|part| shown.bracket(&part));
    brackets.collect::<Vec<_>>().join(" ")
}

/// Moves the choices of parts that share a bracket into the first of them.
fn merge_shared(parts: &[Part]) -> Vec<Part> {
    let mut first_of: HashMap<&str, usize> = HashMap::new();
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match (part.bracket, first_of.get(part.label.as_ref())) {
            (Bracket::Shared(_), Some(&first)) => {
                let choices = part.sections.iter().flat_map(|section| section.choices.iter().cloned());
                merged[first].sections[0].choices.extend(choices);
                continue;
            }
            (Bracket::Shared(_), None) => first_of.insert(&part.label, merged.len()),
            (Bracket::Own | Bracket::TextOnly, _) => None,
        };
        merged.push(part.clone());
    }
    merged
}

/// The strings of a line, without outer blanks.
#[derive(Default)]
struct ShownStrings {
    /// The text, its pieces and their lines.
    text: HashSet<String>,
    whole_text: String,
    /// The headings of the parts.
    headings: HashSet<String>,
}

impl ShownStrings {
    fn behind(text: &[&str]) -> Self {
        let strings = text.iter().flat_map(|piece| std::iter::once(*piece).chain(piece.lines()));
        Self {
            text: strings.map(|string| string.trim().to_owned()).collect(),
            whole_text: text.join("\n"),
            headings: HashSet::new(),
        }
    }

    fn bracket(&mut self, part: &Part) -> Option<String> {
        let detail = self.detail(part);
        let label = match part.bracket {
            Bracket::Shared(plural) if detail.as_ref().is_some_and(|detail| detail.contains(" | ")) => plural,
            _ => &part.label,
        };
        match detail {
            Some(detail) => Some(format!("[{label}: {detail}]")),
            None if part.bracket == Bracket::Own || part.is_blank() => Some(format!("[{label}]")),
            None => None,
        }
    }

    /// Returns the strings of a part that are new to the line.
    fn detail(&mut self, part: &Part) -> Option<String> {
        let mut heading = Vec::new();
        for string in trimmed(&part.heading) {
            if !self.text.contains(string) && self.headings.insert(string.to_owned()) {
                heading.push(string);
            }
        }
        let wording = format!("{}\n{}", self.whole_text, part.heading.join("\n"));
        let of_part: HashSet<&str> = trimmed(&part.heading).collect();
        let sections = part.sections.iter().filter_map(|section| self.section(section, &of_part, &wording));
        let sections = sections.collect::<Vec<_>>().join("; ");
        let is_unnamed = self.text.is_empty() && part.heading.is_empty();
        heading.extend(part.last_resort.as_deref().filter(|_| is_unnamed));
        join(&[&heading.join(" – "), &sections], ": ")
    }

    fn section(&self, section: &Section, of_part: &HashSet<&str>, wording: &str) -> Option<String> {
        let mut of_section = HashSet::new();
        let mut new_strings = |strings| -> Vec<&str> {
            let is_new = |string: &&str| match section.repeats {
                Repeats::None => true,
                _ if self.text.contains(*string) => false,
                Repeats::OfText => true,
                Repeats::OfSection => !of_part.contains(*string) && of_section.insert((*string).to_owned()),
                Repeats::Inserted => !wording.contains(*string),
            };
            trimmed(strings).filter(is_new).collect()
        };
        let (heading, choices) = (new_strings(&section.heading), new_strings(&section.choices));
        join(&[&heading.join(" – "), &choices.join(" | ")], ": ")
    }
}

/// Returns the strings without outer blanks, and without empty ones.
fn trimmed(strings: &[String]) -> impl Iterator<Item = &str> {
    strings.iter().map(|string| string.trim()).filter(|string| !string.is_empty())
}

fn join(strings: &[&str], separator: &str) -> Option<String> {
    let strings: Vec<&str> = strings.iter().copied().filter(|string| !string.is_empty()).collect();
    (!strings.is_empty()).then(|| strings.join(separator))
}
