//! The account: endpoints, credentials, and warnings about them.

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use crate::cli::AccountArgs;
use crate::config::{Credentials, Endpoints};
use crate::system::io_error;

use super::endpoints;
use super::env::{CLIENT_ID_VARIABLES, CLIENT_SECRET_VARIABLES, Env};
use super::problems::Problems;
use super::settings_file::Stdin;

/// The account to sign in to.
pub(super) struct Account {
    pub(super) endpoints: Endpoints,
    pub(super) credentials: Credentials,
}

/// Resolves the account. `None` if a problem was added.
pub(super) fn resolve(
    args: &AccountArgs,
    env: &Env,
    stdin: &mut Stdin<'_>,
    problems: &mut Problems,
) -> Option<Account> {
    let endpoints = endpoints::resolve(args, env, problems);
    let credentials = credentials(args, env, stdin, problems);
    if endpoints.as_ref().is_some_and(|endpoints| !endpoints.are_local()) {
        problems.warn(env.exposed_secrets());
    }
    problems.warn(env.overridden_profile());
    problems.warn(unused_gateway(args, env));
    Some(Account { endpoints: endpoints?, credentials: credentials? })
}

fn credentials(args: &AccountArgs, env: &Env, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<Credentials> {
    let id = env.flag_or(args.client_id.as_deref(), "--client-id", &CLIENT_ID_VARIABLES);
    if id.is_none() {
        problems.missing("client id", "--client-id, GENESYS_CLIENT_ID");
    }
    let path = args.client_secret_file.as_deref().filter(|path| !path.as_os_str().is_empty());
    let secret = match path {
        Some(path) => secret_from_file(path, stdin, problems),
        None => secret_from_variable(env, problems),
    };
    if let Some(problem) = env.unusable_client().filter(|_| id.is_none() || secret.is_none()) {
        problems.add(problem);
    }
    Some(Credentials { client_id: id?.value.trim().to_owned(), client_secret: secret? })
}

fn secret_from_variable(env: &Env, problems: &mut Problems) -> Option<SecretString> {
    let secret = CLIENT_SECRET_VARIABLES.iter().find_map(|name| env.get(name));
    if secret.is_none() {
        problems.missing("client secret", "--client-secret-file, GENESYS_CLIENT_SECRET");
    }
    secret.map(|setting| setting.value.into())
}

/// Reads the secret: the whole file without one trailing line break, which every editor leaves.
fn secret_from_file(path: &Path, stdin: &mut Stdin<'_>, problems: &mut Problems) -> Option<SecretString> {
    let setting = || format!("--client-secret-file {}", path.display());
    let text = if path == Path::new("-") {
        stdin.read_for("--client-secret-file -")
    } else {
        fs::read_to_string(path).map_err(|error| io_error::describe(&error))
    };
    let text = text.map_err(|reason| problems.unusable(setting(), reason)).ok()?;
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.trim().is_empty() {
        problems.unusable(setting(), "contains no secret");
        return None;
    }
    Some(secret.to_owned().into())
}

/// Returns a warning if a gateway is set that other Genesys tools would use.
fn unused_gateway(args: &AccountArgs, env: &Env) -> Option<String> {
    let gateway = env.get("GENESYSCLOUD_GATEWAY_HOST").filter(|_| endpoints::api_url(args, env).is_none())?;
    Some(format!("{} is ignored; for a gateway, use --api-url and --login-url", gateway.name))
}
