//! Texts of the help around the flags.

use clap::Command;

/// The texts that replace those of `--help` in `-h`, by the id of the argument, so that each fits into one line.
const SHORT_HELPS: [(&str, &str); 20] = [
    ("conversations", "Follow this one; @FILE, @- read ids"),
    ("queues", "Queue: id or name"),
    ("users", "User: id, e-mail address or name"),
    ("media", "Media of queues and users: message, call"),
    ("source", "Use transcript or notifications"),
    ("region", "Region, domain or URL [default: us-east-1]"),
    ("output", "Format: text, json or raw"),
    ("timestamps", "Time: time, iso, relative or none"),
    ("prefix", "Conversation id: short, full or none"),
    ("color", "Colors: auto, always or never"),
    ("multiline", "Line breaks: escape or indent"),
    ("only", "Show only customer, agent, bot or system"),
    ("hide", "Hide lines: update, closed or gap"),
    ("redact", "Redact card, email, phone, iban, all"),
    ("max_retries", "Retries in a row, or unlimited [default: 5]"),
    ("idle_timeout", "Reconnect if idle this long"),
    ("connect_timeout", "Time limit per attempt"),
    ("log_format", "Format: text or json"),
    ("listen", "Loopback address"),
    ("script", "Built-in script or file [default: demo]"),
];

pub(super) const SOURCE: &str = "How to receive messages; auto tries the transcript socket first";

pub(super) const SOURCE_LONG: &str = "\
How to receive messages; auto tries the transcript socket first

Queues, users and calls need notifications. A call is transcribed with a delay of up to about 35 s.";

pub(super) const USAGE: &str = "\
genesys-tail [OPTIONS] [CONVERSATION]...
       genesys-tail <COMMAND>";

pub(super) const EXAMPLES: &str = "\
Examples:
  genesys-tail --demo                                Show a demo conversation
  genesys-tail check                                 Check account and network
  genesys-tail 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77  Follow one conversation
  genesys-tail ID -n 20                              Show 20 lines, then follow
  genesys-tail ID --no-follow > talk.txt             Save the history and exit
  genesys-tail -c @ids.txt >> talk.log               Follow many, into a file
  genesys-tail --queue Billing                       Follow a queue
  genesys-tail list                                  List open conversations
  genesys-tail ID | grep --line-buffered Ada         Show lines with \"Ada\"
  genesys-tail ID --json | jq -a .text               Extract text
  genesys-tail simulate > simulate.env &             Run a local Genesys Cloud
  genesys-tail --env-file simulate.env               Follow its conversation";

pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  genesys-tail list                          List open conversations
  genesys-tail list --queue Billing          List those of a queue
  genesys-tail list --customer ada --all     Find those of a customer
  genesys-tail list | fzf | cut -f1 | genesys-tail -c @-
                                             Select one and follow it
  genesys-tail list --json | jq -a .id       Print the ids";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  genesys-tail check                 Check account and network
  genesys-tail check ID              Also check this conversation
  genesys-tail check --profile prod  Check the account of a gc profile";

pub(super) const SIMULATE_EXAMPLES: &str = "\
Examples:
  genesys-tail simulate > simulate.env &                   Start a simulator
  genesys-tail --env-file simulate.env                     Follow the simulator
  genesys-tail simulate --script flood:100000 --rate 1000  Test throughput
  genesys-tail simulate --fault socket:reset,after=4       Break the connection
  genesys-tail simulate --events feed.jsonl                Write an event feed
  genesys-tail simulate --fault help                       List all faults";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(genesys-tail completions bash)
  genesys-tail completions bash > ~/.local/share/bash-completion/completions/genesys-tail
  genesys-tail completions zsh > ~/.zfunc/_genesys-tail
  genesys-tail completions fish > ~/.config/fish/completions/genesys-tail.fish
  genesys-tail completions powershell >> $PROFILE
  genesys-tail completions elvish >> ~/.config/elvish/rc.elv";

pub(super) const AFTER_SHORT: &str = "Details: genesys-tail --help. Topics: genesys-tail help TOPIC.";

pub(super) const NOTES: &str = "\
Settings: flags take precedence over --profile, then variables, then .env.
Durations: 10s, 1m30s, 500ms, or a number of seconds.
Sizes: 65536 (bytes), 64KiB, 16MiB, 1GiB.
Exit codes: 0 ended normally, 2 usage, 66 not found, 69 gave up, 70 internal
error, 74 output failed, 76 unexpected response, 77 access denied, 78 settings.
Topics: genesys-tail help TOPIC.";

/// Returns the text after the flags of `--help`.
pub(super) fn after_long_help() -> String {
    format!("{NOTES}\n\n{EXAMPLES}")
}

/// Shortens the texts of the flags to one line each.
pub(super) fn shortened(command: Command) -> Command {
    command.mut_args(|arg| {
        let short = SHORT_HELPS.iter().find(|(id, _)| *id == arg.get_id().as_str());
        match short {
            Some((_, help)) => arg.help(*help),
            None => arg,
        }
    })
}
