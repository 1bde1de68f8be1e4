//! The manual page: `clap_mangen` renders the flags, the other sections are written here.

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, italic, roman};

use super::help;

const USAGE: &str = "\
genesys-tail [OPTIONS] [CONVERSATION]...
genesys-tail check [OPTIONS] [CONVERSATION]...
genesys-tail simulate [OPTIONS]
genesys-tail schema
genesys-tail completions SHELL
genesys-tail man";

const DESCRIPTION: [&str; 4] = [
    "Follows conversations of Genesys Cloud as tail -f follows a file: one line a message on standard output, everything \
     else on standard error, until the conversation closes. Lost connections are made again; nothing is printed twice, and \
     what was missed is read afterwards where that is permitted.",
    "A conversation is an id or a URL pasted from the browser. Several are followed in one process, as are all of a queue \
     or of a user.",
    "What comes over the network cannot forge a line or drive a terminal: control characters are spelled out.",
    "Durations are written 10s, 1m30s or 500ms, sizes 65536, 64KiB or 16MiB.",
];

const VARIABLES: [(&str, &str); 22] = [
    ("GENESYS_CONVERSATION_ID", "The conversation to follow; several are separated by commas."),
    ("GENESYS_REGION", "The region as AWS name, domain or URL."),
    ("GENESYSCLOUD_REGION", "The same, where GENESYS_REGION is not set."),
    ("GENESYS_CLIENT_ID", "The id of the OAuth client."),
    ("GENESYSCLOUD_OAUTHCLIENT_ID", "The same, where GENESYS_CLIENT_ID is not set."),
    ("GENESYS_CLIENT_SECRET", "Its secret."),
    ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "The same, where GENESYS_CLIENT_SECRET is not set."),
    ("GENESYSCLOUD_ACCESS_TOKEN", "Not taken: a token cannot be renewed. A message says so where nothing else is set."),
    ("GENESYS_API_URL", "The API, when it is not the region's."),
    ("GENESYS_LOGIN_URL", "The token endpoint, when it is not the region's."),
    ("GENESYS_TAIL_LOG", "Which status lines are wanted, as a filter: debug, genesys_tail::supervisor=trace."),
    ("HTTPS_PROXY", "The proxy to connect through: http, https or socks5, with user and password where it wants them."),
    ("ALL_PROXY", "The same, where HTTPS_PROXY is not set."),
    ("NO_PROXY", "Hosts to reach without a proxy."),
    ("GENESYSCLOUD_PROXY_HOST", "The proxy of other Genesys tools, where none of the above is set."),
    ("GENESYSCLOUD_PROXY_PORT", "Its port."),
    ("GENESYSCLOUD_PROXY_PROTOCOL", "Its protocol, http or https."),
    ("GENESYSCLOUD_PROXY_AUTH_USERNAME", "Who signs in there."),
    ("GENESYSCLOUD_PROXY_AUTH_PASSWORD", "With which password."),
    ("SSL_CERT_FILE", "Certificates to trust instead of the system's."),
    ("NO_COLOR", "Any value: no colors. TERM=dumb means the same."),
    ("CLICOLOR_FORCE", "Any value but 0: colors even into a pipe."),
];

const FILES: [(&str, &str); 2] = [
    (".env", "Variables, in this folder or the nearest parent that has one; --env-file names another file."),
    (
        "~/.gc/config.toml",
        "The profiles of gc, the command line of Genesys Cloud, read with --profile only. Where there is no such file, \
     config.toml in this folder, as gc does it.",
    ),
];

const EXITS: [(&str, &str); 12] = [
    ("0", "The conversation or its connection was closed normally, everything was printed, or the reader went away."),
    ("2", "Wrong usage."),
    ("66", "No such conversation, no such recording."),
    ("69", "Gave up after --max-retries, or a certificate is refused."),
    ("70", "The machine refuses what every program needs, or a bug in this program."),
    ("74", "Output, cursor or recording cannot be written."),
    ("76", "The server, or a recording, speaks something else."),
    ("77", "Credentials are refused, or a permission is missing."),
    ("78", "A setting is missing, unusable or contradictory."),
    ("129", "Ended by SIGHUP, after what was read has been written."),
    ("130", "Ended by SIGINT (Ctrl-C), in the same way."),
    ("143", "Ended by SIGTERM, in the same way."),
];

/// Renders the page as roff.
pub(super) fn page(mut command: Command) -> Vec<u8> {
    command.build();
    let version = format!("genesys-tail {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone().override_usage(USAGE))
        .title("GENESYS-TAIL")
        .section("1")
        .source(version)
        .manual("User Commands");
    let mut page = Vec::new();
    man.render_title(&mut page).and_then(|()| man.render_name_section(&mut page)).expect(MEMORY);
    man.render_synopsis_section(&mut page).expect(MEMORY);
    description().to_writer(&mut page).expect(MEMORY);
    page.extend(section("OPTIONS", &options(&command)).into_bytes());
    commands(&command, &mut page);
    for part in [table("ENVIRONMENT", &VARIABLES), table("FILES", &FILES), table("EXIT STATUS", &EXITS), examples()] {
        part.to_writer(&mut page).expect(MEMORY);
    }
    page
}

const MEMORY: &str = "writing to memory does not fail";

fn description() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in DESCRIPTION {
        roff.control("PP", []).text([roman(paragraph)]);
    }
    roff
}

/// Renders the flags of a command, each group of the help under a second-level heading.
fn options(command: &Command) -> String {
    let mut rendered = Vec::new();
    Man::new(command.clone()).render_options_section(&mut rendered).expect(MEMORY);
    let rendered = String::from_utf8_lossy(&rendered).replace(".SH OPTIONS\n", ".SS General\n");
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

/// Appends the subcommands. The flags of `check` are not repeated: they are those of the tail.
fn commands(command: &Command, page: &mut Vec<u8>) {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for subcommand in command.get_subcommands() {
        let about = subcommand.get_long_about().or_else(|| subcommand.get_about()).map(ToString::to_string);
        let about = about.unwrap_or_default().replace("\n\n", ". ");
        roff.control("TP", []).text([bold(subcommand.get_name())]).text([roman(about)]);
    }
    roff.to_writer(page).expect(MEMORY);
    if let Some(simulate) = command.find_subcommand("simulate") {
        let options = options(simulate).replace(".SS General\n", ".SS \"Options of simulate\"\n");
        page.extend(options.split(".SS \"Status lines\"").next().unwrap_or_default().bytes());
    }
}

fn table(heading: &str, rows: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (term, text) in rows {
        roff.control("TP", []).text([bold(*term)]).text([roman(*text)]);
    }
    roff
}

/// Renders the examples of the help: a command, at least two blanks, and its purpose.
fn examples() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    // The page is ASCII only, because not every pager shows more.
    for line in help::EXAMPLES.replace('…', "...").lines().skip(1) {
        let (command, purpose) = line.trim().split_once("  ").unwrap_or((line, ""));
        roff.control("TP", []).text([bold(command)]).text([italic(purpose.trim())]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> String {
        String::from_utf8(super::super::man()).unwrap()
    }

    #[test]
    fn the_usual_sections_are_there_in_order() {
        let page = rendered();
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let headings: Vec<&str> = headings.into_iter().map(|heading| heading.trim_matches('"')).collect();
        let expected = "NAME SYNOPSIS DESCRIPTION OPTIONS COMMANDS ENVIRONMENT FILES EXIT_STATUS EXAMPLES";
        assert_eq!(headings.join(" ").replace("EXIT STATUS", "EXIT_STATUS"), expected);
        assert!(page.contains(".SS \"Recording and demo\"\n") && page.contains(".SS \"Options of simulate\"\n"));
        assert!(page.is_ascii());
        assert!(page.contains("stall\\-buffer") && !page.contains("no\\-color") && !page.contains("Possible values"));
    }

    #[test]
    fn every_variable_and_every_exit_code_is_explained() {
        let variable = regex::Regex::new(r"(?m)^#?([A-Z_]+)=").unwrap();
        for found in variable.captures_iter(include_str!("../../.env.example")) {
            assert!(VARIABLES.iter().any(|(name, _)| *name == &found[1]), "{}", &found[1]);
        }
        let code = regex::Regex::new(r"(?m)^const [A-Z_]+: u8 = (\d+);").unwrap();
        let codes: Vec<_> = code.captures_iter(include_str!("../exit_code.rs")).collect();
        assert!(codes.len() >= 7, "the constants were moved");
        for found in codes {
            assert!(EXITS.iter().any(|(number, _)| *number == &found[1]), "{}", &found[1]);
        }
    }
}
