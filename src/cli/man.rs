//! The manual page: `clap_mangen` renders the flags, the other sections are written here.

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, italic, roman};

use super::help;
use super::topics::{TOPICS, Topic};

const USAGE: &str = "\
genesys-tail [OPTIONS] [CONVERSATION]...
genesys-tail check [OPTIONS] [CONVERSATION]...
genesys-tail list [OPTIONS]
genesys-tail simulate [OPTIONS]
genesys-tail schema
genesys-tail completions SHELL
genesys-tail help [TOPIC]
genesys-tail man [TOPIC]";

const DESCRIPTION: [&str; 4] = [
    "Prints Genesys Cloud conversations as tail -f prints a file: one line per message on standard output, everything else on \
     standard error, until the conversation ends. After a lost connection it reconnects, prints nothing twice, and reads the \
     missed messages if that is permitted.",
    "A conversation is an id or a URL from the browser. One process follows several conversations, and all message \
     conversations of a queue or a user.",
    "Text from the network cannot forge a line or control a terminal: control characters are escaped.",
    "Durations are written as 10s, 1m30s, 500ms or seconds, sizes as 65536, 64KiB or 16MiB.",
];

/// Renders the page as roff.
pub(super) fn page(mut command: Command) -> Vec<u8> {
    command.build();
    let man = Man::new(command.clone().override_usage(USAGE))
        .title("GENESYS-TAIL")
        .section("1")
        .date(NO_DATE)
        .source(VERSION)
        .manual("User Commands");
    let mut page = Vec::new();
    man.render_title(&mut page).and_then(|()| man.render_name_section(&mut page)).expect(MEMORY);
    man.render_synopsis_section(&mut page).expect(MEMORY);
    description().to_writer(&mut page).expect(MEMORY);
    page.extend(section("OPTIONS", &options(&command)).into_bytes());
    commands(&command, &mut page);
    let environment = topic_tables("ENVIRONMENT", "settings", "Variables");
    let exit_status = topic_tables("EXIT STATUS", "exit-codes", "Codes");
    let files = topic_tables("FILES", "settings", "Files");
    for part in [environment, files, exit_status, examples(), see_also(TOPICS)] {
        part.to_writer(&mut page).expect(MEMORY);
    }
    ascii(&page)
}

/// Renders the page of a help topic as roff.
pub(super) fn topic_page(topic: &Topic) -> Vec<u8> {
    let mut roff = Roff::new();
    let title = format!("GENESYS-TAIL-{}", topic.name.to_uppercase());
    roff.control("TH", [title.as_str(), "7", NO_DATE, VERSION, "Help Topics"]);
    roff.control("SH", ["NAME"]).text([roman(format!("{} - {}", page_name(topic), topic.summary()))]);
    topic.append_to(&mut roff);
    let mut page = Vec::new();
    roff.to_writer(&mut page).and_then(|()| see_also(&[]).to_writer(&mut page)).expect(MEMORY);
    ascii(&page)
}

const VERSION: &str = concat!("genesys-tail ", env!("CARGO_PKG_VERSION"));

/// An empty argument in roff. Without it, the next argument would be the date.
const NO_DATE: &str = "\"\"";

const MEMORY: &str = "writing to memory does not fail";

fn description() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    for (index, paragraph) in DESCRIPTION.into_iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph)]);
    }
    roff
}

/// Renders the flags of a command, each group of the help under a second-level heading.
fn options(command: &Command) -> String {
    let mut rendered = Vec::new();
    Man::new(command.clone()).render_options_section(&mut rendered).expect(MEMORY);
    let rendered =
        String::from_utf8_lossy(&rendered).replace(".SH OPTIONS\n", ".SS General\n").replace(".br\n\n.br\n", ".sp\n");
    let headings = command.get_arguments().filter_map(clap::Arg::get_help_heading);
    headings.fold(rendered, |rendered, heading| {
        let upper = heading.to_uppercase();
        let quoted = format!(".SH \"{upper}\"\n");
        rendered.replace(&format!(".SH {upper}\n"), &quoted).replace(&quoted, &format!(".SS \"{heading}\"\n"))
    })
}

fn section(heading: &str, body: &str) -> String {
    format!(".SH \"{heading}\"\n{body}")
}

/// Appends the subcommands. Flags that are those of the tail are not repeated.
fn commands(command: &Command, page: &mut Vec<u8>) {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for subcommand in command.get_subcommands() {
        let about = subcommand.get_long_about().or_else(|| subcommand.get_about()).map(ToString::to_string);
        let about = about.unwrap_or_default().replace("\n\n", ". ");
        roff.control("TP", []).text([bold(subcommand.get_name())]).text([roman(about)]);
    }
    roff.to_writer(page).expect(MEMORY);
    for (name, first_heading) in [("list", ".SS \"Conversations\"\n"), ("simulate", ".SS General\n")] {
        let Some(subcommand) = command.find_subcommand(name) else { continue };
        let heading = format!(".SS \"Options of {name}\"\n");
        let options = options(subcommand).replace(first_heading, &heading);
        let own = options.find(&heading).map_or("", |start| &options[start..]);
        page.extend(own.split(".SS").take(2).collect::<Vec<_>>().join(".SS").bytes());
    }
}

/// Returns a section with the tables of a section of a topic.
fn topic_tables(heading: &str, topic: &str, section: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    if let Some(topic) = Topic::find(topic) {
        topic.append_tables_to(&mut roff, section);
    }
    roff
}

/// Returns the references to the manual and to the pages of topics.
fn see_also(topics: &[Topic]) -> Roff {
    let pages: Vec<String> = topics.iter().map(|topic| format!("{}(7)", page_name(topic))).collect();
    let pages = if pages.is_empty() { "genesys-tail(1)".to_owned() } else { pages.join(", ") };
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([roman(pages)]);
    roff
}

fn page_name(topic: &Topic) -> String {
    format!("genesys-tail-{}", topic.name)
}

/// Replaces characters that are not ASCII by escapes, because not every reader of a page decodes them, and escaped backslashes
/// by the escape that also works in the argument of a macro.
fn ascii(page: &[u8]) -> Vec<u8> {
    let escape = |character: char| match character {
        character if character.is_ascii() => character.to_string(),
        other => format!("\\[u{:04X}]", u32::from(other)),
    };
    let page = String::from_utf8_lossy(page).replace(r"\\", r"\e");
    page.chars().map(escape).collect::<String>().into_bytes()
}

/// Renders the examples of the help: a command, at least two blanks, and its purpose.
fn examples() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for line in help::EXAMPLES.lines().skip(1) {
        let (command, purpose) = line.trim().split_once("  ").unwrap_or((line, ""));
        roff.control("TP", []).text([bold(command)]).text([italic(purpose.trim())]);
    }
    roff
}

#[cfg(test)]
mod tests {
    fn rendered() -> String {
        String::from_utf8(super::super::man(None)).unwrap()
    }

    #[test]
    fn the_usual_sections_are_there_in_order() {
        let page = rendered();
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let expected = "NAME SYNOPSIS DESCRIPTION OPTIONS COMMANDS ENVIRONMENT FILES EXIT_STATUS EXAMPLES SEE_ALSO";
        let headings: Vec<String> =
            headings.iter().map(|heading| heading.trim_matches('"').replace(' ', "_")).collect();
        assert_eq!(headings.join(" "), expected);
        assert!(page.contains(".SS \"Recording and demo\"\n") && page.contains(".SS \"Options of simulate\"\n"));
        assert!(page.contains(".SS \"Options of list\"\n"), "{page}");
        assert!(page.is_ascii());
        assert!(page.contains("stall\\-buffer") && !page.contains("no\\-color"));
        assert!(page.contains("raw: frames as received"), "{page}");
    }
}
