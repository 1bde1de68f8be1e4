//! The account: endpoints, credentials, and warnings about them.

use std::path::Path;

use crate::cli::AccountArgs;
use crate::config::{Credentials, Endpoints};
use crate::system::private_file::exposed_mode;

use super::endpoint_group::EndpointGroup;
use super::env::{CLIENT_ID_VARIABLES, CLIENT_SECRET_VARIABLES, Env};
use super::problems::{MISSING_CLIENT_ID, MISSING_CLIENT_SECRET, Problems, SECRET_NOT_ALONE};
use super::settings_file::{self, Stdin};

/// The account to sign in to.
pub(super) struct Account {
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Credentials,
}

/// Returns whether a client id, a secret or a profile is set, usable or not.
pub(super) fn has_client(args: &AccountArgs, env: &Env) -> bool {
    let is_typed = args.client_id.as_deref().is_some_and(|id| !id.is_empty()) || secret_file(args).is_some();
    let is_variable = |names: &[&str]| env.first_variable(names).is_some();
    is_typed
        || env.profile_flag().is_some()
        || is_variable(&CLIENT_ID_VARIABLES)
        || is_variable(&CLIENT_SECRET_VARIABLES)
}

/// Resolves the account of an endpoint group. `None` if a problem was added.
pub(super) fn resolve(
    args: &AccountArgs,
    group: EndpointGroup,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> Option<Account> {
    let EndpointGroup { endpoints, has_api_url } = group;
    let credentials = credentials(args, env, stdin, problems);
    if endpoints.as_ref().is_some_and(|endpoints| !endpoints.are_local()) {
        problems.warn(exposed_secret_file(args));
        problems.warn(env.exposed_secrets());
    }
    problems.warn(unused_gateway(env).filter(|_| !has_api_url));
    Some(Account { endpoints: endpoints?, credentials: credentials? })
}

/// Resolves the client. A profile takes precedence over variables (CLI-63).
fn credentials(args: &AccountArgs, env: &Env, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<Credentials> {
    let typed_id = env.flag_or(args.client_id.as_deref(), "--client-id", &[]);
    let id = match typed_id {
        Some(setting) => trimmed_value(&setting.name, MISSING_CLIENT_ID, &setting.value, problems),
        None => from_profile_or_variable(env, MISSING_CLIENT_ID, &CLIENT_ID_VARIABLES, problems),
    };
    let secret_file = secret_file(args);
    let secret = match secret_file {
        Some(path) => secret_from_file(path, stdin, problems),
        None => from_profile_or_variable(env, MISSING_CLIENT_SECRET, &CLIENT_SECRET_VARIABLES, problems),
    };
    report_missing(id.is_none(), secret_file.is_none() && secret.is_none(), env, problems);
    Some(Credentials { client_id: id?, client_secret: secret?.into() })
}

fn report_missing(is_id_missing: bool, is_secret_missing: bool, env: &Env, problems: &mut Problems) {
    if !is_id_missing && !is_secret_missing {
        return;
    }
    if let Some(problem) = env.profile_without_client() {
        return problems.add(problem);
    }
    if is_id_missing {
        problems.missing(MISSING_CLIENT_ID, "--client-id, GENESYS_CLIENT_ID");
    }
    if is_secret_missing {
        problems.missing(MISSING_CLIENT_SECRET, "--client-secret-file, GENESYS_CLIENT_SECRET");
    }
    env.unusable_token().into_iter().for_each(|problem| problems.add(problem));
}

/// Returns the value of the profile, or else of the variables if no profile is selected.
fn from_profile_or_variable(env: &Env, what: &str, names: &[&str], problems: &mut Problems) -> Option<String> {
    let setting = match env.profile_flag() {
        Some(_) => names.iter().find_map(|name| env.profile_value(name)),
        None => env.first_variable(names),
    }?;
    trimmed_value(&setting.name, what, &setting.value, problems)
}

/// Returns the value without line breaks, blanks, quotes and byte order marks around it, or `None` if nothing remains.
fn trimmed_value(setting: &str, what: &str, value: &str, problems: &mut Problems) -> Option<String> {
    let trimmed = settings_file::trimmed(value);
    if trimmed.len() != value.len() {
        problems.note(format!("{setting}: blanks, line breaks, quotes or a byte order mark around the {what} removed"));
    }
    Some(trimmed.to_owned()).filter(|value| !value.is_empty())
}

/// Returns the path of `--client-secret-file`.
fn secret_file(args: &AccountArgs) -> Option<&Path> {
    args.client_secret_file.as_deref().filter(|path| !path.as_os_str().is_empty())
}

/// Reads the secret. The one trailing line break that every editor leaves is worth no note.
fn secret_from_file(path: &Path, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<String> {
    let setting = format!("--client-secret-file {}", path.display());
    let text = if path == Path::new("-") {
        stdin.read_for("--client-secret-file -")
    } else {
        settings_file::read_bytes(path).and_then(settings_file::decode)
    };
    let text = text.map_err(|reason| problems.unusable(&setting, reason)).ok()?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let secret = trimmed_value(&setting, MISSING_CLIENT_SECRET, line, problems);
    match secret {
        None => problems.unusable(setting, "contains no secret"),
        Some(secret) if is_secret_alone(&secret) => return Some(secret),
        Some(_) => problems.unusable(setting, SECRET_NOT_ALONE),
    }
    None
}

/// Returns whether a text can be a secret: it is neither several lines nor a line of a settings file.
fn is_secret_alone(text: &str) -> bool {
    !text.contains(char::is_control) && !text.contains("CLIENT_SECRET=")
}

/// Returns a warning if other users can read the file with the secret (CLI-76).
fn exposed_secret_file(args: &AccountArgs) -> Option<String> {
    let path = secret_file(args).filter(|path| path.is_file())?;
    Some(settings_file::exposure_warning(path, exposed_mode(path)?))
}

/// Returns a warning if a gateway is set that other Genesys tools would use.
fn unused_gateway(env: &Env) -> Option<String> {
    let gateway = env.get("GENESYSCLOUD_GATEWAY_HOST")?;
    Some(format!("{} is ignored; for a gateway, use --api-url and --login-url", gateway.name))
}
