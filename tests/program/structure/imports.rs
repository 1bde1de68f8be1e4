//! The imports between modules, import cycles between files, and the place of each crate.

use super::assert_none;
use super::module_tree::{ItemPath, MODULE_TREE, Target, is_within};

/// The imports of each module: other modules, or the named parts of them. A module imports only modules of later rows. The
/// crate roots and `fuzz` may import everything.
const IMPORTS: &[(&str, &str)] = &[
    (
        "commands",
        "api caseless config cursor decision dedup delivery event exit_code output plural settings simulator source status
         supervisor system wire",
    ),
    (
        "supervisor",
        // The handle makes a source wait while the reader of stdout is too slow.
        "backoff config decision dedup delivery event output::WriterHandle plural source status::connection_status",
    ),
    (
        "delivery",
        "config cursor dedup event output plural rate_limited_warning redaction source::BackfillReason source::Item source::ItemKind
         source::TimedEvent status::stderr system",
    ),
    (
        "source",
        "api backoff caseless config decision dedup event exit_code plural rate_limited_warning status::redact status::work
         system::io_error system::last_activity tracker wire",
    ),
    ("settings", "cli config redaction system::environment system::io_error system::private_file"),
    ("tracker", "api::rest::RestError backoff config decision dedup event wire"),
    ("api", "backoff config decision event exit_code status::redact system wire"),
    // Completions offer the names of scripts and faults.
    ("cli", "config event::Role redaction simulator::Script simulator::fault_names"),
    ("cursor", "dedup::CAPACITY dedup::FingerprintKey dedup::checkpoint event system::io_error system::private_file"),
    ("dedup", "event"),
    (
        "status",
        "config output::Prefixes output::escape redaction system::last_activity
         system::service_manager system::stderr system::stream",
    ),
    (
        "output",
        "byte_scan config event system::io_error system::nonblocking_pipe system::private_file system::reader_monitor
         system::stream system::whole_lines",
    ),
    ("wire", "byte_scan event"),
    ("decision", "config::Retries exit_code"),
    ("config", "event::Role redaction"),
    ("redaction", "event"),
    ("event", ""),
    ("exit_code", ""),
    ("system", ""),
    ("backoff", ""),
    ("byte_scan", ""),
    ("caseless", ""),
    ("plural", ""),
    ("rate_limited_warning", ""),
    ("simulator", ""),
];

/// The crate roots and the modules that may import everything.
const EXEMPT: [&str; 3] = ["", "main", "fuzz"];

/// The only files and folders that name a crate or a part of the standard library.
const CRATES: &[(&str, &str)] = &[
    ("axum", "src/simulator/http/"),
    ("clap", "src/cli/"),
    ("clap_complete", "src/cli/"),
    ("clap_mangen", "src/cli/"),
    ("pulldown_cmark", "src/cli/topics/markdown/commonmark.rs"),
    ("roff", "src/cli/"),
    // The fuzzed response bodies have a status and headers.
    ("reqwest", "src/api/ src/fuzz.rs"),
    ("hyper", "src/api/ src/simulator/"),
    ("hyper_util", "src/api/ src/simulator/"),
    // The run installs the provider, and an unusable CA bundle is a problem of the settings.
    ("rustls", "src/api/ src/lib.rs src/config/ca_bundle.rs"),
    ("std::env", "src/main.rs src/settings/"),
    ("std::rc", "src/output/"),
    ("tokio_tungstenite", "src/api/websocket.rs src/api/websocket/ src/simulator/ws/"),
    // The simulator composes a message once and shares its text among the sockets. Its handshake is an HTTP handler.
    ("tokio_tungstenite::tungstenite::Utf8Bytes", "src/simulator/state/"),
    ("tokio_tungstenite::tungstenite::handshake::derive_accept_key", "src/simulator/http/websocket_upgrade.rs"),
];

/// The modules that perform no I/O and read no clock.
const PURE_MODULES: [&str; 5] = ["decision", "dedup", "event", "tracker", "wire"];

/// The crates, modules and functions for I/O and time.
const IMPURE: [&str; 8] =
    ["tokio", "std::fs", "std::io", "std::net", "std::process", "std::thread", "Instant::now", "Utc::now"];

#[test]
fn modules_import_only_the_modules_of_the_table() {
    let violations = violations(|module, path| {
        let Target::Local(target) = &path.target else { return None };
        let allowed = IMPORTS.iter().find(|(name, _)| *name == module).map_or("", |(_, allowed)| allowed);
        let is_allowed = EXEMPT.contains(&module) || is_within(target, module) || is_listed(target, allowed);
        (!is_allowed).then(|| format!("{module} imports {target}"))
    });
    assert_none(&violations);
}

#[test]
fn the_table_of_imports_names_only_modules_of_later_rows() {
    let mut violations = Vec::new();
    for (row, (module, allowed)) in IMPORTS.iter().enumerate() {
        let is_later = |path: &str| IMPORTS[row + 1..].iter().any(|(later, _)| is_within(path, later));
        let upward = allowed.split_whitespace().filter(|path| !is_later(path));
        violations.extend(upward.map(|path| format!("{module} imports {path}")));
    }
    assert_none(&violations);
}

#[test]
fn files_form_no_import_cycles() {
    assert_none(&MODULE_TREE.cyclic_dependencies());
}

#[test]
fn crates_are_named_only_in_their_places() {
    let violations = violations(|_, path| {
        let Target::External(name) = &path.target else { return None };
        let mut places = CRATES.iter().filter(|(item, _)| is_within(name, item)).map(|(_, places)| places).peekable();
        places.peek()?;
        let is_allowed = places.any(|places| places.split(' ').any(|place| path.place.starts_with(place)));
        (!is_allowed).then(|| name.clone())
    });
    assert_none(&violations);
}

#[test]
fn the_tracker_and_the_modules_below_it_perform_no_io() {
    let violations = violations(|module, path| {
        let Target::External(name) = &path.target else { return None };
        let is_impure = IMPURE.iter().any(|item| is_within(name, item)) && name != "tokio::time::Instant";
        // The callers of the tracker read the clock with `Now::read`.
        let is_allowed = path.place.starts_with("src/tracker/protocol.rs") && name.ends_with("::now");
        (PURE_MODULES.contains(&module) && is_impure && !is_allowed).then(|| name.clone())
    });
    assert_none(&violations);
}

/// Returns the places of the paths for which `check` gives a reason. It takes the top module and the path.
fn violations(check: impl Fn(&str, &ItemPath) -> Option<String>) -> Vec<String> {
    let mut violations = Vec::new();
    for (module, path) in MODULE_TREE.paths() {
        let reason = check(module.split("::").next().unwrap(), path);
        violations.extend(reason.map(|reason| format!("{}: {reason}", path.place)));
    }
    violations
}

/// Returns whether a path is an item of a list, or below one.
fn is_listed(path: &str, list: &str) -> bool {
    list.split_whitespace().any(|item| is_within(path, item))
}
